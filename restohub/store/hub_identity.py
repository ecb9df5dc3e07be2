"""A new identity for a stopped hub's data, so that a copy of another hub becomes a hub of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from .codec import DamageError, name_checksum
from .data_folder import DATABASE, MARK, MARK_TEXT, FolderError, FolderLock, had_a_database, size_of
from .errors import storage_fault
from .restore_detection import NAME, changed_at, invalidate_mark
from .schema import WRITTEN_BY, format_of


class Identity(Struct, frozen=True):
    """Who a hub is: the id of its installation, and the epoch that its revisions are of."""

    id: str
    epoch: str


def give_identity(folder: Path, new: Identity, version: str) -> Identity:
    """Give the data in a folder a new id and a new epoch, in one transaction; the identity that they had.

    With the old epoch the iPads of the original would take the copy's history for their own. Raises FolderError (as
    where a hub serves the folder), DamageError, OSError, or what `storage_fault` makes of an error of SQLite.
    """
    path = folder / DATABASE
    if not size_of(path):
        raise FolderError(f"There are no data of a hub in {folder}. Name their folder with --data.")
    with FolderLock(folder):
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                format_of(database, path)
                return _give(database, folder, new, version)
        except sqlite3.Error as error:
            raise storage_fault(error, "load", path) from error


def _give(database: sqlite3.Connection, folder: Path, new: Identity, version: str) -> Identity:
    for pragma in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON", "trusted_schema = OFF"):
        database.execute(f"PRAGMA {pragma}")
    old = {}
    for name, value, checksum in database.execute("SELECT name, value, checksum FROM hub"):
        if name in ("install_id", "epoch"):
            if name_checksum(name, value) != checksum:
                raise DamageError(f"the hub's own {name} fails its checksum")
            old[name] = value
    if len(old) < 2:
        raise DamageError("the hub's own names are lost")
    if not had_a_database(folder):  # the database alone was copied
        (folder / MARK).write_text(MARK_TEXT, "utf-8")
    invalidate_mark(folder)  # and left anew below: the data are what this run leaves
    names = {"install_id": new.id, "epoch": new.epoch, "mark": changed_at(folder / MARK), WRITTEN_BY: version}
    database.execute("BEGIN IMMEDIATE")
    database.executemany(NAME, [(name, value, name_checksum(name, value)) for name, value in names.items()])
    database.execute("COMMIT")
    return Identity(old["install_id"], old["epoch"])
