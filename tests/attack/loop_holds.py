"""How long the hub kept a small request waiting, less what the machine made it wait."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.access.closed_hub import bearer, machine_token
from tests.attack.stranger import client
from tests.conftest import Hub

ASKER = "127.0.13.1"
EVERY_S = 0.01


@contextlib.contextmanager
def holds(hub: Hub) -> Iterator[list[float]]:
    """Ask for something small a hundred times a second; the list is filled at the end: each answer's time (s), sorted.

    What the hub or the asker waited for a processor in that time does not count: the machine has other work, too.
    """
    found: list[float] = []
    stop = multiprocessing.Event()
    told: Queue[list[float]] = multiprocessing.Queue()
    asking = multiprocessing.Process(target=_ask, args=(hub, stop, told), daemon=True)
    asking.start()
    try:
        yield found
    finally:
        stop.set()
        found += sorted(told.get(timeout=60))
        asking.join(10)


def _ask(hub: Hub, stop: Event, told: Queue[list[float]]) -> None:
    assert hub.process is not None
    waits = [Path(f"/proc/{hub.process.pid}/schedstat"), Path("/proc/self/schedstat")]
    took = []
    with client(hub, ASKER, headers=bearer(machine_token(hub))) as api:
        while not stop.wait(EVERY_S):
            waited_ns = sum(_waited_ns(path) for path in waits)
            began = time.monotonic()
            assert api.get("/restaurants/1").status_code == 200
            elapsed_s = time.monotonic() - began
            took.append(elapsed_s - (sum(_waited_ns(path) for path in waits) - waited_ns) / 1e9)
    told.put(took)


def _waited_ns(path: Path) -> int:
    """For how long a process's first thread has waited for a processor so far (proc(5): schedstat)."""
    return int(path.read_text("ascii").split()[1])
