"""Hubs whose clocks run faster than the machine's: half a minute of theirs is over in one and a half seconds.

All that a hub waits for is over as soon, the ten seconds too that it waits for its disk: so its data are in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import Hub

SPEED = 20
FOLDERS = ("lib", "lib/*", "lib64")
LIBRARY = next(
    (file for folder in FOLDERS for file in Path("/usr").glob(f"{folder}/faketime/libfaketimeMT.so.1")), None
)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
needs_quick_clock = pytest.mark.skipif(
    LIBRARY is None and os.environ.get("RESTOHUB_REQUIRE_FAULTS") != "1",
    reason="libfaketime makes a hub's clocks run faster",
)


def clock(begin: str = "+0", speed: int = SPEED) -> dict[str, str]:
    """The environment of a hub all of whose clocks, the monotonic one too, run so many times as fast.

    `begin` is when they begin: now, or `@2026-11-27 08:59:00` of UTC.
    """
    assert LIBRARY, "libfaketime is not installed"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{begin} x{speed}", "TZ": "UTC"}


def date_alone() -> dict[str, str]:
    """The environment of a hub whose date goes on SPEED times as fast, while it waits for things as others do."""
    return {**clock(), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextmanager
def running(env: dict[str, str]) -> Iterator[Hub]:
    """A hub on such a clock."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        hub = Hub(Path(folder) / "data", env=env).start()
        yield hub
        hub.stop()
