"""The connections to the database: one that writes, one that reads, and their settings."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from .codec import DamageError
from .data_folder import DATABASE, MARK, MARK_TEXT, FolderError, had_a_database, size_of, wal_path
from .errors import storage_fault
from .schema import format_of, migrate, migrations

T = TypeVar("T")

# A seating writes 14 KiB with pages of 1 KiB against 23 with 4 KiB, and SD cards wear. Settled by the first file made.
PAGE_BYTES = 1024
WAL_BYTES_KEPT = 8 * 1024 * 1024
# A floor of 5,000 guests fits. Four times as much only grew to be held: 14 MiB after 100,000 changes, measured.
CACHE_KIB = 4 * 1024
BUSY_WAIT_S = 5.0
WRITING = (
    "journal_mode = WAL",
    "synchronous = FULL",
    # SQLite swallows every error of an automatic checkpoint; the writer runs its own and sees them.
    "wal_autocheckpoint = 0",
    # macOS: fsync alone leaves the data in the drive's cache. Elsewhere these do nothing.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "mmap_size = 0",
    # A WAL that one huge group made long is cut when it begins anew.
    f"journal_size_limit = {WAL_BYTES_KEPT}",
    f"cache_size = -{CACHE_KIB}",
    "trusted_schema = OFF",
    "temp_store = MEMORY",
    # Debian's SQLite zeroes every page that it frees: pruning a commit then writes 1.35 pages, so 0.2.
    "secure_delete = FAST",
)
READING = ("query_only = ON", "wal_autocheckpoint = 0", "mmap_size = 0", "trusted_schema = OFF")


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, whose thread takes whole functions, too."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this work in the connection's thread, in one visit; raises what it raises.

        Each of aiosqlite's own calls is a way there and back: four for a commit, 60 µs of CPU, a third of one change.
        """
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped
        return done


async def open_writer(folder: Path, before_migration: Callable[[], Awaitable[None]] | None = None) -> Connection:
    """The one connection that writes and checkpoints, with the schema brought up to date.

    `before_migration` is awaited while the data are still of an older format. Raises FolderError (and what that does),
    DamageError, or what `storage_fault` makes of an error of SQLite.
    """
    path = folder / DATABASE
    new = size_of(path) == 0
    if new and (had_a_database(folder) or size_of(wal_path(folder))):  # SQLite would begin anew, and delete the WAL
        raise DamageError(f"{path} is gone or empty, though a hub has kept its data there")
    async with _opening(path, cached_statements=64) as connection:
        version = await connection.run(lambda database: format_of(database, path))  # before anything is written
        if new:
            await connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        await set_up(connection, WRITING)
        if version == 0 and had_a_database(folder):  # such as one whose first WAL was removed
            raise DamageError(f"{path} is empty of all that a hub has kept there")
        if 0 < version < migrations()[-1][0] and before_migration is not None:
            await before_migration()
        await connection.run(lambda database: migrate(database, version))
        if not had_a_database(folder):
            (folder / MARK).write_text(MARK_TEXT, "utf-8")
    return connection


async def open_reader(folder: Path) -> Connection:
    """A connection that reads alone, for history. Raises as `open_writer` does."""
    async with _opening(folder / DATABASE) as connection:
        await set_up(connection, READING)
    return connection


@asynccontextmanager
async def _opening(path: Path, **options: Any) -> AsyncIterator[Connection]:
    """A connection that stays open, unless what is first done with it fails; raises what that means for the hub."""
    connection: Connection | None = None
    try:
        connection = await connected(path, **options)
        yield connection
    except BaseException as error:
        if connection is not None:
            await connection.close()
        if isinstance(error, sqlite3.Error):
            raise storage_fault(error, "open", path) from error
        if isinstance(error, OSError):
            raise FolderError(f"The data folder {path.parent} cannot be written ({error.strerror}).") from error
        if isinstance(error, UnicodeDecodeError):  # SQLite quotes a damaged schema, and Python cannot read it
            raise DamageError(f"the schema of {path} cannot be read") from error
        raise


async def set_up(connection: aiosqlite.Connection, pragmas: tuple[str, ...]) -> None:
    """Set a new connection by these pragmas."""
    for pragma in pragmas:
        await connection.execute(f"PRAGMA {pragma}")


async def connected(database: Path | str, **options: Any) -> Connection:
    """A connection in autocommit, with these options of `sqlite3.connect`; raises sqlite3.Error.

    Where SQLite refuses, aiosqlite's thread has still to tell the event loop that it ends: one that is closed by then
    (the hub says why, and exits) would leave a traceback on stderr.
    """
    threads: list[threading.Thread] = []

    def connect() -> sqlite3.Connection:
        threads.append(threading.current_thread())
        made: sqlite3.Connection = sqlite3.connect(database, isolation_level=None, timeout=BUSY_WAIT_S, **options)
        return made

    try:
        connection = Connection(connect, iter_chunk_size=64)
        await connection
        return connection
    except sqlite3.Error:
        await asyncio.to_thread(threads[0].join)
        raise
