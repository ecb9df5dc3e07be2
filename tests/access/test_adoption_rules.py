"""The rules of adoption, at times that a test says: which header a device may be known by, and who takes no place."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode

import pytest

from restohub.access.adoption import Candidate, candidates
from restohub.access.devices import Access
from restohub.access.headers import Sent, digest_of_header, sent_by
from restohub.access.visitors import Sighting, Visitors
from restohub.limits import HEADERS_AN_ADDRESS, REFUSED_MAX

HEADER = b"Bearer " + b"k" * 32
DAY_S = 86_400
NOW = 1_700_000_000


def jwt(claims: object) -> bytes:
    """An `Authorization` with a JWT of these claims."""
    payload = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"Bearer eyJhbGciOiJIUzI1NiJ9." + payload + b".c2lnbmF0dXJl"


def seen(*sightings: tuple[str, int, bytes], shared: bool = False) -> list[Candidate]:
    """Who may be adopted after these: from where, when, with which header."""
    visitors = Visitors()
    for address, at, header in sightings:
        visitors.note(Sighting(address, at, "", sent_by(header), shared))
    return candidates(visitors.latest(NOW + 2 * DAY_S))


def known_by(*sightings: tuple[str, int, bytes], shared: bool = False) -> list[str | None]:
    return [one.known_by for one in seen(*sightings, shared=shared)]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer null",
        b"Bearer undefined",
        b"Bearer " + b" " * 40,
        b"Bearer " + b"k" * 31,
        b"Basic " + b64encode(b"carlo:a password that people chose"),
        b"bearer rsto_" + b"A" * 43,
        b"rsto_" + b"A" * 43,
    ],
)
def test_a_header_that_is_nobodys_own_counts_as_none(header: bytes) -> None:
    assert digest_of_header(header) == b""
    assert known_by(("a", NOW, header), ("a", NOW + DAY_S, header)) == ["address"]


@pytest.mark.parametrize("header", [HEADER, b"k" * 32, b"Token " + b"k" * 32])
def test_a_header_that_is_the_same_for_a_day_is_what_a_device_is_known_by(header: bytes) -> None:
    assert known_by(("a", NOW, header), ("a", NOW + DAY_S - 1, header)) == ["address"]
    assert known_by(("a", NOW, header), ("a", NOW + DAY_S, header)) == ["header"]


def test_a_header_that_was_another_in_between_is_the_one_that_came_last() -> None:
    other = b"Bearer " + b"x" * 40
    assert known_by(("a", NOW, HEADER), ("a", NOW + DAY_S, HEADER), ("a", NOW + DAY_S + 1, other)) == ["address"]


@pytest.mark.parametrize(
    ("claims", "by"),
    [
        ({"exp": NOW - 1}, "header"),
        ({"exp": NOW - 1, "sub": {"deep": [1]}}, "header"),
        ({"exp": NOW - 0.5}, "header"),
        ({"exp": NOW}, "address"),
        ({"exp": NOW + 1}, "address"),
        ({}, "address"),
        ({"exp": None}, "address"),
        ({"exp": "1"}, "address"),
        ({"exp": True}, "address"),
        ({"exp": -1}, "address"),
        ({"exp": 1e300}, "address"),
        ([1], "address"),
    ],
)
def test_a_jwt_is_known_at_once_where_it_came_after_its_end(claims: object, by: str) -> None:
    assert known_by(("a", NOW, jwt(claims))) == [by]


def test_a_jwt_that_nobody_can_read_is_a_header_like_any_other() -> None:
    deep = b"Bearer a." + urlsafe_b64encode(b"[" * 5000) + b".c"
    for header in (b"Bearer a.!!.c" + b"k" * 32, b"Bearer a.eyJl.c" + b"k" * 32, b"Bearer .." + b"k" * 32, deep):
        assert known_by(("a", NOW, header)) == ["address"]
        assert known_by(("a", NOW, header), ("a", NOW + DAY_S, header)) == ["header"]


def test_a_header_that_two_addresses_send_is_neithers_own() -> None:
    stale = jwt({"exp": 1})
    both = seen(("a", NOW, stale), ("b", NOW + 100, stale), ("a", NOW + 200, stale))
    assert [(one.visitor.address, one.known_by, one.own_header) for one in both] == [
        ("a", "address", False),
        ("b", "address", False),
    ]


def test_a_second_device_is_noticed_within_a_minute() -> None:
    stale = jwt({"exp": 1})
    assert known_by(("a", NOW, stale), ("b", NOW + 1, stale), ("a", NOW + 2, stale)) == ["address", "address"]


def test_a_device_that_moved_keeps_its_header() -> None:
    stale = jwt({"exp": 1})
    assert known_by(("a", NOW, stale), ("a", NOW + 100, stale), ("b", NOW + 200, stale)) == ["header", "header"]


def test_at_a_shared_address_each_header_is_one_and_none_at_all_cannot_be_adopted() -> None:
    first, second = jwt({"exp": 1}), jwt({"exp": 2})
    found = seen(("p", NOW, first), ("p", NOW, second), ("p", NOW, b""), ("p", NOW, HEADER), shared=True)
    assert [one.known_by for one in found] == [None, None, "header", "header"]
    assert [one.digest for one in found][1:] == [b"", digest_of_header(second), digest_of_header(first)]


def test_a_network_is_no_devices_address() -> None:
    assert known_by(("2001:db8:1::/64", NOW, b"")) == [None]


def test_an_id_is_of_what_a_visitor_would_be_known_by() -> None:
    ids = [
        seen(("a", NOW, HEADER))[0].id,
        seen(("a", NOW, HEADER), ("a", NOW + DAY_S, HEADER))[0].id,
        seen(("a", NOW, HEADER + b"k"))[0].id,
        seen(("b", NOW, HEADER))[0].id,
        seen(("a", NOW, b""))[0].id,
    ]
    assert len(set(ids)) == len(ids)
    assert seen(("a", NOW + 500, HEADER))[0].id == ids[0]


def test_many_headers_of_one_address_do_not_take_a_days_from_another() -> None:
    visitors = Visitors()
    visitors.note(Sighting("p", NOW, "", sent_by(HEADER), shared=True))
    for number in range(1000):
        visitors.note(Sighting("p", NOW + number, "", Sent(number.to_bytes(32)), shared=True))
    visitors.note(Sighting("p", NOW + DAY_S, "", sent_by(HEADER), shared=True))
    [visitor] = visitors.latest(NOW + DAY_S)
    assert len(visitor.sent) == HEADERS_AN_ADDRESS
    assert [one.known_by for one in candidates([visitor])].count("header") == 1


def test_whoever_a_closed_hub_refuses_takes_no_place_of_those_that_were_here() -> None:
    access = Access()
    access.note_visitor(Sighting("ipad", NOW))
    access.closed = True
    for number in range(1000):
        access.note_visitor(Sighting(f"s{number}", NOW + number))
    access.note_visitor(Sighting("ipad", NOW + 2000, "App/2"))
    told = access.unpaired(NOW + 2000)
    assert (told[0].address, told[0].agent) == ("ipad", "App/2")
    assert len(told) == REFUSED_MAX + 1
    assert told[1].address == "s999"
