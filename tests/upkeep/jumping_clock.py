"""A hub on a machine whose wall clock a test sets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import Hub
from tests.faults.settable_clock import SettableClock

WAIT_S = 20.0


class JumpingClockHub:
    """A hub on a machine whose wall clock can be set, while the monotonic one goes on."""

    def __init__(self, new_hub: Callable[..., Hub], tmp_path: Path, offset_s: int = 0, *args: str) -> None:
        self._clock = SettableClock(tmp_path)
        self.set = self._clock.set
        self.set(offset_s)
        self.hub = new_hub(tmp_path / "data", "--log-format", "json", *args, env=self._clock.env).start()

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
