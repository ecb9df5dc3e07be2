"""The making of a report: the visits of a day are read in steps, and counted beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from restohub.floor.leaving import time_of
from restohub.floor.model import DONE, Floor, Restaurant
from restohub.floor.visits import Visit
from restohub.live.ports import History
from restohub.wire.night_report import NightReport

from .business_day import BusinessDay, business_day_at
from .night import Night

# Rows that are read in one visit to the store's thread, in which nobody else can read: 4 ms.
VISITS_A_READ = 500


async def report_night(
    history: History, floor: Floor, restaurant: Restaurant, day: BusinessDay
) -> tuple[NightReport, int]:
    """The report of a day as of the floor's revision, the same before the close and afterwards; of how many visits.

    A visit that was made after that revision is of a guest who is still on this floor.
    """
    night = Night(restaurant, day)
    await asyncio.to_thread(night.add_floor, floor)
    async for visits in read_visits(history, floor, day.start, day.end):
        await asyncio.to_thread(night.add_visits, visits)
    return await asyncio.to_thread(night.report), night.counted


async def read_visits(history: History, floor: Floor, since: int, until: int) -> AsyncIterator[list[Visit]]:
    """The visits from one time to before another, up to the floor's revision, step by step."""
    after = since, ""
    while True:
        visits = await history.visits_between(floor, after, until, VISITS_A_READ)
        yield visits
        if len(visits) < VISITS_A_READ:
            return
        after = visits[-1].at, visits[-1].guest_id


async def latest_day(history: History, floor: Floor, restaurant: Restaurant, now: int) -> BusinessDay:
    """The newest business day with something to report: tonight, in the morning last night; else the present one."""
    today = business_day_at(now, restaurant.timezone)
    times = await asyncio.to_thread(_done_before, floor, today.end)
    newest = await history.newest_visit(floor, today.end)
    found = max([time for time in (times, newest) if time is not None], default=None)
    return today if found is None else business_day_at(found, restaurant.timezone)


def _done_before(floor: Floor, end: int) -> int | None:
    """When the newest of those who are done on the floor was here, before a time."""
    times = (time_of(guest) for guest in floor.guests.values() if guest.status in DONE)
    return max((time for time in times if time < end), default=None)
