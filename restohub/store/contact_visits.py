"""The step of a migration that hashes the contacts of guests long gone, and makes the visits that the log knows."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator

from msgspec import structs

from restohub.floor.contacts import hashed
from restohub.floor.leaving import visit_left
from restohub.floor.model import Guest

from .codec import (
    INSERT_VISIT,
    REMOVAL_COLUMNS,
    LoggedChange,
    OtherFormatError,
    decode_changes,
    encode_logged,
    entity_of,
    log_checksum,
    name_checksum,
    position_of,
    removal_checksum,
    restaurant_at,
    revision_at,
    visit_row,
)

# The format that has visits and the key.
FORMAT = 3
CONTACT_KEY = "contact_key"
KEY_BYTES = 32

NAMED = "INSERT INTO hub (name, value, checksum) VALUES (?, ?, ?)"
COUNTED = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE phone IS NOT NULL"  # noqa: S608 (our own column names)
HASHED = "UPDATE removal SET phone = ?, email = ?, checksum = ? WHERE restaurant_id = ? AND kind = ? AND id = ?"
DELETING = """SELECT position FROM log WHERE position > ? AND instr(changes, CAST('"delete"' AS BLOB)) > 0
    ORDER BY position LIMIT 1000"""
COMMIT = "SELECT position, time, key, digest, changes, answer, checksum FROM log WHERE position = ?"
REWRITTEN = "UPDATE log SET changes = ?, checksum = ? WHERE position = ?"


def hash_contacts(database: sqlite3.Connection) -> None:
    """Make the hub's key and bring older rows to it; a row whose checksum fails stays as it is, to be found."""
    key = secrets.token_bytes(KEY_BYTES)
    database.execute(NAMED, (CONTACT_KEY, key.hex(), name_checksum(CONTACT_KEY, key.hex())))
    for row in database.execute(COUNTED).fetchall():
        removal, checksum = row[:7], row[7]
        if removal_checksum(removal) == checksum:
            after = (*removal[:5], *hashed(removal[5:], key))
            database.execute(HASHED, (*after[5:], removal_checksum(after), *removal[:3]))
    for position in _deleting(database):
        _rewrite(database, position, key)


def _deleting(database: sqlite3.Connection) -> Iterator[int]:
    """The commits that removed something, oldest first."""
    last = 0
    while positions := [position for (position,) in database.execute(DELETING, (last,))]:
        yield from positions
        last = positions[-1]


def _rewrite(database: sqlite3.Connection, position: int, key: bytes) -> None:
    """Hash what a commit says of the guests that it removed, and make their visits."""
    commit = _commit(database, position)
    if commit is None:
        return
    time, idempotency_key, digest, answer, logged = commit
    after = []
    for change in logged:
        after.append(change if change.counted is None else structs.replace(change, counted=hashed(change.counted, key)))
        visit = _visit(database, position, change, key)
        if visit is not None:
            database.execute(INSERT_VISIT, visit)
    if after != logged:
        changes = encode_logged(after)
        checksum = log_checksum(position, time, idempotency_key, digest, changes, answer)
        database.execute(REWRITTEN, (changes, checksum, position))


def _visit(database: sqlite3.Connection, position: int, change: LoggedChange, key: bytes) -> tuple[object, ...] | None:
    """The row of the visit of a guest whom this change removed, where he was done and the log has his last image."""
    if change.kind != "guest" or change.action != "delete":
        return None
    restaurant_id = restaurant_at(position)
    commit = _commit(database, position_of(restaurant_id, change.was))
    images = () if commit is None else (one.image for one in commit[-1] if (one.kind, one.id) == ("guest", change.id))
    for image in images:
        guest = entity_of("guest", bytes(image))
        visit = visit_left(guest, revision_at(position), key) if isinstance(guest, Guest) else None
        return None if visit is None else visit_row(restaurant_id, visit)
    return None


def _commit(
    database: sqlite3.Connection, position: int
) -> tuple[int, str | None, bytes | None, bytes | None, list[LoggedChange]] | None:
    """A commit of the log, None where it is pruned or damaged."""
    for at, time, key, digest, changes, answer, checksum in database.execute(COMMIT, (position,)):
        if log_checksum(at, time, key, digest, changes, answer) == checksum:
            try:
                return time, key, digest, answer, decode_changes(changes)
            except OtherFormatError:
                return None
    return None
