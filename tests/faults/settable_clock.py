"""A machine's clock that a test sets: by a small library of our own, loaded into the hub before libc."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.preload.libraries import preloaded

DAY_S = 24 * 3600
# The library reads again what the clock is set to after 10 ms: once that is over, every process goes by it.
READ_AGAIN_S = 0.02


class SettableClock:
    """The clocks of a machine, for each process that has their environment `env`; a skip where nothing compiles C.

    Not libfaketime: where it leaves the monotonic clock alone, threads that wait for each other spin in it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.env = {"LD_PRELOAD": preloaded("settable_clock"), "CLOCK_FILE": str(self._file)}
        self._offset_s = self.passed_s = 0
        self._kept = False
        self._write()

    def set(self, to: int | datetime, *, kept: bool = False) -> None:
        """Set the date: so many seconds away from the true one, or to a moment; `kept`: by a time server."""
        self._offset_s = to if isinstance(to, int) else round((to - datetime.now(UTC)).total_seconds())
        self._kept = kept
        self._write()

    def let_pass(self, seconds: int) -> None:
        """Let time pass at once, by every clock."""
        self.passed_s += seconds
        self._write()

    def _write(self) -> None:
        made = self._file.with_suffix(".new")
        made.write_text(f"{self._offset_s} {self.passed_s} {int(self._kept)}\n", "ascii")
        made.replace(self._file)
        time.sleep(READ_AGAIN_S)
