"""The write probe: why the system refused a write, where SQLite does not say."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from pathlib import Path

from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError

from .errors import storage_fault

# SQLite rolls these back as it does a full disk; a failed sync is not among them, for after it nothing is certain.
UNEXPLAINED = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
FULL = {
    getattr(errno, "EDQUOT", errno.ENOSPC): "the disk is full for the hub's user",  # Windows has no quota of this kind
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the database may not grow any larger here",
}
# As much as the -shm grows at once.
TRIAL_BYTES, PIECE_BYTES = 32 * 1024, 1024


async def explain_write_error(database: Path, error: sqlite3.Error) -> Exception:
    """What an error of SQLite means for the hub, the system asked where SQLite leaves it open."""
    fault = storage_fault(error, "write")
    if not isinstance(fault, StorageFailedError) or getattr(error, "sqlite_errorname", "") not in UNEXPLAINED:
        return fault
    reach = max((path.stat().st_size for path in database.parent.glob(f"{database.name}*")), default=0)
    return await asyncio.to_thread(write_refusal, database, reach) or fault


def write_refusal(database: Path, start: int = 0) -> StorageFullError | StorageUnavailableError | None:
    """Why nothing can be written beside the database, `start` bytes into a file; None where something can."""
    trial = database.with_name(f"{database.name}-trial")
    try:
        with trial.open("wb", buffering=0) as file:
            file.seek(start)
            while file.tell() < start + TRIAL_BYTES:
                file.write(bytes(PIECE_BYTES))
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno == errno.EROFS:
            return StorageUnavailableError("the disk is read-only")
        return StorageFullError(FULL[error.errno]) if error.errno in FULL else None
    finally:
        _forget(trial)
    return None


def _forget(trial: Path) -> None:
    try:
        trial.unlink(missing_ok=True)
    except OSError:  # read-only: then it was never made
        return
