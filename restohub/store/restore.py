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

from .backup_file import (
    HEADER_BYTES_MAX,
    BackupError,
    Manifest,
    Pace,
    is_encrypted,
    parsed_header,
    read_header,
    sync_folder,
    unpack,
)
from .backup_folder import PARTIAL, SET_ASIDE, SET_ASIDE_TIME, give_to_owner, sweep
from .closed_mark import mark_closed, was_closed
from .codec import name_checksum
from .data_folder import DATABASE, FolderLock, size_of
from .device_rows import BELONGING, HAS_DEVICES
from .encryption import SecretKeys, beginning_of, decrypt, secret_keys
from .erasure_list import FILE as ERASURES
from .erasure_list import merge_lists
from .restore_detection import NAME
from .revoked_list import add_revoked, read_revoked
from .schema import FormatError, migrations
from .snapshot import readable_at
from .verification import check_database

RESTORED = "restored"
ENDINGS = ("", "-wal", "-shm", "-journal")


class Restored(Struct, frozen=True):
    """What was put back, and where what it took the place of lies (None: there was nothing).

    `devices` are those in it that are not revoked.
    """

    manifest: Manifest
    set_aside: Path | None
    devices: int = 0


def check_backup(file: Path, pace: Pace, key: Path | None = None) -> Manifest:
    """Read a backup as a restore would, with nothing put anywhere; raises BackupError, FormatError, OSError.

    `key`: the file with the secret key of an encrypted one.
    """
    with TemporaryDirectory(prefix="restohub-check-") as scratch:
        return _unpacked(file, Path(scratch) / DATABASE, pace, key)


def manifest_of(file: Path, key: Path | None) -> Manifest:
    """What a backup says of itself; of an encrypted one, only where the key opens it. Raises BackupError."""
    if not is_encrypted(file):
        return read_header(file).manifest
    return parsed_header(file, beginning_of(file, _keys(file, key), HEADER_BYTES_MAX)).manifest


def restore(file: Path, data: Path, now: int, pace: Pace, key: Path | None = None) -> Restored:
    """Put a backup in the place of a stopped hub's data; `now` are UTC seconds, `key` as for `check_backup`.

    Raises BackupError, FormatError, FolderError (a hub serves the folder), OSError; the folder is as it was then.
    """
    manifest_of(file, key)  # before a folder is made
    new = not data.exists()
    try:
        with FolderLock(data):
            sweep(data)
            with _scratch(data) as scratch:
                copy = scratch / DATABASE
                manifest = _unpacked(file, copy, pace, key)
                _refuse_another(file, manifest, data)
                _begin_epoch(copy)
                give_to_owner(copy, data)
                _remember(file, data)
                devices = _devices(copy)
                return Restored(manifest, _swap(copy, data, now), devices)
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


def _unpacked(file: Path, copy: Path, pace: Pace, key: Path | None) -> Manifest:
    """The database of a backup, read and checked to its last row; raises BackupError, FormatError, OSError."""
    manifest = manifest_of(file, key)
    newest = migrations()[-1][0]
    if manifest.format > newest:
        raise FormatError(
            f"The backup {file} was written by a newer restohub ({manifest.version}, format {manifest.format}; this "
            f"one reads up to {newest}). It is not damaged. Install that version or a newer one."
        )
    free = shutil.disk_usage(copy.parent).free
    needed = manifest.bytes + (size_of(file) if is_encrypted(file) else 0)
    if free < needed:
        raise BackupError(
            f"There is no room for the backup on the disk of {copy.parent.parent}: {free / 1e6:,.0f} MB are free, and "
            f"it takes {needed / 1e6:,.0f} MB. Free some space."
        )
    if is_encrypted(file):
        _unseal(file, copy, pace, key)
    else:
        unpack(file, copy, pace)
    report = check_database(f"{copy.absolute().as_uri()}?mode=ro", copy, lambda _done, _total: pace(0))
    revisions = sum(last for _, last in report.logs.values())
    if not report.sound or revisions != manifest.revisions:
        why = report.faults[0].detail if report.faults else "It does not hold what its beginning says."
        raise BackupError(f"The data in the backup {file} are damaged: {why}")
    return manifest


def _unseal(file: Path, copy: Path, pace: Pace, key: Path | None) -> None:
    """Unpack an encrypted backup, by way of one that is not, which is as private as the data are."""
    packed = copy.with_name("packed")
    decrypt(file, packed, _keys(file, key), lambda _done: pace(0))
    try:
        unpack(packed, copy, pace)
    except BackupError as error:
        raise BackupError(str(error).replace(str(packed), str(file))) from None
    packed.unlink()


def _keys(file: Path, key: Path | None) -> SecretKeys:
    if key is None:
        raise BackupError(
            f"The backup {file} is encrypted. Name the file with its secret key: --key FILE. "
            "`restohub backup key` showed that key when it was made."
        )
    return secret_keys(key)


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


def _devices(copy: Path) -> int:
    """How many devices belong to the hub of these data."""
    with closing(sqlite3.connect(copy)) as database:
        if not database.execute(HAS_DEVICES).fetchone():
            return 0
        [(count,)] = database.execute(BELONGING)
        return int(count)


def _remember(file: Path, data: Path) -> None:
    """Have the next start know who was forgotten or revoked since the backup was made, and that the hub was closed."""
    if merge_lists(file.parent, data):
        give_to_owner(data / ERASURES, data)
    add_revoked(data, read_revoked(file.parent))
    if was_closed(file.parent):
        mark_closed(data, closed=True)


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
