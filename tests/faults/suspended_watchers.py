"""A process of its own full of watchers, so that they can be put to sleep all at once."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import Hub
from tests.faults.history import History
from tests.faults.recording_watcher import RecordingWatcher

TOLD_WAIT_S = 30.0


class Sleepers:
    """The process, seen from the test: `told` is what its watchers hold, SIGSTOP puts it to sleep."""

    def __init__(self, hub: Hub, count: int) -> None:
        command = [sys.executable, "-m", "tests.faults.suspended_watchers", str(hub.port), str(count)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )

    def fall_asleep(self) -> None:
        """Stop in the middle of whatever it does."""
        self._process.send_signal(signal.SIGSTOP)

    def wake_up(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def told(self, revision: int) -> list[dict[str, Any]]:
        """What each watcher holds and was told, once all have come to this revision; AssertionError if they do not."""
        deadline = time.monotonic() + TOLD_WAIT_S
        while True:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            told: list[dict[str, Any]] = json.loads(self._process.stdout.readline() or "[]")
            assert all(one["faults"] == [] for one in told), [one["faults"] for one in told]
            if told and all(one["revision"] >= revision and one["connected"] for one in told):
                return told
            assert time.monotonic() < deadline, f"not at {revision}: {[one['revision'] for one in told]}"
            time.sleep(0.05)

    def end(self) -> None:
        """End the process, asleep or not."""
        self._process.kill()
        self._process.communicate()


async def watch(port: int, count: int) -> None:
    """Watch for as long as there are lines on stdin, and answer each with what is held."""
    history, chance = History(), random.Random(port)
    hub = Hub.__new__(Hub)
    hub.port = port
    watchers = [RecordingWatcher(hub, 1, f"s{number}", chance, history) for number in range(count)]
    staying = [asyncio.create_task(watcher.stay()) for watcher in watchers]
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps([_told(watcher, history) for watcher in watchers]), flush=True)
    for task in staying:
        task.cancel()


def _told(watcher: RecordingWatcher, history: History) -> dict[str, Any]:
    lines = [dataclasses.asdict(line) for line in history.lines if line.client == watcher.name]
    return {
        "revision": watcher.revision,
        "connected": watcher.connected,
        "held": watcher.held(),
        "faults": watcher.faults,
        "snapshots": sum(told["kind"] == "snapshot" for line in lines for told in line["told"]),
        "lines": len(lines),
    }


if __name__ == "__main__":
    asyncio.run(watch(int(sys.argv[1]), int(sys.argv[2])))
