"""The wrong PINs' file in the data folder, which is no part of any backup: a restart gives nobody more tries."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from restohub.access.pin_attempts import WrongPins
from restohub.store.backup_file import synced

log = logging.getLogger("restohub")

ATTEMPTS_FILE = "restohub.wrong-pins"


def read_attempts(folder: Path) -> WrongPins:
    """What the file says; nothing where it cannot be read."""
    try:
        return msgspec.json.decode((folder / ATTEMPTS_FILE).read_bytes(), type=WrongPins)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return WrongPins()


def write_attempts(folder: Path, found: WrongPins) -> None:
    """Write the file, whole or not at all; never raises."""
    new = folder / f"{ATTEMPTS_FILE}.new"
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(found))
            synced(file)
        new.replace(folder / ATTEMPTS_FILE)
    except OSError as error:
        log.warning("%s cannot be written (%s).", new, error.strerror)
