"""Checks of the database and of the SQLite that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError
from restohub.store.codec import DamageError
from restohub.store.data_folder import FolderError
from restohub.store.errors import DatabaseError, UnseenError
from restohub.store.inspection import DatabaseState, inspect_database
from restohub.store.sqlite_version import SQLITE_VERSION, has_wal_reset_bug

from .backups import newest_backup
from .folder import size_text
from .report import Check

LOOK_WAIT_S = 3.0


async def check_database(folder: Path, places: Sequence[str] = ()) -> tuple[Check, DatabaseState | None]:
    """Whether the next start would find everything as it was saved."""
    name = "database"
    try:
        seen = await inspect_database(folder, LOOK_WAIT_S)
    except DamageError as error:
        fix = newest_backup(folder, places)
        return Check(name, "wrong", f"It is damaged, and the hub would not serve it: {error}.", fix), None
    except (FolderError, StorageUnavailableError) as error:
        return Check(name, "wrong", str(error), "The hub would not start with it as it is."), None
    except (StorageFailedError, StorageFullError, DatabaseError) as error:
        fix = "Check the disk, and keep a copy of the folder."
        return Check(name, "wrong", f"It cannot be read: {error}.", fix), None
    except UnseenError as error:
        return Check(name, "skipped", f"Not checked: {error}"), None
    if seen is None:
        return Check(name, "well", "There is none yet; the first start makes it."), None
    found = f"It is as it was saved, {size_text(seen.size_bytes)} up to revision {seen.revisions:,}"
    rest = "." if seen.whole else f" (not all of it was checked in {LOOK_WAIT_S:.0f} s)."
    return Check(name, "well", found + rest), seen


def check_sqlite_version() -> Check:
    """Whether the SQLite at hand has the one fault that could cost data."""
    if not has_wal_reset_bug():
        return Check("SQLite", "well", f"{SQLITE_VERSION}.")
    return Check(
        "SQLite",
        "well",
        f"{SQLITE_VERSION}. It has a known fault that the hub is safe from, since one connection writes; "
        "do not let another program write to the hub's database.",
    )
