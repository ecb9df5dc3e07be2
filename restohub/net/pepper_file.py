"""The pepper's file in the data folder, which is no part of any backup: PINs from a backup fit nowhere without it."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from restohub.access.pins import PEPPER_BYTES, new_pepper
from restohub.access.staff import Person, Staff
from restohub.logs.events import event
from restohub.store.backup_file import sync_folder, synced

log = logging.getLogger("restohub")

PEPPER_FILE = "restohub.pepper"
UNREADABLE = (
    "No PIN can be looked at, since {} in the hub's data folder cannot be read ({}). Give the hub's user the right to "
    "read it, or put the whole file back, then start the hub again."
)


def read_pepper(folder: Path) -> bytes | None:
    """The pepper of a data folder, None where there is none; raises OSError where there is one that cannot be read."""
    try:
        found = (folder / PEPPER_FILE).read_bytes()
    except FileNotFoundError:
        return None
    if len(found) != PEPPER_BYTES:
        raise OSError(errno.EIO, "it is cut short")
    return found


def known_staff(persons: Sequence[Person], folder: Path, now: Callable[[], float]) -> Staff:
    """The people of the staff; without the pepper of their PINs, as after a restore elsewhere, none of these counts.

    Where it is there and cannot be read, nobody is let through what needs a manager's PIN; all else goes on.
    """
    try:
        staff = Staff(persons, read_pepper(folder) if persons else None, now)
    except OSError as error:
        fault = UNREADABLE.format(PEPPER_FILE, error.strerror)
        log.error("%s", fault, extra=event("pepper_unreadable"))
        return Staff(persons, None, now, fault)
    lost = sum(not staff.has_pin(one) for one in staff.present)
    if lost:
        told = "The PINs of %d of the staff do not count: %s is not the one they were set with. Set them anew: %s."
        log.warning(told, lost, folder / PEPPER_FILE, "`restohub staff pin`", extra=event("pins_lost", count=lost))
    return staff


def read_or_make_pepper(folder: Path) -> bytes:
    """The pepper of a folder; where there is none, a new one, kept durably, whole or not at all. Raises OSError."""
    with suppress(FileNotFoundError):  # one that cannot be read now is not replaced: all PINs hang on it
        found = (folder / PEPPER_FILE).read_bytes()
        if len(found) == PEPPER_BYTES:
            return found
    pepper, new = new_pepper(), folder / f"{PEPPER_FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pepper)
        synced(file)
    new.replace(folder / PEPPER_FILE)
    sync_folder(folder)
    return pepper
