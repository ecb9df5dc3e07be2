"""A hub on a machine whose wall clock a test sets (libfaketime)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Hub

WAIT_S = 20.0
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
needs_faketime = pytest.mark.skipif(LIBRARY is None, reason="needs libfaketime")


class JumpingClockHub:
    """A hub on a machine whose wall clock can be set, while the monotonic one goes on."""

    def __init__(self, new_hub: Callable[..., Hub], tmp_path: Path, offset_s: int = 0, *args: str) -> None:
        self._file = tmp_path / "offset"
        self.set(offset_s)
        env = {
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        env["LD_PRELOAD"] = str(LIBRARY)
        self.hub = new_hub(tmp_path / "data", "--log-format", "json", *args, env=env).start()

    def set(self, offset_s: int) -> None:
        """Set the clock so many seconds before or after the true time."""
        made = self._file.with_suffix(".new")
        made.write_text(f"{offset_s:+d}s")
        made.replace(self._file)

    def told(self, kind: str) -> dict[str, Any]:
        """The first line of this event, once there is one."""
        deadline = time.monotonic() + WAIT_S
        while True:
            for line in self.hub.said().splitlines():
                found: dict[str, Any] = json.loads(line)
                if found.get("event") == kind:
                    return found
            assert time.monotonic() < deadline, self.hub.said()
            time.sleep(0.05)
