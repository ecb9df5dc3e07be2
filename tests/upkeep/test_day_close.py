"""When a day is closed and whom it lets go, second by second (contract.md, "The close of the day")."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from restohub.floor.commands import Create, GuestFields
from restohub.floor.model import DONE, EXPECTED, GUEST_STATUSES, Floor, Guest
from restohub.live.group_commit import Step
from restohub.live.ports import ClockReset
from restohub.upkeep.day_close import LOOK_EVERY_S, close_day, close_days, guests_to_remove, last_closing
from tests.faults.simulated_evening import Core, answering
from tests.faults.simulation import SimulatedDisk, VirtualLoop
from tests.floor.floor_harness import START

DAY, WEEK = timedelta(days=1), timedelta(days=7)
CLOSING = datetime.fromisoformat("2026-11-28T04:00:00+01:00")
BEFORE, EXPECTED_BEFORE = int((CLOSING - DAY).timestamp()), int((CLOSING - WEEK).timestamp())

# A zone, a moment there, and the 04:00 that passed last.
CLOSINGS = [
    ("America/New_York", "2026-11-28T03:59:00-05:00", "2026-11-27T04:00:00-05:00"),
    ("America/New_York", "2026-11-28T04:01:00-05:00", "2026-11-28T04:00:00-05:00"),
    ("Europe/Rome", "2026-11-28T03:59:00+01:00", "2026-11-27T04:00:00+01:00"),
    ("Europe/Rome", "2026-11-28T03:59:59+01:00", "2026-11-27T04:00:00+01:00"),
    ("Europe/Rome", "2026-11-28T04:00:00+01:00", "2026-11-28T04:00:00+01:00"),
    ("Europe/Rome", "2026-11-28T04:01:00+01:00", "2026-11-28T04:00:00+01:00"),
    ("Europe/Rome", "2026-11-28T23:59:59+01:00", "2026-11-28T04:00:00+01:00"),
    ("Europe/Rome", "2026-11-29T00:00:00+01:00", "2026-11-28T04:00:00+01:00"),
    ("UTC", "2026-11-28T03:59:00+00:00", "2026-11-27T04:00:00+00:00"),
    ("UTC", "2026-11-28T04:01:00+00:00", "2026-11-28T04:00:00+00:00"),
    ("Asia/Kathmandu", "2026-11-28T04:01:00+05:45", "2026-11-28T04:00:00+05:45"),
    # The nights on which the clocks go forward, and the day after each.
    ("America/New_York", "2026-03-08T03:59:00-04:00", "2026-03-07T04:00:00-05:00"),
    ("America/New_York", "2026-03-08T04:01:00-04:00", "2026-03-08T04:00:00-04:00"),
    ("America/New_York", "2026-03-09T03:59:00-04:00", "2026-03-08T04:00:00-04:00"),
    ("Europe/Rome", "2027-03-28T03:59:00+02:00", "2027-03-27T04:00:00+01:00"),
    ("Europe/Rome", "2027-03-28T04:01:00+02:00", "2027-03-28T04:00:00+02:00"),
    # And those on which they go back: the hour that comes twice is before 04:00.
    ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-10-31T04:00:00-04:00"),
    ("America/New_York", "2026-11-01T01:30:00-05:00", "2026-10-31T04:00:00-04:00"),
    ("America/New_York", "2026-11-01T03:59:00-05:00", "2026-10-31T04:00:00-04:00"),
    ("America/New_York", "2026-11-01T04:01:00-05:00", "2026-11-01T04:00:00-05:00"),
    ("Europe/Rome", "2027-10-31T02:30:00+01:00", "2027-10-30T04:00:00+02:00"),
    ("Europe/Rome", "2027-10-31T03:59:00+01:00", "2027-10-30T04:00:00+02:00"),
    ("Europe/Rome", "2027-10-31T04:01:00+01:00", "2027-10-31T04:00:00+01:00"),
    # A zone that a newer machine knew: UTC's.
    ("Europe/Atlantis", "2026-11-28T03:59:00+00:00", "2026-11-27T04:00:00+00:00"),
    ("Europe/Atlantis", "2026-11-28T04:01:00+00:00", "2026-11-28T04:00:00+00:00"),
]


@pytest.mark.parametrize(("zone", "now", "closing"), CLOSINGS)
def test_a_day_is_closed_at_four_in_the_morning_there(zone: str, now: str, closing: str) -> None:
    found = last_closing(int(datetime.fromisoformat(now).timestamp()), zone)
    assert datetime.fromtimestamp(found, datetime.fromisoformat(closing).tzinfo).isoformat() == closing


def leaves(expected_before: int | None = EXPECTED_BEFORE, upto: int = 0, **fields: int | str | None) -> bool:
    """Whether a guest leaves at the closing; changed long ago unless told."""
    whole: dict[str, Any] = {"id": "g1", "first_name": "Ada", "party_size": 2, "status": "finished", "version": 5}
    guest = Guest(**whole | fields)
    floor = Floor(restaurant_id=1, guests={"g1": guest})
    return guests_to_remove(floor, BEFORE, upto, expected_before) == ("g1",)


@pytest.mark.parametrize("status", GUEST_STATUSES)
@pytest.mark.parametrize(("changed", "gone"), [(-1, True), (0, True), (1, False)])
def test_who_is_done_leaves_24_hours_after_the_last_change(status: str, changed: int, gone: bool) -> None:
    assert leaves(status=status, last_updated=BEFORE + changed, created_at=BEFORE) is (gone and status in DONE)


@pytest.mark.parametrize("status", EXPECTED)
@pytest.mark.parametrize(("late", "gone"), [(-1, True), (0, True), (1, False)])
def test_who_is_expected_leaves_7_days_after_his_time_or_his_creation(status: str, late: int, gone: bool) -> None:
    due = EXPECTED_BEFORE + late
    assert leaves(status=status, reservation_time=due, created_at=BEFORE) is gone
    assert leaves(status=status, created_at=due) is gone
    assert not leaves(status=status, reservation_time=BEFORE, created_at=due), "his time counts, where he has one"
    assert not leaves(None, status=status, reservation_time=due), "after a leap of the clock"


@pytest.mark.parametrize(("changed", "gone"), [(-1, True), (0, True), (1, False)])
def test_who_is_expected_stays_for_24_hours_after_a_change(changed: int, gone: bool) -> None:
    assert leaves(status="confirmed", reservation_time=0, last_updated=BEFORE + changed) is gone


def test_what_was_changed_before_times_began_anew_is_as_old_as_that() -> None:
    assert leaves(last_updated=BEFORE + 100, upto=5)
    assert not leaves(last_updated=BEFORE + 100, upto=4)


def test_five_hundred_leave_in_one_commit() -> None:
    guests = {f"g{n}": Guest(id=f"g{n}", first_name="Ada", party_size=2, status="left") for n in range(501)}
    assert guests_to_remove(Floor(restaurant_id=1, guests=guests), BEFORE, 0, None) == tuple(guests)[:500]


async def with_one_who_left() -> Core:
    """A hub with a guest who left when the world began, whose days nobody closes yet."""
    core = await Core(SimulatedDisk()).start()
    fields = GuestFields(first_name="Ada", party_size=2, status="left")
    step = Step(command=Create(kind="guest", id="g1", fields=fields), transaction_id="made")
    await core.hub.writer.submit(1, [step], answering)
    return core


async def leaves_at(loop: VirtualLoop, moments: list[datetime]) -> list[bool]:
    """Whether he has left the floor of a hub that runs, at each of these moments."""
    core = await with_one_who_left()
    core.spawn(close_days(core.hub))
    found = []
    for moment in moments:
        await asyncio.sleep(LOOK_EVERY_S)  # what is due is done before the hours go by
        loop.pass_by(moment.timestamp() - START - loop.time() - LOOK_EVERY_S)
        await asyncio.sleep(LOOK_EVERY_S)
        found.append("g1" not in core.hub.writer.floors[1].guests)
    assert all(not task.done() for task in core.tasks), core.tasks
    await core.crash()
    return found


def test_a_hub_that_runs_closes_the_day_each_night() -> None:
    # The world begins in Rome on the 14th at 23:13.
    moments = ["2023-11-15T04:01:00+01:00", "2023-11-16T03:59:59+01:00", "2023-11-16T04:00:11+01:00"]
    loop = VirtualLoop(1)
    try:
        found = loop.run_until_complete(leaves_at(loop, [datetime.fromisoformat(one) for one in moments]))
    finally:
        loop.close()
    assert found == [False, False, True]


async def leaves_after(loop: VirtualLoop, off: timedelta) -> bool:
    """Whether he leaves the floor as soon as a hub runs that was off for so long."""
    core = await with_one_who_left()
    loop.pass_by(off.total_seconds())
    core.spawn(close_days(core.hub))
    await asyncio.sleep(LOOK_EVERY_S / 2)
    gone = "g1" not in core.hub.writer.floors[1].guests
    await core.crash()
    return gone


@pytest.mark.parametrize(
    ("off", "gone"), [(2 * DAY, True), (WEEK - timedelta(minutes=1), True), (WEEK + timedelta(minutes=1), False)]
)
def test_a_hub_that_was_off_at_night_closes_the_day_at_its_start(off: timedelta, gone: bool) -> None:
    """But for more than a week: then the clock may be wrong."""
    loop = VirtualLoop(1)
    try:
        found = loop.run_until_complete(leaves_after(loop, off))
    finally:
        loop.close()
    assert found is gone


async def leaves_since_a_reset(began_at: int) -> bool:
    """Whether he leaves who was last changed after the time that is asked for, by a clock that was ahead until then."""
    core = await with_one_who_left()
    core.hub.history.resets[1] = ClockReset(core.hub.writer.floors[1].revision + 1, began_at)
    assert await close_day(core.hub, 1, START - 1, None)
    gone = "g1" not in core.hub.writer.floors[1].guests
    await core.crash()
    return gone


@pytest.mark.parametrize(("began_at", "gone"), [(START, False), (START - 1, True)])
def test_what_was_changed_before_times_began_anew_counts_from_then(began_at: int, gone: bool) -> None:
    loop = VirtualLoop(1)
    try:
        found = loop.run_until_complete(leaves_since_a_reset(began_at))
    finally:
        loop.close()
    assert found is gone
