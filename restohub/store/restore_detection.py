"""Restore detection: whether the data are a copy that was put back, and not what the hub left.

A revision means something only within its epoch, and a copy that is put back goes on from an older revision under the
same epoch: a client that holds more would merge two histories. So each start touches the mark beside the database, and
keeps in the database when that was. The file system's own change time cannot be copied, so whatever is put back (the
folder, the database alone, over the old files or into a new folder) does not agree with it. What this cannot see is a
whole disk that was rolled back: there the first client that holds more tells (`live/client_ahead.py`). A false alarm (a
moved folder, a kill within the milliseconds of `leave_mark`) costs each client one full sync.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import aiosqlite

from restohub.live.ports import StorageUnavailableError

from .codec import name_checksum
from .data_folder import MARK, MARK_TEXT
from .errors import storage_fault
from .schema import WRITTEN_BY

NAME = "INSERT OR REPLACE INTO hub (name, value, checksum) VALUES (?, ?, ?)"


async def was_restored(connection: aiosqlite.Connection, folder: Path) -> bool:
    """Whether the data are not those that the last run of a hub left here."""
    rows = list(await connection.execute_fetchall("SELECT value FROM hub WHERE name = 'mark'"))
    return bool(rows) and rows[0][0] != changed_at(folder / MARK)


async def leave_mark(connection: aiosqlite.Connection, folder: Path, epoch: str, version: str) -> None:
    """Mark the folder as this run's, this epoch as the present one, and this version as the one that wrote last.

    Raises StorageUnavailableError, or what else `storage_fault` makes of an error of SQLite; nothing was marked then.
    """
    mark = folder / MARK
    try:
        invalidate_mark(folder)
    except OSError as error:
        raise StorageUnavailableError(f"the data folder cannot be written ({error.strerror})") from error
    names = {"mark": changed_at(mark), "epoch": epoch, WRITTEN_BY: version}
    try:
        await connection.execute("BEGIN IMMEDIATE")
        await connection.executemany(NAME, [(name, value, name_checksum(name, value)) for name, value in names.items()])
        await connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise storage_fault(error, "write") from error
    finally:
        if connection.in_transaction:
            await connection.rollback()


def invalidate_mark(folder: Path) -> None:
    """Have the next start find that the data are not as they were left, unless the mark is left anew; raises OSError.

    The same bytes are written once more: an empty mark would say that there never was a database.
    """
    with (folder / MARK).open("r+b") as file:
        file.write(MARK_TEXT.encode())
        file.flush()
        os.fsync(file.fileno())


def changed_at(mark: Path) -> str:
    """When a file was last changed, by the system's own account, which no copy keeps (on Windows: made and written)."""
    found = mark.stat()
    return f"{found.st_ctime_ns}/{found.st_mtime_ns}"
