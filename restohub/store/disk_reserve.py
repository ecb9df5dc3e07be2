"""The disk reserve: a file that is given up so that a full disk still takes deletes.

A file, and no look at what is free before each commit: it holds its blocks against every other program and within a
quota too, costs a change nothing, and SQLite itself says when the disk is full.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from restohub.limits import RESERVE_BYTES

RESERVE = "restohub.reserve"
# Of what is free, on a small disk.
SHARE = 8
PIECE_BYTES = 64 * 1024


class Reserve:
    """The reserve of a data folder. `in_use`: it was given up, so what room there is is for deletes."""

    def __init__(self, folder: Path) -> None:
        self.in_use = False
        self._path = folder / RESERVE
        self._wanted = min(RESERVE_BYTES, (_free(folder) + self.size()) // SHARE)

    def size(self) -> int:
        """The bytes that are held now."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def make(self) -> None:
        """Hold what a start wants to; where the disk does not give it, the hub does without."""
        if self._wanted and self.size() < self._wanted:
            self._hold(self._wanted)

    def give_up(self) -> bool:
        """Let go of it; False where nothing was held."""
        held = self.size() > 0
        if held:
            self._path.unlink(missing_ok=True)
            self.in_use = True
        return held

    def restore(self, room_inside: int) -> bool:
        """Hold it again where there is room for it twice, on the disk and in the database's own free pages."""
        free = _free(self._path.parent)
        if free + room_inside < 2 * self._wanted or not self._hold(min(self._wanted, free // 2)):
            return False
        self.in_use = False
        return True

    def _hold(self, size: int) -> bool:
        try:
            with self._path.open("wb", buffering=0) as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, max(1, size))
                else:
                    while file.tell() < size:
                        file.write(bytes(PIECE_BYTES))
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
