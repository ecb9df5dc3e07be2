"""How much a floor and a hub may hold: what goes beyond is refused, all else is taken."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from restohub.floor.apply import apply, measured, without_surplus_removals
from restohub.floor.commands import (
    CloseDay,
    Create,
    CreateRestaurant,
    Delete,
    GuestFields,
    RestaurantFields,
    TableFields,
    Update,
)
from restohub.floor.decide import FloorCommand, decide
from restohub.floor.memory_size import weight
from restohub.floor.model import Directory, Entry, Floor, Guest, Removal, Restaurant, Stamp, Table
from restohub.floor.outcomes import Accepted, BatchRefused, Refused, limit_reached
from restohub.floor.restaurant_rules import decide_directory
from restohub.floor.size_limits import nearly_full
from restohub.limits import FLOOR_BYTES_MAX, GUESTS_MAX, HUB_BYTES_MAX, HUB_REMOVALS_MAX, TABLES_MAX

STAMP = Stamp(2, 1_700_000_000, "tx")
HEAVY = "x" * 1999 + "🎂"
SHORTEN = "Delete guests who are no longer needed, or shorten long notes."


def full_of_guests(surplus: int = 0) -> Floor:
    guests = {
        f"g{n}": Guest(id=f"g{n}", first_name="Ada", party_size=2, version=1) for n in range(GUESTS_MAX + surplus)
    }
    return measured(Floor(restaurant_id=1, revision=1, guests=guests))


def full_of_tables() -> Floor:
    tables = {f"t{n}": Table(id=f"t{n}", table_number=str(n), capacity=2, version=1) for n in range(TABLES_MAX)}
    return measured(Floor(restaurant_id=1, revision=1, tables=tables))


def full_of_texts() -> Floor:
    one = Guest(id="g", first_name="Ada", party_size=2, notes=HEAVY, version=1)
    guests = {f"g{n}": structs.replace(one, id=f"g{n}") for n in range(FLOOR_BYTES_MAX // weight(one))}
    return measured(Floor(restaurant_id=1, revision=1, guests=guests))


def create(entity_id: str, **fields: Any) -> Create:
    return Create(kind="guest", id=entity_id, fields=GuestFields(first_name="B", party_size=1, **fields))


def table(entity_id: str) -> Create:
    return Create(kind="table", id=entity_id, fields=TableFields(table_number=entity_id, capacity=2))


def refused(floor: Floor, command: FloorCommand, hub_size: int = 0) -> Refused:
    verdict = decide(floor, command, STAMP, hub_size)
    assert isinstance(verdict, Refused)
    assert verdict.code == "limit_reached"
    return verdict


def taken(floor: Floor, command: FloorCommand, hub_size: int = 0) -> None:
    assert isinstance(decide(floor, command, STAMP, hub_size), Accepted)


def test_one_guest_or_table_or_text_too_many_is_refused_in_words_that_say_what_to_do() -> None:
    texts, hub = full_of_texts(), HUB_BYTES_MAX - 100
    longer = Update(kind="guest", id="g0", fields=GuestFields(special_requests=HEAVY, last_name=HEAVY[-100:]))
    assert refused(full_of_guests(), create("new")) == limit_reached(
        "guests",
        5_000,
        5_000,
        "This floor has 5,000 of at most 5,000 guests. Delete guests who are no longer needed; those who are done "
        "leave by themselves at 04:00.",
    )
    assert refused(full_of_tables(), table("new")) == limit_reached(
        "tables", 1_000, 1_000, "This floor has 1,000 of at most 1,000 tables. Delete one that is no longer needed."
    )
    for command in (create("new", notes=HEAVY), longer):
        assert refused(texts, command) == limit_reached(
            "floor_bytes", texts.size, 16_000_000, f"The texts of this floor take 16.0 of 16 MB. {SHORTEN}"
        )
    assert refused(Floor(restaurant_id=1), create("new", notes=HEAVY), hub) == limit_reached(
        "hub_bytes", hub, 32_000_000, f"The texts of all restaurants of this hub take 32.0 of 32 MB. {SHORTEN}"
    )


def test_the_last_that_fits_is_taken() -> None:
    taken(full_of_guests(surplus=-1), create("new"))
    full = full_of_tables()
    taken(structs.replace(full, tables={i: one for i, one in full.tables.items() if i != "t0"}), table("new"))
    room = FLOOR_BYTES_MAX - weight(Guest(id="new", first_name="B", party_size=1))
    taken(Floor(restaurant_id=1, size=room), create("new"))
    refused(Floor(restaurant_id=1, size=room + 1), create("new"))
    taken(Floor(restaurant_id=1), create("new"), room + HUB_BYTES_MAX - FLOOR_BYTES_MAX)
    refused(Floor(restaurant_id=1), create("new"), room + HUB_BYTES_MAX - FLOOR_BYTES_MAX + 1)


@pytest.mark.parametrize(
    "command",
    [
        Delete(kind="guest", id="g1"),
        Update(kind="guest", id="g1", fields=GuestFields(status="finished")),
        Update(kind="guest", id="g1", fields=GuestFields(notes=None, first_name="Ad")),
        (Delete(kind="guest", id="g1"), Delete(kind="guest", id="g2")),
    ],
)
def test_what_makes_nothing_larger_is_taken_even_beyond_the_limits(command: FloorCommand) -> None:
    taken(full_of_guests(surplus=5), command, 2 * HUB_BYTES_MAX)
    taken(full_of_texts(), command, 2 * HUB_BYTES_MAX)
    taken(structs.replace(full_of_texts(), size=2 * FLOOR_BYTES_MAX), command)


def test_of_a_batch_the_operations_that_go_beyond_are_refused_and_those_after_a_delete_fit() -> None:
    floor = full_of_guests()
    verdict = decide(floor, (create("a"), Delete(kind="guest", id="g1"), create("b"), create("c")), STAMP)
    assert isinstance(verdict, BatchRefused)
    assert [(index, one.code) for index, one in verdict.refusals] == [(0, "limit_reached"), (3, "limit_reached")]
    taken(floor, (Delete(kind="guest", id="g1"), create("b")))


def test_a_batch_that_grows_bit_by_bit_is_refused_where_it_goes_beyond() -> None:
    batch = tuple(create(f"n{number}", notes=HEAVY) for number in range(400))
    verdict = decide(Floor(restaurant_id=1), batch, STAMP, HUB_BYTES_MAX - 2_000_000)
    assert isinstance(verdict, BatchRefused)
    assert {one.code for _, one in verdict.refusals} == {"limit_reached"}
    assert 150 < verdict.refusals[0][0] < 200


def test_a_restaurant_too_many_is_refused() -> None:
    there = {n: Restaurant(id=str(n), name="Osteria", timezone="UTC") for n in range(1, 4)}
    directory = Directory(restaurants=there, last_id=3)
    command = CreateRestaurant(RestaurantFields(name="New", timezone="UTC"))
    verdict = decide_directory(directory, {}, command, STAMP, 3)
    assert verdict == limit_reached(
        "restaurants",
        3,
        3,
        "This hub has 3 of at most 3 restaurants. Delete one that is no longer needed.",
        "Delete one that is no longer needed, or raise `restaurants_max` in restohub.toml.",
    )
    assert isinstance(decide_directory(directory, {}, command, STAMP, 4), Accepted)


def test_from_four_fifths_on_the_owner_is_warned() -> None:
    few = measured(Floor(restaurant_id=1, guests={"g": Guest(id="g", first_name="A", party_size=1)}))
    assert nearly_full([few], few.size, 200) == []
    guests = full_of_guests(surplus=-GUESTS_MAX // 5)
    assert ["4,000 of at most 5,000 guests" in one for one in nearly_full([few, guests], 0, 200)] == [True]
    assert len(nearly_full([full_of_tables()], 0, 200)) == 1
    assert len(nearly_full([full_of_texts()], 0, 200)) == 1
    assert len(nearly_full([few], HUB_BYTES_MAX, 200)) == 1
    assert len(nearly_full([few] * 160, 0, 200)) == 1


def test_expected_guests_leave_a_week_after_their_time_and_free_what_is_held_for_them() -> None:
    day, now = 24 * 3600, 1_700_000_000
    past, late = now - 7 * day, now - 7 * day + 1
    one = Guest(id="", first_name="Ada", party_size=2, created_at=1, last_updated=now - day, version=1)
    guests = [
        structs.replace(one, id="past", status="confirmed", reservation_time=past, table_id="t1"),
        structs.replace(one, id="late", status="running_late", reservation_time=late),
        structs.replace(one, id="timeless", status="confirmed"),
        structs.replace(one, id="touched", status="confirmed", reservation_time=past, last_updated=now),
        structs.replace(one, id="waiting", status="waitlist", reservation_time=past),
        structs.replace(one, id="done", status="no_show"),
    ]
    held = Table(id="t1", table_number="1", capacity=2, status="reserved", current_guest_id="past", version=1)
    floor = Floor(restaurant_id=1, guests={guest.id: guest for guest in guests}, tables={"t1": held})
    every = tuple(floor.guests)
    verdict = decide(measured(floor), CloseDay(every, now - day, expected_before=past), STAMP)
    assert isinstance(verdict, Accepted)
    after = apply(measured(floor), Entry(1, 2, now, "tx", False, verdict.changes), verdict.grown)
    assert set(after.guests) == {"late", "touched", "waiting"}
    assert (after.tables["t1"].status, after.tables["t1"].current_guest_id) == ("available", None)
    assert after.size == measured(after).size
    doubted = decide(floor, CloseDay(every, now - day), STAMP)
    assert isinstance(doubted, Accepted)
    assert [change.id for change in doubted.changes] == ["done"]


def test_of_all_removals_the_oldest_leave_memory_and_each_floor_says_from_where_it_has_them() -> None:
    def removed(restaurant_id: int, count: int, from_time: int) -> Floor:
        gone = [Removal("guest", f"g{n}", n, from_time + n) for n in range(1, count + 1)]
        return Floor(restaurant_id=restaurant_id, removals={("guest", one.id): one for one in gone})

    floors = {1: removed(1, 9_000, 0), 2: removed(2, 9_000, 5_000), 3: removed(3, 2_000, 50_000)}
    assert without_surplus_removals(floors) == []
    floors[3] = removed(3, 2_001, 50_000)
    fewer = {floor.restaurant_id: floor for floor in without_surplus_removals(floors)}
    assert set(fewer) == {1}
    assert sum(len({**floors, **fewer}[n].removals) for n in floors) == HUB_REMOVALS_MAX - 1_000
    assert (fewer[1].removals_since, next(iter(fewer[1].removals.values())).revision) == (1_001, 1_002)
