"""The choice of addresses as facts."""

from __future__ import annotations

import pytest

from restohub.net.addresses import AddressChoice, Interface, choose_addresses, machine_interfaces

CABLE = Interface(("eth0",), ("192.168.1.20", "fe80::1", "fd12::20", "::1"))
WIFI = Interface(("wlan0",), ("192.168.1.21",))


def test_every_useful_address_is_announced_and_each_interface_speaks_once() -> None:
    assert choose_addresses([CABLE, WIFI], "::") == AddressChoice(
        ("192.168.1.20", "fd12::20", "192.168.1.21"), ("192.168.1.20", "192.168.1.21")
    )


def test_an_interface_without_ipv4_speaks_ipv6() -> None:
    assert choose_addresses([Interface(("eth0",), ("fe80::1", "fd12::20"))], "::").speakers == ("fd12::20",)


def test_a_hub_that_hears_no_ipv6_announces_none() -> None:
    assert choose_addresses([CABLE], "0.0.0.0").addresses == ("192.168.1.20",)


def test_a_hub_that_listens_on_one_address_announces_that_one() -> None:
    assert choose_addresses([CABLE, WIFI], "192.168.1.21") == AddressChoice(("192.168.1.21",), ("192.168.1.21",))
    assert "192.168.1.9" in choose_addresses([CABLE, WIFI], "192.168.1.9").reason


@pytest.mark.parametrize(
    "name",
    ["lo", "docker0", "br-9f2c", "veth1a2b", "virbr0", "tun0", "tap3", "wg0", "utun4", "tailscale0", "ztabc", "awdl0"],
)
def test_containers_and_tunnels_are_left_out(name: str) -> None:
    assert choose_addresses([Interface((name,), ("10.0.0.1",))], "::").addresses == ()


def test_a_tunnel_by_any_name_and_an_interface_without_a_carrier_are_left_out() -> None:
    assert choose_addresses([Interface(("office",), ("10.0.0.1",), tunnel=True)], "::").addresses == ()
    assert choose_addresses([Interface(("eth0",), ("10.0.0.1",), carries=False)], "::").addresses == ()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "0.0.0.0", "224.0.0.251", "100.100.1.2", "::1", "fe80::5", "ff02::fb"]
)
def test_an_address_that_no_ipad_reaches_is_left_out(address: str) -> None:
    assert choose_addresses([Interface(("eth0",), (address,))], "::").addresses == ()


def test_a_self_given_address_counts_only_where_there_is_no_other() -> None:
    assert choose_addresses([Interface(("eth0",), ("169.254.7.7",))], "::").addresses == ("169.254.7.7",)
    assert choose_addresses([Interface(("eth0",), ("169.254.7.7", "10.0.0.1"))], "::").addresses == ("10.0.0.1",)


def test_the_interface_that_is_named_is_used_alone_whatever_it_is() -> None:
    bridge = Interface(("docker0",), ("172.17.0.1",))
    assert choose_addresses([CABLE, bridge], "::", "docker0").addresses == ("172.17.0.1",)
    assert "'eth9'" in choose_addresses([CABLE], "::", "eth9").reason


def test_the_loopback_of_this_machine_is_known_as_one() -> None:
    loopback = [link for link in machine_interfaces() if "127.0.0.1" in link.addresses]
    assert choose_addresses(loopback, "::").addresses == ()
