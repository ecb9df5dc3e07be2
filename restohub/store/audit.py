"""The whole store read and held against itself: rows, log and removals, down to the last checksum."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

from msgspec import Struct, field

from restohub.floor.model import DIRECTORY_ID, Entity, Guest, Table

from .codec import (
    NO_CHANGES,
    REMOVAL_COLUMNS,
    DamageError,
    OtherFormatError,
    decode_changes,
    entity_of,
    log_checksum,
    name_checksum,
    position_of,
    read_removal,
    restaurant_at,
    revision_at,
    row_checksum,
    whole_change,
)
from .connection import DATABASE, held_still, size_of, wal_path
from .schema_version import FolderError, format_of, meaning_of

FAULTS_MAX = 1000
PROGRESS_EVERY = 5000
TABLES = {"hub", "entity", "removal", "log"}
UNREADABLE = (sqlite3.Error, DamageError, TypeError, ValueError)

Who = tuple[int, str, str]


class Fault(Struct, omit_defaults=True):
    """What is wrong and where, in words that tell nothing of a guest but his id."""

    detail: str
    restaurant_id: int | None = None
    revision: int | None = None
    kind: str | None = None
    entity_id: str | None = None


class Newest(Struct):
    """What the log says last of an entity: the revision, and the CRC-32 of its image (None: it is gone)."""

    revision: int
    image: int | None


class Report(Struct):
    """What was read, and all that is wrong with it. `logs`: each log's first and last revision."""

    sound: bool = True
    restaurants: int = 0
    guests: int = 0
    tables: int = 0
    commits: int = 0
    logs: dict[int, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, detail: str, restaurant_id: int | None = None, revision: int | None = None, *who: str) -> None:
        """Put down a fault; `who` is a kind and an id."""
        self.sound = False
        if len(self.faults) < FAULTS_MAX:
            kind, entity_id = who or (None, None)
            self.faults.append(Fault(detail, restaurant_id, revision, kind, entity_id))


def check_folder(folder: Path, progress: Callable[[int, int], None]) -> Report:
    """Read all that a stopped hub's folder holds, without a byte written to it; raises FolderError.

    `progress` hears how many commits of how many were read.
    """
    report = Report()
    path = folder / DATABASE
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder.")
    with held_still(folder):
        if size_of(path) == 0:
            report.add(f"The database {path} is {'empty' if path.exists() else 'missing'}.")
            return report
        try:
            with _opened(folder) as connection:
                _Check(connection, path, report, progress).run()
        except UNREADABLE as error:
            report.add(f"The database {path} cannot be read: {error}.")
        except OSError as error:
            raise FolderError(f"The data in {folder} cannot be read or copied ({error.strerror}).") from error
    return report


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database to be read; with a WAL beside it, a copy of both.

    SQLite reads a WAL only where it may write, and without one `immutable` alone keeps it from making files here.
    """
    with TemporaryDirectory(prefix="restohub-verify-") as scratch:
        path, options = folder / DATABASE, "mode=ro&immutable=1"
        if size_of(wal_path(folder)):
            shutil.copyfile(wal_path(folder), wal_path(Path(scratch)))
            path, options = Path(shutil.copyfile(path, Path(scratch) / DATABASE)), "mode=rw"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True)) as connection:
            connection.text_factory = _text
            yield connection


def _text(value: bytes) -> str:
    """A text, damaged or not: its checksum tells."""
    return value.decode("utf-8", "replace")


class _Check:
    """One reading of a database, from the file's own order to the last guest."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, report: Report, progress: Callable[[int, int], None]
    ) -> None:
        self._connection = connection
        self._path = path
        self._report = report
        self._progress = progress
        self._rows: dict[Who, tuple[Entity, int]] = {}
        self._newest: dict[Who, Newest] = {}
        self._gone: dict[Who, int] = {}
        self._spoilt: set[Who] = set()

    def run(self) -> None:
        """Read everything, and put down all that is wrong."""
        format_of(self._connection, self._path)
        for (line,) in self._connection.execute("PRAGMA integrity_check(100)"):
            if line != "ok":
                self._report.add(f"SQLite's integrity check fails: {line}.")
        found = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        for table in sorted(TABLES - found):
            self._report.add(f"The table {table} is missing.")
        read = [self._read(part) for part in (self._names, self._entities, self._log, self._removals)]
        if all(read):  # else what could not be read would look lost
            self._compare()
        if all(read) and not self._spoilt:
            self._floors()

    def _read(self, part: Callable[[], None]) -> bool:
        """Read a part of the database, and say whether it could be read to its end."""
        try:
            part()
        except UNREADABLE as error:
            self._report.add(f"The database cannot be read to its end ({part.__name__.strip('_')}): {error}.")
            return False
        return True

    def _names(self) -> None:
        names = set()
        for name, value, checksum in self._connection.execute("SELECT name, value, checksum FROM hub"):
            names.add(name)
            if name != "probe" and name_checksum(name, value) != checksum:
                self._report.add(f"The hub's own {name} fails its checksum.")
        for name in sorted({"install_id", "epoch"} - names):
            self._report.add(f"The hub's own {name} is missing.")

    def _entities(self) -> None:
        sql = "SELECT restaurant_id, kind, id, version, checksum, image FROM entity ORDER BY restaurant_id, kind, id"
        for restaurant_id, kind, entity_id, version, checksum, image in self._connection.execute(sql):
            where = (restaurant_id, version, kind, entity_id)
            try:
                if row_checksum(restaurant_id, kind, entity_id, version, image) != checksum:
                    raise DamageError("it fails its checksum")
                entity = entity_of(kind, image)
                if (entity.id, entity.version) != (entity_id, version):
                    raise DamageError("it holds another entity, or another version of it")
            except OtherFormatError as error:
                raise meaning_of(error, self._connection) from error
            except UNREADABLE as error:
                self._report.add(f"A row cannot be read: {error}.", *where)
                self._spoilt.add((restaurant_id, kind, entity_id))
                continue
            self._rows[restaurant_id, kind, entity_id] = entity, crc32(image)

    def _log(self) -> None:
        total = self._log_ends()
        sql = "SELECT position, time, checksum, key, digest, changes, answer FROM log ORDER BY position"
        last_position, last_time = -1, 0
        for row in self._connection.execute(sql):
            position, time = row[0], row[1]
            restaurant_id, revision = restaurant_at(position), revision_at(position)
            if restaurant_at(last_position) != restaurant_id:
                last_time = 0
            elif position != last_position + 1:
                missing = revision_at(last_position) + 1
                upto = f" to {revision - 1}" if revision - 1 > missing else ""
                self._report.add(f"The log has a gap: revision {missing}{upto} is missing.", restaurant_id, missing)
            self._commit(row)
            if time < last_time and row[5] != NO_CHANGES:
                self._report.add("A commit is older than the one that it follows.", restaurant_id, revision)
            last_position, last_time = position, time
            self._report.commits += 1
            if self._report.commits % PROGRESS_EVERY == 0:
                self._progress(self._report.commits, total)

    def _log_ends(self) -> int:
        """Put down each log's first and last revision; how many commits that makes."""
        at: int | None = 0
        while True:
            sql = "SELECT min(position) FROM log WHERE position >= ?"
            (at,) = self._connection.execute(sql, (at,)).fetchone()
            if at is None:
                return sum(last - first + 1 for first, last in self._report.logs.values())
            restaurant_id = restaurant_at(at)
            end = position_of(restaurant_id + 1, 0)
            (last,) = self._connection.execute("SELECT max(position) FROM log WHERE position < ?", (end,)).fetchone()
            self._report.logs[restaurant_id] = revision_at(at), revision_at(last)
            at = end

    def _commit(self, row: tuple[Any, ...]) -> None:
        """Hold one commit against its checksum, and each of its changes against the one before it."""
        position, time, checksum, key, digest, changes, answer = row
        restaurant_id, revision = restaurant_at(position), revision_at(position)
        try:
            if log_checksum(position, time, key, digest, changes, answer) != checksum:
                self._report.add("A commit of the log fails its checksum.", restaurant_id, revision)
                return
            logged = decode_changes(changes)
            changed = [whole_change(one) for one in logged]
        except OtherFormatError as error:
            raise meaning_of(error, self._connection) from error
        except UNREADABLE as error:
            self._report.add(f"A commit of the log cannot be read: {error}.", restaurant_id, revision)
            return
        first = self._report.logs[restaurant_id][0]
        for one, change in zip(logged, changed, strict=True):
            who = (restaurant_id, change.kind, change.id)
            before = self._newest.get(who)
            known = 0 if before is None or before.image is None else before.revision
            if change.was != known and (before is not None or change.was >= first):
                self._report.add(
                    f"A commit follows revision {change.was} of an entity whose last one was {known}.",
                    *(restaurant_id, revision, change.kind, change.id),
                )
            entity = change.entity
            if entity is not None and (entity.id, entity.version) != (change.id, revision):
                self._report.add("A commit holds another entity's image.", restaurant_id, revision, *who[1:])
            self._newest[who] = Newest(revision, None if entity is None else crc32(bytes(one.image)))

    def _removals(self) -> None:
        sql = f"SELECT {REMOVAL_COLUMNS} FROM removal ORDER BY restaurant_id, kind, id"  # noqa: S608 (our own names)
        for row in self._connection.execute(sql):
            try:
                removal = read_removal(row)
            except UNREADABLE:
                self._report.add("A removal fails its checksum.", row[0], row[3], row[1], row[2])
                self._spoilt.add((row[0], row[1], row[2]))
                continue
            self._gone[row[0], removal.kind, removal.id] = removal.revision

    def _compare(self) -> None:  # noqa: C901 (one branch for each sentence)
        """Within the horizon the log's last word on an entity is its row, or its removal.

        Of a deleted restaurant the rows are gone at once, its log and its removals a little at a time.
        """
        report = self._report
        deleted = {int(who) for at, _, who in self._gone if at == DIRECTORY_ID}
        for who, newest in self._newest.items():
            where = (who[0], newest.revision, *who[1:])
            row = self._rows.get(who)
            if who in self._spoilt or who[0] in deleted:
                continue
            if newest.image is None and row is not None:
                report.add("The log says that an entity is gone, and its row is there.", *where)
            elif newest.image is None and self._gone.get(who) != newest.revision:
                report.add("The log says that an entity is gone, and its removal is not there.", *where)
            elif newest.image is not None and row is None:
                report.add("The row of an entity that the log knows is missing.", *where)
            elif row is not None and row[1] != newest.image:
                report.add("A row is not as the log left it.", *where)
        there = [(who, entity.version, "row") for who, (entity, _) in self._rows.items()]
        for who, revision, what in [*there, *((who, revision, "removal") for who, revision in self._gone.items())]:
            if who[0] in deleted:
                continue
            first, last = report.logs.get(who[0], (1, 0))
            if revision > last:
                report.add(f"A {what} is newer than its log, which ends at {last}.", who[0], revision, *who[1:])
            elif revision >= first and (who not in self._newest or self._newest[who].revision != revision):
                report.add(f"A {what} names a revision that says nothing of it.", who[0], revision, *who[1:])
        for who in sorted(self._rows.keys() & self._gone.keys()):
            report.add("An entity is there and gone at once.", who[0], self._gone[who], *who[1:])

    def _floors(self) -> None:
        """Every floor has its restaurant, and each guest and his table name each other."""
        report = self._report
        known = {int(entity_id) for restaurant_id, _, entity_id in self._rows if restaurant_id == DIRECTORY_ID}
        report.restaurants = len(known)
        for (restaurant_id, kind, entity_id), (entity, _) in self._rows.items():
            where = (restaurant_id, entity.version, kind, entity_id)
            if restaurant_id != DIRECTORY_ID and restaurant_id not in known:
                report.add("An entity's restaurant does not exist.", *where)
            match entity:
                case Guest(table_id=other, id=mine):
                    report.guests += 1
                    table = other and self._rows.get((restaurant_id, "table", other))
                    if other and not (table and isinstance(table[0], Table) and table[0].current_guest_id == mine):
                        report.add(f"A guest is at table {other}, which does not have him.", *where)
                case Table(current_guest_id=other, id=mine):
                    report.tables += 1
                    guest = other and self._rows.get((restaurant_id, "guest", other))
                    if other and not (guest and isinstance(guest[0], Guest) and guest[0].table_id == mine):
                        report.add(f"A table has guest {other}, who is not at it.", *where)
