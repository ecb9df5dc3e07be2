"""Snapshots of whole floors: small ones encoded once, large ones in pieces of a held revision."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from restohub.floor.model import Floor
from restohub.limits import (
    KEPT_PIECES_BYTES_MAX,
    SNAPSHOTS_ALIVE,
    SNAPSHOTS_BYTES_MAX,
    WHOLE_BYTES_MAX,
    WHOLE_FLOORS_BYTES_MAX,
)
from restohub.wire.messages import full_sync_message, text_frame
from restohub.wire.responses import floor_envelope
from restohub.wire.streamed_lists import Pieces, entity_json, joined_whole

from .address_usage import Caller
from .epoch import Epoch

# What holding on to an old revision costs for each thing on it, beside the things: its place in a dict and a list.
PLACE_BYTES = 100


class RestaurantGoneError(Exception):
    """The restaurant was deleted."""


class Snapshot:
    """One revision of a floor, held on to for those who take something of it in pieces.

    `weight` is about what it alone keeps in memory: its dicts, and what was replaced since.
    """

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.readers: list[Caller] = []
        self.weight = PLACE_BYTES * (len(floor.guests) + len(floor.tables) + len(floor.removals))
        self._guests = Pieces(list(floor.guests.values()), entity_json, KEPT_PIECES_BYTES_MAX)
        self._tables = Pieces(list(floor.tables.values()), entity_json)
        self._measuring = asyncio.Lock()
        self._measured = False

    async def measured(self) -> Snapshot:
        """Itself, once it is known how many pieces the whole floor has."""
        async with self._measuring:
            if not self._measured:
                for pieces in (self._guests, self._tables):
                    for _ in pieces.measure():
                        await asyncio.sleep(0)
                self._measured = True
        return self

    @property
    def size(self) -> int:
        """How many bytes its guests and tables are as JSON."""
        return self._guests.size + self._tables.size

    def frames(self) -> Iterator[bytes]:
        """The `full_sync` in parts, each made when it is asked for."""
        guests, tables = len(self._guests), len(self._tables)
        for number in range(guests):
            piece = self._guests[number].removeprefix(b",")
            yield text_frame(full_sync_message(self.floor, piece, b"", number + 1, guests + tables))
        for number in range(tables):
            piece = self._tables[number].removeprefix(b",")
            yield text_frame(full_sync_message(self.floor, b"", piece, guests + number + 1, guests + tables))

    def body(self, epoch: str) -> tuple[int, Iterator[bytes]]:
        """The JSON body of `GET /api/sync/full`: its size, and its pieces, each made when it is asked for."""
        head, between, tail = floor_envelope(self.floor, epoch)

        def pieces() -> Iterator[bytes]:
            yield head
            yield from self._guests
            yield between
            yield from self._tables
            yield tail

        return len(head) + len(between) + len(tail) + self.size, pieces()

    def let_go(self) -> None:
        """Keep no piece any longer: whoever needs one makes it again."""
        self._guests.let_go()


class Snapshots:
    """The newest encoding of each small floor, and the revisions of large ones that somebody is reading.

    `floors` are the published ones. At most SNAPSHOTS_ALIVE revisions are held for one address, and for all together;
    more while they weigh less than SNAPSHOTS_BYTES_MAX. Whoever needs another waits until one is taken.
    """

    def __init__(self, epoch: Epoch, floors: Mapping[int, Floor]) -> None:
        self._epoch = epoch
        self._floors = floors
        self._whole: OrderedDict[tuple[int, str], tuple[tuple[int, str], bytes | None]] = OrderedDict()
        self._whole_bytes = 0
        self._alive: list[Snapshot] = []
        self._newest: Snapshot | None = None
        self._freed = asyncio.Event()

    def published(self, restaurant_id: int) -> Floor:
        """A restaurant's floor as it is now; raises RestaurantGoneError."""
        floor = self._floors.get(restaurant_id)
        if floor is None:
            raise RestaurantGoneError
        return floor

    def body(self, floor: Floor) -> bytes | None:
        """The JSON body of `GET /api/sync/full`, None where the floor is too large to be encoded at once."""
        return self._kept(floor, "body")

    def frame(self, floor: Floor) -> bytes | None:
        """The `full_sync` message, framed; None where the floor is too large to be encoded at once."""
        return self._kept(floor, "frame")

    def _kept(self, floor: Floor, form: str) -> bytes | None:
        key, told = (floor.restaurant_id, form), (floor.revision, self._epoch.name)
        kept = self._whole.get(key)
        if kept is not None and kept[0] == told:
            self._whole.move_to_end(key)
            return kept[1]
        self._drop(key)
        made = self._made(floor, form)
        self._whole[key] = told, made
        self._whole_bytes += len(made or b"")
        while self._whole_bytes > WHOLE_FLOORS_BYTES_MAX:
            self._drop(next(iter(self._whole)))
        return made

    def _drop(self, key: tuple[int, str]) -> None:
        _, dropped = self._whole.pop(key, (None, None))
        self._whole_bytes -= len(dropped or b"")

    def _made(self, floor: Floor, form: str) -> bytes | None:
        guests = joined_whole(list(floor.guests.values()), entity_json)
        tables = None if guests is None else joined_whole(list(floor.tables.values()), entity_json)
        if guests is None or tables is None or len(guests) + len(tables) > WHOLE_BYTES_MAX:
            return None
        if form == "frame":
            return text_frame(full_sync_message(floor, guests, tables, 1, 1))
        head, between, tail = floor_envelope(floor, self._epoch.name)
        return b"".join((head, guests, between, tables, tail))

    async def take(self, restaurant_id: int, caller: Caller, least: int | None = None) -> Snapshot:
        """Hold on to the published floor for a reader, until `release`; raises RestaurantGoneError.

        A reader who would wait takes an older revision that is held already, where that is `least` or later.
        """
        while (found := self._choice(restaurant_id, caller, least)) is None:
            await self._freed.wait()
        found.readers.append(caller)
        return found

    def release(self, snapshot: Snapshot, caller: Caller) -> None:
        """A reader has what it wanted, or is gone."""
        snapshot.readers.remove(caller)
        if not snapshot.readers:
            at = self._alive.index(snapshot)
            self._alive.remove(snapshot)
            if snapshot is self._newest and self._floors.get(snapshot.floor.restaurant_id) is not snapshot.floor:
                self._newest = None
            for older in reversed(self._alive[:at]):  # what was replaced since both began, that one holds on to alone
                if older.floor.restaurant_id == snapshot.floor.restaurant_id:
                    older.weight += snapshot.weight
                    break
        freed, self._freed = self._freed, asyncio.Event()
        freed.set()

    def _choice(self, restaurant_id: int, caller: Caller, least: int | None) -> Snapshot | None:
        floor = self.published(restaurant_id)
        own = [one for one in self._alive if caller in one.readers]
        may_hold_another = caller.shared or len(own) < SNAPSHOTS_ALIVE
        within = len(self._alive) < SNAPSHOTS_ALIVE or sum(one.weight for one in self._alive) < SNAPSHOTS_BYTES_MAX
        candidates = [one for one in self._alive if one.floor.restaurant_id == restaurant_id]
        candidates = candidates if may_hold_another else [one for one in candidates if caller in one.readers]
        newest = candidates[-1] if candidates else None
        if newest is not None and newest.floor.revision == floor.revision:
            return newest
        if may_hold_another and within:
            return self._new(floor)
        if newest is not None and least is not None and newest.floor.revision >= least:
            return newest
        return None

    def _new(self, floor: Floor) -> Snapshot:
        made = self._newest
        if made is None or made.floor is not floor:
            if made is not None:
                made.let_go()
            made = self._newest = Snapshot(floor)
        self._alive.append(made)
        return made

    def replaced(self, restaurant_id: int, weight: int) -> None:
        """Something of a floor was replaced: the newest snapshot of it holds on to what was there."""
        newest = self._newest
        if newest is not None and newest.floor.restaurant_id == restaurant_id and not newest.readers:
            self._newest = None
        for snapshot in reversed(self._alive):
            if snapshot.floor.restaurant_id == restaurant_id:
                snapshot.weight += weight
                break

    def forget(self, restaurant_id: int) -> None:
        """Let go of a restaurant that is gone."""
        self._drop((restaurant_id, "body"))
        self._drop((restaurant_id, "frame"))
        if self._newest is not None and self._newest.floor.restaurant_id == restaurant_id:
            self._newest = None
