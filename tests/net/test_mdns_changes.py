"""Discovery while things change: scenes that each take seconds, played at once, asked one by one."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.net.announced_hubs import AnnouncedHub
from tests.net.avahi import PATIENCE_S, AvahiMachine, Found, MulticastListener, addresses_of, within
from tests.net.network import Machine, Network

FOLLOWS_S = 10.0


class Stage:
    """What a scene has: the network, an avahi, a machine that asks, and hubs of its own."""

    def __init__(self, network: Network, pad: AvahiMachine, listener: Machine, folder: Path) -> None:
        self.network, self.pad, self.listener, self.folder = network, pad, listener, folder
        self.hubs: list[AnnouncedHub] = []
        self._numbers = itertools.count()

    def hub(self, machine: Machine, *args: str) -> AnnouncedHub:
        """A hub that is stopped at the end."""
        self.hubs.append(AnnouncedHub(machine, self.folder / f"hub{next(self._numbers)}", *args))
        return self.hubs[-1]

    def heard_at(self, hub: AnnouncedHub, host: str, address: str) -> str:
        """The seconds until one who has heard nothing yet is told that address and no other."""
        return followed(hub, lambda: addresses_of(self.listener, host) == {address})


def followed(hub: AnnouncedHub, ask: Callable[[], object]) -> str:
    """The seconds until it is so, as told; fails over 10 s by the hub's own clock."""
    began = hub.clock()
    _, wall_s = within(PATIENCE_S, ask)
    took_s = hub.clock() - began
    assert took_s <= FOLLOWS_S, f"after {took_s:.1f} s ({wall_s:.1f} s with what the machine took)"
    return f"{took_s:.1f} s ({wall_s:.1f} s with what the machine took)"


def moves(stage: Stage, machine: Machine) -> str:
    """Its address changes, as by DHCP."""
    machine.ip("address", "add", "10.77.0.20/24", "dev", "eth0")
    hub = stage.hub(machine, "--name", "Moves")
    host = hub.until("announced")["host"]
    within(PATIENCE_S, lambda: stage.pad.resolve(host) == "10.77.0.20")
    machine.ip("address", "del", "10.77.0.20/24", "dev", "eth0")
    machine.ip("address", "add", "10.77.0.21/24", "dev", "eth0")
    took = stage.heard_at(hub, host, "10.77.0.21")
    within(PATIENCE_S, lambda: stage.pad.resolve(host) == "10.77.0.21")
    within(PATIENCE_S, lambda: hub.discovery()["addresses"] == ["10.77.0.21"])
    return f"a fresh browser was told the new address after {took}"


def loses_its_cable(stage: Stage, machine: Machine) -> str:
    """Its cable is pulled and put back."""
    machine.ip("address", "add", "10.77.0.30/24", "dev", "eth0")
    return _cut(stage, machine, "10.77.0.30", stage.network.switch, stage.network.port(machine))


def is_taken_down(stage: Stage, machine: Machine) -> str:
    """Its interface is taken down and up."""
    machine.ip("address", "add", "10.77.0.31/24", "dev", "eth0")
    return _cut(stage, machine, "10.77.0.31", machine, "eth0")


def _cut(stage: Stage, machine: Machine, address: str, where: Machine, link: str) -> str:
    hub = stage.hub(machine)
    host = hub.until("announced")["host"]
    where.ip("link", "set", link, "down")
    assert "no cable" in hub.until("waiting")["reason"]
    where.ip("link", "set", link, "up")
    took = stage.heard_at(hub, host, address)
    hub.until("announced")
    return f"found again after {took}"


def gets_its_network_late(stage: Stage, machine: Machine) -> str:
    """Its network comes after the hub, as Wi-Fi does after a boot."""
    hub = stage.hub(machine, "--name", "Late")
    within(PATIENCE_S, lambda: "no cable" in hub.discovery().get("reason", ""))
    machine.ip("address", "add", "10.77.0.40/24", "dev", "eth0")
    took = followed(hub, lambda: "Late" in stage.pad.names())
    return f"found after {took}"


def leaves(stage: Stage, machine: Machine) -> str:
    """It is stopped."""
    machine.ip("address", "add", "10.77.0.50/24", "dev", "eth0")
    hub = stage.hub(machine, "--name", "Addio")
    hub.until("announced")
    within(PATIENCE_S, lambda: "Addio" in stage.pad.names())
    ear = MulticastListener(stage.listener)
    began = time.monotonic()
    assert hub.stop() == 0
    took_s = time.monotonic() - began
    with ear.socket:
        assert ear.goodbyes("Addio.", PATIENCE_S) == {"Addio._restohub._tcp.local.", "Addio._http._tcp.local."}
    within(PATIENCE_S, lambda: "Addio" not in stage.pad.names())
    return f"stopped after {took_s:.2f} s"


def finds_port_5353_taken(stage: Stage, machine: Machine) -> str:
    """Another program has the port of mDNS to itself for a while."""
    machine.ip("address", "add", "10.77.0.70/24", "dev", "eth0")

    def take() -> socket.socket:
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("0.0.0.0", 5353))
        return taken

    with machine.inside(take):
        hub = stage.hub(machine, "--name", "Patient")
        assert "5353" in hub.until("failed")["reason"]
        assert hub.health()["status"] == "healthy"
    hub.until("announced")
    within(PATIENCE_S, lambda: "Patient" in stage.pad.names())
    assert hub.log.read_text().count("UDP port 5353") == 1
    return "said once"


def is_one_of_three_of_a_name(stage: Stage, machine: Machine) -> str:
    """Two hubs of one name start together, a third later."""
    machines = [machine, *(stage.network.machine(f"twin{n}", f"10.77.0.{11 + n}/24") for n in range(2))]
    machine.ip("address", "add", "10.77.0.10/24", "dev", "eth0")
    hubs = [stage.hub(one, "--name", "Gemelli") for one in machines[:2]]
    for hub in hubs:
        hub.until("announced")

    def apart(count: int) -> list[Found] | None:
        found = [one for one in stage.pad.browse() if one.name.startswith("Gemelli")]
        names, ids = {one.name for one in found}, {one.txt.get("id") for one in found}
        return found if len(names) == len(ids) == count else None

    within(2 * PATIENCE_S, lambda: apart(2))  # each asks the other for most of a minute
    hubs.append(stage.hub(machines[2], "--name", "Gemelli"))
    found, _ = within(PATIENCE_S, lambda: apart(3))
    assert sum(one.name == "Gemelli" for one in found) == 1
    said = [hub.until("announced") for hub in hubs]  # it answers a question while it still tells its name to all
    assert {(one.host, one.address) for one in found} == {(one["host"], one["addresses"][0]) for one in said}
    return ", ".join(one.name for one in found)


NAMES = {"St. Anna": "St\u2024 Anna", "ü" * 200: "ü" * 31, "a" * 200: "a" * 63, "Bar\tRosé": "Bar Rosé"}


def has_any_name(stage: Stage, machine: Machine) -> str:
    """Its name has a dot, is too long, or is not one of a network."""
    machine.ip("address", "add", "10.77.0.73/24", "dev", "eth0")
    for n, name in enumerate(NAMES):
        stage.hub(machine, "--port", str(8010 + n), "--name", name)
    within(PATIENCE_S, lambda: set(NAMES.values()) <= set(stage.pad.names()))
    return "found under all four"


SCENES: tuple[Callable[[Stage, Machine], str], ...] = (
    moves,
    loses_its_cable,
    is_taken_down,
    gets_its_network_late,
    leaves,
    finds_port_5353_taken,
    is_one_of_three_of_a_name,
    has_any_name,
)


@pytest.fixture(scope="module")
def played(
    network: Network, pad: AvahiMachine, listener: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[str]]]:
    """Every scene, begun at once."""
    stage = Stage(network, pad, listener, tmp_path_factory.mktemp("scenes"))
    with ThreadPoolExecutor(len(SCENES)) as pool:
        machines = [network.machine(f"scene{n}", "fe80::1234/64") for n in range(len(SCENES))]
        yield {act.__name__: pool.submit(act, stage, machines[n]) for n, act in enumerate(SCENES)}
    for hub in stage.hubs:
        hub.ask_to_stop()
    for hub in stage.hubs:
        hub.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", [act.__name__ for act in SCENES])
def test_a_hub_stays_found_when_it(played: dict[str, Future[str]], scene: str) -> None:
    print(f"{scene}: {played[scene].result(250)}")
