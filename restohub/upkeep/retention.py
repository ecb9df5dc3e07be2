"""Retention: commits beyond the horizon are pruned from the log, a few at a time."""

from __future__ import annotations

import asyncio
import logging

from msgspec import Struct

from restohub.floor.model import DIRECTORY_ID, Floor
from restohub.live.clock import Clock
from restohub.live.ports import (
    DAY_S,
    KEYS_DAYS,
    REVISION_MAX,
    History,
    Oldest,
    StorageFullError,
    StorageUnavailableError,
)
from restohub.live.writer import Writer

from .log_size import LogSize

log = logging.getLogger("restohub.retention")

LOOK_EVERY_S = 1.0
# Pruned in one transaction: no change waits for it longer than for another group.
STEP_COMMITS = 500
STEP_BYTES = 1024 * 1024


class Horizon(Struct):
    """How far a restaurant's log may be pruned, as of the last daily check.

    `first`: the oldest revision that it has. `aged`: up to here it is too old. `keys_upto`: up to here no key needs to
    be honoured any more. `held`: the first revision that is kept for its key alone, None where none is known.
    """

    first: int
    aged: int
    keys_upto: int
    held: int | None = None


class Retention:
    """Keeps each restaurant's log within `days` and within `revisions`, whichever is less; its newest commit stays.

    No clock is asked how old a commit is. A day counts where something was committed on it, and is looked at once in 24
    hours that the hub ran: a clock that is a year ahead ages the log by a day. A commit whose key is still promised
    stays, and all after it with it, so that the log has no gap.

    All logs together take LOG_BYTES_MAX at most, whatever is promised: beyond it the longest loses its oldest commits,
    and their keys with them. So whoever floods a restaurant shortens the log of that one, and of no other.
    """

    def __init__(self, writer: Writer, history: History, clock: Clock, *, days: int, revisions: int) -> None:
        self._writer = writer
        self._history = history
        self._clock = clock
        self._days = days
        self._revisions = revisions
        self._horizons: dict[int, Horizon] = {}
        self._forgotten: set[int] = set()
        self._sizes = LogSize(history)

    async def run(self) -> None:
        """Prune when there is something to prune, for as long as the hub runs."""
        looked_at = self._clock.monotonic()
        while True:
            if self._clock.monotonic() - looked_at >= DAY_S:
                looked_at = self._clock.monotonic()
                self._horizons.clear()
            try:
                await self.prune_once()
            except (StorageFullError, StorageUnavailableError) as fault:
                log.debug("The log could not be pruned: %s", fault)
            await asyncio.sleep(LOOK_EVERY_S)

    async def prune_once(self) -> None:
        """Prune what is beyond the horizon now; raises StorageFullError, StorageUnavailableError."""
        directory = self._writer.directory
        of_directory = Floor(restaurant_id=DIRECTORY_ID, revision=directory.revision, time=directory.time)
        floors = {DIRECTORY_ID: of_directory, **self._writer.floors}
        for floor in floors.values():
            await self._prune(floor)
        await self._shorten({restaurant_id: floor.revision for restaurant_id, floor in floors.items()})
        for restaurant_id in range(1, directory.last_id + 1):
            if restaurant_id not in directory.restaurants and restaurant_id not in self._forgotten:
                await self._forget(restaurant_id)

    async def _prune(self, floor: Floor) -> None:
        horizon = self._horizons.get(floor.restaurant_id) or await self._horizon(floor)
        remembered = self._writer.keys.oldest(floor.restaurant_id)
        if remembered is None or remembered > (horizon.held or 0):
            horizon.held = None
        while True:
            surplus = floor.revision - self._revisions
            if surplus - horizon.first + 1 < STEP_COMMITS:  # one sync for each would wear out an SD card
                surplus = 0
            beyond = min(max(horizon.aged, surplus), floor.revision - 1)
            if horizon.held is not None:
                beyond = min(beyond, horizon.held - 1)
            if beyond < horizon.first:
                return
            step = await self._history.oldest(floor.restaurant_id, beyond, STEP_COMMITS)
            free = _free(step, horizon, remembered or floor.revision)
            if not free:
                return
            await self._take_out(floor.restaurant_id, free)

    async def _shorten(self, heads: dict[int, int]) -> None:
        """Prune the longest logs until all together are within LOG_BYTES_MAX; their newest commits stay."""
        await self._sizes.count(heads)
        while self._sizes.too_large:
            restaurant_id = self._sizes.largest()
            step = await self._history.oldest(restaurant_id, heads[restaurant_id] - 1, STEP_COMMITS)
            if not step:
                return
            await self._take_out(restaurant_id, _one_transaction(step))

    async def _take_out(self, restaurant_id: int, commits: list[Oldest]) -> None:
        await self._writer.prune(restaurant_id, commits[0].revision, commits[-1].revision)
        self._sizes.pruned(restaurant_id, commits)
        if restaurant_id in self._horizons:
            self._horizons[restaurant_id].first = commits[-1].revision + 1

    async def _horizon(self, floor: Floor) -> Horizon:
        horizon = self._horizons[floor.restaurant_id] = Horizon(
            first=await self._history.first_revision(floor.restaurant_id) or 1,
            aged=await self._history.revision_days_back(floor, self._days),
            keys_upto=await self._history.revision_days_back(floor, KEYS_DAYS),
        )
        return horizon

    async def _forget(self, restaurant_id: int) -> None:
        """Drop the log and the visits of deleted restaurants: they cannot come back."""
        while step := await self._history.oldest(restaurant_id, REVISION_MAX, STEP_COMMITS):
            await self._take_out(restaurant_id, _one_transaction(step))
        while await self._writer.forget_removals(restaurant_id, STEP_COMMITS):
            pass
        self._horizons.pop(restaurant_id, None)
        self._forgotten.add(restaurant_id)


def _free(step: list[Oldest], horizon: Horizon, remembered: int) -> list[Oldest]:
    """As many of the oldest commits as one transaction may take: none that is kept for its key, nor one after it.

    `remembered`: the first revision whose key is; those before it were forgotten, since there are newer ones enough.
    """
    for number, commit in enumerate(step):
        if commit.keyed and commit.revision > horizon.keys_upto and commit.revision >= remembered:
            horizon.held = commit.revision
            return _one_transaction(step[:number])
    return _one_transaction(step)


def _one_transaction(step: list[Oldest]) -> list[Oldest]:
    """As many of these commits as one transaction may take; a big one is taken alone."""
    size = 0
    for number, commit in enumerate(step):
        size += commit.size
        if number and size > STEP_BYTES:
            return step[:number]
    return step
