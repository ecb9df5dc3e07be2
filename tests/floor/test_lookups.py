"""The lookups of a batch: what they say is what a walk over the floor says, whatever came before."""

from __future__ import annotations

from random import Random

import pytest

from restohub.floor.commands import Create, Delete, EntityKind, GuestFields, Operation, TableFields, Update
from restohub.floor.model import Finished, Guest, Position
from restohub.floor.outcomes import Accepted
from restohub.floor.table_places import Places
from restohub.floor.visit_index import after_change, index_of
from tests.floor.floor_harness import FloorHarness

PHONES, NUMBERS = ("1", "+1", "2", None), ("A", "a", "b", "B", "c")
PLACES = (Position(0.1, 0.1), Position(0.9, 0.9), None)


def some_operation(story: FloorHarness, random: Random, number: int) -> Operation:
    """A change of numbers, places, phones or visits."""
    kind: EntityKind = random.choice(("guest", "table"))
    fields: GuestFields | TableFields
    there = list(story.floor.guests if kind == "guest" else story.floor.tables)
    chosen = random.choice([*there, f"new{number}"])
    if kind == "guest":
        fields = GuestFields(status=random.choice(("finished", "waitlist")), phone=random.choice(PHONES))
        if chosen not in there:
            whole = GuestFields(first_name="Ada", party_size=1, phone=fields.phone, status=fields.status)
            return Create(kind="guest", id=chosen, fields=whole)
    elif chosen not in there:
        place = random.choice(PLACES)
        table = TableFields(table_number=random.choice(NUMBERS), capacity=2)
        placed = TableFields(table_number=table.table_number, capacity=2, position=place) if place else table
        return Create(kind="table", id=chosen, fields=placed)
    else:
        fields = TableFields(table_number=random.choice(NUMBERS), position=PLACES[0])
    if random.randrange(4) == 0:
        return Delete(kind=kind, id=chosen)
    return Update(kind=kind, id=chosen, fields=fields)


@pytest.mark.parametrize("seed", range(10))
def test_a_batch_leaves_what_its_operations_one_by_one_leave(seed: int) -> None:
    """One by one nothing is carried over: each looks everything up anew."""
    random = Random(seed)
    together, apart = FloorHarness(), FloorHarness()
    accepted = 0
    for number in range(60):
        batch: list[Operation] = []
        for part in range(random.randrange(1, 12)):
            operation = some_operation(apart, random, 100 * number + part)
            if isinstance(apart.tell(operation), Accepted):
                batch.append(operation)
        if batch:
            verdict = together.tell(tuple(batch))
            assert isinstance(verdict, Accepted)
            accepted += len(batch)
        assert shown(together) == shown(apart)
    assert accepted > 100


def shown(story: FloorHarness) -> list[tuple[object, ...]]:
    guests = [(one.id, one.phone, one.status, one.total_visits) for one in story.floor.guests.values()]
    tables = [(one.id, one.table_number, one.position) for one in story.floor.tables.values()]
    return [*sorted(guests), *sorted(tables, key=str)]


def test_a_number_given_up_in_a_batch_is_free_for_the_next_operation() -> None:
    story = FloorHarness().furnish()
    swap = [("t1", "X"), ("t2", "T2"), ("t1", "T4")]
    batch = tuple(Update(kind="table", id=one, fields=TableFields(table_number=number)) for one, number in swap)
    assert isinstance(story.tell(batch), Accepted)
    assert [story.floor.tables[one].table_number for one in ("t1", "t2")] == ["T4", "T2"]


def test_a_place_is_free_again_when_its_last_table_is_gone() -> None:
    places = Places([])
    first = places.next_free()
    places.move(None, first)
    places.move(None, first)
    places.move(first, None)
    assert places.next_free() != first
    places.move(first, Position(0.9, 0.9))
    assert places.next_free() == first


def test_a_guest_does_not_count_his_own_visit_whatever_he_was() -> None:
    story = FloorHarness()
    for name in ("a", "b"):
        story.tell(Create(kind="guest", id=name, fields=GuestFields(first_name="A", party_size=1, phone="1")))
        story.tell(Update(kind="guest", id=name, fields=GuestFields(status="finished")))
    story.tell(Update(kind="guest", id="a", fields=GuestFields(email="a@b", phone="01")))
    story.tell(Update(kind="guest", id="a", fields=GuestFields(phone="1")))
    guest = story.floor.guests["a"]
    assert isinstance(guest, Guest)
    assert guest.total_visits == 1


def test_the_index_of_visits_is_moved_on_by_a_change_and_nobody_else_is_looked_at_again() -> None:
    anna, eva = (Guest(id=one, first_name=one, party_size=1, phone=one, status="finished") for one in ("1", "2"))
    index_of(finished := Finished(), {"1": anna})
    ids = index_of(after_change(finished, None, eva), {}).values()
    assert sorted(ids) == [{"1"}, {"2"}]
