"""Discovery as an iPad has it: what is found, and under which name and addresses."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.cli.pty_terminal import printed
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import PATIENCE_S, AvahiMachine, addresses_of, within
from tests.net.network import Machine, Network

StartHub = Callable[..., AnnouncedHub]
SERVICES = ("_restohub._tcp", "_http._tcp")


def another_interface(machine: Machine, name: str, address: str) -> None:
    """Give a machine one more interface, to nowhere."""
    machine.ip("link", "add", name, "type", "veth", "peer", "name", f"veth-{name}")
    machine.ip("address", "add", address, "dev", name)
    machine.ip("link", "set", f"veth-{name}", "up")
    machine.ip("link", "set", name, "up")


def test_avahi_finds_the_hub_its_txt_and_its_address_and_nothing_of_docker_or_a_vpn(
    network: Network, pad: AvahiMachine, start_hub: StartHub
) -> None:
    machine = network.machine("anna", "10.77.0.1/24", "fd77::1/64")
    for place, name in enumerate(("docker0", "br-0a1b2c", "wg0", "tailscale0")):
        another_interface(machine, name, f"172.{18 + place}.0.1/16")
    hub = start_hub(machine, "--name", "Trattoria Änna")
    said = hub.until("announced")
    assert said["name"] == "Trattoria Änna"
    assert said["addresses"] == ["10.77.0.1", "fd77::1"]
    for service in SERVICES:
        one = within(PATIENCE_S, lambda service=service: pad.browse(service))[0][0]  # type: ignore[misc]  # mypy infers no default of a lambda
        assert (one.name, one.host, one.port) == ("Trattoria Änna", said["host"], PORT)
        assert one.address in ("10.77.0.1", "fd77::1"), "avahi asks for any, and shows the first that comes"
        assert list(one.txt)[::-1] == ["txtvers", "id", "api", "ver", "path", "access"]  # avahi shows the last first
        assert one.txt.items() >= {"txtvers": "1", "api": "1", "path": "/", "access": "open"}.items()
        assert (one.txt["ver"], one.txt["id"]) == (hub.health()["version"], hub.health()["id"])
        assert said["host"] == f"restohub-{one.txt['id'][-6:]}.local"
    within(PATIENCE_S, lambda: pad.resolve(said["host"]) == "10.77.0.1")


def test_the_txt_says_where_tls_is_and_its_certificate(
    network: Network, pad: AvahiMachine, start_hub: StartHub
) -> None:
    hub = start_hub(network.machine("both", "10.77.0.81/24"), "--tls", "self", "--name", "Both")
    assert hub.until("announced")["addresses"] == ["10.77.0.81"]
    start_hub(network.machine("tls", "10.77.0.82/24"), "--tls", "self", "--no-http", "--name", "TLS alone")
    for name, port in (("Both", PORT), ("TLS alone", 8443)):
        one = within(PATIENCE_S, lambda name=name: [f for f in pad.browse() if f.name == name])[0][0]  # type: ignore[misc]  # mypy infers no default of a lambda
        assert (one.port, one.txt["tls"], len(bytes.fromhex(one.txt["fp"]))) == (port, "8443", 32)
        if name == "Both":
            assert hub.health()["tls"] == {"port": 8443, "fingerprint": one.txt["fp"]}
    both = {"Both", "TLS alone"}
    assert within(PATIENCE_S, lambda: both & {one.name for one in pad.browse("_http._tcp")})[0] == {"Both"}
    # `restohub find` asks it over TLS, and says by which address it is opened.
    listed = printed("find", "--seconds", "6", "--json", wrap=network.machine("finder", "10.77.0.83/24").wrap)
    found = {one["name"]: (one["state"], one["urls"], one["local_url"]) for one in json.loads(listed.stdout)}
    assert found["Both"][:2] == ("healthy", ["http://10.77.0.81:8000/"])
    alone = one.txt["id"][-6:]
    assert found["TLS alone"] == ("healthy", ["https://10.77.0.82:8443/"], f"https://restohub-{alone}.local:8443/")


def test_only_the_interface_that_is_named_is_used(network: Network, pad: AvahiMachine, start_hub: StartHub) -> None:
    machine = network.machine("choice", "10.77.0.60/24")
    another_interface(machine, "eth1", "10.78.0.60/24")
    assert start_hub(machine).until("announced")["addresses"] == ["10.77.0.60", "10.78.0.60"]
    named = start_hub(network.machine("other", "10.77.0.61/24"), "--interface", "eth7")
    within(PATIENCE_S, lambda: "'eth7'" in named.discovery().get("reason", ""))
    only = start_hub(machine, "--port", "8001", "--interface", "eth0", "--name", "Only")
    assert within(PATIENCE_S, lambda: [f.address for f in pad.browse() if f.name == "Only"])[0] == ["10.77.0.60"]
    assert only.stop() == 0


def test_a_machine_without_any_network_serves(network: Network, start_hub: StartHub) -> None:
    hub = start_hub(network.machine("alone"))
    within(PATIENCE_S, lambda: "no cable, no Wi-Fi" in hub.discovery().get("reason", ""))
    assert hub.health()["status"] == "healthy"
    assert hub.stop() == 0


def test_a_hub_that_is_not_to_be_found_is_silent(network: Network, listener: Machine, start_hub: StartHub) -> None:
    hub = start_hub(network.machine("silent", "10.77.0.71/24"), "--no-advertise")
    said = within(PATIENCE_S, hub.discovery)[0]
    assert said["state"] == "off"
    assert said["addresses"] == []
    assert addresses_of(listener, said["host"]) == set()


def test_a_hub_for_its_own_machine_alone_is_not_announced(network: Network, start_hub: StartHub) -> None:
    hub = start_hub(network.machine("inward", "10.77.0.72/24"), "--host", "127.0.0.1")
    assert "127.0.0.1" in hub.until("off")["reason"]
