"""The audit of commits that have left the log: who changed what, a row for each guest and table, and no more of it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from zlib import crc32

import msgspec

from restohub.limits import AUDIT_DAYS, AUDIT_MAX
from restohub.live.ports import DAY_S, Author

from .codec import DamageError, decode_changes, log_checksum, revision_at

log = logging.getLogger("restohub")

# Only commits that a known device asked for: a hub without devices keeps nothing.
OF_DEVICES = """SELECT checksum, position, time, key, digest, changes, answer, device, person FROM log
    WHERE position BETWEEN ? AND ? AND device IS NOT NULL ORDER BY position"""
KEEP = """INSERT INTO audit (position, time, device, person, kind, id, action, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
NEWEST = "SELECT max(number) FROM audit"
# Numbers follow the order in which commits left the log, so the oldest have the lowest.
END = """DELETE FROM audit WHERE number IN (SELECT number FROM audit ORDER BY number LIMIT ?)
    AND (time < ? OR number <= ?)"""
AUTHORS = """SELECT position, time, device, person, kind, id, action FROM audit WHERE position IN
    (SELECT DISTINCT position FROM audit WHERE position BETWEEN :low AND :high
    AND (:any_device OR device IS :device) AND (:any_person OR person IS :person)
    AND (:entity IS NULL OR id = :entity) ORDER BY position DESC LIMIT :many)
    AND (:entity IS NULL OR id = :entity) ORDER BY position DESC, number"""
FORGET = """DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE position BETWEEN ? AND ? LIMIT ?)
    RETURNING number"""
EVERY = "SELECT position, time, device, person, kind, id, action, checksum FROM audit ORDER BY number"
HAS_AUDIT = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'"
# For each row that comes so many may go, so that what is too old becomes less, and a clock that was ahead ends little.
ENDED_FOR_ONE = 2

_encode = msgspec.json.Encoder().encode


def keep_authors(database: sqlite3.Connection, low: int, high: int) -> int:
    """Keep who made the commits between two positions, which are about to leave the log; how many rows that were.

    What is older than 90 days by then is let go, and what is more than may be. No clock is asked: the newest of these
    commits says what time it is.
    """
    rows = [row for commit in database.execute(OF_DEVICES, (low, high)) for row in _rows(commit)]
    if not rows:
        return 0
    database.executemany(KEEP, rows)
    (newest,) = database.execute(NEWEST).fetchone()
    too_old = rows[-1][1] - AUDIT_DAYS * DAY_S
    ended = database.execute(END, (ENDED_FOR_ONE * len(rows), too_old, newest - AUDIT_MAX)).rowcount
    return len(rows) + ended


def _rows(commit: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of one commit; none where it is damaged."""
    checksum, *columns = commit
    position, time, _, _, changes, _, device, person = columns
    try:
        if checksum != log_checksum(*columns):
            raise DamageError("it fails its checksum")
        changed = decode_changes(changes)
    except DamageError as fault:
        log.warning(
            "Who made revision %d is not kept, since the commit cannot be read: %s.", revision_at(position), fault
        )
        return
    for one in changed:
        row = (position, time, device, person, one.kind, one.id, one.action)
        yield (*row, crc32(_encode(row)))


def authors_of(rows: Sequence[Any]) -> list[Author]:
    """The commits of rows of AUTHORS."""
    found = []
    for _, group in groupby(rows, key=itemgetter(0)):
        entries = list(group)
        position, time, device, person, *_ = entries[0]
        changes = tuple((kind, entity_id, action) for _, _, _, _, kind, entity_id, action in entries)
        found.append(Author(revision_at(position), time, device, changes, person))
    return found


def is_sound(row: Sequence[Any]) -> bool:
    """Whether a row of EVERY is as it was written."""
    return bool(crc32(_encode(tuple(row[:-1]))) == row[-1])
