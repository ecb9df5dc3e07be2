"""The verification of a stopped hub's folder: a list of everything that is wrong with its data."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from restohub.floor.model import DIRECTORY_ID, Guest, Table

from . import findings
from .audit_rows import EVERY as EVERY_AUTHOR
from .audit_rows import HAS_AUDIT, is_sound
from .codec import LoggedChange, position_of, restaurant_at, revision_at, whole_change
from .contact_visits import CONTACT_KEY, FORMAT
from .data_folder import DATABASE, FolderError, locked_while_read, size_of
from .findings import Finding
from .integrity import UNREADABLE, Audit, Who
from .schema import format_of, tables_of
from .snapshot import readable_at
from .visit_integrity import VisitAudit

FAULTS_MAX = 1000
PROGRESS_EVERY = 5000

Progress = Callable[[int, int], None]


class Defect(Struct, omit_defaults=True):
    """What is wrong and where, in words that tell nothing of a guest but his id."""

    detail: str
    restaurant_id: int | None = None
    revision: int | None = None
    kind: str | None = None
    entity_id: str | None = None


class VerificationReport(Struct):
    """What was read, and all that is wrong with it. `logs`: each log's first and last revision."""

    sound: bool = True
    restaurants: int = 0
    guests: int = 0
    tables: int = 0
    commits: int = 0
    visits: int = 0
    logs: dict[int, tuple[int, int]] = field(default_factory=dict)
    faults: list[Defect] = field(default_factory=list)

    def add(self, fault: Defect) -> None:
        """Put down a fault."""
        self.sound = False
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(fault)

    def add_all(self, found: Iterable[Finding]) -> None:
        """Put down what an audit finds."""
        for one in found:
            self.add(Defect(one.listed, one.restaurant_id, one.revision, one.kind, one.entity_id))


def verify_folder(folder: Path, progress: Progress) -> VerificationReport:
    """Read all that a stopped hub's folder holds, without a byte written to it; raises FolderError.

    `progress` hears how many commits of how many were read.
    """
    report = VerificationReport()
    path = folder / DATABASE
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder.")
    with locked_while_read(folder):
        if size_of(path) == 0:
            report.add(Defect(f"The database {path} is {'empty' if path.exists() else 'missing'}."))
            return report
        try:
            with readable_at(folder) as uri:
                return check_database(uri, path, progress)
        except OSError as error:
            raise FolderError(f"The data in {folder} cannot be read or copied ({error.strerror}).") from error


def check_database(uri: str, path: Path, progress: Progress) -> VerificationReport:
    """Read all that a database holds, which is at a URI and is called by this path; raises FormatError, OSError."""
    report = VerificationReport()
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.text_factory = _text
            format_of(database, path)
            _verify(database, report, progress)
    except (sqlite3.Error, *UNREADABLE) as error:
        report.add(Defect(f"The database {path} cannot be read: {error}."))
    return report


def heads(database: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """The first and the last revision of each log of a database; raises sqlite3.Error."""
    audit = WholeAudit(database, VerificationReport(), lambda _done, _total: None)
    audit.find_logs()
    return audit.logs


def _text(value: bytes) -> str:
    """A text, damaged or not: its checksum tells."""
    return value.decode("utf-8", "replace")


class WholeAudit(Audit):
    """An audit that reads each image of the log too, and says how far it has come."""

    def __init__(self, database: sqlite3.Connection, report: VerificationReport, progress: Progress) -> None:
        super().__init__(database)
        self._report = report
        self._progress = progress
        self._total = 0
        self.keeps_visits = database.execute("PRAGMA user_version").fetchone()[0] >= FORMAT
        self._visits: VisitAudit | None = None

    def find_logs(self) -> None:
        """Find the log of each restaurant that has one, deleted ones' included."""
        sql = "SELECT min(position) FROM log WHERE position >= ?"
        at = 0
        while (first := self._database.execute(sql, (at,)).fetchone()[0]) is not None:
            self.find_log(restaurant_at(first))
            at = position_of(restaurant_at(first) + 1, 0)
        self._total = sum(last - first + 1 for first, last in self.logs.values())

    def commits(self, low: int, high: int) -> Iterator[Any]:
        """The rows of the log between two positions, counted."""
        for row in super().commits(low, high):
            yield row
            self._report.commits += 1
            if self._report.commits % PROGRESS_EVERY == 0:
                self._progress(self._report.commits, self._total)

    def of_another(self, revision: int, logged: list[LoggedChange]) -> list[Who]:
        """The changes of a commit that hold another entity's image."""
        changed = [whole_change(one) for one in logged]
        return [
            (one.kind, one.id)
            for one in changed
            if one.entity is not None and (one.entity.id, one.entity.version) != (one.id, revision)
        ]

    def read_names(self) -> Iterator[Finding]:
        """What the hub keeps of itself; with its key, visits can be compared."""
        yield from super().read_names()
        if not self.keeps_visits:
            return
        if CONTACT_KEY not in self.names:
            yield Finding(findings.NAME_MISSING, name=CONTACT_KEY)
        with suppress(ValueError):
            self._visits = VisitAudit(self._database, bytes.fromhex(self.names.get(CONTACT_KEY, "-")))

    def _follow(self, restaurant_id: int, since: int, revision: int, logged: list[LoggedChange]) -> Iterator[Finding]:
        """Take in what a commit changed, and hold the visits of those who left against it."""
        yield from super()._follow(restaurant_id, since, revision, logged)
        if self._visits is not None:
            yield from self._visits.follow(restaurant_id, revision, logged)

    def read_every_visit(self) -> Iterator[Finding]:
        """Every visit of every restaurant."""
        if self._visits is not None:
            yield from self._visits.read_every_visit(self._deleted)
            self._report.visits = self._visits.count

    def read_every_author(self) -> Iterator[Finding]:
        """Every entry of the audit whose commit has left the log."""
        if not self._database.execute(HAS_AUDIT).fetchone():  # data of an older format
            return
        for row in self._database.execute(EVERY_AUTHOR):
            if not is_sound(row):
                position, _, _, kind, entity_id, *_ = row
                where = restaurant_at(position), revision_at(position), (kind, entity_id)
                yield Finding(findings.AUDIT_DAMAGED, *where)

    @property
    def _deleted(self) -> set[int]:
        return {int(entity_id) for _, entity_id in self.removals.get(DIRECTORY_ID, {})}

    def read_every_log(self) -> Iterator[Finding]:
        """The log of each restaurant from its beginning."""
        self.find_logs()
        self._report.logs = self.logs
        for restaurant_id, (first, _) in self.logs.items():
            yield from self.read_log(restaurant_id, first)

    def read_every_removal(self) -> Iterator[Finding]:
        """All that was removed, of every restaurant."""
        for (restaurant_id,) in self._database.execute("SELECT DISTINCT restaurant_id FROM removal").fetchall():
            yield from self.read_removals(restaurant_id)

    def compare_all(self) -> Iterator[Finding]:
        """Everything held against everything.

        Of a deleted restaurant the rows are gone at once, its log and its removals a little at a time.
        """
        for restaurant_id in sorted((self.rows.keys() | self.logs.keys() | self.removals.keys()) - self._deleted):
            yield from self.compare(restaurant_id, self.logs.get(restaurant_id, (1, 0))[0])


def _verify(database: sqlite3.Connection, report: VerificationReport, progress: Progress) -> None:
    """Read everything, and put down all that is wrong."""
    audit = WholeAudit(database, report, progress)
    for (line,) in database.execute("PRAGMA integrity_check(100)"):
        if line != "ok":
            report.add(Defect(f"SQLite's integrity check fails: {line}."))
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    number = database.execute("PRAGMA user_version").fetchone()[0]
    for table in sorted(tables_of(max(number, 1)) - found):
        report.add(Defect(f"The table {table} is missing."))
    parts = {
        "names": audit.read_names,
        "devices": audit.read_devices,
        "staff": audit.read_persons,
        "entities": audit.read_rows,
        "log": audit.read_every_log,
        "removals": audit.read_every_removal,
        "visits": audit.read_every_visit,
        "audit": audit.read_every_author,
    }
    read = [_read(report, name, part) for name, part in parts.items()]
    if not all(read):  # what could not be read would look lost
        return
    report.add_all(audit.compare_all())
    if not audit.spoilt:
        _count(audit, report)
        report.add_all(audit.homeless())
        report.add_all(audit.apart())


def _read(report: VerificationReport, name: str, part: Callable[[], Iterator[Finding]]) -> bool:
    """Read a part of the database, and say whether it could be read to its end."""
    try:
        report.add_all(part())
    except (sqlite3.Error, *UNREADABLE) as error:
        report.add(Defect(f"The database cannot be read to its end ({name}): {error}."))
        return False
    return True


def _count(audit: Audit, report: VerificationReport) -> None:
    entities = [entity for rows in audit.rows.values() for entity, _ in rows.values()]
    report.restaurants = len(audit.rows.get(DIRECTORY_ID, {}))
    report.guests = sum(isinstance(entity, Guest) for entity in entities)
    report.tables = sum(isinstance(entity, Table) for entity in entities)
