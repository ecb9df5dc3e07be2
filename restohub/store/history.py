"""Queries of the past: kept answers, older images, used ids, finished visits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Set
from typing import Any, NoReturn, TypeVar, cast

import aiosqlite
import msgspec
from msgspec import UNSET

from restohub.floor.commands import Visits
from restohub.floor.contacts import hashed, visit_of
from restohub.floor.model import Entity, Floor, Removal
from restohub.floor.visits import Visit
from restohub.limits import STEPS_BACK_A_VERSION, STEPS_BACK_MAX, VISITS_MAX
from restohub.live.ports import (
    ALL,
    DAY_S,
    Author,
    ClockReset,
    KeptAnswer,
    Oldest,
    Revision,
    StorageFailedError,
    Version,
    Wanted,
)

from .audit_rows import AUTHORS as OLDER_AUTHORS
from .audit_rows import authors_of
from .codec import (
    REMOVAL_COLUMNS,
    VISIT_COLUMNS,
    decode_changes,
    log_checksum,
    position_of,
    read_removal,
    read_visit,
    revision_at,
)
from .connection import Connection
from .errors import storage_fault
from .past_versions import VersionSearch

T = TypeVar("T")

# Commits that are read in one visit to the connection's thread, in which nobody else can read.
ROWS_A_VISIT = 50
# And of those that are looked through for the few that are asked for: a visit takes some 10 ms.
REVISIONS_A_VISIT = 2_000
# Phones and e-mails whose visits are kept until the floor changes.
VISITS_KEPT = 64


class History:
    """The reading end of the store, over a connection of its own that can only read.

    Each query raises StorageFailedError where the disk can no longer be trusted, and then `failed` does too. `resets`
    are where the times of a log began anew, `contact_key` is what contacts are hashed with.
    """

    def __init__(
        self, connection: aiosqlite.Connection, resets: dict[int, ClockReset] | None = None, contact_key: bytes = b""
    ) -> None:
        self.resets = resets or {}
        self._contact_key = contact_key
        self._connection = cast(Connection, connection)  # every one that the store opens is
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self._visits: dict[str, frozenset[str]] = {}
        self._visits_of = (0, 0)

    async def failed(self) -> NoReturn:
        """Wait for the first failure of the disk, and raise it."""
        await asyncio.shield(self._failure)

    async def kept_answer(self, restaurant_id: int, revision: int) -> KeptAnswer | None:
        """The answer that the commit of this revision was made with, None where the log no longer has it."""
        row = await self._row(KEPT, position_of(restaurant_id, revision))
        if row is None:
            return None
        checksum, *columns = row
        if checksum != log_checksum(*columns):
            raise self._noted(StorageFailedError(f"revision {revision} of restaurant {restaurant_id} is damaged"))
        return KeptAnswer(row[4], row[6])

    async def authors(self, restaurant_id: int, upto: int, many: int, wanted: Wanted = ALL) -> list[Author]:
        """Who made the latest commits up to a revision, the latest first, so many at most; of those that are wanted.

        Of those that have left the log, as far as a device was known. Of an entity's commits only what was done to it.
        """
        found: list[Author] = []
        while upto > 0 and len(found) < many:
            since = 0 if wanted == ALL else max(0, upto - REVISIONS_A_VISIT)
            span = position_of(restaurant_id, since + 1), position_of(restaurant_id, upto)
            found += await self._authors(*span, many - len(found), wanted)
            upto = since
        return found

    async def _authors(self, low: int, high: int, many: int, wanted: Wanted) -> list[Author]:
        entity = None if wanted.entity is UNSET else wanted.entity
        by: dict[str, object] = {"low": low}
        for name, one in (("device", wanted.device), ("person", wanted.person)):
            by |= {f"any_{name}": one is UNSET, name: None if one is UNSET else one}
        # In others' images it is named too.
        most, written = (many, None) if entity is None else (REVISIONS_A_VISIT, msgspec.json.encode(entity))
        found: list[Author] = []
        rows = await self._rows(AUTHORS, high=high, many=most, entity=written, **by)
        for position, time, device, person, changes in rows:
            did = [(one.kind, one.id, one.action) for one in decode_changes(changes) if entity in (None, one.id)]
            if did:
                found.append(Author(revision_at(position), time, device, tuple(did), person))
            high = position - 1
        if len(found) < many:
            older = await self._rows(OLDER_AUTHORS, high=high, many=many - len(found), entity=entity, **by)
            found += authors_of(list(older))
        return found[:many]

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
        hashes = hashed((digits, mail), self._contact_key)
        for column, value, hash_ in zip(("phone", "email"), (digits, mail), hashes, strict=True):
            key = f"{column}:{value}"
            if value and key not in kept:
                sql = BY_PHONE if column == "phone" else BY_EMAIL
                rows = await self._rows(sql, floor.restaurant_id, hash_, VISITS_MAX)
                kept[key] = frozenset(read_removal(row).id for row in rows)
            if value:
                found[key] = kept[key]
        return Visits(floor.revision, found)

    async def visits_between(self, floor: Floor, after: tuple[int, str], until: int, many: int) -> list[Visit]:
        """The visits after this time and guest, before `until`, made up to `floor`'s revision; so many at most.

        Raises DamageError for one whose checksum fails.
        """
        values = (floor.restaurant_id, *after, until, floor.revision, many)
        try:
            return await self._connection.run(lambda database: _visits(database, values))
        except sqlite3.Error as error:
            raise self._noted(storage_fault(error, "write")) from error

    async def newest_visit(self, floor: Floor, before: int) -> int | None:
        """The time of the newest visit before this one, made up to `floor`'s revision."""
        row = await self._row(NEWEST_VISIT, floor.restaurant_id, before, floor.revision)
        return None if row is None else int(row[0])

    async def images(
        self, floor: Floor, versions: Iterable[Version], around: Set[int] = frozenset()
    ) -> dict[Version, Entity]:
        """The entities as they were at these versions; those that the log does not know are left out.

        So are those that it knows only many steps back: the oldest ones. Of the commits `around` that changed one of
        the entities after a version of it, what they made and what they replaced comes along.
        """
        found: dict[Version, Entity] = {}
        older: dict[Version, int] = {}
        named = 0
        for version in versions:
            present = floor.get(version.kind, version.id)
            if present is None or version.revision > floor.revision:
                continue
            if present.version <= version.revision:
                found[version] = present
            else:
                older[version] = present.version
                named += 1
        if not older:
            return found
        steps_max = min(STEPS_BACK_MAX, STEPS_BACK_A_VERSION * named + len(around))
        walk = VersionSearch(floor.restaurant_id, older, steps_max, around)
        while not walk.finished:
            try:
                await self._connection.run(walk.advance)
            except sqlite3.Error as error:
                raise self._noted(storage_fault(error, "write")) from error
        return found | walk.found

    async def made(self, restaurant_id: int, revisions: Iterable[int]) -> dict[int, str]:
        """The id of the guest or table that each of these commits made; those that made none are left out."""
        found: dict[int, str] = {}
        wanted = sorted(revisions)
        for first in range(0, len(wanted), ROWS_A_VISIT):
            positions = [position_of(restaurant_id, revision) for revision in wanted[first : first + ROWS_A_VISIT]]
            sql = f"SELECT position, changes FROM log WHERE position IN ({','.join('?' * len(positions))})"  # noqa: S608 (question marks)
            for position, changes in await self._rows(sql, *positions):
                for change in decode_changes(changes):
                    if change.action == "create":
                        found[revision_at(position)] = change.id
        return found

    async def removals(self, floor: Floor, since: int, many: int) -> list[Removal]:
        """What left the floor after revision `since`, up to the floor's own revision; the oldest, so many at most."""
        rows = await self._rows(SINCE, floor.restaurant_id, since, floor.revision, many)
        return [read_removal(row) for row in rows]

    async def first_revision(self, restaurant_id: int) -> Revision | None:
        """The oldest revision that the log still has, None where it has none."""
        sql = "SELECT min(position) FROM log WHERE position BETWEEN ? AND ?"
        row = await self._row(sql, position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1)
        return None if row is None or row[0] is None else revision_at(row[0])

    async def revision_before(self, floor: Floor, time: int) -> Revision | None:
        """The last revision committed before `time` (UTC seconds); None where the log does not reach back that far.

        Commit times never run backwards but at a reset, so the log is searched by halves: from the newest reset on.
        """
        first = await self.first_revision(floor.restaurant_id)
        if first is None:
            return Revision(floor.revision)
        reset = self.resets.get(floor.restaurant_id)
        if reset is not None and first < reset.revision <= floor.revision:
            first = Revision(reset.revision)
            if time == reset.time:  # whoever took the whole floor then holds all that was before
                return Revision(first - 1)
        low, high = int(first), floor.revision + 1
        while low < high:
            middle = (low + high) // 2
            row = await self._row("SELECT time FROM log WHERE position = ?", position_of(floor.restaurant_id, middle))
            if row is None:  # pruned since the search began
                return None
            if row[0] < time:
                low = middle + 1
            else:
                high = middle
        return None if low == first and first > 1 else Revision(low - 1)

    async def revision_days_back(self, floor: Floor, days: int) -> Revision:
        """The last revision that so many whole days lie after; 0 where the log does not reach back that far.

        A day (of UTC) counts where something was committed on it: whatever a wrong clock says, a jump of it is one day.
        """
        found, time = floor.revision, floor.time
        for _ in range(days + 1):
            before = Floor(restaurant_id=floor.restaurant_id, revision=found)
            found = await self.revision_before(before, time - time % DAY_S) or 0
            row = await self._row("SELECT time FROM log WHERE position = ?", position_of(floor.restaurant_id, found))
            if row is None:
                return Revision(0)
            time = row[0]
        return Revision(found)

    async def commits_around(self, floors: Iterable[Floor], time: int) -> tuple[int, int] | None:
        """When the hub committed last before a time, and first after it (UTC seconds); None where the logs do not tell.

        They tell only where each of them reaches back to the time, or has never been pruned.
        """
        before: list[int] = []
        after: list[int] = []
        for floor in floors:
            revision = await self.revision_before(floor, time + 1)
            if revision is None:
                return None
            for times, at in ((before, revision), (after, revision + 1)):
                row = await self._row("SELECT time FROM log WHERE position = ?", position_of(floor.restaurant_id, at))
                times.extend(row or ())
        return (max(before), min(after)) if before and after else None

    async def oldest(self, restaurant_id: int, upto: int, many: int) -> list[Oldest]:
        """The oldest commits of a restaurant's log, so many at most, none after revision `upto`."""
        span = position_of(restaurant_id, 0), position_of(restaurant_id, upto)
        rows = await self._rows(OLDEST, *span, many)
        return [Oldest(revision_at(position), keyed == 1, size) for position, keyed, size in rows]

    async def size_of(self, restaurant_id: int, after: int, upto: int, many: int) -> tuple[int, int]:
        """The bytes that so many commits of a log take after revision `after`, and the last one's revision."""
        span = position_of(restaurant_id, after + 1), position_of(restaurant_id, upto)
        last, size = await self._row(SIZE, *span, many)
        return (upto, 0) if last is None else (revision_at(last), size)

    async def bytes_in_use(self) -> int:
        """The bytes of the file's pages that hold something."""
        return int((await self._row(IN_USE))[0])

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this reading in the connection's thread, in one visit: a short one, since nobody else can read then."""
        try:
            return await self._connection.run(work)
        except sqlite3.Error as error:
            raise self._noted(storage_fault(error, "write")) from error

    async def _row(self, sql: str, *values: object) -> Any:
        """The first row of a query, or None."""
        for row in await self._rows(sql, *values):
            return row
        return None

    async def _rows(self, sql: str, *values: object, **named: object) -> Iterable[Any]:
        """The rows of a query with these values, in the order of its question marks or by name."""
        try:
            return await self._connection.execute_fetchall(sql, cast(Any, named or values))
        except sqlite3.Error as error:
            raise self._noted(storage_fault(error, "write")) from error

    def _noted(self, fault: Exception) -> Exception:
        """The fault, which `failed` raises too where it means that the disk can no longer be trusted."""
        if isinstance(fault, StorageFailedError) and not self._failure.done():
            self._failure.set_exception(fault)
        return fault


def _visits(database: sqlite3.Connection, values: tuple[object, ...]) -> list[Visit]:
    """The visits of `BETWEEN`, read in the connection's thread."""
    return [read_visit(row) for row in database.execute(BETWEEN, values).fetchall()]


# A commit's bytes in the log: its changes, the kept answer, and about as much as the other columns take. The length of
# a blob stands before it: none is read. In pages of 1 KiB they take up to half as much again.
BYTES = "length(changes) + coalesce(length(answer), 0) + 100"
KEPT = "SELECT checksum, position, time, key, digest, changes, answer, device, person FROM log WHERE position = ?"
AUTHORS = """SELECT position, time, device, person, changes FROM log WHERE position BETWEEN :low AND :high
    AND (:any_device OR device IS :device) AND (:any_person OR person IS :person)
    AND (:entity IS NULL OR instr(changes, :entity) > 0) ORDER BY position DESC LIMIT :many"""
OLDEST = f"""SELECT position, key IS NOT NULL, {BYTES} FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"""  # noqa: S608 (our own column names)
SIZE = f"""SELECT max(position), sum(bytes) FROM
    (SELECT position, {BYTES} AS bytes FROM log WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?)"""  # noqa: S608 (our own column names)
IN_USE = """SELECT (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""
BETWEEN = f"""SELECT {VISIT_COLUMNS} FROM visit WHERE restaurant_id = ? AND (at, guest_id) > (?, ?) AND at < ?
    AND revision <= ? ORDER BY at, guest_id LIMIT ?"""  # noqa: S608 (our own column names)
NEWEST_VISIT = "SELECT at FROM visit WHERE restaurant_id = ? AND at < ? AND revision <= ? ORDER BY at DESC LIMIT 1"
REMOVED = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ?"  # noqa: S608 (our own column names)
BY_PHONE = f"{REMOVED} AND phone = ? AND phone <> '' LIMIT ?"
BY_EMAIL = f"{REMOVED} AND email = ? AND email <> '' LIMIT ?"
SINCE = f"{REMOVED} AND revision > ? AND revision <= ? ORDER BY revision LIMIT ?"
