"""The inputs by themselves: what becomes of each field that a client sends, and which fault a wrong one is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from restohub.floor.commands import GuestFields, RestaurantFields, TableFields
from restohub.floor.model import Position
from restohub.wire.access_bodies import read_access_body
from restohub.wire.inputs import (
    checked_key,
    read_guest,
    read_restaurant,
    read_seating,
    read_table,
    seen_version,
)
from restohub.wire.problems import Problem
from restohub.wire.staff_bodies import TypedPin

NOON = 1_705_320_000  # 2024-01-15T12:00:00Z


def pointers(raised: pytest.ExceptionInfo[Problem]) -> list[str]:
    return [fault.pointer for fault in raised.value.refused.faults]


def test_nothing_sent_is_nothing_set() -> None:
    assert read_guest({}) == (None, GuestFields(), [])
    assert read_table({}) == (None, TableFields(), [])


@pytest.mark.parametrize(
    ("sent", "field", "value"),
    [
        ({"partySize": 4}, "party_size", 4),
        ({"party_size": 4}, "party_size", 4),
        ({"guestName": "Ada Rossi"}, "name", "Ada Rossi"),
        ({"status": "No Show"}, "status", "no_show"),
        ({"assignedTableId": "t1"}, "table_id", "t1"),
        ({"tableId": None}, "table_id", None),
        ({"phone": ""}, "phone", None),
        ({"lastName": ""}, "last_name", ""),
        ({"tags": ["window", "stairs"]}, "tags", ("window", "stairs")),
        ({"seatedTime": "2024-01-15T13:00:00.9+01:00"}, "seated_time", NOON),
        ({"arrivedCount": 0}, "arrived_count", 0),
    ],
)
def test_a_guests_field_is_read(sent: dict[str, Any], field: str, value: Any) -> None:
    assert read_guest(sent) == (None, GuestFields(**{field: value}), [])


@pytest.mark.parametrize(
    ("sent", "field", "value"),
    [
        ({"tableNumber": " 12 "}, "table_number", "12"),
        ({"number": 12}, "table_number", "12"),
        ({"status": "needs_cleaning"}, "status", "dirty"),
        ({"status": "out of service"}, "status", "outOfService"),
        ({"shape": "Round"}, "shape", "round"),
        ({"position": {"x": 0.5, "y": 1}}, "position", Position(0.5, 1)),
        ({"section": ""}, "section", None),
        ({"currentGuestId": None}, "current_guest_id", None),
    ],
)
def test_a_tables_field_is_read(sent: dict[str, Any], field: str, value: Any) -> None:
    assert read_table(sent) == (None, TableFields(**{field: value}), [])


@pytest.mark.parametrize(
    "sent",
    [
        {"partySize": 0},
        {"partySize": 101},
        {"partySize": "4"},
        {"partySize": True},
        {"firstName": "\u200b"},
        {"name": f"A {'b' * 101}"},
        {"status": "sleeping"},
        {"tableId": 7},
        {"phone": "1" * 41},
        {"tags": ["x" * 101]},
        {"quotedWait": 1441},
        {"checkInTime": "2024-01-15T12:00:00"},
        {"isWalkIn": None},
        {"colour": "red"},
    ],
)
def test_a_guests_field_that_cannot_be_is_one_fault_at_its_place(sent: dict[str, Any]) -> None:
    _, fields, faults = read_guest({"notes": "by the window", **sent}, "/data")
    assert [fault.pointer for fault in faults] == [f"/data/{name}" for name in sent]
    assert fields == GuestFields(), "half of what was sent must not be taken"


@pytest.mark.parametrize(
    "sent",
    [
        {"tableNumber": " "},
        {"tableNumber": "x" * 21},
        {"tableNumber": 12},
        {"number": True},
        {"capacity": 0},
        {"minCapacity": None},
        {"status": "seated"},
        {"shape": "star"},
        {"position": {"x": 0.5}},
        {"position": {"x": 0.5, "y": 1, "z": 2}},
        {"rotation": 1_000_001},
        {"server": "x" * 101},
    ],
)
def test_a_tables_field_that_cannot_be_is_one_fault_at_its_place(sent: dict[str, Any]) -> None:
    _, fields, faults = read_table({"notes": "wobbles", **sent}, "/data")
    assert [fault.pointer for fault in faults] == [f"/data/{name}" for name in sent]
    assert fields == TableFields(), "half of what was sent must not be taken"


def test_what_a_new_one_needs_is_missed_by_name() -> None:
    assert [fault.pointer for fault in read_guest({}, creating=True)[2]] == ["/firstName", "/partySize"]
    assert [fault.pointer for fault in read_table({}, creating=True)[2]] == ["/tableNumber", "/capacity"]
    assert read_guest({"guest_name": "Ada", "partySize": 2}, creating=True)[2] == []
    wrong = read_guest({"name": 7, "partySize": "two"}, creating=True)[2]
    assert [fault.pointer for fault in wrong] == ["/name", "/partySize"], "what is there but wrong is not missing too"


def test_a_new_table_is_not_for_more_than_it_seats() -> None:
    sent = {"tableNumber": "1", "capacity": 2, "minCapacity": 3}
    assert [fault.pointer for fault in read_table(sent, creating=True)[2]] == ["/minCapacity"]
    assert read_table({**sent, "minCapacity": 2}, creating=True)[2] == []


@pytest.mark.parametrize("chosen", ["g1", "A.b_c-9", "x" * 64])
def test_a_new_one_may_choose_its_id_and_a_change_may_not(chosen: str) -> None:
    sent = {"id": chosen, "name": "Ada", "partySize": 2}
    assert read_guest(sent, creating=True)[0] == chosen
    assert read_guest(sent)[0] is None


@pytest.mark.parametrize("chosen", ["", ".", "..", "a b", "é", "x" * 65, "g1\n", 7])
def test_an_id_that_fits_no_path_is_a_fault(chosen: Any) -> None:
    faults = read_guest({"id": chosen, "name": "Ada", "partySize": 2}, creating=True)[2]
    assert [fault.pointer for fault in faults] == ["/id"]


@pytest.mark.parametrize("data", [None, [], "Rossi", 7, True])
def test_what_is_no_object_is_one_fault_and_nothing_is_missed_beside(data: Any) -> None:
    for read in (read_guest, read_table):
        faults = read(data, "/data", creating=True)[2]
        assert [fault.pointer for fault in faults] == ["/data"]


def test_what_is_only_read_is_passed_over() -> None:
    sent = {"version": 3, "createdAt": "x", "lastUpdated": None, "phase": "waiting", "notes": "n"}
    assert read_guest(sent) == (None, GuestFields(notes="n"), [])


def test_a_restaurants_fields_are_read_with_the_machines_zone_where_a_new_one_names_none() -> None:
    assert read_restaurant({"name": "Da Enzo"}, {"Europe/Rome"}.__contains__, "Europe/Rome") == RestaurantFields(
        name="Da Enzo", timezone="Europe/Rome"
    )
    assert read_restaurant({"hours": 24}, {"Europe/Rome"}.__contains__, None) == RestaurantFields(hours=24)


@pytest.mark.parametrize(
    "sent",
    [
        {"name": " "},
        {"timezone": "Rome"},
        {"turnMinutes": {"0": 60}},
        {"turnMinutes": {"2": 0}},
        {"locale": "it_IT"},
        {"hours": 13},
    ],
)
def test_a_restaurants_field_that_cannot_be_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        read_restaurant(sent, {"Europe/Rome"}.__contains__, None)
    assert pointers(raised) == [f"/{name}" for name in sent]


def test_a_seating_needs_a_status_and_takes_a_table() -> None:
    assert read_seating({"status": "Seated", "assigned_table_id": "t1"}) == GuestFields(status="seated", table_id="t1")
    assert read_seating({"status": "waitlist"}).table_id is UNSET
    with pytest.raises(Problem) as raised:
        read_seating({"tableId": "t1"})
    assert pointers(raised) == ["/status"]


@pytest.mark.parametrize(
    ("data", "version"),
    [({"version": 3}, 3), ({"version": 0}, None), ({"version": "3"}, None), ({"version": True}, None), ([], None)],
)
def test_the_version_that_was_seen_is_a_number_from_1(data: Any, version: int | None) -> None:
    assert seen_version(data) == version


def test_a_key_fits_a_header() -> None:
    assert checked_key("a key", "transaction_id") == "a key"
    for key in ("", "x" * 201, "a\nb", "é"):
        with pytest.raises(Problem) as raised:
            checked_key(key, "transaction_id")
        assert pointers(raised) == ["/transaction_id"]


def test_a_field_of_access_is_taken_in_either_spelling_and_not_in_both() -> None:
    for spelled in ("personId", "person_id"):
        assert read_access_body({spelled: "p1", "pin": "4711"}, TypedPin).person_id == "p1"
    with pytest.raises(Problem) as refused:
        read_access_body({"personId": "p1", "person_id": "p2", "Pin": "4711", "pin": "4711"}, TypedPin)
    assert pointers(refused) == ["/person_id", "/Pin"]
