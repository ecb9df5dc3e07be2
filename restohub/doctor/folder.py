"""Checks of the data folder: permissions, free space, and how fast its disk syncs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import IO

from restohub.boot.install import InstallError, installed_program
from restohub.live.clock import Clock
from restohub.net.running_hub import SERVICE_FOLDER
from restohub.store.data_folder import DATABASE, size_of, wal_path
from restohub.store.disk_reserve import RESERVE

from .report import Check

FREE_BYTES_LOW, FREE_BYTES_MIN = 500 * 10**6, 50 * 10**6
SYNCS, SYNC_BYTES = 100, 4096
SYNCING_S, SYNC_WAIT_S = 1.5, 3.0
SYNC_P99_SLOW_MS = 50
OTHERS_OPEN, OTHERS_WRITE, OTHERS_ENTER = 0o066, 0o022, 0o011
# A hub makes its folder and files for its own user alone; an older one, or an unpacked copy, may be open.
WITHOUT_RIGHTS = "On a disk without file permissions (exFAT, a network share), its mount options decide who may."
MOUNTED_FOR_ONE = "Mount it for the hub's user alone (uid=…, umask=077), or move the folder to another disk."


def check_permissions(folder: Path, of_service: Path = SERVICE_FOLDER) -> Check:
    """Whether this user can run a hub on the folder, and nobody else can read the guests or swap the files."""
    name = "data folder"
    there = folder.is_dir()
    if not there and folder.exists():
        return Check(name, "wrong", f"{folder} is not a folder.", "Choose another with --data.")
    if not there and of_service.exists():
        found = f"{folder} is not there, but a service keeps its data in {of_service}."
        return Check(name, "warning", found, f"If you mean that one, run: {with_sudo(of_service)}")
    if not there:
        parent = existing(folder)
        if os.access(parent, os.W_OK | os.X_OK):
            return Check(name, "well", f"{folder} is not there yet; the first start makes it.")
        found = f"{folder} is not there, and {parent} belongs to {owner(parent)}: this user ({_user()}) cannot make it."
        return Check(name, "wrong", found, _give(folder, "make the folder and give it away"))
    try:
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    except PermissionError:
        files = []
    for path in (folder, *files):
        if not os.access(path, os.R_OK | os.W_OK | (os.X_OK if path == folder else 0)):
            found = f"{path} belongs to {owner(path)}, and this user ({_user()}) may not write it."
            return Check(name, "wrong", found, _as_owner(folder))
    return _owners(folder, files) or Check(name, "well", f"{folder} can be read and written.")


def _owners(folder: Path, files: list[Path]) -> Check | None:
    """What is odd in owners and modes, where there are such things."""
    if sys.platform == "win32":
        return None
    strangers = [path.name for path in files if path.stat().st_uid != folder.stat().st_uid]
    if strangers:
        found = f"{folder} belongs to {owner(folder)}, but {', '.join(strangers)} to {owner(folder / strangers[0])}."
        fix = f"A hub may have been started with sudo once. Run: sudo chown -R {owner(folder)}: {folder}"
        return Check("data folder", "warning", found, fix)
    mode = folder.stat().st_mode
    kept = keeps_rights(folder)
    fix = f"Run: chmod -R go= {folder} {WITHOUT_RIGHTS}" if kept else f"{WITHOUT_RIGHTS} {MOUNTED_FOR_ONE}"
    if mode & OTHERS_WRITE:
        found = f"Other users of this machine may write in {folder}."
        return Check("data folder", "warning", found, fix)
    opened = [path for path in files if path.stat().st_mode & OTHERS_OPEN] if mode & OTHERS_ENTER else []
    if opened:
        guests = folder / DATABASE in opened or wal_path(folder) in opened
        what = "the guests" if guests else ", ".join(path.name for path in opened)
        found = f"Other users of this machine may read {what} in {folder}."
        return Check("data folder", "warning", found, fix)
    if not kept:
        found = f"The disk of {folder} refuses to change rights (chmod), as exFAT and network shares do."
        return Check("data folder", "warning", found, f"Others may not open it now. {MOUNTED_FOR_ONE}")
    return None


def keeps_rights(folder: Path) -> bool:
    """Whether the disk lets a file's rights be changed, tried on one without a name; True where none can be made."""
    with suppress(OSError), tempfile.TemporaryFile(dir=folder, prefix="restohub-doctor-") as file:
        try:
            os.fchmod(file.fileno(), 0o600)
        except OSError:
            return False
        return not os.fstat(file.fileno()).st_mode & OTHERS_OPEN
    return True


def check_free_space(folder: Path) -> Check:
    """Whether there is room for changes."""
    name = "disk space"
    try:
        disk = shutil.disk_usage(existing(folder))
    except OSError as error:
        return Check(name, "skipped", f"Its size cannot be read ({error.strerror}).")
    kept = size_of(folder / RESERVE)
    found = f"{size_text(disk.free)} of {size_text(disk.total)} are free"
    found += f", {size_text(kept)} more are kept for deletes." if kept else "."
    if disk.free < FREE_BYTES_MIN:
        return Check(name, "wrong", found, "Free some space now: on a full disk the hub accepts only deletes.")
    if disk.free < FREE_BYTES_LOW:
        return Check(name, "warning", found, "Free some space soon: on a full disk the hub accepts only deletes.")
    return Check(name, "well", found)


async def check_disk_speed(folder: Path) -> Check:
    """How long the disk takes to keep a small change: each is answered only after that."""
    name = "disk speed"
    place = existing(folder)
    loop = asyncio.get_running_loop()
    took: asyncio.Future[list[float] | OSError] = loop.create_future()

    def tell(found: list[float] | OSError) -> None:
        if not took.done():
            took.set_result(found)

    def measure() -> None:
        try:
            found: list[float] | OSError = sync_times(place)
        except OSError as error:
            found = error
        with suppress(RuntimeError):  # too late: the loop is closed
            loop.call_soon_threadsafe(tell, found)

    # Not a pool's thread: the command must end even if a sync never returns.
    threading.Thread(target=measure, daemon=True).start()
    try:
        times = await asyncio.wait_for(took, SYNC_WAIT_S)
    except TimeoutError:
        found = f"The disk did not save a few small changes within {SYNC_WAIT_S:.0f} s."
        return Check(name, "wrong", found, "It may be failing or very busy: copy the folder, try another disk or card.")
    if isinstance(times, PermissionError):
        return Check(name, "skipped", "Not measured: this user may not write there.")
    if isinstance(times, OSError):
        fix = "Check the disk: a full, worn or read-only one takes no changes."
        return Check(name, "wrong", f"Nothing can be written in {place} ({times.strerror}).", fix)
    middle, slowest = (1000 * times[ceil(len(times) * part) - 1] for part in (0.5, 0.99))
    found = f"A change is saved in {middle:.1f} ms, 99 of 100 within {slowest:.1f} ms."
    if slowest > SYNC_P99_SLOW_MS:
        fix = "iPads may feel it. A better SD card (A2), or an SSD, helps; so does ending what else writes to it."
        return Check(name, "warning", found, fix)
    return Check(name, "well", found)


def sync_times(folder: Path) -> list[float]:
    """Seconds, ascending, of up to 100 small writes that were brought to the disk, in 1.5 s; raises OSError.

    The file has no name where the system can do without, so nothing stays behind whatever happens.
    """
    clock, took = Clock(), list[float]()
    with tempfile.TemporaryFile(dir=folder, prefix="restohub-doctor-", buffering=0) as file:
        while len(took) < SYNCS and clock.monotonic() < clock.started + SYNCING_S:
            began = clock.monotonic()
            file.write(bytes(SYNC_BYTES))
            _sync(file)
            took.append(clock.monotonic() - began)
    return sorted(took)


if sys.platform == "darwin":
    import fcntl

    def _sync(file: IO[bytes]) -> None:
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # as the hub does: fsync leaves the data in the drive's cache
else:

    def _sync(file: IO[bytes]) -> None:
        os.fsync(file)


def existing(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    way = folder.absolute()
    return next((place for place in (way, *way.parents) if os.access(place, os.F_OK)), way)


def owner(path: Path) -> str:
    """To whom it belongs, by name where it has one."""
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):
        return f"user {path.stat().st_uid}" if os.access(path, os.F_OK) else "another user"


def size_text(size: int) -> str:
    """Bytes for a person."""
    for unit, length in (("GB", 10**9), ("MB", 10**6)):
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{size / 1000:.0f} KB"


def _user() -> str:
    if sys.platform == "win32":
        return os.environ.get("USERNAME", "?")
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _give(folder: Path, what: str) -> str:
    return f"Choose another with --data, or {what}: sudo install -d -m 700 -o {_user()} {folder}"


def _as_owner(folder: Path) -> str:
    if sys.platform == "win32":
        return "Start the hub, and ask the doctor, as the user who made it."
    return (
        f"If the hub is a service, ask with sudo: {with_sudo(folder)} "
        f"Else, if this user runs it: sudo chown -R {_user()}: {folder}"
    )


def with_sudo(folder: Path) -> str:
    """The command that asks about a folder as root; its PATH may not have ours."""
    try:
        program = str(installed_program())
    except InstallError:
        program = "restohub"
    return f"sudo {program} doctor --data {folder}"
