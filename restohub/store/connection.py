"""How the data folder is taken, and its one database opened, migrated and closed."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

import aiosqlite

from .codec import DamageError
from .errors import PRIMARY_CODE_MASK, storage_fault
from .schema_version import FolderError, format_of, migrations

T = TypeVar("T")

DATABASE = "restohub.db"
LOCK = "restohub.lock"
MARK = "restohub.mark"
MARK_TEXT = "A hub keeps its data in this folder. To begin anew, remove the whole folder.\n"
# A seating writes 14 KiB with pages of 1 KiB against 23 with 4 KiB, and SD cards wear. Settled by the first file made.
PAGE_BYTES = 1024
WAL_BYTES_KEPT = 8 * 1024 * 1024
# A floor of 5,000 guests fits. Four times as much only grew to be held: 14 MiB after 100,000 changes, measured.
CACHE_KIB = 4 * 1024
BUSY_WAIT_S = 5.0


class ServedError(FolderError):
    """A hub holds the folder."""


class FolderLock:
    """The lock that keeps a second hub from the same data folder, held for as long as the process lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FolderLock:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self._lock_file()
        except (FileExistsError, NotADirectoryError):
            raise FolderError(f"{self.folder} is not a folder. Choose another with --data.") from None
        except OSError as error:
            raise FolderError(
                f"The data folder {self.folder} cannot be written ({error.strerror}). "
                "Give this user the right to write there, or choose another folder with --data."
            ) from None
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise ServedError(
                f"Another hub serves the data folder {self.folder} already. "
                "Stop it first, or choose another folder with --data."
            ) from None
        return self

    def _lock_file(self) -> IO[bytes]:
        """The file that is locked; on a read-only disk one that is there, where there is a floor to show."""
        try:
            return (self.folder / LOCK).open("ab")
        except OSError as error:
            if error.errno != errno.EROFS or not size_of(self.folder / DATABASE):
                raise
            lock = self.folder / LOCK
            return (lock if lock.exists() else self.folder / DATABASE).open("rb")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._file is not None
        self._file.close()


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Keep hubs from a folder while it is read, with no byte written to it; raises FolderError where one runs."""
    try:
        file = (folder / LOCK).open("rb")
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise FolderError(f"The data folder {folder} cannot be read ({error.strerror}).") from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise FolderError(f"A hub serves the data folder {folder}. Stop it first, or verify a copy.") from None
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    _touch_lock = _lock
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _touch_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_served(folder: Path) -> bool:
    """Whether a hub holds the folder now, as far as this user may know; nothing is made, the lock let go at once."""
    try:
        file = (folder / LOCK).open("rb")
    except OSError:
        return False
    with file:
        try:
            _touch_lock(file)
        except OSError:
            return True
    return False


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, whose thread takes whole functions, too."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this work in the connection's thread, in one visit; raises what it raises.

        Each of aiosqlite's own calls is a way there and back: four for a commit, 60 µs of CPU, a third of one change.
        """
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped
        return done


async def open_writer(folder: Path) -> Connection:  # noqa: C901 (whatever fails closes it)
    """The one connection that writes and checkpoints, with the schema brought up to date.

    Raises FolderError, DamageError, or what `storage_fault` makes of an error of SQLite.
    """
    path = folder / DATABASE
    new = size_of(path) == 0
    if new and (_had_a_database(folder) or size_of(wal_path(folder))):  # SQLite would begin anew, and delete the WAL
        raise DamageError(f"{path} is gone or empty, though a hub has kept its data there")
    try:
        connection = await connected(path, cached_statements=64)
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error
    try:
        version = await connection.run(lambda database: format_of(database, path))  # before anything is written
        if new:
            await connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        for pragma in (
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
        ):
            await connection.execute(f"PRAGMA {pragma}")
        if version == 0 and _had_a_database(folder):  # such as one whose first WAL was removed
            raise DamageError(f"{path} is empty of all that a hub has kept there")
        await migrate(connection, version)
        if not _had_a_database(folder):
            (folder / MARK).write_text(MARK_TEXT, "utf-8")
    except sqlite3.Error as error:
        await connection.close()
        raise _cannot_open(path, error) from error
    except OSError as error:
        await connection.close()
        raise FolderError(f"The data folder {folder} cannot be written ({error.strerror}).") from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema, and Python cannot read the quotation
        await connection.close()
        raise DamageError(f"the schema of {path} cannot be read") from error
    except BaseException:
        await connection.close()
        raise
    return connection


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


def _cannot_open(path: Path, error: sqlite3.Error) -> Exception:
    """Why a database does not open: its owner, its content, or the disk."""
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE_MASK
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DamageError(f"{path} is not a database that can be read ({error})")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return FolderError(
            f"The database {path} cannot be written by this user ({error}). "
            "Give this user the right to write it, or start the hub as the user who made it."
        )
    return storage_fault(error)


def _had_a_database(folder: Path) -> bool:
    """Whether a hub has made its database here: damage must never be answered by an empty floor."""
    return size_of(folder / MARK) > 0


async def open_reader(folder: Path) -> Connection:
    """A connection that reads alone, for history. Raises as `open_writer` does."""
    path = folder / DATABASE
    try:
        connection = await connected(path)
    except sqlite3.Error as error:
        raise _cannot_open(path, error) from error
    try:
        for pragma in ("query_only = ON", "wal_autocheckpoint = 0", "mmap_size = 0", "trusted_schema = OFF"):
            await connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        await connection.close()
        raise _cannot_open(path, error) from error
    return connection


async def migrate(connection: aiosqlite.Connection, version: int) -> None:
    """Bring data of this format to the newest one, each step whole or not at all."""
    for number, sql in migrations():
        if number <= version:
            continue
        await connection.execute("BEGIN IMMEDIATE")
        for statement in statements(sql):
            await connection.execute(statement)
        await connection.execute(f"PRAGMA user_version = {number}")
        await connection.execute("COMMIT")


def statements(sql: str) -> list[str]:
    """The statements of a script one by one: `executescript` would commit in silence."""
    found: list[str] = []
    pending = ""
    for line in sql.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found


def wal_path(folder: Path) -> Path:
    """The write-ahead log beside the database."""
    return folder / f"{DATABASE}-wal"


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (half the cost of Path.stat, asked at each health check)
    except FileNotFoundError:
        return 0
