"""The watch over the machine's clock: jumps are logged, and times begin anew once the clock is right again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from restohub.floor.model import DIRECTORY_ID, Floor
from restohub.live.clock import new_epoch
from restohub.live.epoch import BEGAN
from restohub.live.hub import Hub
from restohub.live.ports import ClockReset, StorageFullError, StorageUnavailableError
from restohub.logs.events import event
from restohub.text import duration

from .clock_trust import STEADY_S, ClockReading, Verdict, judge_clock
from .time_server import is_synchronized

log = logging.getLogger("restohub.clock")

LOOK_EVERY_S = 1.0
# A time server that slews a running clock (by at most 0.1 s in a second) does not make it jump.
JUMP_S = 2.0


class ClockWatch:
    """Checks the machine's clock once a second. `disconnect_all` makes every client reconnect."""

    def __init__(self, hub: Hub, disconnect_all: Callable[[], None]) -> None:
        self._hub = hub
        self._disconnect_all = disconnect_all
        self._steady_since: float | None = None
        self._around: tuple[int, int] | None = None
        self._said: Verdict = "well"

    async def run(self) -> None:
        """Check for as long as the hub runs."""
        if (behind := self._hub.clock.behind_s()) >= JUMP_S:
            told = (
                "The machine's clock is %s behind the last change. Until it is right, the hub goes on from that change."
            )
            log.warning(told, duration(behind), extra=event("clock_behind", behind_seconds=behind))
        while True:
            await self.check()
            await asyncio.sleep(LOOK_EVERY_S)

    async def check(self) -> None:
        """Log a jump since the last check; restart the times where the clock is right and the hub ahead."""
        clock = self._hub.clock
        moved, behind = clock.moved_s(), clock.behind_s()
        if abs(moved) >= JUMP_S:
            _say_jump(moved, behind)
        if behind < JUMP_S:
            self._steady_since = None
        elif self._steady_since is None or abs(moved) >= JUMP_S:
            self._steady_since = clock.monotonic()
            self._around = await self._hub.history.commits_around(self._floors(), int(clock.machine_time()))
        steady = 0.0 if self._steady_since is None else clock.monotonic() - self._steady_since
        found = judge_clock(ClockReading(int(clock.machine_time()), behind, steady, is_synchronized(), self._around))
        self._say(found, behind, steady)
        if found == "right":
            await self._restart_times(behind)

    def _floors(self) -> list[Floor]:
        directory = self._hub.writer.directory
        of_directory = Floor(restaurant_id=DIRECTORY_ID, revision=directory.revision, time=directory.time)
        return [of_directory, *self._hub.writer.floors.values()]

    def _say(self, found: Verdict, behind: int, steady: float) -> None:
        """Report what is wrong in `/health`, and what is new of it in the log."""
        told = None
        if found == "waiting":
            told = (
                f"The machine's clock is {duration(behind)} behind the last change: it was ahead then, and is right "
                f"now. If it stays so for another {duration(STEADY_S - steady)}, a new epoch begins with its time, "
                "and every client takes the whole floor anew."
            )
        elif found == "behind":
            told = (
                f"The machine's clock is {duration(behind)} behind the last change, and nothing tells which of the two "
                "is right. The hub goes on from that change. Let the machine reach a time server: an hour later the "
                "hub goes by its clock."
            )
        self._hub.present.clock = told
        if told is not None and found != self._said:
            log.warning("%s", told, extra=event(f"clock_{found}", behind_seconds=behind))
        self._said = found

    async def _restart_times(self, behind: int) -> None:
        name = new_epoch()
        incident = (
            f"The machine's clock was {duration(behind)} ahead when changes were saved, and is right again. {BEGAN}"
        )

        def begun(resets: dict[int, ClockReset]) -> None:
            log.warning("%s", incident, extra=event("epoch_began", behind_seconds=behind))
            self._hub.history.resets.update(resets)
            self._hub.present.begin(name, incident)
            self._disconnect_all()

        try:
            await self._hub.writer.restart_times(name, begun)
        except (StorageFullError, StorageUnavailableError) as fault:
            log.debug("A new epoch could not begin: %s", fault)


def _say_jump(moved: float, behind: int) -> None:
    way = f"{duration(abs(moved))} {'forward' if moved > 0 else 'back'}"
    does = f"The hub's time does not go back: it is {duration(behind)} ahead until the machine's is right."
    if behind < JUMP_S:
        does = "The hub goes by it from now on."
    extra = event("clock_jumped", seconds=round(moved), behind_seconds=behind)
    log.warning("The machine's clock jumped %s (it was set, or the machine slept). %s", way, does, extra=extra)
