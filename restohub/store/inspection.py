"""Inspection of a folder's database from outside: limited in time, and without a trace in the folder."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from restohub.live.ports import StorageFailedError

from .codec import DamageError
from .connection import READING, Connection, connected, set_up
from .data_folder import DATABASE, FolderError, had_a_database, is_served, size_of, wal_path
from .errors import UnseenError, storage_fault
from .load import load
from .schema import format_of, migrations
from .snapshot import parts, readable_at

T = TypeVar("T")
# After a power cut both files are copied before they are read; more than this is left to the next start.
COPIED_BYTES_MAX = 256 * 1024 * 1024


class DatabaseState(Struct, frozen=True):
    """What an inspection found. `last_commit`, and `since` when its oldest restaurant was made: UTC seconds.

    `whole`: whether every page was looked at, too.
    """

    install_id: str
    last_commit: int
    since: int
    revisions: int
    size_bytes: int
    whole: bool


async def inspect_database(folder: Path, wait_s: float) -> DatabaseState | None:
    """The database as the next start would find it (the start's own checks, then SQLite's), None where there is none.

    While a hub runs it is a read-only connection, for `wait_s` at most (the hub's WAL cannot begin anew meanwhile).
    Raises DamageError, FolderError, UnseenError, or what `storage_fault` makes of an error of SQLite.
    """
    served = is_served(folder)
    try:
        return await _inspect(folder, served, wait_s)
    except (DamageError, FolderError, UnseenError, StorageFailedError):
        if is_served(folder) == served:
            raise
    # A hub started or stopped in between, so what was read may not have been of one moment.
    return await _inspect(folder, not served, wait_s)


async def _inspect(folder: Path, served: bool, wait_s: float) -> DatabaseState | None:
    try:
        if size_of(folder / DATABASE) == 0:
            if had_a_database(folder):
                raise DamageError(f"{folder / DATABASE} is gone or empty, though a hub has kept its data there")
            return None
        async with opened(folder, served) as connection:
            return await _read(connection, folder, wait_s)
    except sqlite3.Error as error:
        raise storage_fault(error, "inspect", folder / DATABASE) from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema, and Python cannot read the quotation
        raise DamageError(f"the schema of {folder / DATABASE} cannot be read") from error
    except PermissionError as error:
        raise UnseenError(f"This user may not read it ({error.strerror}).") from error
    except OSError as error:
        raise StorageFailedError(str(error)) from error


async def _read(connection: Connection, folder: Path, wait_s: float) -> DatabaseState:
    until = asyncio.get_running_loop().time() + wait_s
    await connection.execute("BEGIN")  # one moment of a file that a hub may be writing
    version = await connection.run(lambda database: format_of(database, folder / DATABASE))
    if version < migrations()[-1][0]:
        raise UnseenError("It is of an older restohub; the next start brings it up to date.")
    try:
        loaded = await _within(connection, load(connection), wait_s)
    except TimeoutError:
        raise UnseenError(f"It is too large to be looked at in {wait_s:.0f} s.") from None
    floors = loaded.floors.values()
    whole = True
    try:
        asking = connection.execute_fetchall("PRAGMA quick_check(1)")
        [(said,)] = await _within(connection, asking, until - asyncio.get_running_loop().time())
        if said != "ok":
            raise DamageError(f"SQLite says: {said.splitlines()[-1]}")
    except TimeoutError:
        whole = False
    return DatabaseState(
        install_id=loaded.install_id,
        last_commit=max([loaded.directory.time, *(floor.time for floor in floors)]),
        since=min([one.created_at for one in loaded.directory.restaurants.values()], default=loaded.directory.time),
        revisions=loaded.directory.revision + sum(floor.revision for floor in floors),
        size_bytes=size_of(folder / DATABASE) + size_of(wal_path(folder)),
        whole=whole,
    )


@asynccontextmanager
async def opened(folder: Path, served: bool) -> AsyncIterator[Connection]:
    """A connection that leaves nothing in the folder.

    A hub's files are opened read-only: such a connection never checkpoints, not even as the last to close. Without a
    hub that would make a -shm of our own, so the file is then taken as it is, or, where a WAL was left behind, as a
    snapshot.
    """
    with ExitStack() as stack:
        if served:
            uri = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
        else:
            _refuse_large(folder)
            uri = stack.enter_context(readable_at(folder))
        connection = await connected(uri, uri=True)
        try:
            await set_up(connection, READING)
            yield connection
        finally:
            await connection.close()


def _refuse_large(folder: Path) -> None:
    both = parts(folder)
    size = sum(size_of(path) for path in both)
    if both[1:] and size > min(COPIED_BYTES_MAX, shutil.disk_usage(tempfile.gettempdir()).free // 2):
        raise UnseenError("The hub was cut off, and the files are too large to be copied; the next start reads them.")


async def _within(connection: Connection, work: Coroutine[Any, Any, T], wait_s: float) -> T:
    """What the work returns; raises TimeoutError where SQLite was still busy after `wait_s`, and is then stopped."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait([task], timeout=max(wait_s, 0))
    if done:
        return task.result()
    await connection.interrupt()
    with suppress(sqlite3.Error, DamageError):
        await task
    raise TimeoutError
