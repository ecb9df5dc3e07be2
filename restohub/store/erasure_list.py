"""The list of erasures: who was to be forgotten, in the data folder and beside each set of backups.

It outlasts the database: a backup that is put back still holds whoever was forgotten after it was made. It has ids and
keyed hashes, no name and no contact.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from restohub.live.ports import Erasure

from .backup_file import replace_file
from .data_folder import FolderError

FILE = "erasures.json"


_decoder = msgspec.json.Decoder(list[Erasure])


class ListError(FolderError):
    """The list cannot be read: it may not be begun anew, or whoever is on it would come back."""


def read_list(folder: Path) -> list[Erasure]:
    """The erasures of a folder, oldest first; raises ListError, OSError."""
    path = folder / FILE
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ListError(
            f"The list of erasures {path} cannot be read: {error}. Put another in its place: one lies beside the data, "
            "and one beside each set of backups."
        ) from None


def write_list(folder: Path, erasures: Iterable[Erasure]) -> None:
    """Keep a list, whole or not at all, and bring it to the disk; raises OSError."""
    replace_file(folder / FILE, msgspec.json.encode(list(erasures)))


def merge_lists(source: Path, target: Path) -> bool:
    """Have all of one folder's list in another's too, and say whether that changed it; raises ListError, OSError."""
    there = {one.id: one for one in read_list(target)}
    more = [one for one in read_list(source) if one.id not in there or _is_newer(one, there[one.id])]
    if more:
        merged = there | {one.id: one for one in more}
        write_list(target, sorted(merged.values(), key=lambda one: (one.asked, one.id)))
    return bool(more)


def _is_newer(one: Erasure, other: Erasure) -> bool:
    """Whether one says of an erasure what came after what the other says."""
    return (len(one.ids), one.done or 0, one.renewed or 0) > (len(other.ids), other.done or 0, other.renewed or 0)


def is_under_way(folder: Path) -> bool:
    """Whether somebody is being forgotten; raises ListError, OSError."""
    return any(one.done is None for one in read_list(folder))


def stamp(folder: Path) -> tuple[int, int, int] | None:
    """What changes whenever the list of a folder does, None where there is none."""
    try:
        found = os.stat(folder / FILE)  # noqa: PTH116 (asked at each step of a backup)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
