"""People in the store: found, handed over and taken out, as the running hub asks for it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial
from pathlib import Path
from typing import TypeVar

from restohub.floor.forgetting import Person, ids_on_floor
from restohub.floor.model import Floor
from restohub.live.ports import Between, Erasure, Held, StorageUnavailableError

from .backup_folder import own_folder, set_aside
from .codec import DamageError
from .eraser import REST_S, Eraser, clean_pages
from .erasure_list import ListError, merge_lists, read_list, write_list
from .history import History
from .person_search import IdSearch, ImageSearch, OldRemovals, Reading, RowSearch, VisitSearch, ids_left

ROWS_A_STEP = 200

T = TypeVar("T")


class People:
    """What `live.ports.People` asks for, over a data folder's list of erasures, its history and its eraser."""

    def __init__(self, folder: Path, history: History, eraser: Eraser, contact_key: bytes) -> None:
        self._folder = folder
        self._history = history
        self._eraser = eraser
        self._key = contact_key

    def erasures(self) -> list[Erasure]:
        """Who was to be forgotten so far, oldest first; raises ListError, OSError."""
        return read_list(self._folder)

    def keep(self, erasures: Sequence[Erasure]) -> None:
        """Keep who was to be forgotten, on the disk; raises OSError."""
        write_list(self._folder, erasures)

    def keep_beside_backups(self) -> None:
        """Keep it beside the backups of the folder too; each place gets it with its next backup.

        Raises OSError, StorageUnavailableError where the list that lies there cannot be read.
        """
        try:
            if own_folder(self._folder).is_dir():
                merge_lists(self._folder, own_folder(self._folder))
        except ListError as error:
            raise StorageUnavailableError(str(error)) from error

    async def found(self, floor: Floor, person: Person, ids: Iterable[str]) -> set[str]:
        """The guests who are a person: on the floor, long gone, or at any time in the log."""
        found = set(ids) | set(ids_on_floor(floor, person, self._key))
        if person.id is not None:
            return found | {person.id}
        found |= await self._history.read(lambda database: ids_left(database, floor.restaurant_id, person))
        visits = VisitSearch(
            floor.restaurant_id,
            lambda visit: (visit.phone or "") == person.phone or (visit.email or "") == person.email,
        )
        search = IdSearch(floor.restaurant_id, floor.revision, person, self._key)
        await self._read(visits)
        await self._read(search)
        return found | {visit.guest_id for visit in visits.found} | search.ids

    async def held(self, floor: Floor, person: Person) -> Held:
        """All that is held of a person."""
        ids = await self.found(floor, person, ())
        images = ImageSearch(floor.restaurant_id, floor.revision, ids)
        visits = VisitSearch(floor.restaurant_id, lambda visit: visit.guest_id in ids)
        await self._read(images)
        await self._read(visits)
        guests = [guest for guest in floor.guests.values() if guest.id in ids]
        return Held(guests, images.logged, visits.found)

    async def scrub(self, floor: Floor, ids: Set[str], between: Between) -> None:
        """Take these guests out of the removals, the visits and the log, up to the floor's revision."""
        for some in _parts(sorted(ids)):
            await between(partial(self._eraser.uncount, floor.restaurant_id, some))
        await self._unhash(
            floor.restaurant_id, VisitSearch(floor.restaurant_id, lambda one: one.guest_id in ids), between
        )
        search = RowSearch(floor.restaurant_id, floor.revision, ids)
        await self._read(search)
        left = search.positions
        while left:
            left = left[await between(partial(self._eraser.scrub, left, ids)) :]

    async def clean(self, asked: int, between: Between) -> None:
        """Leave nothing of what was there before in the files, nor of what a restore set aside before `asked`."""
        await clean_pages(self._eraser, between)
        for path, when in set_aside(self._folder):
            if when <= asked:
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

    async def marks(self, between: Between) -> set[str]:
        """The erasures that are done in this database."""
        found: set[str] = set()

        async def reading() -> int:
            found.update(await self._eraser.marks())
            return len(found)

        await between(reading)
        return found

    async def mark(self, erasure_ids: Sequence[str], time: int, between: Between) -> None:
        """Note that erasures are done in this database."""
        await between(partial(self._eraser.mark, erasure_ids, time))

    async def end_hashes(self, restaurant_id: int, before: int, between: Between) -> set[str]:
        """End the hashes of the contacts of whoever left before a time, and say which guests those were."""
        removals = OldRemovals(restaurant_id, before)
        await self._read(removals)
        for some in _parts(removals.ids):
            await between(partial(self._eraser.uncount, restaurant_id, some))
        visits = VisitSearch(restaurant_id, lambda visit: bool(visit.phone or visit.email), before)
        await self._unhash(restaurant_id, visits, between)
        return set(removals.ids)

    async def _unhash(self, restaurant_id: int, search: VisitSearch, between: Between) -> None:
        await self._read(search)
        for few in _parts(search.found):
            await between(partial(self._eraser.unhash, restaurant_id, few))

    async def _read(self, reading: Reading) -> None:
        """Read to the end; raises StorageUnavailableError where a row is damaged."""
        try:
            while not reading.finished:
                await self._history.read(reading.advance)
                await asyncio.sleep(REST_S)
        except DamageError as error:
            raise StorageUnavailableError(f"the data are damaged: {error}") from error


def _parts(many: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(many), ROWS_A_STEP):
        yield many[first : first + ROWS_A_STEP]
