"""Appending commits: the rows, log and keys of a whole group in one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from restohub.access.devices import Device, Kept
from restohub.access.staff import Person
from restohub.floor.model import Entry
from restohub.live.ports import IDLE_S, ClockReset, Record, StorageFailedError

from .audit_rows import FORGET as FORGET_AUTHORS
from .audit_rows import keep_authors
from .closed_mark import keep_mark
from .codec import (
    INSERT_VISIT,
    encode_changes,
    encode_resets,
    image_of,
    log_checksum,
    name_checksum,
    position_of,
    removal_checksum,
    revision_at,
    row_checksum,
    visit_row,
)
from .connection import BUSY_WAIT_S, PAGE_BYTES, Connection
from .device_rows import PUT_DEVICE, device_row
from .disk_reserve import Reserve
from .person_rows import PUT_PERSON, person_row
from .restore_detection import NAME
from .revoked_list import keep_revoked
from .write_probe import explain_write_error

UPSERT = """INSERT INTO entity (restaurant_id, kind, id, version, checksum, image) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (restaurant_id, kind, id) DO UPDATE SET
    version = excluded.version, checksum = excluded.checksum, image = excluded.image"""
DELETE = "DELETE FROM entity WHERE restaurant_id = ? AND kind = ? AND id = ?"
REMOVE = """INSERT INTO removal (restaurant_id, kind, id, revision, time, phone, email, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
# All that a deleted restaurant had; its log and its removals go later, a little at a time.
CLEAR = "DELETE FROM entity WHERE restaurant_id = ?"
# sqlite3 looks for an adapter of each None and each bytes that it is given, which takes as long as binding ten values.
# So a commit without a key has a statement of its own, and blobs are given as bytearrays.
LOG = "INSERT INTO log (position, time, checksum, changes) VALUES (?, ?, ?, ?)"
KEYED_LOG = "INSERT INTO log (position, time, checksum, changes, key, digest, answer) VALUES (?, ?, ?, ?, ?, ?, ?)"

# And so have one that no known device asked for, and one of a known device where nobody is signed in.
DEVICE_LOG = "INSERT INTO log (position, time, checksum, changes, device) VALUES (?, ?, ?, ?, ?)"
KEYED_DEVICE_LOG = """INSERT INTO log (position, time, checksum, changes, key, digest, answer, device)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
PERSON_LOG = "INSERT INTO log (position, time, checksum, changes, device, person) VALUES (?, ?, ?, ?, ?, ?)"
KEYED_PERSON_LOG = """INSERT INTO log (position, time, checksum, changes, key, digest, answer, device, person)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
# By how many of device and person are known; without and with a key.
LOGS = (LOG, KEYED_LOG), (DEVICE_LOG, KEYED_DEVICE_LOG), (PERSON_LOG, KEYED_PERSON_LOG)

PRUNE = "DELETE FROM log WHERE position BETWEEN ? AND ? RETURNING position, key"
# What is left of a deleted restaurant, so many at a time.
FORGET = """DELETE FROM removal WHERE restaurant_id = ? AND (kind, id) IN
    (SELECT kind, id FROM removal WHERE restaurant_id = ? LIMIT ?) RETURNING id"""

FORGET_VISITS = """DELETE FROM visit WHERE restaurant_id = ? AND (at, guest_id) IN
    (SELECT at, guest_id FROM visit WHERE restaurant_id = ? LIMIT ?) RETURNING guest_id"""

PROBE = "INSERT OR REPLACE INTO hub (name, value, checksum) VALUES ('probe', hex(randomblob(512)), 0)"

# WAL pages that a row takes about beside its blobs, to know when a checkpoint is due.
PAGES_A_ROW = 2

# A checkpoint writes each page of the WAL once more, so many changes share one; an idle hub brings it forward.
CHECKPOINT_PAGES = 1000
IDLE_CHECKPOINT_PAGES = 250

T = TypeVar("T")


class Ledger:
    """The writing end of the store: everything that is written goes through its one connection, in one task.

    `refuses` is why it takes nothing from the start, None where it does. `reserve` is what it has for deletes.
    `keeps_wal`: no upkeep is due, so that the WAL has each page that was written since it was last cut.
    """

    refuses: str | None = None
    reserve: Reserve | None = None
    keeps_wal = False

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._file = _identity(path)
        self.pages_due = 0

    async def append(self, records: Sequence[Record]) -> None:
        """Write these commits in one transaction and sync it; on return they are durable.

        Raises StorageFullError and StorageUnavailableError (nothing was written, the store is as it was),
        StorageFailedError (the process must end), or an error of our own after a rollback.
        """
        rows = Rows()
        for record in records:
            rows.add(record)
        written = await self.transact(rows.write)
        self.pages_due += PAGES_A_ROW * written + 2 * rows.log_bytes // PAGE_BYTES + 1

    async def begin_epoch(self, name: str, claimed_at: int | None = None, resets: Sequence[Entry] = ()) -> None:
        """Make this the present epoch; raises like `append`.

        `claimed_at`: when a client had it begin, where one did. `resets`: the commits, without any change, from which
        on the times of each log begin anew, where they do.
        """
        names = {"epoch": name}
        if claimed_at is not None:
            names["claimed_at"] = str(claimed_at)
        if resets:
            names["clock_resets"] = encode_resets({e.restaurant_id: ClockReset(e.revision, e.time) for e in resets})
        rows = Rows()
        for entry in resets:
            rows.add(Record(entry))

        def write(connection: sqlite3.Connection) -> int:
            connection.executemany(NAME, [(name, value, name_checksum(name, value)) for name, value in names.items()])
            return rows.write(connection)

        written = await self.transact(write)
        self.pages_due += PAGES_A_ROW * written + 1

    async def keep_access(self, what: Kept) -> int:
        """Keep a device, a person or the mode in the place of what was before; raises like `append`."""
        if isinstance(what, Device):
            await self.keep_devices([what])
        elif isinstance(what, Person):
            await self._alone(PUT_PERSON, *person_row(what))
        else:
            await self._alone(NAME, "access", what, name_checksum("access", what))
            await asyncio.to_thread(keep_mark, self.path.parent, closed=what == "closed")
        return 1

    async def keep_devices(self, devices: Sequence[Device]) -> int:
        """Keep devices in the place of what they were before, all of them or none; raises like `append`.

        Those that are revoked are on the list beside the database too, which outlasts a copy that is put back.
        """
        rows = [device_row(one) for one in devices]
        await self.transact(lambda connection: connection.executemany(PUT_DEVICE, rows))
        self.pages_due += PAGES_A_ROW * len(rows)
        if any(one.revoked_at is not None for one in devices):
            await asyncio.to_thread(keep_revoked, self.path.parent, devices)
        return len(rows)

    @property
    def reserve_in_use(self) -> bool:
        """Whether the disk is so full that the room there is is for deletes."""
        return self.reserve is not None and self.reserve.in_use

    async def give_up_reserve(self) -> bool:
        """Make room for deletes; False where there is none to be made."""
        return self.reserve is not None and await asyncio.to_thread(self.reserve.give_up)

    async def restore_reserve(self) -> bool:
        """Have the reserve again after it was given up; False where there is no room for it yet."""
        [(pages,)] = await self._connection.execute_fetchall("PRAGMA freelist_count")
        return self.reserve is None or await asyncio.to_thread(self.reserve.restore, pages * PAGE_BYTES)

    async def probe(self) -> None:
        """Whether a write could commit now: a transaction that changes nothing a client knows. Raises like `append`."""
        await self._alone(PROBE)

    async def prune(self, restaurant_id: int, first: int, last: int) -> list[tuple[int, str | None]]:
        """Take these revisions out of a restaurant's log; each with the key that goes with it. Raises like `append`.

        Who made them stays in the audit, where a device is known.
        """
        span = position_of(restaurant_id, first), position_of(restaurant_id, last)

        def pruning(connection: sqlite3.Connection) -> tuple[int, list[Any]]:
            return keep_authors(connection, *span), connection.execute(PRUNE, span).fetchall()

        kept, gone = await self.transact(pruning)
        self.pages_due += (kept + len(gone)) // 2 + 1  # measured: 0.2 pages a row of the log that goes
        return [(revision_at(position), key) for position, key in gone]

    async def forget_removals(self, restaurant_id: int, many: int) -> int:
        """Take so many removals, visits and entries of the audit of a deleted restaurant out of the store; how many.

        Raises like `append`.
        """
        span = position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1
        visits = await self._alone(FORGET_VISITS, restaurant_id, restaurant_id, many)
        audited = await self._alone(FORGET_AUTHORS, *span, many)
        return len(visits) + len(audited) + len(await self._alone(FORGET, restaurant_id, restaurant_id, many))

    async def _alone(self, sql: str, *values: object) -> list[Any]:
        """A transaction of one statement, and the rows that it gives; raises like `append`."""
        rows = await self.transact(lambda connection: connection.execute(sql, values).fetchall())
        self.pages_due += len(rows) // 2 + 1
        return rows

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this work in one transaction, whole or not at all; raises like `append`.

        Once it is on its way it is done, even where nobody waits for it any more.
        """

        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            done = work(connection)
            connection.execute("COMMIT")
            return done

        return await self.visit(transaction)

    async def visit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this work with the connection; a transaction that it leaves open is undone. Raises like `append`."""
        self._check_file()
        try:
            return await self._connection.run(work)
        except sqlite3.Error as error:
            raise await explain_write_error(self.path, error) from error
        finally:
            await self._roll_back()

    def upkeep_due(self, idle_s: float) -> bool:
        """Whether enough pages wait in the WAL for a checkpoint, of a hub that has rested for so long."""
        enough = IDLE_CHECKPOINT_PAGES if idle_s >= IDLE_S else CHECKPOINT_PAGES
        return self.pages_due >= enough and not self.keeps_wal

    async def upkeep(self) -> None:
        """Bring the WAL's pages into the database file; raises like `append`."""
        await self.visit(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())
        self.pages_due = 0

    def _check_file(self) -> None:
        """SQLite would go on writing into a removed file, which nobody finds again."""
        if _identity(self.path) != self._file:
            raise StorageFailedError(f"{self.path} was removed or replaced while the hub ran")

    async def _roll_back(self) -> None:
        """Undo what is still open: disk full has rolled back by itself. A disk that cannot undo has failed."""
        if not self._connection.in_transaction:
            return
        try:
            await self._connection.rollback()
        except sqlite3.Error as error:
            raise StorageFailedError(f"a transaction could not be rolled back: {error}") from error


def cut_wal(connection: sqlite3.Connection) -> bool:
    """Bring all of the WAL into the database file and cut it to nothing; False where a reader is in the way.

    Without waiting for him: with a timeout of its own SQLite would hold the writer for as long.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_WAIT_S * 1000)}")
    return busy == 0


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to, None where to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Rows:
    """What a group of commits writes; of an entity that it changes several times only the last image."""

    def __init__(self) -> None:
        self.log_bytes = 0
        self._upserts: dict[tuple[int, str, str], tuple[object, ...]] = {}
        self._deletes: dict[tuple[int, str, str], None] = {}
        self._removals: list[tuple[object, ...]] = []
        self._visits: list[tuple[object, ...]] = []
        self._logs: dict[str, list[tuple[object, ...]]] = {}

    def add(self, record: Record) -> None:
        """Write one more commit."""
        entry = record.entry
        restaurant_id = entry.restaurant_id
        images: list[bytes] = []
        for change in entry.changes:
            where = (restaurant_id, change.kind, change.id)
            if change.entity is None:
                images.append(b"null")
                self._upserts.pop(where, None)
                self._deletes[where] = None
                removal = (*where, entry.revision, entry.time, *(change.counted or (None, None)))
                self._removals.append((*removal, removal_checksum(removal)))
                if change.visit is not None:
                    self._visits.append(visit_row(restaurant_id, change.visit))
                continue
            image = image_of(change.entity)
            images.append(image)
            version = change.entity.version
            self._upserts[where] = (*where, version, row_checksum(*where, version, image), bytearray(image))
        position = position_of(restaurant_id, entry.revision)
        changes = encode_changes(entry.changes, images)
        by: tuple[str, ...] = ()
        if record.device is not None:
            by = (record.device,) if record.person is None else (record.device, record.person)
        checksum = log_checksum(position, entry.time, record.key, record.digest, changes, record.answer, *by)
        row: tuple[object, ...] = (position, entry.time, checksum, bytearray(changes))
        self.log_bytes += len(changes)
        keyed = record.key is not None
        if keyed:
            digest, answer = (None if blob is None else bytearray(blob) for blob in (record.digest, record.answer))
            self.log_bytes += len(answer or b"")
            row = (*row, record.key, digest, answer)
        self._logs.setdefault(LOGS[len(by)][keyed], []).append((*row, *by))

    def write(self, connection: sqlite3.Connection) -> int:
        """Write them, and say how many rows that were."""
        cleared = [(int(who),) for _, kind, who in self._deletes if kind == "restaurant"]
        statements = (
            (UPSERT, self._upserts.values()),
            (DELETE, self._deletes),
            (CLEAR, cleared),
            (REMOVE, self._removals),
            (INSERT_VISIT, self._visits),
            *self._logs.items(),
        )
        return sum(connection.executemany(sql, rows).rowcount for sql, rows in statements if rows)
