"""The rules of guests by themselves: status, table and times after each change, and why one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from restohub.floor.commands import Create, Delete, GuestFields, TableFields, Update
from restohub.floor.model import DONE, EXPECTED, GUEST_STATUSES, Guest, Table
from restohub.floor.outcomes import Accepted, Occupied, Refused
from restohub.floor.visits import Served
from tests.floor.floor_harness import START, FloorHarness

LATER = START + 600


@pytest.fixture
def floor() -> FloorHarness:
    """Tables t1 (2 seats), t2 (4) and t3 (6), and waiting parties g1, g2 and g3 that fit them."""
    return FloorHarness().furnish()


def change(floor: FloorHarness, guest_id: str = "g1", **fields: Any) -> Guest:
    verdict = floor.tell(Update(kind="guest", id=guest_id, fields=GuestFields(**fields)))
    assert isinstance(verdict, Accepted), verdict
    return floor.floor.guests[guest_id]


def refusal(floor: FloorHarness, **fields: Any) -> Refused:
    before = floor.floor
    verdict = floor.tell(Update(kind="guest", id="g1", fields=GuestFields(**fields)))
    assert isinstance(verdict, Refused), verdict
    assert floor.floor is before
    return verdict


def table(floor: FloorHarness, table_id: str) -> tuple[str | None, str]:
    found = floor.floor.tables[table_id]
    return found.current_guest_id, found.status


def test_a_booked_party_is_confirmed_and_another_waits(floor: FloorHarness) -> None:
    floor.tell(Create(kind="guest", id="b", fields=GuestFields(first_name="B", party_size=2, reservation_time=LATER)))
    booked, walk_in = floor.floor.guests["b"], floor.floor.guests["g1"]
    assert (booked.status, booked.is_walk_in, booked.check_in_time) == ("confirmed", False, None)
    assert (walk_in.status, walk_in.is_walk_in, walk_in.check_in_time) == ("waitlist", True, START)


@pytest.mark.parametrize("status", [one for one in GUEST_STATUSES if one not in (*EXPECTED, *DONE)])
def test_a_table_alone_seats_who_is_here(floor: FloorHarness, status: str) -> None:
    change(floor, status=status)
    guest = change(floor, table_id="t1")
    assert (guest.status, guest.table_id) == ("seated", "t1")
    assert table(floor, "t1") == ("g1", "occupied")


@pytest.mark.parametrize("status", EXPECTED)
def test_a_table_alone_is_held_for_who_is_still_expected(floor: FloorHarness, status: str) -> None:
    change(floor, status=status)
    guest = change(floor, table_id="t1")
    assert (guest.status, guest.table_id) == (status, "t1")
    assert table(floor, "t1") == ("g1", "reserved")


@pytest.mark.parametrize("status", DONE)
def test_who_is_done_leaves_the_table_and_gets_none(floor: FloorHarness, status: str) -> None:
    change(floor, table_id="t1")
    guest = change(floor, status=status, table_id="t2")
    assert guest.table_id is None
    assert (table(floor, "t1"), table(floor, "t2")) == ((None, "available"), (None, "available"))


def test_who_is_moved_takes_the_new_table_and_frees_the_old_one(floor: FloorHarness) -> None:
    change(floor, table_id="t1")
    assert change(floor, table_id="t2").status == "seated"
    assert (table(floor, "t1"), table(floor, "t2")) == ((None, "available"), ("g1", "occupied"))


def test_who_is_sent_back_to_wait_leaves_the_seat_unless_a_table_is_named(floor: FloorHarness) -> None:
    change(floor, table_id="t1")
    assert change(floor, status="waitlist").table_id is None
    change(floor, table_id="t1")
    assert change(floor, status="waitlist", table_id="t2").table_id == "t2"
    assert table(floor, "t2") == ("g1", "reserved")


def test_each_status_stamps_its_time_once_and_going_back_clears_it(floor: FloorHarness) -> None:
    floor.now += 60
    assert change(floor, status="notified").notified_time == START + 60
    floor.now += 60
    seated = change(floor, table_id="t1")
    assert (seated.check_in_time, seated.seated_time) == (START, START + 120)
    floor.now += 60
    assert change(floor, status="finished").finished_time == START + 180
    again = change(floor, status="seated")
    assert (again.seated_time, again.finished_time) == (START + 120, None)
    waiting = change(floor, status="waitlist")
    assert (waiting.check_in_time, waiting.seated_time, waiting.notified_time) == (START, None, None)


def test_a_time_that_is_sent_is_not_stamped_over(floor: FloorHarness) -> None:
    floor.now += 60
    assert change(floor, status="seated", seated_time=START + 5).seated_time == START + 5
    assert change(floor, status="waitlist", seated_time=START + 7).seated_time == START + 7


def test_a_booking_that_comes_or_goes_says_who_walked_in_unless_that_is_sent(floor: FloorHarness) -> None:
    assert not change(floor, reservation_time=LATER).is_walk_in
    assert change(floor, reservation_time=None).is_walk_in
    assert change(floor, reservation_time=LATER, is_walk_in=True).is_walk_in


def test_a_table_that_cannot_be_had_is_refused_with_what_is_there(floor: FloorHarness) -> None:
    change(floor, "g2", table_id="t2")
    occupied = refusal(floor, table_id="t2")
    assert occupied.code == "table_occupied"
    assert occupied.current == Occupied(floor.floor.tables["t2"], floor.floor.guests["g2"])
    floor.tell(Update(kind="table", id="t3", fields=TableFields(status="outOfService")))
    closed = refusal(floor, table_id="t3")
    assert (closed.code, closed.current) == ("table_unavailable", floor.floor.tables["t3"])
    small = refusal(floor, table_id="t1", party_size=3)
    assert (small.code, small.params.capacity) == ("party_exceeds_capacity", 2)
    nowhere = refusal(floor, table_id="t9")
    assert (nowhere.code, [fault.pointer for fault in nowhere.faults]) == ("table_not_found", ["/tableId"])


def test_a_party_too_large_sits_where_the_host_allows_it_and_may_grow_where_it_sits(floor: FloorHarness) -> None:
    assert change(floor, table_id="t1", party_size=3, allow_over_capacity=True).table_id == "t1"
    assert change(floor, party_size=5).party_size == 5


def test_another_version_than_the_one_that_is_insisted_on_is_a_conflict(floor: FloorHarness) -> None:
    seen = floor.floor.guests["g1"]
    change(floor, notes="window")
    for command in (
        Update(kind="guest", id="g1", fields=GuestFields(notes="bar"), if_match=(seen.version,)),
        Update(kind="guest", id="g1", fields=GuestFields(notes="bar"), base_version=seen.version, base=seen),
        Delete(kind="guest", id="g1", if_match=(seen.version,)),
        Delete(kind="guest", id="g1", base_version=seen.version),
    ):
        verdict = floor.decide(command)
        assert isinstance(verdict, Refused)
        assert (verdict.code, verdict.current) == ("version_conflict", floor.floor.guests["g1"])


def test_what_others_changed_beside_is_no_conflict(floor: FloorHarness) -> None:
    seen = floor.floor.guests["g1"]
    change(floor, notes="window")
    fields = GuestFields(phone="39061")
    floor.tell(Update(kind="guest", id="g1", fields=fields, base_version=seen.version, base=seen))
    guest = floor.floor.guests["g1"]
    assert (guest.notes, guest.phone) == ("window", "39061")


def test_a_removed_guest_frees_the_table_and_never_comes_back(floor: FloorHarness) -> None:
    change(floor, table_id="t1")
    floor.tell(Delete(kind="guest", id="g1"))
    assert table(floor, "t1") == (None, "available")
    assert refusal_of_create(floor, "g1").code == "already_exists"
    verdict = floor.decide(Update(kind="guest", id="g1", fields=GuestFields(notes="n")))
    assert isinstance(verdict, Refused)
    assert verdict.code == "guest_not_found"


def refusal_of_create(floor: FloorHarness, guest_id: str) -> Refused:
    verdict = floor.decide(Create(kind="guest", id=guest_id, fields=GuestFields(first_name="A", party_size=1)))
    assert isinstance(verdict, Refused)
    return verdict


def test_no_change_leaves_a_table_that_names_another_guest(floor: FloorHarness) -> None:
    change(floor, "g2", table_id="t2")
    tables: list[Table] = list(floor.floor.tables.values())
    change(floor, notes="n")
    assert list(floor.floor.tables.values()) == tables


def test_who_is_seated_keeps_the_table_as_it_was_then(floor: FloorHarness) -> None:
    floor.tell(Update(kind="table", id="t2", fields=TableFields(section="Terrace", server="Mia")))
    assert change(floor, "g1", table_id="t2").served == Served("T4", 4, "Terrace", "Mia")
    floor.tell(Update(kind="table", id="t2", fields=TableFields(server="Leo", table_number="40")))
    assert change(floor, "g1", notes="a window").served == Served("T4", 4, "Terrace", "Mia")
    assert change(floor, "g1", status="finished").served == Served("T4", 4, "Terrace", "Mia")


def test_who_moves_has_the_table_that_he_moved_to_and_who_goes_back_to_wait_has_none(floor: FloorHarness) -> None:
    change(floor, "g1", table_id="t1")
    moved = change(floor, "g1", table_id="t3")
    assert moved.served is not None
    assert moved.served.table_number == "T6"
    waiting = change(floor, "g1", status="waitlist")
    assert (waiting.served, waiting.seated_time) == (None, None)


def test_a_table_that_is_only_held_serves_nobody_until_its_guest_sits_there(floor: FloorHarness) -> None:
    assert change(floor, "g1", status="confirmed", table_id="t1").served is None
    assert change(floor, "g1", status="seated").served == Served("T2", 2)


@pytest.mark.parametrize("status", DONE)
def test_who_is_done_ended_when_he_first_was_and_who_is_no_longer_done_has_not_ended(
    floor: FloorHarness, status: str
) -> None:
    floor.now = LATER
    assert change(floor, "g1", status=status).ended == LATER
    floor.now = LATER + 60
    other = next(one for one in DONE if one != status)
    assert change(floor, "g1", status=other).ended == LATER
    assert change(floor, "g1", status="arrived").ended is None
    assert change(floor, "g1", status=status).ended == LATER + 60


def test_a_finish_that_is_undone_and_done_again_leaves_what_is_true_at_last(floor: FloorHarness) -> None:
    change(floor, "g1", table_id="t1")
    change(floor, "g1", status="finished")
    back = change(floor, "g1", status="seated", table_id="t3")
    assert back.served is not None
    assert (back.served.table_number, back.ended) == ("T6", None)
    floor.now = LATER
    assert change(floor, "g1", status="finished").ended == LATER
