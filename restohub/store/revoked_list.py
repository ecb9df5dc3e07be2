"""The list of revoked tokens, by their digests: in the data folder and beside each set of backups.

It outlasts the database, as the list of erasures does: a copy that is put back still has as its own whoever was revoked
after it was made. The database says the same of all that it knows, so a list that is lost or damaged is begun anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from restohub.access.devices import Device

from .backup_file import replace_file
from .backup_folder import give_to_owner, own_folder

log = logging.getLogger("restohub")

FILE = "revoked.json"


class Revoked(Struct):
    """A token that was taken back: its SHA-256, and when that was (UTC seconds)."""

    token_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    revoked_at: int


_decoder = msgspec.json.Decoder(list[Revoked])


def read_revoked(folder: Path) -> dict[bytes, int]:
    """When each token of a folder's list was revoked, by its digest; never raises."""
    path = folder / FILE
    try:
        return {bytes.fromhex(one.token_sha256): one.revoked_at for one in _decoder.decode(path.read_bytes())}
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning(
            "The list of revoked devices %s cannot be read (%s). Of a copy of the data that is put back, look at each "
            "device in `restohub devices list`.",
            path,
            error,
        )
        return {}


def add_revoked(folder: Path, more: Mapping[bytes, int]) -> dict[bytes, int]:
    """The list of a folder, which has these too from now on; raises OSError."""
    there = read_revoked(folder)
    merged = dict(more) | there
    if merged != there:
        rows = [Revoked(digest.hex(), at) for digest, at in sorted(merged.items(), key=lambda one: (one[1], one[0]))]
        replace_file(folder / FILE, msgspec.json.encode(rows))
        give_to_owner(folder / FILE, folder)
    return merged


def keep_revoked(data: Path, devices: Iterable[Device]) -> dict[bytes, int]:
    """The list of a data folder and of the backups in it, with those of these devices that are revoked; never raises.

    What the disk does not take now is in the list after the next start, as long as the database is not put back.
    """
    known = {one.revoked_as: one.revoked_at for one in devices if one.revoked_at is not None}
    beside = own_folder(data)
    listed = known | read_revoked(beside) | read_revoked(data)
    try:
        add_revoked(data, listed)
        if beside.is_dir():
            add_revoked(beside, listed)
    except OSError as error:
        log.warning("Who was revoked could not be written to %s (%s).", data / FILE, error.strerror)
    return listed
