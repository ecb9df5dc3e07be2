"""Where backups lie: their names, their folders, the marker of a place, and which of them are kept."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from restohub.limits import BACKUP_DAYS, BACKUP_WEEKS, BACKUPS_MIN, SET_ASIDE_DAYS
from restohub.live.ports import DAY_S

from .backup_file import (
    DESCRIBED,
    BackupError,
    Manifest,
    check_bytes,
    description_path,
    is_encrypted,
    read_header,
    sync_folder,
    synced,
)
from .data_folder import locked

FOLDER = "backups"
MARKER = "restohub.place"
STATE = "places.json"
LOCK = "backups.lock"
# A number orders them, whatever the clock says; the time is for people.
NAME = re.compile(r"restohub-backup-(\d{6})-\d{8}-\d{6}\.gz(?:\.age)?")
PARTIAL = ".partial-"
SET_ASIDE = "replaced-"
SET_ASIDE_TIME = "%Y%m%d-%H%M%S"


class Backup(Struct, frozen=True):
    """A backup that lies somewhere. `fault` says why it is not good, as far as its beginning tells, if it is not."""

    path: Path
    number: int
    size_bytes: int
    manifest: Manifest | None = None
    fault: str | None = None


class PlaceState(Struct):
    """How a place fared last: `fault` says why the last backup is not there, None where it is."""

    place: str
    fault: str | None = None


def own_folder(data: Path) -> Path:
    """Where the hub of a data folder keeps its own backups."""
    return data / FOLDER


def place_folder(place: Path, hub: str) -> Path:
    """Where a hub's backups lie in a place beside its data folder."""
    return place / f"restohub-{hub}"


def is_marked(place: Path, hub: str) -> bool:
    """Whether a place is the one that was set up: an unplugged stick's mount point is a folder like any other."""
    try:
        return (place_folder(place, hub) / MARKER).read_text("utf-8").strip() == hub
    except (OSError, UnicodeError):
        return False


def mark(place: Path, hub: str, like: Path) -> None:
    """Set up a place for a hub's backups, for the user to whom `like` belongs; raises BackupError."""
    folder = place_folder(place, hub)
    if not place.is_dir():
        raise BackupError(f"{place} is not a folder. Plug in the disk, or name another folder with --to.")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / MARKER).write_text(f"{hub}\n", "utf-8")
    except OSError as error:
        raise BackupError(f"Nothing can be written in {place} ({error.strerror}).") from None
    give_to_owner(folder, like)
    give_to_owner(folder / MARKER, like)


def give_to_owner(path: Path, like: Path) -> None:
    """Let what root made belong to the user whose data it is; on a disk without owners it is as it is."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        with suppress(OSError):
            found = like.stat()
            os.chown(path, found.st_uid, found.st_gid)


@contextmanager
def one_at_a_time(data: Path) -> Iterator[Path]:
    """The folder of the hub's own backups, for one backup alone, without what a killed one left.

    Raises BackupError, OSError.
    """
    folder = own_folder(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_owner(folder, data)
    with locked(folder / LOCK) as ours:
        if not ours:
            raise BackupError("Another backup of this hub is being made. Wait for it, then try again.")
        give_to_owner(folder / LOCK, data)
        sweep(folder)
        yield folder


def sweep(folder: Path) -> None:
    """Remove what a backup that was cut off left."""
    for left in folder.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    for left in folder.glob(f"restohub-backup-*{DESCRIBED}"):
        if not left.with_name(left.name.removesuffix(DESCRIBED)).exists():
            with suppress(OSError):
                left.unlink()


def found_in(folder: Path) -> list[Backup]:
    """The backups of a folder, newest first; none where it cannot be read."""
    try:
        paths = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted((_seen(path) for path in paths), key=lambda one: one.number, reverse=True)


def _seen(path: Path) -> Backup:
    match = NAME.fullmatch(path.name)
    assert match
    try:
        return Backup(path, int(match[1]), path.stat().st_size, read_header(path).manifest)
    except (BackupError, OSError) as error:
        return Backup(path, int(match[1]), 0, fault=str(error))


def all_backups(data: Path, places: Sequence[str]) -> list[Backup]:
    """Every backup of a data folder and in its places, newest first."""
    folders = [own_folder(data)]
    for place in places:
        folders += sorted(marker.parent for marker in Path(place).glob(f"restohub-*/{MARKER}"))
    found = [backup for folder in folders for backup in found_in(folder)]
    return sorted(found, key=lambda one: (one.manifest.time if one.manifest else 0, one.number), reverse=True)


def newest_good(data: Path, places: Sequence[str]) -> Backup | None:
    """The newest backup whose every byte is as it was written, None where there is none; places are asked last."""
    for asked in ((), places):
        for one in all_backups(data, asked):
            with suppress(BackupError):
                check_bytes(one.path)
                return one
    return None


def next_name(folder: Path, time: int) -> str:
    """The name of a new backup: after all that lie in a folder."""
    number = max([one.number for one in found_in(folder)], default=0) + 1
    return f"restohub-backup-{number:06}-{datetime.fromtimestamp(time, UTC):{SET_ASIDE_TIME}}.gz"


def give_name(new: Path, folder: Path, time: int, like: Path) -> Path:
    """Give a whole backup, written and synced in the same disk's `new`, its name in a folder; raises OSError.

    An encrypted one's description, beside `new`, gets its own first: what has a name can be listed.
    """
    name = folder / f"{next_name(folder, time)}{'.age' if is_encrypted(new) else ''}"
    if is_encrypted(new):
        with description_path(new).open("rb+") as file:
            synced(file)
        give_to_owner(description_path(new), like)
        description_path(new).replace(description_path(name))
    give_to_owner(new, like)
    new.replace(name)
    sync_folder(folder)
    return name


def remove(path: Path) -> None:
    """Remove a backup, its description last; raises OSError."""
    path.unlink()
    description_path(path).unlink(missing_ok=True)


def surplus(found: Sequence[Backup], now: int, days: int) -> list[Backup]:
    """Which backups (newest first) need not be kept: all but the newest of each of 7 days and of 4 weeks.

    None older than `days`; the newest three good ones stay, whatever the clock says.
    """
    good = [one for one in found if one.manifest is not None]
    kept = {one.path for one in good[:BACKUPS_MIN]}
    for length, most in ((DAY_S, BACKUP_DAYS), (7 * DAY_S, BACKUP_WEEKS)):
        newest: dict[int, Path] = {}
        for one in good:
            assert one.manifest
            if -DAY_S < now - one.manifest.time <= days * DAY_S:
                newest.setdefault(one.manifest.time // length, one.path)
        kept |= set(list(newest.values())[:most])
    return [one for one in found if one.path not in kept and (one.manifest is not None or len(good) >= BACKUPS_MIN)]


def remove_old(folder: Path, now: int, days: int) -> None:
    """Remove the backups that need not be kept; what cannot be removed stays for the next time."""
    for one in surplus(found_in(folder), now, days):
        with suppress(OSError):
            remove(one.path)


def set_aside(data: Path) -> list[tuple[Path, int]]:
    """What restored backups took the place of, each with when that was (UTC seconds)."""
    found = []
    for path in sorted(data.glob(f"{SET_ASIDE}*")):
        with suppress(ValueError):
            when = datetime.strptime(path.name.removeprefix(SET_ASIDE), SET_ASIDE_TIME).replace(tzinfo=UTC)
            found.append((path, int(when.timestamp())))
    return found


def erase_set_aside(data: Path, now: int) -> None:
    """Erase what restored backups took the place of more than a week ago."""
    for path, when in set_aside(data):
        if timedelta(seconds=now - when) > timedelta(days=SET_ASIDE_DAYS):
            shutil.rmtree(path, ignore_errors=True)


def places_state(data: Path) -> list[PlaceState]:
    """How each place fared at the last backup."""
    try:
        return msgspec.json.decode((own_folder(data) / STATE).read_bytes(), type=list[PlaceState])
    except (OSError, ValueError):
        return []


def note_places(data: Path, states: list[PlaceState]) -> None:
    """Keep how each place fared, for the hub and the doctor; where nothing can be kept, the next backup tells."""
    new = own_folder(data) / f"{PARTIAL}{STATE}"
    with suppress(OSError):
        new.write_bytes(msgspec.json.encode(states))
        give_to_owner(new, data)
        new.replace(own_folder(data) / STATE)
