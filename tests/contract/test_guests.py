"""The contract of a guest: his fields, their limits, his statuses, and the routes that hold one of him."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.answers import faulty_fields, ok, problem
from tests.contract.floor_client import Floor
from tests.fields import GUEST, PHASES, blank

EVENING = "2030-01-15T20:00:00Z"

ALLOWED: list[tuple[str, Any]] = [
    ("partySize", 1),
    ("partySize", 100),
    ("firstName", "x" * 100),
    ("firstName", "🍝" * 100),
    ("lastName", "x" * 100),
    ("lastName", ""),
    ("phone", "x" * 40),
    ("phone", "🍝" * 40),
    ("phone", "ask the concierge"),
    ("email", "x" * 254),
    ("email", "no at sign"),
    ("notes", "x" * 2000),
    ("notes", "🍝" * 2000),
    ("specialRequests", "è" * 2000),
    ("dietaryRestrictions", ["x" * 100] * 50),
    ("dietaryRestrictions", []),
    ("tags", ["🍝" * 100] * 50),
    ("tags", []),
    ("isWalkIn", False),
    ("isWalkIn", True),
    ("quotedWait", 0),
    ("quotedWait", 1440),
    ("quotedWait", None),
    ("arrivedCount", 0),
    ("arrivedCount", 100),
    ("arrivedCount", None),
]
TOO_MUCH: list[tuple[str, Any]] = [
    ("partySize", 0),
    ("partySize", 101),
    ("partySize", -1),
    ("partySize", 2**63),
    ("firstName", "x" * 101),
    ("firstName", ""),
    ("firstName", "  \t"),
    ("lastName", "x" * 101),
    ("phone", "x" * 41),
    ("email", "x" * 255),
    ("notes", "x" * 2001),
    ("specialRequests", "x" * 2001),
    ("dietaryRestrictions", ["x"] * 51),
    ("dietaryRestrictions", ["x" * 101]),
    ("tags", ["x"] * 51),
    ("tags", ["x" * 101]),
    ("quotedWait", -1),
    ("quotedWait", 1441),
    ("arrivedCount", -1),
    ("arrivedCount", 101),
    ("status", "asleep"),
    ("status", ""),
]
CLEARABLE = {
    "phone": "1",
    "email": "a@b",
    "notes": "x",
    "specialRequests": "x",
    "reservationTime": EVENING,
    "checkInTime": EVENING,
    "seatedTime": EVENING,
    "finishedTime": EVENING,
    "notifiedTime": EVENING,
    "quotedWait": 10,
}
FOLDED = [
    ("No Show", "no_show"),
    ("no-show", "no_show"),
    ("noShow", "no_show"),
    ("NO_SHOW", "no_show"),
    ("noshow", "no_show"),
    ("Running Late", "running_late"),
    ("runningLate", "running_late"),
    ("partially-arrived", "partially_arrived"),
    ("PartiallyArrived", "partially_arrived"),
    ("SEATED", "seated"),
    ("WaitList", "waitlist"),
    ("wait_list", "waitlist"),
    ("waiting", "waitlist"),
    ("Waiting", "waitlist"),
    ("completed", "finished"),
    ("COMPLETED", "finished"),
    ("canceled", "cancelled"),
    ("Canceled", "cancelled"),
    ("booked", "confirmed"),
    ("Booked", "confirmed"),
]


def test_a_new_guest_has_every_field(floor: Floor) -> None:
    guest = floor.new_guest(id="g1", firstName="Ada", partySize=2)
    now = guest["createdAt"]
    given = {"id": "g1", "name": "Ada", "firstName": "Ada", "partySize": 2, "status": "waitlist", "phase": "waiting"}
    assert guest == blank(GUEST, **given, checkInTime=now, createdAt=now, lastUpdated=now, version=1)


def test_a_guest_is_read_and_listed_as_he_was_answered(floor: Floor) -> None:
    guest = floor.new_guest(phone="1", tags=["vip"])
    assert floor.guest(guest["id"]) == guest
    assert floor.every("guests") == [guest]


def test_a_guest_with_a_reservation_time_is_confirmed_and_no_walk_in(floor: Floor) -> None:
    guest = floor.new_guest(reservationTime=EVENING)
    assert (guest["status"], guest["isWalkIn"], guest["checkInTime"]) == ("confirmed", False, None)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_guest_without_a_reservation_time_is_a_walk_in(floor: Floor, nothing: str | None) -> None:
    guest = floor.new_guest(reservationTime=nothing)
    assert (guest["status"], guest["isWalkIn"], guest["reservationTime"]) == ("waitlist", True, None)


def test_a_status_given_with_a_reservation_time_stands(floor: Floor) -> None:
    assert floor.new_guest(reservationTime=EVENING, status="arrived")["status"] == "arrived"


def test_whether_a_guest_is_a_walk_in_may_be_set(floor: Floor) -> None:
    assert floor.new_guest(reservationTime=EVENING, isWalkIn=True)["isWalkIn"] is True
    assert floor.new_guest(isWalkIn=False)["isWalkIn"] is False


def test_a_walk_in_who_books_is_none_any_more_and_one_whose_booking_is_taken_away_is_one(floor: Floor) -> None:
    guest = floor.new_guest()["id"]
    assert floor.change_guest(guest, reservationTime=EVENING)["isWalkIn"] is False
    assert floor.change_guest(guest, reservationTime=None)["isWalkIn"] is True
    assert floor.change_guest(guest, reservationTime=EVENING, isWalkIn=True)["isWalkIn"] is True
    assert floor.change_guest(guest, reservationTime="2030-01-01T20:00:00Z")["isWalkIn"] is True, "as it was set"
    assert floor.change_guest(guest, reservationTime=None, isWalkIn=False)["isWalkIn"] is False
    assert floor.change_guest(guest, notes="window")["isWalkIn"] is False


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Ada", "Ada", ""), ("Ada Lovelace", "Ada", "Lovelace"), ("Ada King Lovelace", "Ada", "King Lovelace")],
)
def test_a_name_alone_is_split_at_the_first_space(floor: Floor, name: str, first: str, last: str) -> None:
    made = floor.new_guest(name=name)
    changed = floor.change_guest(floor.new_guest(lastName="Old")["id"], name=name)
    for guest in (made, changed):
        assert (guest["name"], guest["firstName"], guest["lastName"]) == (name, first, last)


def test_a_name_is_its_two_parts_joined(floor: Floor) -> None:
    guest = floor.new_guest(firstName="Ada", lastName="Lovelace")
    assert guest["name"] == "Ada Lovelace"
    assert floor.change_guest(guest["id"], lastName="Byron")["name"] == "Ada Byron"
    assert floor.change_guest(guest["id"], lastName="")["name"] == "Ada"


def test_each_part_of_a_name_has_its_limit(floor: Floor) -> None:
    for first, last in (("a", "b"), ("🍝", "è")):  # in code points
        assert floor.new_guest(name=first * 100 + " " + last * 100)["lastName"] == last * 100
    for name in ("a" * 101, "a " + "b" * 101, "", "   "):
        problem(floor.post_guest(name=name), 422, "validation_failed")


def test_a_name_and_a_party_size_are_required_to_create(floor: Floor) -> None:
    with floor.untouched():
        answer = floor.api.post(f"{floor.root}/guests/", json={})
        assert "/partySize" in faulty_fields(answer)
        assert len(faulty_fields(answer)) == 2
        assert faulty_fields(floor.api.post(f"{floor.root}/guests/", json={"name": "Ada"})) == {"/partySize"}
        answer = floor.api.post(f"{floor.root}/guests/", json={"lastName": "Lovelace", "partySize": 2})
        assert faulty_fields(answer) & {"/firstName", "/name"}


def test_every_fault_of_a_guest_is_listed(floor: Floor) -> None:
    answer = floor.post_guest(partySize=0, phone="x" * 41, status="asleep", colour="red", quotedWait=2000)
    assert faulty_fields(answer) == {"/partySize", "/phone", "/status", "/colour", "/quotedWait"}


@pytest.mark.parametrize(("field", "value"), ALLOWED)
def test_a_value_at_its_limit_is_taken(floor: Floor, field: str, value: Any) -> None:
    assert floor.new_guest(**{field: value})[field] == value
    guest = floor.new_guest(firstName="Before", quotedWait=5, tags=["a"], dietaryRestrictions=["a"])
    assert floor.change_guest(guest["id"], **{field: value})[field] == value


@pytest.mark.parametrize(("field", "value"), TOO_MUCH)
def test_a_value_past_its_limit_is_refused(floor: Floor, field: str, value: Any) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        for answer in (floor.patch("guests", guest["id"], {field: value}), floor.post_guest(**{field: value})):
            assert {pointer.split("/")[1] for pointer in faulty_fields(answer)} == {field}


@pytest.mark.parametrize(("status", "phase"), PHASES.items())
def test_a_status_is_kept_and_gives_the_phase(floor: Floor, status: str, phase: str) -> None:
    guest = floor.new_guest(status=status)
    assert (guest["status"], guest["phase"]) == (status, phase)


@pytest.mark.parametrize(("sent", "status"), FOLDED)
def test_a_status_is_folded(floor: Floor, sent: str, status: str) -> None:
    assert floor.new_guest(status=sent)["status"] == status
    guest = floor.new_guest()
    assert floor.change_guest(guest["id"], status=sent)["status"] == status
    assert floor.ids("guests", {"status": sent}) == floor.ids("guests", {"status": status}) >= {guest["id"]}


@pytest.mark.parametrize(("field", "value"), CLEARABLE.items())
def test_null_clears_what_may_be_null(floor: Floor, field: str, value: Any) -> None:
    guest = floor.new_guest(**{field: value})
    assert guest[field] == value
    assert floor.change_guest(guest["id"], **{field: None})[field] is None


@pytest.mark.parametrize("field", [field for field, value in CLEARABLE.items() if isinstance(value, str)])
def test_an_empty_string_means_null_in_a_field_that_may_be_null(floor: Floor, field: str) -> None:
    guest = floor.new_guest(status="confirmed", **{field: CLEARABLE[field]})
    assert floor.change_guest(guest["id"], **{field: ""})[field] is None
    assert floor.new_guest(status="confirmed", **{field: ""})[field] is None


def test_an_empty_table_id_means_none(floor: Floor) -> None:
    guest, _ = floor.party_at_table()
    assert floor.change_guest(guest["id"], tableId="")["tableId"] is None
    assert floor.new_guest(tableId="")["tableId"] is None


@pytest.mark.parametrize(
    "field",
    ["name", "firstName", "lastName", "partySize", "status", "isWalkIn", "dietaryRestrictions", "tags"],
)
def test_null_is_refused_in_a_field_that_may_not_be_null(floor: Floor, field: str) -> None:
    guest = floor.new_guest()
    with floor.untouched():
        assert faulty_fields(floor.patch("guests", guest["id"], {field: None})) == {f"/{field}"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_both_merge_the_given_fields(floor: Floor, method: str) -> None:
    guest = floor.new_guest(phone="1", tags=["vip"], notes="x")
    after = ok(floor.api.request(method, f"{floor.root}/guests/{guest['id']}", json={"notes": "y"}))
    assert after == {**guest, "notes": "y", "version": 2, "lastUpdated": after["lastUpdated"]}
    assert floor.guest(guest["id"]) == after


def test_a_list_is_replaced_as_a_whole(floor: Floor) -> None:
    guest = floor.new_guest(tags=["vip", "regular"])
    assert floor.change_guest(guest["id"], tags=["regular", "birthday"])["tags"] == ["regular", "birthday"]


def test_creating_answers_201_with_the_guest_and_where_he_is(floor: Floor) -> None:
    answer = floor.post_guest(id="g1")
    guest = ok(answer, 201)
    assert answer.headers["Location"].endswith(f"/restaurants/{floor.restaurant}/guests/g1")
    assert floor.guest("g1") == guest


def test_creating_a_guest_whose_id_exists_is_refused_with_the_one_who_has_it(floor: Floor) -> None:
    guest = floor.new_guest(id="g1")
    with floor.untouched():
        assert problem(floor.post_guest(id="g1", firstName="Eve"), 409, "already_exists")["current"] == guest


def test_deleting_a_guest_answers_204_and_he_is_gone(floor: Floor) -> None:
    floor.new_guest(id="g1")
    answer = floor.api.delete(f"{floor.root}/guests/g1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert floor.every("guests") == []
    problem(floor.api.get(f"{floor.root}/guests/g1"), 404, "guest_not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"notes": "x"}),
        ("PATCH", "", {"notes": "x"}),
        ("DELETE", "", None),
        ("PUT", "/status/atomic", {"status": "seated"}),
    ],
)
def test_a_guest_who_is_not_there_is_404(floor: Floor, method: str, path: str, body: dict[str, str] | None) -> None:
    floor.new_guest(id="gone")
    floor.api.delete(f"{floor.root}/guests/gone")
    for guest_id in ("gone", "never"):
        with floor.untouched():
            answer = floor.api.request(method, f"{floor.root}/guests/{guest_id}{path}", json=body)
            problem(answer, 404, "guest_not_found")
