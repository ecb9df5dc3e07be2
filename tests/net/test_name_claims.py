"""A hub whose name another announces: an announcement alone, however often it comes, renames nobody."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from zeroconf import DNSPointer

from restohub.limits import RIVAL_ANSWERS, RIVAL_ASKED_EVERY_S, RIVALS_ASKED_A_MINUTE
from restohub.net.urls import host_name
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import GROUP, PATIENCE_S, TYPE_A, TYPE_PTR, asked, within
from tests.net.impostor import FIRST_HOST, claim, health, impostor
from tests.net.network import Network, a_network

LONG_ENOUGH_S = 8.0
COUNTED_WITHIN_S = RIVAL_ASKED_EVERY_S * (RIVAL_ANSWERS - 1) + 15


class Scene:
    """A hub's machine and a stranger's in a network of their own, and hubs there that are stopped at the end."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.machine = network.machine("hub", "10.77.0.1/24")
        self.stranger = network.machine("stranger", "10.77.0.66/24")
        self.hubs: list[AnnouncedHub] = []

    def hub(self, *args: str) -> AnnouncedHub:
        """A hub that is called Mine."""
        self.hubs.append(AnnouncedHub(self.machine, self.folder / f"hub{len(self.hubs)}", "--name", "Mine", *args))
        return self.hubs[-1]


def keeps(hub: AnnouncedHub, name: str, wait_s: float) -> None:
    """For so long the hub has that name whenever it is asked."""
    end, answered = time.monotonic() + wait_s, 0
    while time.monotonic() < end:
        said = hub.discovery()
        answered += bool(said)
        assert not said or (said["name"], said["state"]) == (name, "announced"), "it may be too busy to answer"
        time.sleep(0.5)  # to probe another name takes longer
    assert answered > 0


def faked_while_it_runs(scene: Scene) -> None:
    """A faked record; nobody is at its port, or somebody who is no hub, or another one than was announced."""
    hub = scene.hub()
    hub.until("announced")
    with impostor(scene.stranger, claim("Mine"), b"HTTP/1.0 200 OK\r\n\r\n{}", health("other-111111")) as other:
        keeps(hub, "Mine", LONG_ENOUGH_S)
        assert other.asked_at, "it was never asked"
    with impostor(scene.stranger, claim("Mine", "aaa.local.", port=9)):
        keeps(hub, "Mine", LONG_ENOUGH_S)
    found = within(PATIENCE_S, lambda: asked(scene.stranger, "_restohub._tcp.local.", TYPE_PTR))[0]
    assert [one.alias for one in found if isinstance(one, DNSPointer)] == ["Mine._restohub._tcp.local."]


def is_called(hub: AnnouncedHub, name: str) -> bool:
    """Whether the hub has this name in the network."""
    return bool(hub.discovery().get("name") == name)


def faked_before_it_starts(scene: Scene) -> None:
    """A faked record when it starts, and one who answers once and then no more."""
    with impostor(scene.stranger, claim("Mine", port=9)):
        hub = scene.hub()
        assert hub.until("announced")["name"] == "Mine"
        keeps(hub, "Mine", LONG_ENOUGH_S / 2)
    for _ in range(3):  # on a busy machine its one answer may come later than the hub waits for it
        assert hub.stop() == 0
        with impostor(scene.stranger, claim("Mine"), health()):
            hub = scene.hub()
            if hub.until("announced")["name"].startswith("Mine ("):
                within(COUNTED_WITHIN_S, partial(is_called, hub, "Mine"))
                return
    raise AssertionError("one who answered was never counted")


def answered_twice(scene: Scene) -> None:
    """One who answers as a hub twice, and then no more."""
    hub = scene.hub()
    hub.until("announced")
    with impostor(scene.stranger, claim("Mine"), health(), health()) as other:
        keeps(hub, "Mine", COUNTED_WITHIN_S)
        assert len(other.asked_at) > RIVAL_ANSWERS


def answered_for_a_minute(scene: Scene) -> None:
    """One who answers as a hub whenever it is asked is another hub of the name; it sorts first, so it has the name."""
    hub = scene.hub()
    hub.until("announced")
    with impostor(scene.stranger, claim("Mine"), *[health()] * 20) as other:
        within(COUNTED_WITHIN_S + 20, lambda: hub.discovery().get("name", "").startswith("Mine ("))
        first, *_, last = other.asked_at[:RIVAL_ANSWERS]
        assert len(other.asked_at) == RIVAL_ANSWERS
        assert last - first >= (RIVAL_ANSWERS - 1) * RIVAL_ASKED_EVERY_S - 1
    assert "(10.77.0.66, port 8066) is called 'Mine' too" in hub.log.read_text()


def a_copy_of_its_data(scene: Scene) -> None:
    """Its own id at another address: relayed by a proxy it is the hub itself; of another run, it is a copy."""
    hub = scene.hub()
    usual = hub.until("announced")["host"]
    told = hub.health()
    packet = claim("Other", f"{usual}.")
    with impostor(scene.stranger, packet, *[health(told["id"], told["run"])] * 20) as other:
        keeps(hub, "Mine", LONG_ENOUGH_S)
        assert other.asked_at, "it was never asked"
        assert hub.discovery()["host"] == usual
    with impostor(scene.stranger, packet, *[health(told["id"])] * 20) as other:
        within(COUNTED_WITHIN_S + 20, lambda: hub.discovery().get("host", usual) != usual)
        assert len(other.asked_at) == RIVAL_ANSWERS
        said = hub.until("announced")
        assert said["host"] == host_name(told["run"])
        assert said["copy_at"] == "http://10.77.0.66:8066/"
        assert "http://10.77.0.66:8066/, runs on a copy of this hub's data" in str(hub.health()["database"]["warnings"])
        assert "`restohub identity new`" in hub.log.read_text()
        within(PATIENCE_S, lambda: asked(scene.stranger, f"{said['host']}.", TYPE_A))  # it answers to its new name


def sent_elsewhere(scene: Scene) -> None:
    """Many who claim the name make the hub ask few, and nobody beyond its link nor on its own machine."""
    hub = scene.hub()
    hub.until("announced")
    with scene.machine.inside(lambda: socket.create_server(("10.77.0.1", 8099))) as own:
        own.settimeout(0.1)
        began = time.monotonic()
        with impostor(scene.stranger, claim("Other")) as other, scene.stranger.inside(raw_socket) as wire:
            for n in range(200):
                wire.send(datagram("10.99.0.1", claim("Mine", f"h{n}.local.", 8099)))
                wire.send(datagram("10.77.0.1", claim("Mine", FIRST_HOST, 8099)))
                wire.send(datagram("10.77.0.66", claim("Mine", f"x{n}.local.")))
                time.sleep(0.04)
            assert other.asked_at, "what is sent so is heard"
            # Each time over plain HTTP and, as that is not answered, over TLS.
            assert len(other.asked_at) <= 2 * ((time.monotonic() - began) / 60 * RIVALS_ASKED_A_MINUTE + 4)
        keeps(hub, "Mine", 1)
        with pytest.raises(TimeoutError):
            own.accept()


def shared_by_two_on_one_machine(scene: Scene) -> None:
    """Two hubs on one machine have two names, though a hub asks nothing of its own machine."""
    first = scene.hub()
    first.until("announced")
    second = scene.hub("--port", str(PORT + 1))
    within(PATIENCE_S, lambda: "iPads find the hub as 'Mine (" in second.log.read_text())
    keeps(first, "Mine", 3)


def raw_socket() -> socket.socket:
    """A socket for whole frames, with any sender."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    made.bind(("eth0", 0))
    return made


def datagram(sender: str, payload: bytes) -> bytes:
    """A frame with a datagram for the group that says that this IPv4 address sent it."""
    ethernet = bytes.fromhex("01005e0000fb0200000000660800")
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 255, 17, 0,
        socket.inet_aton(sender), socket.inet_aton(GROUP[0]),
    )  # fmt: skip
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + ip[12:]
    return ethernet + ip + struct.pack("!HHHH", 5353, 5353, 8 + len(payload), 0) + payload


SCENES: tuple[Callable[[Scene], None], ...] = (
    faked_while_it_runs,
    faked_before_it_starts,
    answered_twice,
    answered_for_a_minute,
    a_copy_of_its_data,
    sent_elsewhere,
    shared_by_two_on_one_machine,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Every scene, begun at once, each in a network of its own: most of their time is waiting."""
    networks = [a_network() for _ in SCENES]
    scenes = [
        Scene(next(network), tmp_path_factory.mktemp(act.__name__))
        for network, act in zip(networks, SCENES, strict=True)
    ]
    with ThreadPoolExecutor(len(SCENES)) as pool:
        yield {act.__name__: pool.submit(act, scene) for act, scene in zip(SCENES, scenes, strict=True)}
    for scene in scenes:
        for hub in scene.hubs:
            hub.ask_to_stop()
    for scene in scenes:
        for hub in scene.hubs:
            hub.stop()
    for network in networks:
        next(network, None)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", [act.__name__ for act in SCENES])
def test_a_name_that_another_announces(played: dict[str, Future[None]], scene: str) -> None:
    played[scene].result(250)
