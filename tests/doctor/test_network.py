"""The doctor in a network: a hub that is heard, twins and copies of it, multicast that is stopped."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSService, DNSText

from restohub.net.mdns_advertise import SERVICES
from restohub.net.urls import host_name
from tests.commands import run_command
from tests.doctor.run_doctor import asked
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import CLASS_IN, PATIENCE_S, TYPE_A, TYPE_PTR, within
from tests.net.impostor import ANSWER, FIRST_ID, TYPE_SRV, UNIQUE, impostor
from tests.net.network import Machine, Network, a_network, run

TYPE_TXT = 16

StartHub = Callable[..., AnnouncedHub]


@pytest.fixture
def network() -> Iterator[Network]:
    """A network for each: what is announced in one must not be heard in the next."""
    yield from a_network()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[StartHub]:
    """Starts hubs on machines, each over the folder that has its machine's role; each is stopped at the end."""
    made: list[AnnouncedHub] = []

    def start(machine: Machine, data: Path, *args: str) -> AnnouncedHub:
        made.append(AnnouncedHub(machine, data, *args))
        return made[-1]

    yield start
    for hub in made:
        hub.stop()


def test_a_running_hub_is_heard_and_its_addresses_are_told(
    network: Network, start_hub: StartHub, tmp_path: Path
) -> None:
    machine = network.machine("anna", "10.77.0.1/24", "fd77::1/64")
    start_hub(machine, tmp_path / "a", "--name", "Trattoria Änna").until("announced")
    said = asked(tmp_path / "a", "--name", "Trattoria Änna", wrap=machine.wrap)
    assert said.status == 0
    assert {said.checks[name]["result"] for name in ("port", "addresses", "discovery", "name")} == {"well"}
    assert f"http://10.77.0.1:{PORT}/ or http://[fd77::1]:{PORT}/" in said.checks["addresses"]["found"]
    assert said.checks["discovery"]["found"] == "The hub is heard as 'Trattoria Änna'."


def test_without_a_hub_a_trial_is_heard_and_other_hubs_are_named(
    network: Network, start_hub: StartHub, tmp_path: Path
) -> None:
    start_hub(network.machine("bar", "10.77.0.2/24"), tmp_path / "b", "--name", "Bar").until("announced")
    said = asked(tmp_path / "a", wrap=network.machine("anna", "10.77.0.1/24").wrap)
    assert said.status == 0
    assert {said.checks[name]["result"] for name in ("port", "addresses", "discovery", "name")} == {"well"}
    assert said.checks["discovery"]["found"].startswith("A trial announcement was heard")
    assert said.checks["name"]["found"] == "No other hub is called 'restohub'. Other hubs here: 'Bar'."


def test_another_hub_of_this_name_is_a_warning_before_and_after_the_start(
    network: Network, start_hub: StartHub, tmp_path: Path
) -> None:
    start_hub(network.machine("twin", "10.77.0.2/24"), tmp_path / "b", "--name", "Same").until("announced")
    machine = network.machine("anna", "10.77.0.1/24")
    hub = None
    for _ in range(2):
        said = asked(tmp_path / "a", "--name", "Same", wrap=machine.wrap)
        assert (said.status, said.results()["name"]) == (0, "warning")
        assert said.checks["name"]["found"] == f"Another hub is called 'Same' too, at http://10.77.0.2:{PORT}/."
        hub = hub or start_hub(machine, tmp_path / "a", "--name", "Same")
        assert hub.until("announced")["name"].startswith("Same (")


def test_a_hub_with_a_copy_of_the_data_is_wrong(network: Network, start_hub: StartHub, tmp_path: Path) -> None:
    machine = network.machine("anna", "10.77.0.1/24")
    hub = start_hub(machine, tmp_path / "a")
    within(PATIENCE_S, hub.health)
    assert hub.stop() == 0
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    start_hub(network.machine("copy", "10.77.0.2/24"), tmp_path / "b").until("announced")
    said = asked(tmp_path / "a", wrap=machine.wrap)
    assert (said.status, said.results()["name"]) == (1, "wrong")
    assert f"copy of this hub's data runs at http://10.77.0.2:{PORT}/" in said.checks["name"]["found"]


def announcement(name: str, install_id: str, address: str) -> bytes:
    """A packet in which a hub of this name and id says where it is; nobody listens on that port."""
    full, host = f"{name}.{SERVICES[0]}", f"{host_name(install_id)}."
    out = DNSOutgoing(ANSWER)
    out.add_answer_at_time(DNSPointer(SERVICES[0], TYPE_PTR, CLASS_IN, 4500, full), 0)
    out.add_answer_at_time(DNSService(full, TYPE_SRV, CLASS_IN | UNIQUE, 120, 0, 0, 9, host), 0)
    text = f"id={install_id}".encode()
    out.add_answer_at_time(DNSText(full, TYPE_TXT, CLASS_IN | UNIQUE, 4500, bytes([len(text)]) + text), 0)
    out.add_answer_at_time(DNSAddress(host, TYPE_A, CLASS_IN | UNIQUE, 120, socket.inet_aton(address)), 0)
    return out.packets()[0]


def test_what_is_announced_and_does_not_answer_is_neither_a_copy_nor_a_twin(
    network: Network, start_hub: StartHub, tmp_path: Path
) -> None:
    machine, stranger = network.machine("anna", "10.77.0.1/24"), network.machine("stranger", "10.77.0.66/24")
    hub = start_hub(machine, tmp_path / "a", "--name", "Same")
    own_id = within(PATIENCE_S, hub.health)[0]["id"]
    assert hub.stop() == 0
    for install_id in (own_id, FIRST_ID):
        with impostor(stranger, announcement("Same", install_id, "10.77.0.66")):
            said = asked(tmp_path / "a", "--name", "Same", wrap=machine.wrap)
            found = asked_to_find(machine)
        assert (said.status, said.results()["name"]) == (0, "well"), said.checks["name"]
        assert [(one["name"], one["state"]) for one in found] == [("Same", "no answer")], "it was heard"


def asked_to_find(machine: Machine) -> list[dict[str, str]]:
    """What `restohub find` finds."""
    hubs: list[dict[str, str]] = json.loads(run_command("find", "--json", wrap=machine.wrap).stdout)
    return hubs


@pytest.mark.skipif(shutil.which("nft") is None, reason="there is no nft to stop multicast with")
@pytest.mark.parametrize("running", [True, False])
def test_multicast_that_is_stopped_is_a_warning(
    network: Network, start_hub: StartHub, tmp_path: Path, running: bool
) -> None:
    machine = network.machine("anna", "10.77.0.1/24")
    if running:
        start_hub(machine, tmp_path / "a").until("announced")
    run(*machine.wrap, "nft", "add table inet t; add chain inet t in { type filter hook input priority 0; }")
    run(*machine.wrap, "nft", "add rule inet t in udp dport 5353 drop")
    said = asked(tmp_path / "a", wrap=machine.wrap)
    assert (said.status, said.results()["discovery"], said.results()["name"]) == (0, "warning", "skipped")
    assert "not heard" in said.checks["discovery"]["found"]


def test_a_machine_in_no_network_is_wrong(network: Network, tmp_path: Path) -> None:
    said = asked(tmp_path / "a", wrap=network.machine("alone").wrap)
    assert (said.status, said.results()["addresses"], said.results()["discovery"]) == (1, "wrong", "skipped")
    assert "no cable, no Wi-Fi" in said.checks["addresses"]["found"]


def test_an_interface_that_is_not_there_costs_the_discovery_alone(network: Network, tmp_path: Path) -> None:
    said = asked(tmp_path / "a", "--interface", "eth7", wrap=network.machine("anna", "10.77.0.1/24").wrap)
    assert (said.status, said.results()["addresses"]) == (0, "warning")
    found = said.checks["addresses"]["found"]
    assert found.startswith("There is no interface 'eth7' with an address now. There is eth0 (10.77.0.1).")
    assert found.endswith(f"iPads do not find the hub by themselves, but reach it at http://10.77.0.1:{PORT}/")


def test_an_address_that_no_router_gave_is_a_warning(network: Network, tmp_path: Path) -> None:
    said = asked(tmp_path / "a", wrap=network.machine("anna", "169.254.7.7/16").wrap)
    assert (said.status, said.results()["addresses"]) == (0, "warning")


def test_a_hub_that_is_not_to_be_announced_is_not_missed(network: Network, start_hub: StartHub, tmp_path: Path) -> None:
    machine = network.machine("anna", "10.77.0.1/24")
    within(PATIENCE_S, start_hub(machine, tmp_path / "a", "--no-advertise").health)
    said = asked(tmp_path / "a", wrap=machine.wrap)
    assert (said.status, said.results()["discovery"]) == (0, "skipped")
