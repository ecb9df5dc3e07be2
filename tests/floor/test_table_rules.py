"""The rules of tables by themselves: numbers, capacities, and what a change does to whoever sits there."""

from __future__ import annotations

from typing import Any

import pytest

from restohub.floor.commands import Create, Delete, GuestFields, TableFields, Update
from restohub.floor.model import DONE, Table
from restohub.floor.outcomes import Accepted, Occupied, Refused
from tests.floor.floor_harness import FloorHarness


@pytest.fixture
def floor() -> FloorHarness:
    """Tables t1 (2 seats), t2 (4) and t3 (6), and waiting parties g1, g2 and g3 that fit them."""
    return FloorHarness().furnish()


def change(floor: FloorHarness, table_id: str = "t1", **fields: Any) -> Table:
    verdict = floor.tell(Update(kind="table", id=table_id, fields=TableFields(**fields)))
    assert isinstance(verdict, Accepted), verdict
    return floor.floor.tables[table_id]


def seat(floor: FloorHarness, guest_id: str, table_id: str, **fields: Any) -> None:
    verdict = floor.tell(Update(kind="guest", id=guest_id, fields=GuestFields(table_id=table_id, **fields)))
    assert isinstance(verdict, Accepted), verdict


def refusal(floor: FloorHarness, table_id: str = "t1", **fields: Any) -> Refused:
    before = floor.floor
    verdict = floor.tell(Update(kind="table", id=table_id, fields=TableFields(**fields)))
    assert isinstance(verdict, Refused), verdict
    assert floor.floor is before
    return verdict


@pytest.mark.parametrize("status", ["available", "dirty", "outOfService"])
def test_a_cleared_table_has_finished_a_seated_guest_and_lost_a_waiting_one(floor: FloorHarness, status: str) -> None:
    seat(floor, "g1", "t1")
    seat(floor, "g2", "t2", status="notified")
    assert (change(floor, "t1", status=status).current_guest_id, floor.floor.tables["t1"].status) == (None, status)
    assert (floor.floor.guests["g1"].status, floor.floor.guests["g1"].table_id) == ("finished", None)
    change(floor, "t2", status=status)
    assert (floor.floor.guests["g2"].status, floor.floor.guests["g2"].table_id) == ("notified", None)


def test_a_table_that_loses_its_guest_by_id_is_available(floor: FloorHarness) -> None:
    seat(floor, "g1", "t1")
    assert change(floor, current_guest_id=None).status == "available"
    assert floor.floor.guests["g1"].status == "finished"


def test_a_guest_is_given_a_table_seated_or_held(floor: FloorHarness) -> None:
    assert change(floor, "t1", current_guest_id="g1").status == "occupied"
    assert floor.floor.guests["g1"].status == "seated"
    assert change(floor, "t2", current_guest_id="g2", status="reserved").status == "reserved"
    assert floor.floor.guests["g2"].status == "waitlist"
    assert change(floor, "t2", status="occupied").status == "occupied"
    assert floor.floor.guests["g2"].status == "seated"


@pytest.mark.parametrize("status", ["seated", *DONE])
def test_no_table_is_held_for_who_sits_or_is_done(floor: FloorHarness, status: str) -> None:
    floor.tell(Update(kind="guest", id="g1", fields=GuestFields(status=status)))
    verdict = refusal(floor, current_guest_id="g1", status="reserved")
    assert (verdict.code, [fault.pointer for fault in verdict.faults]) == ("validation_failed", ["/status"])


def test_a_taken_table_is_given_to_nobody_else_nor_held_nor_removed(floor: FloorHarness) -> None:
    seat(floor, "g1", "t1")
    there = Occupied(floor.floor.tables["t1"], floor.floor.guests["g1"])
    removal = floor.decide(Delete(kind="table", id="t1"))
    for verdict in (refusal(floor, current_guest_id="g2"), refusal(floor, status="reserved"), removal):
        assert isinstance(verdict, Refused)
        assert (verdict.code, verdict.current) == ("table_occupied", there)


def test_a_number_is_one_tables_as_people_read_it_and_free_again_when_it_goes(floor: FloorHarness) -> None:
    taken = refusal(floor, table_number=" t4 ")
    assert (taken.code, taken.current) == ("table_number_taken", floor.floor.tables["t2"])
    assert change(floor, table_number="t2").table_number == "t2", "its own number in another spelling"
    floor.tell(Delete(kind="table", id="t2"))
    assert change(floor, table_number="T4").table_number == "T4"


@pytest.mark.parametrize(("fields", "field"), [({"min_capacity": 3}, "minCapacity"), ({"capacity": 1}, "capacity")])
def test_no_table_is_for_more_than_it_seats(floor: FloorHarness, fields: dict[str, Any], field: str) -> None:
    change(floor, min_capacity=2)
    verdict = refusal(floor, **fields)
    assert (verdict.code, [fault.pointer for fault in verdict.faults]) == ("validation_failed", [f"/{field}"])


def test_a_capacity_is_not_lowered_below_the_party_unless_the_host_allows_it(floor: FloorHarness) -> None:
    seat(floor, "g2", "t2")
    assert refusal(floor, "t2", capacity=3).code == "party_exceeds_capacity"
    assert change(floor, "t2", capacity=3, allow_over_capacity=True).capacity == 3
    assert change(floor, "t2", capacity=3, notes="n").notes == "n", "it is not lowered again"


def test_a_guest_who_is_not_there_gets_no_table(floor: FloorHarness) -> None:
    fields = TableFields(table_number="9", capacity=2, current_guest_id="g9")
    for verdict in (
        refusal(floor, current_guest_id="g9"),
        floor.decide(Create(kind="table", id="t9", fields=fields)),
    ):
        assert isinstance(verdict, Refused)
        assert verdict.code == "guest_not_found"


def test_a_removed_tables_id_is_given_to_no_other(floor: FloorHarness) -> None:
    floor.tell(Delete(kind="table", id="t1"))
    verdict = floor.decide(Create(kind="table", id="t1", fields=TableFields(table_number="9", capacity=2)))
    assert isinstance(verdict, Refused)
    assert verdict.code == "already_exists"


def test_a_capacity_is_not_lowered_below_the_party_whose_id_is_sent_along() -> None:
    story = FloorHarness().furnish()
    seen = story.floor.tables["t3"]  # read while it was free
    story.tell(Update(kind="guest", id="g3", fields=GuestFields(table_id="t3")))
    verdict = story.tell(
        Update(kind="table", id="t3", fields=TableFields(capacity=2, current_guest_id="g3"), seen=seen)
    )
    assert isinstance(verdict, Refused), "a party of 6 sits at a table that seats 2"
    assert verdict.code == "party_exceeds_capacity"


def test_a_table_given_to_the_guest_who_holds_it_stays_as_it_is() -> None:
    story = FloorHarness().furnish()
    seen = story.floor.tables["t2"]
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(table_id="t2", status="notified")))
    before = story.floor
    story.tell(Update(kind="table", id="t2", fields=TableFields(current_guest_id="g2"), seen=seen))
    assert story.floor is before


def test_an_old_copy_of_a_free_table_does_not_clear_it() -> None:
    story = FloorHarness().furnish()
    seen = story.floor.tables["t2"]
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(table_id="t2")))
    whole = TableFields(
        table_number=seen.table_number,
        capacity=seen.capacity,
        status=seen.status,
        current_guest_id=seen.current_guest_id,
        notes="wobbles",
    )
    story.tell(Update(kind="table", id="t2", fields=whole, seen=seen))
    table = story.floor.tables["t2"]
    assert (table.current_guest_id, table.status, table.notes) == ("g2", "occupied", "wobbles")
