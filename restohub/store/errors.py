"""What a failing disk means: refuse and recover, or stop."""

from __future__ import annotations

import sqlite3

from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError

PRIMARY_CODE_MASK = 0xFF
STOPPING = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
UNAVAILABLE = {
    sqlite3.SQLITE_READONLY: "the disk is read-only",
    sqlite3.SQLITE_BUSY: "another program holds the database",
    sqlite3.SQLITE_LOCKED: "another program holds the database",
    sqlite3.SQLITE_PERM: "the database file may not be written",
}

# What `storage_fault` leaves as it is reaches whoever ends a command for a person, and is caught there by this name.
DatabaseError = sqlite3.Error


def storage_fault(error: sqlite3.Error) -> Exception:
    """What an error of SQLite means for the hub; an error of our own (a constraint, bad SQL) comes back as it is."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE_MASK
    if code == sqlite3.SQLITE_FULL:
        return StorageFullError("the disk is full")
    if code in UNAVAILABLE:
        return StorageUnavailableError(UNAVAILABLE[code])
    if code in STOPPING:
        name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        return StorageFailedError(f"SQLite says {name}: {error}")
    return error
