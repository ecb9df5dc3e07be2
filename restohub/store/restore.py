"""The restore: a backup unpacked, audited and marked as one, then put in the place of a stopped hub's data.

At every moment the folder holds the old data whole, the new data whole, or no database where the mark says that there
was one, which no hub serves: the old ones are set aside then, and the restore can be said again.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from .backup_file import BackupError, Manifest, Pace, read_header, sync_folder, unpack
from .backup_folder import PARTIAL, SET_ASIDE, SET_ASIDE_TIME, give_to_owner, sweep
from .codec import name_checksum
from .data_folder import DATABASE, FolderLock, size_of
from .restore_detection import NAME
from .schema import FormatError, migrations
from .snapshot import readable_at
from .verification import check_database

RESTORED = "restored"
ENDINGS = ("", "-wal", "-shm", "-journal")


class Restored(Struct, frozen=True):
    """What was put back, and where what it took the place of lies (None: there was nothing)."""

    manifest: Manifest
    set_aside: Path | None


def check_backup(file: Path, pace: Pace) -> Manifest:
    """Read a backup as a restore would, with nothing put anywhere; raises BackupError, FormatError, OSError."""
    with TemporaryDirectory(prefix="restohub-check-") as scratch:
        return _unpacked(file, Path(scratch) / DATABASE, pace)


def restore(file: Path, data: Path, now: int, pace: Pace) -> Restored:
    """Put a backup in the place of a stopped hub's data; `now` are UTC seconds.

    Raises BackupError, FormatError, FolderError (a hub serves the folder), OSError; the folder is as it was then.
    """
    read_header(file)  # before a folder is made
    new = not data.exists()
    try:
        with FolderLock(data):
            sweep(data)
            with _scratch(data) as scratch:
                copy = scratch / DATABASE
                manifest = _unpacked(file, copy, pace)
                _refuse_another(file, manifest, data)
                _begin_epoch(copy)
                give_to_owner(copy, data)
                return Restored(manifest, _swap(copy, data, now))
    except BaseException:
        if new:
            shutil.rmtree(data, ignore_errors=True)
        raise


@contextmanager
def _scratch(data: Path) -> Iterator[Path]:
    scratch = data / f"{PARTIAL}restore"
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _unpacked(file: Path, copy: Path, pace: Pace) -> Manifest:
    """The database of a backup, read and checked to its last row; raises BackupError, FormatError, OSError."""
    manifest = read_header(file).manifest
    newest = migrations()[-1][0]
    if manifest.format > newest:
        raise FormatError(
            f"The backup {file} was written by a newer restohub ({manifest.version}, format {manifest.format}; this "
            f"one reads up to {newest}). It is not damaged. Install that version or a newer one."
        )
    free = shutil.disk_usage(copy.parent).free
    if free < manifest.bytes:
        raise BackupError(
            f"There is no room for the backup on the disk of {copy.parent.parent}: {free / 1e6:,.0f} MB are free, and "
            f"it takes {manifest.bytes / 1e6:,.0f} MB. Free some space."
        )
    unpack(file, copy, pace)
    report = check_database(f"{copy.absolute().as_uri()}?mode=ro", copy, lambda _done, _total: pace(0))
    revisions = sum(last for _, last in report.logs.values())
    if not report.sound or revisions != manifest.revisions:
        why = report.faults[0].detail if report.faults else "It does not hold what its beginning says."
        raise BackupError(f"The data in the backup {file} are damaged: {why}")
    return manifest


def _refuse_another(file: Path, manifest: Manifest, data: Path) -> None:
    """Raise BackupError where the folder holds the data of another hub, as far as they can be read."""
    hub = ""
    with suppress(sqlite3.Error, OSError, UnicodeError):
        if size_of(data / DATABASE):
            with readable_at(data) as uri, closing(sqlite3.connect(uri, uri=True)) as database:
                [(hub,)] = database.execute("SELECT value FROM hub WHERE name = 'install_id'").fetchall() or [("",)]
    if hub and hub != manifest.hub:
        raise BackupError(
            f"The backup {file} is of another hub ({manifest.hub}) than the data in {data} ({hub}). "
            "Restore it into a folder of its own with --data."
        )


def _begin_epoch(copy: Path) -> None:
    """Have the next start begin a new epoch: what was made after the backup is gone, and no iPad may mix the two.

    The mark alone does not tell where the backup was made in the folder's last run.
    """
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = FULL")
        database.execute(NAME, ("mark", RESTORED, name_checksum("mark", RESTORED)))


def _swap(copy: Path, data: Path, now: int) -> Path | None:
    """Move the old database aside, then the new one in; the database first, since without its log it is another one."""
    old = [data / f"{DATABASE}{ending}" for ending in ENDINGS]
    there = [path for path in old if path.exists()]
    aside = None
    if there:
        aside = _new_folder(data, now)
        for path in there:
            path.replace(aside / path.name)
            sync_folder(data)
        sync_folder(aside)
    copy.replace(data / DATABASE)
    sync_folder(data)
    return aside


def _new_folder(data: Path, now: int) -> Path:
    while (folder := data / f"{SET_ASIDE}{datetime.fromtimestamp(now, UTC):{SET_ASIDE_TIME}}").exists():
        now += 1
    folder.mkdir(mode=0o700)
    give_to_owner(folder, data)
    return folder
