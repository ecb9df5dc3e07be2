"""The eraser: takes a person out of the rows, the pages of the file and the write-ahead log, a little at a time."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

from msgspec import Raw, structs

from restohub.floor.forgetting import nameless
from restohub.floor.model import Guest
from restohub.floor.visits import Visit
from restohub.live.ports import Between, StorageFailedError, StorageUnavailableError

from .append import Ledger, cut_wal
from .codec import (
    REMOVAL_COLUMNS,
    DamageError,
    LoggedChange,
    decode_changes,
    encode_logged,
    entity_of,
    image_of,
    log_checksum,
    name_checksum,
    removal_checksum,
    restaurant_at,
    revision_at,
    visit_row,
)
from .restore_detection import NAME
from .stale_pages import DatabasePages

# One transaction's worth: no change waits longer than for another group.
ROWS_A_STEP = 500
BYTES_A_STEP = 128 * 1024
PAGES_A_STEP = 128
COMMIT = "SELECT position, time, checksum, key, digest, changes, answer, device, person FROM log WHERE position = ?"
REWRITE = "UPDATE log SET checksum = ?, digest = NULL, changes = ?, answer = NULL WHERE position = ?"
PRESENT = "SELECT 1 FROM entity WHERE restaurant_id = ? AND version = ? AND kind = 'guest' AND id = ?"
REMOVALS_OF = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ? AND kind = 'guest' AND id = ?"  # noqa: S608 (our own column names)
UNCOUNT = "UPDATE removal SET phone = NULL, email = NULL, checksum = ? WHERE restaurant_id = ? AND kind = ? AND id = ?"
UNHASH = """UPDATE visit SET phone = NULL, email = NULL, checksum = ?
    WHERE restaurant_id = ? AND at = ? AND guest_id = ?"""
ERASED = "erased "
MARKS = "SELECT name FROM hub WHERE name >= 'erased ' AND name < 'erased!'"
# Between two steps, so that others read and write meanwhile.
REST_S = 0.002
TRUNCATE_AGAIN_S, TRUNCATE_AGAIN_MAX_S = 0.05, 5.0

T = TypeVar("T")


class Eraser:
    """Each step is one transaction, to be done between two groups of the writer; each raises like `Ledger.append`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stale: set[int] = set()

    @cached_property
    def _pages(self) -> DatabasePages:
        return DatabasePages(self._ledger.path)

    async def uncount(self, restaurant_id: int, ids: Sequence[str]) -> int:
        """Take the hashes out of what is kept of these guests who left."""

        def dropping(connection: sqlite3.Connection) -> int:
            for one in ids:
                for row in connection.execute(REMOVALS_OF, (restaurant_id, one)).fetchall():
                    removal = (*row[:5], None, None)
                    connection.execute(UNCOUNT, (removal_checksum(removal), *row[:3]))
            return len(ids)

        return await self._step(dropping)

    async def unhash(self, restaurant_id: int, visits: Sequence[Visit]) -> int:
        """Take the hashes out of these visits; what else they say stays."""

        def dropping(connection: sqlite3.Connection) -> int:
            for visit in visits:
                row = visit_row(restaurant_id, structs.replace(visit, phone=None, email=None))
                connection.execute(UNHASH, (row[-1], *row[:3]))
            return len(visits)

        return await self._step(dropping)

    async def scrub(self, positions: Sequence[int], ids: Set[str]) -> int:
        """Take these guests out of the oldest of these commits; how many commits of them are done."""

        def scrubbing(connection: sqlite3.Connection) -> int:
            size = 0
            for number, position in enumerate(positions[:ROWS_A_STEP]):
                for row in connection.execute(COMMIT, (position,)).fetchall():
                    size += len(row[5]) + len(row[6] or b"")
                    connection.execute(REWRITE, _without(row, _gone(connection, row, ids)))
                if size > BYTES_A_STEP:
                    return number + 1
            return min(len(positions), ROWS_A_STEP)

        return await self._step(scrubbing)

    async def find_stale(self) -> None:
        """Find the pages whose unused bytes are to be zeroed, in the file as it is while nothing is brought into it."""
        numbers = self._pages.numbers()
        free = await _told(asyncio.to_thread(self._pages.free_list))
        for first in range(0, len(numbers), PAGES_A_STEP):
            some = numbers[first : first + PAGES_A_STEP]
            self._stale |= await _told(asyncio.to_thread(self._pages.stale, some, free))
            await asyncio.sleep(REST_S)

    async def wipe(self) -> int:
        """Zero the unused bytes of some pages that were found, or written since; how many are left, -1: try again.

        Nothing is written into the file meanwhile: that is what checkpoints do, and the write-ahead log is empty while
        this connection has the lock of whoever writes. A reader of what was before would keep it from being emptied.
        SQLite's own copies of pages are dropped, since it would write them with what is unused in them.
        """

        def wiping(connection: sqlite3.Connection) -> int:
            written = self._pages.in_wal()
            self._stale |= written
            if not cut_wal(connection):
                return -1
            self._ledger.pages_due = 0
            connection.execute("BEGIN IMMEDIATE")
            if self._pages.in_wal():  # another process wrote, which none has to
                return -1
            most = PAGES_A_STEP + len(written)  # so that there is an end, however much others write
            self._stale -= self._pages.wipe(islice(self._stale, most), most)
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA shrink_memory")
            return len(self._stale)

        return await _told(self._ledger.visit(wiping))

    async def mark(self, erasure_ids: Sequence[str], time: int) -> int:
        """Note in the database that erasures are done in it."""
        value = str(time)
        rows = [(name, value, name_checksum(name, value)) for name in (ERASED + one for one in erasure_ids)]
        return await self._step(lambda connection: connection.executemany(NAME, rows).rowcount)

    async def marks(self) -> set[str]:
        """The erasures that are done in the database."""
        found: set[str] = set()

        def reading(connection: sqlite3.Connection) -> int:
            found.update(name.removeprefix(ERASED) for (name,) in connection.execute(MARKS))
            return len(found)

        await self._step(reading)
        return found

    @contextmanager
    def keeping_wal(self) -> Iterator[None]:
        """Have the write-ahead log hold each page that is written, until a step here cuts it."""
        self._ledger.keeps_wal = True
        try:
            yield
        finally:
            self._ledger.keeps_wal = False

    async def sync(self) -> None:
        """Bring what was zeroed to the disk."""
        await _told(asyncio.to_thread(self._pages.sync))

    async def _step(self, work: Callable[[sqlite3.Connection], int]) -> int:
        done = await _told(self._ledger.transact(work))
        self._ledger.pages_due += 1
        return done


async def _told(doing: Awaitable[T]) -> T:
    """What this gives; damage and a disk that takes nothing leave an erasure for later."""
    try:
        return await doing
    except DamageError as error:
        raise StorageUnavailableError(f"the data are damaged: {error}") from error
    except OSError as error:
        failed = StorageFailedError if error.errno == errno.EIO else StorageUnavailableError
        raise failed(f"the database file cannot be written ({error.strerror})") from error


async def clean_pages(eraser: Eraser, between: Between) -> None:
    """Leave no byte of what was there before in unused parts of pages, in free pages and in the write-ahead log.

    Once a page was seen, what SQLite moves from one page to another is in the write-ahead log, and so is where it went:
    that is zeroed too. So when no page is left, none has anything of before.
    """
    with eraser.keeping_wal():
        await _wipe(eraser, between)
        await eraser.find_stale()
        await _wipe(eraser, between)


async def _wipe(eraser: Eraser, between: Between) -> None:
    again_s = TRUNCATE_AGAIN_S
    while left := await between(eraser.wipe):
        if left > 0:
            again_s = TRUNCATE_AGAIN_S
            await eraser.sync()
        else:  # each try reads the write-ahead log, which grows as long as a reader is in the way
            await asyncio.sleep(again_s)
            again_s = min(2 * again_s, TRUNCATE_AGAIN_MAX_S)
    await eraser.sync()


def _gone(connection: sqlite3.Connection, row: Sequence[Any], ids: Set[str]) -> set[str]:
    """Which of these guests are not any more as this commit made them.

    Whoever still is has a row that says the same: it was made nameless by a change, or filled in anew after that.
    """
    restaurant_id, revision = restaurant_at(row[0]), revision_at(row[0])
    found = {change.id for change in decode_changes(row[5]) if change.kind == "guest" and change.id in ids}
    return {one for one in found if connection.execute(PRESENT, (restaurant_id, revision, one)).fetchone() is None}


def _damage(row: Sequence[Any]) -> int:
    """By what a commit's checksum is wrong, 0 where it is not: wrong by as much afterwards, damage is still found."""
    position, time, checksum, *rest = row
    wrong: int = checksum ^ log_checksum(position, time, *rest)
    return wrong


def _without(row: Sequence[Any], ids: Set[str]) -> tuple[int, bytes, int]:
    """What the row of a commit says instead: its checksum, its changes, its position."""
    position, time, _, key, _, changes, _, *by = row
    new = encode_logged([_stub(change) if change.id in ids else change for change in decode_changes(changes)])
    return log_checksum(position, time, key, None, new, None, *by) ^ _damage(row), new, position


def _stub(change: LoggedChange) -> LoggedChange:
    """A change of a guest with nothing of him but that he was there."""
    if change.kind != "guest":
        return change
    image = change.image
    if change.action != "delete":
        guest = entity_of("guest", bytes(image))
        assert isinstance(guest, Guest)
        image = Raw(image_of(nameless(guest)))
    return structs.replace(change, image=image, counted=None)
