"""This file is a new identity for a stopped hub's data: a copy of another hub's becomes one of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import aiosqlite
from msgspec import Struct

from .copies import NAME, leave_mark
from .faults import storage_fault
from .format import FolderError
from .open import DATABASE, Connection, FolderLock, open_writer, size_of
from .rows import DamageError, name_checksum


class Identity(Struct, frozen=True):
    """Who a hub is: the id of its installation, and the epoch that its revisions are of."""

    id: str
    epoch: str


async def give_identity(folder: Path, new: Identity, version: str) -> Identity:
    """Give the data in a folder a new id and a new epoch, both or neither; the identity that they had.

    With the old epoch the iPads of the original would take the copy's history for their own. Raises FolderError (as
    where a hub serves the folder), DamageError, or what `storage_fault` makes of an error of SQLite.
    """
    if not size_of(folder / DATABASE):
        raise FolderError(f"There are no data of a hub in {folder}. Name their folder with --data.")
    with FolderLock(folder):
        connection = await open_writer(folder)
        try:
            old = await _identity(connection)
            await _write(connection, new)
            await leave_mark(connection, folder, new.epoch, version)
            await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await connection.close()
    return old


async def _identity(connection: Connection) -> Identity:
    names = {}
    for name, value, checksum in await connection.execute_fetchall("SELECT name, value, checksum FROM hub"):
        if name in ("install_id", "epoch"):
            if name_checksum(name, value) != checksum:
                raise DamageError(f"the hub's own {name} fails its checksum")
            names[name] = value
    if len(names) < 2:
        raise DamageError("the hub's own names are lost")
    return Identity(names["install_id"], names["epoch"])


async def _write(connection: aiosqlite.Connection, new: Identity) -> None:
    names = {"install_id": new.id, "epoch": new.epoch}
    try:
        await connection.execute("BEGIN IMMEDIATE")
        await connection.executemany(NAME, [(name, value, name_checksum(name, value)) for name, value in names.items()])
        await connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise storage_fault(error) from error
    finally:
        if connection.in_transaction:
            await connection.rollback()
