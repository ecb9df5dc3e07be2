"""Integrity: rows, log and removals, read and compared down to the last checksum."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

from msgspec import Struct

from restohub.access.devices import Device
from restohub.access.staff import Person
from restohub.floor.model import DIRECTORY_ID, Entity, Guest, Removal, Table

from . import findings
from .codec import (
    NO_CHANGES,
    REMOVAL_COLUMNS,
    DamageError,
    LoggedChange,
    OtherFormatError,
    decode_changes,
    entity_of,
    log_checksum,
    name_checksum,
    position_of,
    read_removal,
    revision_at,
    row_checksum,
)
from .device_rows import DEVICES, HAS_DEVICES, read_device
from .findings import Finding, Rule
from .person_rows import HAS_PERSONS, PERSONS, read_person
from .schema import explain_unreadable_rows

NAMES = "SELECT name, value, checksum FROM hub"
ENTITIES = "SELECT restaurant_id, kind, id, version, checksum, image FROM entity ORDER BY rowid"
LOG = """SELECT position, time, checksum, key, digest, changes, answer, device, person FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position"""
# Data of an older format know neither.
OLDER_LOG = LOG.replace(", device, person", ", NULL, NULL")
# Each by itself is one step down the b-tree; both in one query read the whole log.
LOG_ENDS = """SELECT (SELECT min(position) FROM log WHERE position BETWEEN ? AND ?),
    (SELECT max(position) FROM log WHERE position BETWEEN ? AND ?)"""
REMOVALS = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ? ORDER BY revision DESC LIMIT ?"  # noqa: S608 (our own column names)
ALL = -1
# What a flipped bit makes of a row: in its header, a text or a number becomes a blob.
UNREADABLE = (DamageError, TypeError, ValueError)

Who = tuple[str, str]


class Newest(Struct):
    """What the log says last of an entity: the revision, and the CRC-32 of its image (None: it is gone)."""

    revision: int
    image: int | None


class Audit:
    """One reading of a store, part by part; each part is read to its end by whoever takes all of its findings.

    By restaurant: `rows` has each entity with the CRC-32 of its image, `removals` what is gone, oldest first, and
    `removals_since` the revision since which they are all of it; `logs` the first and the last revision, `times` the
    last commit's, `newest` what was read of the log. `spoilt` are rows and removals that could not be read.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self.names: dict[str, str] = {}
        self.devices: list[Device] = []
        self.persons: list[Person] = []
        self.rows: dict[int, dict[Who, tuple[Entity, int]]] = defaultdict(dict)
        self.removals: dict[int, dict[Who, Removal]] = {}
        self.removals_since: dict[int, int] = {}
        self.logs: dict[int, tuple[int, int]] = {}
        self.times: dict[int, int] = {}
        self.newest: dict[int, dict[Who, Newest]] = defaultdict(dict)
        self.spoilt: set[tuple[int, Who]] = set()
        self._database = database

    def read_names(self) -> Iterator[Finding]:
        """What the hub keeps of itself."""
        for name, value, checksum in self._database.execute(NAMES):
            self.names[name] = value
            if name != "probe" and name_checksum(name, value) != checksum:
                yield Finding(findings.NAME_DAMAGED, name=name)
        for name in sorted({"install_id", "epoch"} - self.names.keys()):
            yield Finding(findings.NAME_MISSING, name=name)

    def read_devices(self) -> Iterator[Finding]:
        """Every device that belongs, or belonged, to the hub."""
        if not self._database.execute(HAS_DEVICES).fetchone():  # data of an older format
            return
        for row in self._database.execute(DEVICES):
            try:
                self.devices.append(read_device(row))
            except UNREADABLE as error:
                yield Finding(findings.DEVICE_DAMAGED, error=error)

    def read_persons(self) -> Iterator[Finding]:
        """Every person of the staff, those who were removed included."""
        if not self._database.execute(HAS_PERSONS).fetchone():  # data of an older format
            return
        for row in self._database.execute(PERSONS):
            try:
                self.persons.append(read_person(row))
            except UNREADABLE as error:
                yield Finding(findings.PERSON_DAMAGED, error=error)

    def read_rows(self) -> Iterator[Finding]:
        """Every entity of every restaurant."""
        for restaurant_id, kind, entity_id, version, checksum, image in self._database.execute(ENTITIES):
            who, where = (kind, entity_id), (restaurant_id, version, (kind, entity_id))
            try:
                wrong = None
                if row_checksum(restaurant_id, kind, entity_id, version, image) != checksum:
                    wrong = Finding(findings.ROW_DAMAGED, *where)
                elif ((entity := entity_of(kind, image)).id, entity.version) != (entity_id, version):
                    wrong = Finding(findings.ROW_OF_ANOTHER, *where)
            except OtherFormatError as error:
                raise explain_unreadable_rows(error, self._database) from error
            except UNREADABLE as error:
                wrong = Finding(findings.ROW_UNREADABLE, *where, error=error)
            if wrong is not None:
                self.spoilt.add((restaurant_id, who))
                yield wrong
                continue
            self.rows[restaurant_id][who] = entity, crc32(image)

    def read_removals(self, restaurant_id: int, most: int = ALL) -> Iterator[Finding]:
        """The newest removals of a restaurant, so many at most."""
        newest: list[Removal] = []
        for row in self._database.execute(REMOVALS, (restaurant_id, most)):
            try:
                newest.append(read_removal(row))
            except UNREADABLE:
                self.spoilt.add((restaurant_id, (row[1], row[2])))
                yield Finding(findings.REMOVAL_DAMAGED, row[0], row[3], (row[1], row[2]))
        self.removals[restaurant_id] = {(one.kind, one.id): one for one in reversed(newest)}
        self.removals_since[restaurant_id] = newest[-1].revision if len(newest) == most else 0

    def find_log(self, restaurant_id: int) -> tuple[int, int] | None:
        """The first and the last revision of a restaurant's log, None where it has none."""
        span = position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1
        low, high = self._database.execute(LOG_ENDS, (*span, *span)).fetchone()
        if high is None:
            return None
        self.logs[restaurant_id] = revision_at(low), revision_at(high)
        return self.logs[restaurant_id]

    def read_log(self, restaurant_id: int, since: int) -> Iterator[Finding]:
        """A restaurant's log, which was found, from a revision on."""
        low, high = position_of(restaurant_id, since), position_of(restaurant_id, self.logs[restaurant_id][1])
        expected, time = low, 0
        for position, row_time, checksum, key, digest, changes, answer, *by in self.commits(low, high):
            revision = revision_at(position)
            if position != expected:
                upto = f" to {revision - 1}" if position - 1 > expected else ""
                yield Finding(findings.GAP, restaurant_id, revision_at(expected), upto=upto)
            try:
                logged: list[LoggedChange] = []
                if log_checksum(position, row_time, key, digest, changes, answer, *by) != checksum:
                    yield Finding(findings.COMMIT_DAMAGED, restaurant_id, revision)
                else:
                    logged = decode_changes(changes)
                    for who in self.of_another(revision, logged):
                        yield Finding(findings.COMMIT_OF_ANOTHER, restaurant_id, revision, who)
            except OtherFormatError as error:
                raise explain_unreadable_rows(error, self._database) from error
            except UNREADABLE as error:
                logged = []
                yield Finding(findings.COMMIT_UNREADABLE, restaurant_id, revision, error=error)
            if row_time < time and changes != NO_CHANGES:
                yield Finding(findings.COMMIT_EARLIER, restaurant_id, revision)
            yield from self._follow(restaurant_id, since, revision, logged)
            expected, time = position + 1, row_time
        if expected != high + 1:
            yield Finding(findings.CUT_OFF, restaurant_id)
        self.times[restaurant_id] = time

    def _follow(self, restaurant_id: int, since: int, revision: int, logged: list[LoggedChange]) -> Iterator[Finding]:
        """Take in what a commit changed; each change names the revision that it replaced."""
        newest = self.newest[restaurant_id]
        for one in logged:
            who = (one.kind, one.id)
            before = newest.get(who)
            known = 0 if before is None or before.image is None else before.revision
            if one.was != known and (before is not None or one.was >= since):
                yield Finding(findings.COMMIT_SKIPS, restaurant_id, revision, who, was=one.was, known=known)
            newest[who] = Newest(revision, None if one.action == "delete" else crc32(one.image))

    def commits(self, low: int, high: int) -> Iterable[Any]:
        """The rows of the log between two positions."""
        known = self._database.execute(HAS_DEVICES).fetchone()
        return self._database.execute(LOG if known else OLDER_LOG, (low, high))

    def of_another(self, revision: int, logged: list[LoggedChange]) -> Iterable[Who]:  # noqa: ARG002 (a start reads none)
        """The changes of a commit that hold another entity's image; where images are not read, none."""
        return ()

    def compare(self, restaurant_id: int, since: int) -> Iterator[Finding]:
        """The log's last word on an entity, from a revision on, is its row or its removal; and the other way round."""
        rows, removals = self.rows.get(restaurant_id, {}), self.removals.get(restaurant_id, {})
        newest = self.newest.get(restaurant_id, {})
        _, last = self.logs.get(restaurant_id, (1, 0))
        for who, revision, what in self._told(restaurant_id):
            if revision > last:
                rule = findings.BEYOND_LOG if last else findings.NO_LOG
                yield Finding(rule, restaurant_id, revision, who, what=what, last=last)
        for who, logged in newest.items():
            broken = None if (restaurant_id, who) in self.spoilt else self._broken(restaurant_id, who, logged)
            if broken is not None:
                yield Finding(broken, restaurant_id, logged.revision, who)
        for who, revision, what in self._told(restaurant_id):
            if since <= revision <= last and (who not in newest or newest[who].revision != revision):
                rule = findings.ROW_UNNAMED if what == "row" else findings.REMOVAL_UNNAMED
                yield Finding(rule, restaurant_id, revision, who)
        for who in sorted(rows.keys() & removals.keys()):
            yield Finding(findings.BOTH, restaurant_id, removals[who].revision, who)

    def _told(self, restaurant_id: int) -> Iterator[tuple[Who, int, str]]:
        """The revision that each row and each removal names."""
        for who, (entity, _) in self.rows.get(restaurant_id, {}).items():
            yield who, entity.version, "row"
        for who, removal in self.removals.get(restaurant_id, {}).items():
            yield who, removal.revision, "removal"

    def _broken(self, restaurant_id: int, who: Who, logged: Newest) -> Rule | None:
        """What is wrong with the row or the removal of an entity, None where it is as the log left it."""
        row = self.rows.get(restaurant_id, {}).get(who)
        if logged.image is not None:
            if row is None:
                return findings.ROW_LOST
            return None if row[1] == logged.image else findings.ROW_DIFFERS
        if row is not None:
            return findings.GONE_AND_THERE
        removal = self.removals.get(restaurant_id, {}).get(who)
        if removal is not None and removal.revision == logged.revision:
            return None
        # Older than those that were read, it need not be among them.
        return findings.REMOVAL_LOST if logged.revision > self.removals_since.get(restaurant_id, 0) else None

    def homeless(self) -> Iterator[Finding]:
        """The guests and tables whose restaurant does not exist."""
        known = {int(entity_id) for _, entity_id in self.rows.get(DIRECTORY_ID, {})}
        for restaurant_id in self.rows.keys() - known - {DIRECTORY_ID}:
            for who, (entity, _) in self.rows[restaurant_id].items():
                yield Finding(findings.NO_RESTAURANT, restaurant_id, entity.version, who)

    def apart(self) -> Iterator[Finding]:
        """The guests and tables of which one names the other, and not the other way round."""
        for restaurant_id, rows in self.rows.items():
            for who, (entity, _) in rows.items():
                if isinstance(entity, Guest) and (table_id := entity.table_id):
                    table, _ = rows.get(("table", table_id), (None, 0))
                    if not (isinstance(table, Table) and table.current_guest_id == entity.id):
                        yield Finding(findings.TABLE_WITHOUT_HIM, restaurant_id, entity.version, who, other=table_id)
                elif isinstance(entity, Table) and (guest_id := entity.current_guest_id):
                    guest, _ = rows.get(("guest", guest_id), (None, 0))
                    if not (isinstance(guest, Guest) and guest.table_id == entity.id):
                        yield Finding(findings.GUEST_ELSEWHERE, restaurant_id, entity.version, who, other=guest_id)
