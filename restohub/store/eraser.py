"""The eraser: takes a person out of the rows, the free pages and the write-ahead log, a little at a time.

A row of the log keeps its length where it can: SQLite then writes over it where it is, and no copy of it stays in the
pages from which rows were moved.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence, Set
from functools import partial
from typing import Any

from msgspec import Raw, structs

from restohub.floor.forgetting import nameless
from restohub.floor.model import Guest
from restohub.floor.visits import Visit
from restohub.live.ports import Between, StorageUnavailableError

from .append import Ledger
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
from .connection import BUSY_WAIT_S, PAGE_BYTES
from .restore_detection import NAME
from .stale_pages import Growth, PageReader

# One transaction's worth: no change waits longer than for another group.
ROWS_A_STEP = 500
BYTES_A_STEP = 128 * 1024
COMMIT = "SELECT position, time, checksum, key, digest, changes, answer, device, person FROM log WHERE position = ?"
REWRITE = "UPDATE log SET checksum = ?, digest = NULL, changes = ?, answer = NULL WHERE position = ?"
PRESENT = "SELECT 1 FROM entity WHERE restaurant_id = ? AND version = ? AND kind = 'guest' AND id = ?"
GROW = "UPDATE log SET checksum = ?, changes = ? WHERE position = ?"
REMOVALS_OF = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ? AND kind = 'guest' AND id = ?"  # noqa: S608 (our own column names)
UNCOUNT = "UPDATE removal SET phone = NULL, email = NULL, checksum = ? WHERE restaurant_id = ? AND kind = ? AND id = ?"
UNHASH = """UPDATE visit SET phone = NULL, email = NULL, checksum = ?
    WHERE restaurant_id = ? AND at = ? AND guest_id = ?"""
MADE_UP = "CREATE TABLE IF NOT EXISTS scrub (zeros BLOB) STRICT"
FILL = "INSERT INTO scrub (zeros) VALUES (zeroblob(?))"
UNFILL = "DELETE FROM scrub WHERE rowid = (SELECT max(rowid) FROM scrub) RETURNING 1"
FREE = "PRAGMA freelist_count"
IMAGE, PUT_IMAGE = "SELECT image FROM entity WHERE rowid = ?", "UPDATE entity SET image = ? WHERE rowid = ?"
ROOT = "SELECT rootpage FROM sqlite_master WHERE name = '{}'"
ERASED = "erased "
MARKS = "SELECT name FROM hub WHERE name >= 'erased ' AND name < 'erased!'"
# Rows are moved behind all others, in their order: what they leave are free pages alone.
ENTITIES = """SELECT rowid, restaurant_id, kind, id, version, checksum, image FROM entity
    WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"""
LIFT = "DELETE FROM entity WHERE rowid BETWEEN ? AND ?"
LAY = "INSERT INTO entity (restaurant_id, kind, id, version, checksum, image) VALUES (?, ?, ?, ?, ?, ?)"
# Between two steps, so that others read and write meanwhile.
REST_S = 0.002
TRUNCATE_AGAIN_S = 0.05
# A row that grows may make SQLite redistribute others, and what that leaves is found by the next round.
ROUNDS = 6
GROWN_A_STEP = 100
MOVED_A_STEP = 50
# The bytes that the length of a blob takes at most, of those that the hub writes.
LENGTH_BYTES_MAX = 4
SPACES = (b" ", b"\n", b"\t", b"\r")


class Eraser:
    """Each step is one transaction, to be done between two groups of the writer; each raises like `Ledger.append`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._pages: PageReader | None = None

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

    async def last_entity(self) -> int:
        """The last row of the entities."""
        return await self._step(lambda connection: _number(connection, "SELECT coalesce(max(rowid), 0) FROM entity"))

    async def move_entities(self, after: int, upto: int) -> int:
        """Move some rows of the entities behind all others; the last that was moved, 0 where none was left."""

        def moving(connection: sqlite3.Connection) -> int:
            rows = connection.execute(ENTITIES, (after, upto, MOVED_A_STEP)).fetchall()
            if rows:
                connection.execute(LIFT, (rows[0][0], rows[-1][0]))
                connection.executemany(LAY, [row[1:] for row in rows])
            return rows[-1][0] if rows else 0

        return await self._step(moving)

    async def root_of(self, table: str) -> int:
        """The page with which a table begins."""
        return await self._step(lambda connection: _number(connection, ROOT.format(table)))

    async def find_stale(self, root: int) -> list[Growth]:
        """The rows of a table that have to grow over stale copies; to be asked once the write-ahead log is empty."""
        if self._pages is None:
            self._pages = PageReader(self._ledger.path)
        leaves = await asyncio.to_thread(self._pages.leaves, root)
        found: list[Growth] = []
        page = 1
        while page:
            some, page = await asyncio.to_thread(self._pages.stale, page, leaves)
            found += some
            await asyncio.sleep(REST_S)
        return found

    async def grow(self, rows: Sequence[Growth]) -> int:
        """Make these rows of the log longer, with spaces behind their changes; what they say stays."""

        def growing(connection: sqlite3.Connection) -> int:
            for one in rows:
                for row in connection.execute(COMMIT, (one.position,)).fetchall():
                    position, time, _, key, digest, changes, answer, *by = row
                    longer = changes + b" " * one.bytes
                    checksum = log_checksum(position, time, key, digest, longer, answer, *by) ^ _damage(row)
                    connection.execute(GROW, (checksum, longer, position))
            return len(rows)

        return await self._step(growing)

    async def stretch(self, rows: Sequence[Growth]) -> int:
        """Make these rows of the entities longer, and as they were again, in one transaction: zeros are left there."""

        def stretching(connection: sqlite3.Connection) -> int:
            for one in rows:
                for (image,) in connection.execute(IMAGE, (one.position,)).fetchall():
                    connection.executemany(
                        PUT_IMAGE, [(value, one.position) for value in (image + bytes(one.bytes), image)]
                    )
            return len(rows)

        return await self._step(stretching)

    async def fill(self) -> int:
        """Fill some free pages with zeros; how many are left."""

        def filling(connection: sqlite3.Connection) -> int:
            connection.execute(MADE_UP)
            free = _number(connection, FREE)
            if free:
                connection.execute(FILL, (min(BYTES_A_STEP, max(1, free - 2) * (PAGE_BYTES - 4)),))
                self._ledger.pages_due += min(free, BYTES_A_STEP // PAGE_BYTES) + 2
            return _number(connection, FREE)

        return await self._step(filling)

    async def unfill(self) -> int:
        """Free some of the filled pages; 0 where that was the end."""

        def emptying(connection: sqlite3.Connection) -> int:
            connection.execute("PRAGMA secure_delete = ON")  # else each page keeps the number of the next
            try:
                left = len(connection.execute(UNFILL).fetchall())
                if not left:
                    connection.execute("DROP TABLE scrub")
            finally:
                connection.execute("PRAGMA secure_delete = FAST")
            self._ledger.pages_due += BYTES_A_STEP // PAGE_BYTES * left
            return left

        return await self._step(emptying)

    async def truncate(self) -> int:
        """Bring the write-ahead log into the database and empty it; 0 where a reader is in the way."""
        return int(await self._ledger.truncate_wal(BUSY_WAIT_S))

    async def mark(self, erasure_id: str, time: int) -> int:
        """Note in the database that an erasure is done in it."""
        name, value = ERASED + erasure_id, str(time)
        row = (name, value, name_checksum(name, value))
        return await self._step(lambda connection: connection.execute(NAME, row).rowcount)

    async def marks(self) -> set[str]:
        """The erasures that are done in the database."""
        found: set[str] = set()

        def reading(connection: sqlite3.Connection) -> int:
            found.update(name.removeprefix(ERASED) for (name,) in connection.execute(MARKS))
            return len(found)

        await self._step(reading)
        return found

    async def _step(self, work: Any) -> int:
        try:
            done: int = await self._ledger.transact(work)
        except DamageError as error:
            raise StorageUnavailableError(f"the data are damaged: {error}") from error
        self._ledger.pages_due += 1
        return done


async def clean_pages(eraser: Eraser, between: Between) -> None:
    """Take what was there before out of the pages from which rows were moved, free pages and the write-ahead log."""
    for _ in range(2):  # the page of the last one takes the first that are moved, and is left by them the second time
        last, at = await between(eraser.last_entity), 0
        while at < last and (moved := await between(partial(eraser.move_entities, at, last))):
            at = moved
    await _overwrite(eraser, between, "log", eraser.grow)
    await _overwrite(eraser, between, "entity", eraser.stretch)
    while await between(eraser.fill):
        pass
    while await between(eraser.unfill):
        pass
    await _truncate(eraser, between)


async def _overwrite(eraser: Eraser, between: Between, table: str, grow: Callable[..., Awaitable[int]]) -> None:
    """Have the rows of a table grow over the stale copies in its pages."""
    root = await between(partial(eraser.root_of, table))
    for _ in range(ROUNDS):
        await _truncate(eraser, between)
        stale = await eraser.find_stale(root)
        if not stale:
            break
        for first in range(0, len(stale), GROWN_A_STEP):
            await between(partial(grow, stale[first : first + GROWN_A_STEP]))


async def _truncate(eraser: Eraser, between: Between) -> None:
    while not await between(eraser.truncate):
        await asyncio.sleep(TRUNCATE_AGAIN_S)


def _number(connection: sqlite3.Connection, sql: str) -> int:
    found: int = connection.execute(sql).fetchone()[0]
    return found


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
    position, time, checksum, key, digest, changes, answer, *by = row
    new = encode_logged([_stub(change) if change.id in ids else change for change in decode_changes(changes)])
    damage = _damage(row)
    wanted = _size(checksum) + _size(digest) + _size(changes) + _size(answer)
    for space in SPACES:  # the checksum's own length differs with what is behind the changes
        for number in (5, 7, 4):
            padded = new.ljust(wanted - 2 * _size(None) - number - LENGTH_BYTES_MAX)
            while _size(padded) < wanted - 2 * _size(None) - number:
                padded += space
            found = log_checksum(position, time, key, None, padded, None, *by) ^ damage
            if 2 * _size(None) + _size(found) + _size(padded) == wanted:
                return found, padded, position
    return log_checksum(position, time, key, None, new, None, *by) ^ damage, new, position


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


def _size(value: int | bytes | None) -> int:
    """The bytes that a value takes in a row of SQLite, with its type."""
    if value is None:
        return 1
    if isinstance(value, bytes):
        kind = 2 * len(value) + 12
        return len(value) + (kind.bit_length() + 6) // 7
    if value in (0, 1):
        return 1
    for size in (1, 2, 3, 4, 6):
        if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
            return 1 + size
    return 9
