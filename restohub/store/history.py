"""This file is what is asked of the past: kept answers, older images, ids once used, visits once made."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from typing import Any, NoReturn

import aiosqlite
from msgspec import Struct

from restohub.floor.commands import Visits
from restohub.floor.contacts import visit_of
from restohub.floor.nouns import Entity, Floor, Guest, Removal, Table
from restohub.limits import VISITS_MAX

from .faults import StorageFailedError, storage_fault
from .rows import (
    REMOVAL_COLUMNS,
    DamageError,
    LoggedChange,
    decode_changes,
    entity_of,
    log_checksum,
    position_of,
    read_removal,
    revision_at,
)

# Each step back costs a query; who is further behind counts as one whom the log no longer knows.
STEPS_BACK_MAX = 1000
DAY_S = 24 * 3600
# Phones and e-mails whose visits are kept until the floor changes.
VISITS_KEPT = 64
# Keys are honoured for 72 hours at least; the two days more are what one jump of the clock may make of no time at all.
KEYS_DAYS = 5


class KeptAnswer(Struct, frozen=True):
    """What was answered to a request with an idempotency key, and the digest of that request."""

    digest: bytes | None
    answer: bytes | None


class Oldest(Struct, frozen=True):
    """A commit at the log's old end: its revision, whether it has a key, and what it takes in bytes, about."""

    revision: int
    keyed: bool
    size: int


class History:
    """The reading end of the store, over a connection of its own that can only read.

    Each query raises StorageFailedError where the disk can no longer be trusted, and then `failed` does too.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self._visits: dict[str, frozenset[str]] = {}
        self._visits_of = (0, 0)

    async def failed(self) -> NoReturn:
        """Wait for the first failure of the disk, and raise it."""
        await asyncio.shield(self._failure)

    async def kept_answer(self, restaurant_id: int, revision: int) -> KeptAnswer | None:
        """The answer that the commit of this revision was made with, None where the log no longer has it."""
        sql = "SELECT checksum, position, time, key, digest, changes, answer FROM log WHERE position = ?"
        row = await self._row(sql, position_of(restaurant_id, revision))
        if row is None:
            return None
        checksum, *columns = row
        if checksum != log_checksum(*columns):
            raise self._noted(StorageFailedError(f"revision {revision} of restaurant {restaurant_id} is damaged"))
        return KeptAnswer(row[4], row[6])

    async def was_used(self, restaurant_id: int, kind: str, entity_id: str) -> bool:
        """Whether an entity that is gone had this id."""
        sql = "SELECT 1 FROM removal WHERE restaurant_id = ? AND kind = ? AND id = ?"
        return await self._row(sql, restaurant_id, kind, entity_id) is not None

    async def visits(self, floor: Floor, phone: str | None, email: str | None) -> Visits:
        """Which retired guests finished a visit with this phone or e-mail, as far as `floor`'s revision.

        At most VISITS_MAX each. What was read for this revision is kept: a batch asks for one phone again and again.
        """
        digits, mail = visit_of(phone, email)
        if self._visits_of != (floor.restaurant_id, floor.revision) or len(self._visits) >= VISITS_KEPT:
            self._visits_of, self._visits = (floor.restaurant_id, floor.revision), {}
        kept, found = self._visits, {}
        for column, value in (("phone", digits), ("email", mail)):
            key = f"{column}:{value}"
            if value and key not in kept:
                sql = BY_PHONE if column == "phone" else BY_EMAIL
                rows = await self._rows(sql, floor.restaurant_id, value, VISITS_MAX)
                kept[key] = frozenset(read_removal(row).id for row in rows)
            if value:
                found[key] = kept[key]
        return Visits(floor.revision, found)

    async def image_at(self, floor: Floor, present: Guest | Table, version: int) -> Entity | None:
        """The entity as it was at revision `version`, None where the log does not know.

        The log's changes are a chain: each names the version that it replaced.
        """
        if version > floor.revision:
            return None
        if present.version <= version:
            return present
        kind = "guest" if isinstance(present, Guest) else "table"
        at = present.version
        for _ in range(STEPS_BACK_MAX):
            if at == 0:
                break
            logged = await self._logged(floor.restaurant_id, at, kind, present.id)
            if logged is None:
                return None
            if at <= version:
                return entity_of(kind, bytes(logged.image))
            at = logged.was
        return None

    async def _logged(self, restaurant_id: int, revision: int, kind: str, entity_id: str) -> LoggedChange | None:
        """What a commit did to an entity, None where the log no longer has the commit; raises DamageError."""
        row = await self._row("SELECT changes FROM log WHERE position = ?", position_of(restaurant_id, revision))
        if row is None:
            return None
        for change in decode_changes(row[0]):
            if change.kind == kind and change.id == entity_id:
                return change
        raise DamageError(f"revision {revision} of restaurant {restaurant_id} says nothing of the {kind} {entity_id}")

    async def removals(self, floor: Floor, since: int) -> list[Removal]:
        """What left the floor after revision `since`, up to the floor's own revision."""
        rows = await self._rows(SINCE, floor.restaurant_id, since, floor.revision)
        return [read_removal(row) for row in rows]

    async def first_revision(self, restaurant_id: int) -> int | None:
        """The oldest revision that the log still has, None where it has none."""
        sql = "SELECT min(position) FROM log WHERE position BETWEEN ? AND ?"
        row = await self._row(sql, position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1)
        return None if row is None or row[0] is None else revision_at(row[0])

    async def revision_before(self, floor: Floor, time: int) -> int | None:
        """The last revision committed before `time` (UTC seconds); None where the log does not reach back that far.

        Commit times never run backwards, so the log is searched by halves.
        """
        first = await self.first_revision(floor.restaurant_id)
        if first is None:
            return floor.revision
        low, high = first, floor.revision + 1
        while low < high:
            middle = (low + high) // 2
            row = await self._row("SELECT time FROM log WHERE position = ?", position_of(floor.restaurant_id, middle))
            if row is None:  # pruned since the search began
                return None
            if row[0] < time:
                low = middle + 1
            else:
                high = middle
        return None if low == first and first > 1 else low - 1

    async def revision_days_back(self, floor: Floor, days: int) -> int:
        """The last revision that so many whole days lie after; 0 where the log does not reach back that far.

        A day (of UTC) counts where something was committed on it: whatever a wrong clock says, a jump of it is one day.
        """
        found, time = floor.revision, floor.time
        for _ in range(days + 1):
            before = Floor(restaurant_id=floor.restaurant_id, revision=found)
            found = await self.revision_before(before, time - time % DAY_S) or 0
            row = await self._row("SELECT time FROM log WHERE position = ?", position_of(floor.restaurant_id, found))
            if row is None:
                return 0
            time = row[0]
        return found

    async def oldest(self, restaurant_id: int, upto: int, many: int) -> list[Oldest]:
        """The oldest commits of a restaurant's log, so many at most, none after revision `upto`."""
        span = position_of(restaurant_id, 0), position_of(restaurant_id, upto)
        rows = await self._rows(OLDEST, *span, many)
        return [Oldest(revision_at(position), keyed == 1, size) for position, keyed, size in rows]

    async def _row(self, sql: str, *values: object) -> Any:
        """The first row of a query, or None."""
        for row in await self._rows(sql, *values):
            return row
        return None

    async def _rows(self, sql: str, *values: object) -> Iterable[Any]:
        try:
            return await self._connection.execute_fetchall(sql, values)
        except sqlite3.Error as error:
            raise self._noted(storage_fault(error)) from error

    def _noted(self, fault: Exception) -> Exception:
        """The fault, which `failed` raises too where it means that the disk can no longer be trusted."""
        if isinstance(fault, StorageFailedError) and not self._failure.done():
            self._failure.set_exception(fault)
        return fault


# The length of a blob stands before it: none is read.
OLDEST = """SELECT position, key IS NOT NULL, length(changes) + coalesce(length(answer), 0) FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"""
REMOVED = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ?"  # noqa: S608 (our own column names)
BY_PHONE = f"{REMOVED} AND phone = ? AND phone <> '' LIMIT ?"
BY_EMAIL = f"{REMOVED} AND email = ? AND email <> '' LIMIT ?"
SINCE = f"{REMOVED} AND revision > ? AND revision <= ? ORDER BY revision"
