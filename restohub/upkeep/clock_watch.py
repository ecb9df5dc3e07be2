"""This file is the watch over the machine's clock: a jump is said, with what the hub makes of it."""

from __future__ import annotations

import asyncio
import logging

from restohub.live.clock import Clock
from restohub.log_words import event, span

log = logging.getLogger("restohub.clock")

LOOK_EVERY_S = 1.0
# What a time server does to a running clock (at most 0.1 s in a second) is no jump.
JUMP_S = 2.0


async def watch_clock(clock: Clock) -> None:
    """Look once a second, for as long as the hub runs."""
    if (behind := clock.behind_s()) >= JUMP_S:
        told = "The machine's clock is %s behind the last change. Until it is right, the hub goes on from that change."
        log.warning(told, span(behind), extra=event("clock_behind", behind_seconds=behind))
    while True:
        look(clock)
        await asyncio.sleep(LOOK_EVERY_S)


def look(clock: Clock) -> None:
    """Say it where the clock was moved since the last look."""
    moved, behind = clock.moved_s(), clock.behind_s()
    if abs(moved) < JUMP_S:
        return
    way = f"{span(abs(moved))} {'forward' if moved > 0 else 'back'}"
    does = f"The hub's time does not go back: it is {span(behind)} ahead until the machine's is right."
    if behind < JUMP_S:
        does = "The hub goes by it from now on."
    extra = event("clock_jumped", seconds=round(moved), behind_seconds=behind)
    log.warning("The machine's clock jumped %s (it was set, or the machine slept). %s", way, does, extra=extra)
