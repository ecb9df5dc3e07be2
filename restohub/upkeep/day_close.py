"""The close of the day: at 04:00 of the restaurant's zone, parties long gone leave the floor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC
from itertools import islice

from restohub.floor.commands import CloseDay
from restohub.floor.decide import leaves_at_close
from restohub.floor.model import Floor
from restohub.floor.outcomes import Result
from restohub.live.clock import new_id
from restohub.live.group_commit import Step
from restohub.live.hub import Hub
from restohub.reports.business_day import closing_before, zone_of
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer

log = logging.getLogger("restohub.day")

GONE_FOR_S = 24 * 3600
EXPECTED_FOR_S = 7 * 24 * 3600
GUESTS_A_COMMIT = 500
LOOK_EVERY_S = 10.0
# A step ahead longer than one night: the hub was off for long, or the clock is wrong.
LEAP_S = 7 * 24 * 3600


async def close_days(hub: Hub) -> None:
    """Close each restaurant's day when its 04:00 has passed; at the start, one that passed while the hub was off.

    Where the clock leaps ahead by more than a week, nobody leaves until the hub has run for another 24 hours: on a
    clock that was set wrong, all of this evening's parties would seem long gone. Whoever is expected stays until it has
    run for another week.
    """
    closed: dict[int, int] = {}
    seen = max([0, *(floor.time for floor in hub.writer.floors.values())]) or hub.clock.now()
    leapt_at = float("-inf")
    while True:
        now = hub.clock.now()
        if now - seen > LEAP_S:
            leapt_at = hub.clock.monotonic()
            log.warning("The clock leapt ahead by %d days; no day is closed for 24 hours.", (now - seen) // 86_400)
        seen = now
        trusted_s = hub.clock.monotonic() - leapt_at
        for restaurant_id, restaurant in tuple(hub.writer.directory.restaurants.items()):
            closing = last_closing(now, restaurant.timezone)
            if trusted_s < GONE_FOR_S or closed.get(restaurant_id) == closing:
                continue
            expected_before = closing - EXPECTED_FOR_S if trusted_s >= EXPECTED_FOR_S else None
            if await close_day(hub, restaurant_id, closing - GONE_FOR_S, expected_before):
                closed[restaurant_id] = closing
        await asyncio.sleep(LOOK_EVERY_S)


async def close_day(hub: Hub, restaurant_id: int, before: int, expected_before: int | None) -> bool:
    """Remove the guests whom `leaves_at_close` selects at these times (UTC seconds); False to try again."""
    gone = 0
    reset = hub.history.resets.get(restaurant_id)
    upto = reset.revision if reset is not None and reset.time <= before else 0
    while True:
        floor = hub.writer.floors.get(restaurant_id)
        ids = () if floor is None else guests_to_remove(floor, before, upto, expected_before)
        if not ids:
            break
        step = Step(command=CloseDay(ids, before, upto, expected_before), transaction_id=new_id())
        try:
            await hub.writer.submit(restaurant_id, [step], _nothing)
        except Problem as fault:
            log.warning("The day could not be closed for %s: %s", _name(hub, restaurant_id), fault)
            return False
        gone += len(ids)
    if gone:
        guests = "1 guest" if gone == 1 else f"{gone:,} guests"
        log.info("The day is closed for %s: %s left the floor.", _name(hub, restaurant_id), guests)
    return True


def guests_to_remove(floor: Floor, before: int, upto: int, expected_before: int | None) -> tuple[str, ...]:
    """At most 500 guests who leave the floor by these times (UTC seconds), or by revision `upto`."""
    gone = (guest.id for guest in floor.guests.values() if leaves_at_close(guest, before, upto, expected_before))
    return tuple(islice(gone, GUESTS_A_COMMIT))


def last_closing(now: int, timezone: str) -> int:
    """The newest 04:00 of a zone that has passed (UTC seconds)."""
    zone = zone_of(timezone)
    if zone is None:  # it was set on a machine with newer zone data
        log.warning("This machine does not know the time zone %s; the day is closed by UTC.", timezone)
    return closing_before(now, zone or UTC)


def _name(hub: Hub, restaurant_id: int) -> str:
    restaurant = hub.writer.directory.restaurants.get(restaurant_id)
    return restaurant.name if restaurant else f"restaurant {restaurant_id}"


def _nothing(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
    return Answer(204, [], b"")
