"""Who may ask, by its address: the own link, and what the Internet does not route."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from restohub.web.client_address import Peers

LINK = [ip_network("192.168.1.0/24"), ip_network("8.8.4.0/24"), ip_network("2a02:8108:1:2::/64")]


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("192.168.1.31", True), ("10.1.2.3", True), ("172.16.9.9", True), ("127.0.0.66", True), ("169.254.8.8", True),
        ("100.64.0.7", True), ("::1", True), ("fe80::1", True), ("fe80::1%eth0", True), ("fd12::7", True),
        ("fec0::7", True),
        ("::ffff:192.168.1.31", True), ("8.8.4.4", True), ("2a02:8108:1:2::9", True), ("192.0.2.9", True),
        ("8.8.8.8", False), ("::ffff:8.8.8.8", False), ("2a02:8108:1:3::9", False), ("2001:4860::8888", False),
        ("2002:c0a8:101::1", False), ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False), ("64:ff9b::808:808", False),
    ],
)  # fmt: skip
def test_a_peer_is_permitted_on_the_link_or_where_the_internet_does_not_route(address: str, permitted: bool) -> None:
    peers = Peers(lambda: 0.0, read_networks=lambda: LINK)
    assert [peers.permitted(address) for _ in range(2)] == [permitted] * 2
    assert Peers(lambda: 0.0, allow_public=True, read_networks=lambda: LINK).permitted(address)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.168.1.31", "192.168.1.31"), ("::ffff:192.168.1.31", "192.168.1.31"), ("8.8.8.8", "8.8.8.8"),
        ("2a02:8108:1:2::9", "2a02:8108:1:2::9"), ("fe80::1%eth0", "fe80::1"),
        ("2a02:8108:1:3::9", "2a02:8108:1:3::/64"), ("2a02:8108:1:3:ffff::1", "2a02:8108:1:3::/64"),
        ("fd12::7", "fd12::/64"), ("no address", "no address"),
    ],
)  # fmt: skip
def test_an_address_counts_whole_and_of_ipv6_from_elsewhere_its_64(address: str, counted: str) -> None:
    assert Peers(lambda: 0.0, read_networks=lambda: LINK).key(address) == counted


def test_a_house_that_is_renumbered_is_served_after_a_second() -> None:
    now, link = [0.0], [ip_network("2a02:8108:1:2::/64")]
    peers = Peers(lambda: now[0], read_networks=lambda: link)
    assert peers.permitted("2a02:8108:1:2::9")
    link[0] = ip_network("2a02:8108:77:2::/64")
    assert not peers.permitted("2a02:8108:77:2::9")
    now[0] = 1.0
    assert peers.permitted("2a02:8108:77:2::9")
    assert not peers.permitted("2a02:8108:1:2::9")
