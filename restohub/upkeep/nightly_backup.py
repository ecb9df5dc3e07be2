"""The nightly backup: after the close of the day, or, on a hub that was off then, once it has been idle."""

from __future__ import annotations

import asyncio
import logging

from restohub.limits import BACKUP_AGAIN_S, BACKUP_IDLE_S
from restohub.live.clock import Clock
from restohub.live.ports import DAY_S, Backups, BackupState
from restohub.live.writer import Writer

from .day_close import last_closing

log = logging.getLogger("restohub.backup")

LOOK_EVERY_S = 15.0
# By then the guests of the day have left the floor.
AFTER_CLOSE_S = 60


class NightlyBackup:
    """Makes a backup of every day."""

    def __init__(self, backups: Backups, clock: Clock, zone: str) -> None:
        self._state = BackupState()
        self._backups = backups
        self._clock = clock
        self._zone = zone
        self._made_for = 0
        self._failed_at = float("-inf")
        self._head, self._changed_at = 0, clock.monotonic()

    def told(self) -> BackupState:
        """The backups as they were at the last check."""
        return self._state

    async def run(self, writer: Writer) -> None:
        """Check, and make a backup when one is due, for as long as the hub runs."""
        while True:
            self._state = await asyncio.to_thread(self._backups.look)
            if (closing := self._due(writer)) is not None:
                await self._make(closing)
            await asyncio.sleep(LOOK_EVERY_S)

    def _due(self, writer: Writer) -> int | None:
        """The close of the day (UTC seconds) for which a backup is to be made now, None where none is."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        head = writer.directory.revision + sum(floor.revision for floor in writer.floors.values())
        if head != self._head:
            self._head, self._changed_at = head, monotonic
        restaurants = writer.directory.restaurants
        closing = last_closing(now, restaurants[min(restaurants)].timezone if restaurants else self._zone)
        # A backup dated in the future was made while the clock was ahead, and counts for no night.
        if self._made_for == closing or closing <= (self._state.time or 0) <= now + DAY_S:
            return None
        if monotonic - self._failed_at < BACKUP_AGAIN_S:
            return None
        ran = self._clock.started_at < closing and now >= closing + AFTER_CLOSE_S
        return closing if ran or monotonic - self._changed_at >= BACKUP_IDLE_S else None

    async def _make(self, closing: int) -> None:
        fault = await self._backups.make()
        if fault is not None:
            self._failed_at = self._clock.monotonic()
            log.warning("The backup of the night was not made: %s It is tried again in an hour.", fault)
            return
        self._made_for = closing
        self._state = await asyncio.to_thread(self._backups.look)
        log.info("The backup of the night is made: %d KB, read and found sound.", self._state.size_bytes // 1000)
        for sentence in self._state.missing:
            log.warning("The backup could not be copied: %s", sentence)
