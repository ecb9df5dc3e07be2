"""Reading a folder's data from outside, as the commands do that print or export them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from restohub.live.ports import StorageFailedError

from .data_folder import DATABASE, FolderError, is_served, size_of
from .errors import UnseenError, storage_fault
from .history import History
from .inspection import opened
from .load import Loaded, load
from .schema import format_of, migrations


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[tuple[Loaded, History]]:
    """What the hub in a folder holds at one moment, and its history; nothing is written there, a hub may serve it.

    Raises FolderError, UnseenError, DamageError, StorageFailedError.
    """
    path = folder / DATABASE
    if not size_of(path):
        raise FolderError(f"There are no data of a hub in {folder}. Name their folder with --data.")
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(opened(folder, is_served(folder)))
            await connection.execute("BEGIN")
            if await connection.run(lambda database: format_of(database, path)) < migrations()[-1][0]:
                raise UnseenError(f"The data in {folder} are of an older format. Start the hub once: it renews them.")
            loaded = await load(connection)
        except sqlite3.Error as error:
            raise storage_fault(error, "inspect", path) from error
        except PermissionError as error:
            raise UnseenError(f"This user may not read {folder} ({error.strerror}).") from error
        except OSError as error:
            raise StorageFailedError(f"{folder} cannot be read ({error.strerror})") from error
        yield loaded, History(connection, loaded.resets, loaded.contact_key)
