"""A disk that fails when it is told to, under a hub that knows nothing of it."""

from __future__ import annotations

import array
import mmap
from pathlib import Path

from tests.preload.libraries import preloaded

CALLS = {"pwrite64": 1, "fdatasync": 2, "ftruncate": 3, "pwrite64 of the database": 4, "read": 5}
CALL, PASS, FAIL, ERROR, FAILED, SEEN = range(6)
FOR_EVER = 10**9


class FailingDisk:
    """What one hub's disk is told; `env` goes with the hub."""

    def __init__(self, folder: Path) -> None:
        control = folder / "failing_disk"
        control.write_bytes(bytes(4096))
        self.env = {"LD_PRELOAD": preloaded("failing_disk"), "FAILING_DISK": str(control)}
        with control.open("r+b") as file:
            self._told = memoryview(mmap.mmap(file.fileno(), 4096)).cast("i")
        assert array.array("i").itemsize == 4

    def fail(self, call: str, number: int, error: int, times: int = 1) -> None:
        """From now on the call of this number (1: the next one) fails, and `times` - 1 after it."""
        self._told[CALL] = 0
        self._told[PASS], self._told[FAIL], self._told[ERROR], self._told[FAILED] = number - 1, times, error, 0
        self._told[CALL] = CALLS[call]

    def heal(self) -> None:
        """All calls succeed again."""
        self._told[CALL] = 0

    def failed(self) -> int:
        """How many calls failed since it was told to."""
        return self._told[FAILED]

    def seen(self, call: str) -> int:
        """How many calls there were so far."""
        return self._told[SEEN + CALLS[call]]
