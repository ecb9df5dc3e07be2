"""Catching up: what a client missed, as a delta where there is a way from what it has, else as the whole floor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from msgspec import Struct

from restohub.floor.model import Floor

from .address_usage import Caller
from .deltas import changes_since, delta_frame, delta_frames, delta_pieces
from .ports import History
from .snapshots import Snapshots


class CatchUp(Struct, frozen=True):
    """What brings a client to a floor: the frames of one message, each made when it is asked for, and their size."""

    floor: Floor
    frames: Iterable[bytes]
    size: int
    resumed: bool


class CatchUps:
    """Decides between a delta and the whole floor, and makes the one or the other."""

    def __init__(self, history: History, snapshots: Snapshots) -> None:
        self._history = history
        self._snapshots = snapshots

    @asynccontextmanager
    async def since(self, restaurant_id: int, since: int | None, caller: Caller, least: int) -> AsyncIterator[CatchUp]:
        """What changed since a revision, or the whole floor (`since` None, or no way from it), to be sent inside.

        `least` is the earliest revision that will do. Raises RestaurantGoneError.
        """
        small = await self._small(restaurant_id, since)
        if small is not None:
            yield small
            return
        snapshot = await self._snapshots.take(restaurant_id, caller, least)
        try:
            floor = snapshot.floor
            changes = None if since is None else await changes_since(floor, since, self._history)
            if since is None or changes is None:
                await snapshot.measured()
                yield CatchUp(floor, snapshot.frames(), snapshot.size, resumed=False)
            else:
                pieces = await delta_pieces(changes)
                yield CatchUp(floor, delta_frames(floor, since, pieces), pieces.size, resumed=True)
        finally:
            self._snapshots.release(snapshot, caller)

    async def _small(self, restaurant_id: int, since: int | None) -> CatchUp | None:
        """What can be encoded at once, of the floor as it is now; whoever is sent more must not hold on to this one."""
        floor = self._snapshots.published(restaurant_id)
        changes = None if since is None else await changes_since(floor, since, self._history)
        frame = self._snapshots.frame(floor) if changes is None else delta_frame(floor, since or 0, changes)
        return None if frame is None else CatchUp(floor, (frame,), len(frame), changes is not None)
