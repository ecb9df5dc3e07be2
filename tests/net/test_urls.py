"""The URLs of a hub as facts."""

from __future__ import annotations

import pytest
from msgspec import structs

from restohub.live.hub_address import Endpoint
from restohub.net.addresses import Interface
from restohub.net.urls import hub_urls, url

ID = "01a20459-96ae-7fe3-ae8b-9b68f55edadb"
CABLE = Interface(("eth0",), ("192.168.1.20", "fe80::1", "fd12::20"))
WIFI = Interface(("wlan0",), ("10.0.0.5",))


def place(bound: str = "::", interface: str | None = None, advertised: bool = True) -> Endpoint:
    """A hub on port 8000."""
    return Endpoint(ID, "Rossi", bound, 8000, interface, advertised)


def test_every_address_of_both_networks_is_a_url_and_ipv6_stands_in_brackets() -> None:
    found = hub_urls(place(), lambda: [CABLE, WIFI])
    assert found.urls == ("http://192.168.1.20:8000/", "http://[fd12::20]:8000/", "http://10.0.0.5:8000/")
    assert found.local_url == "http://restohub-5edadb.local:8000/"
    assert (found.own_url, found.reason) == ("http://127.0.0.1:8000/", "")


def test_a_qr_code_has_what_pins_the_certificate() -> None:
    assert hub_urls(place(), lambda: [WIFI]).qr_url() == "http://10.0.0.5:8000/"
    secure = structs.replace(place(), tls_port=8443, fingerprint="ab" * 32)
    assert hub_urls(secure, lambda: [WIFI]).qr_url() == f"http://10.0.0.5:8000/#tls=8443&fp={'ab' * 32}"


def test_a_hub_that_is_not_announced_has_no_url_by_name() -> None:
    assert hub_urls(place(advertised=False), lambda: [CABLE]).local_url is None


def test_a_hub_on_one_address_has_that_one() -> None:
    found = hub_urls(place("10.0.0.5"), lambda: [CABLE, WIFI])
    assert (found.urls, found.own_url) == (("http://10.0.0.5:8000/",), "http://10.0.0.5:8000/")


def test_a_hub_for_one_interface_has_its_addresses() -> None:
    assert hub_urls(place("0.0.0.0", "wlan0"), lambda: [CABLE, WIFI]).urls == ("http://10.0.0.5:8000/",)


@pytest.mark.parametrize(
    ("look", "why"),
    [
        ([CABLE, WIFI], "There is no interface 'eth7' with an address now. There is eth0 (192.168.1.20) and wlan0"),
        (
            [CABLE, WIFI, Interface(("eth7",), ("10.1.1.1",), carries=False)],
            "The interface 'eth7' has no network now.",
        ),
    ],
)
def test_an_interface_that_is_not_there_costs_the_discovery_and_no_address(look: list[Interface], why: str) -> None:
    found = hub_urls(place(interface="eth7"), lambda: look)
    assert found.urls == hub_urls(place(), lambda: look).urls
    assert found.local_url is None
    assert found.reason.startswith(why)
    assert found.reason.endswith("iPads do not find the hub by themselves; these addresses work all the same.")


@pytest.mark.parametrize("bound", ["127.0.0.1", "127.0.0.7", "::1"])
def test_a_hub_on_the_loopback_is_reached_by_no_ipad(bound: str) -> None:
    found = hub_urls(place(bound), lambda: [CABLE])
    assert (found.urls, found.local_url, found.own_url) == ((), None, url(bound, 8000))
    assert "No iPad can reach the hub" in found.reason
    assert "--host 0.0.0.0" in found.reason


@pytest.mark.parametrize("bound", ["::", "0.0.0.0", "10.9.9.9"])
def test_without_a_network_no_ipad_reaches_the_hub_until_that_changes(bound: str) -> None:
    found = hub_urls(place(bound), lambda: [Interface(("lo",), ("127.0.0.1",))])
    assert (found.urls, found.local_url) == ((), None)
    assert found.reason.endswith("iPads cannot reach the hub until that changes.")


def test_a_system_that_tells_no_addresses_is_said_so() -> None:
    def silent() -> list[Interface]:
        raise OSError(1, "Operation not permitted")

    assert "Operation not permitted" in hub_urls(place(), silent).reason
