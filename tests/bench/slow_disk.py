"""The hub on a slow disk, as an SD card is one: each sync takes 10 or 50 ms more, and is counted."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import workloads
from tests.bench.lane import Lane, lanes
from tests.bench.restohub_subject import Restohub
from tests.bench.subject import Running
from tests.bench.workloads import Figures, Load, hammer, percentile

DELAYS_MS = (0, 10, 50)
SOURCE = Path(__file__).with_name("slow_sync.c")


class Syncs:
    """The counter that the preloaded library and this process share as a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(bytes(8))

    def count(self) -> int:
        """Syncs so far."""
        return int.from_bytes(self._path.read_bytes(), "little")


async def slow_disks(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """The figures by delay."""
    library = folder / "slow_sync.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    found: dict[str, Figures] = {}
    for delay_ms in DELAYS_MS:
        say(f"a sync takes {delay_ms} ms more")
        counter = folder / "syncs"
        syncs = Syncs(counter)
        environment = {"SYNC_DELAY_MS": str(delay_ms), "SYNC_COUNT": str(counter)}
        data = folder / "slow"
        shutil.rmtree(data, ignore_errors=True)
        running = Running(Restohub(preload=library, environment=environment), data)
        try:
            running.wait()
            load = Load(running)
            await load.subject.fill()
            found[f"+{delay_ms} ms"] = await _figures(load, syncs)
        finally:
            running.stop()
    return found


async def _figures(load: Load, syncs: Syncs) -> Figures:
    figures: Figures = {}
    for clients in (1, 10, 100):
        before = syncs.count()
        times, taken, failed = await hammer(load, clients, 2.0)
        name = f"W1 C={clients}"
        figures[f"{name} changes/s"] = (len(times) - failed) / taken
        figures[f"{name} p99 ms"] = percentile(times, 99) * 1e3
        figures[f"{name} syncs a change"] = (syncs.count() - before) / len(times)
    figures |= await workloads.w3(load)
    bursts = [await _at_once(load, syncs, 100) for _ in range(7)]
    figures["100 at once, ms"] = statistics.median(taken for taken, _ in bursts) * 1e3
    figures["100 at once, syncs at most"] = max(count for _, count in bursts)
    alone = [await _at_once(load, syncs, 1) for _ in range(20)]
    figures["1 alone, ms"] = statistics.median(taken for taken, _ in alone) * 1e3
    figures["1 alone, syncs"] = statistics.median(count for _, count in alone)
    figures["1 alone, syncs at most"] = max(count for _, count in alone)
    return figures


async def _at_once(load: Load, syncs: Syncs, clients: int) -> tuple[float, int]:
    """How long, in seconds, and how many syncs it took until so many simultaneous changes were acknowledged."""
    answered = 0
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(_: Lane) -> None:
        nonlocal answered
        answered += 1
        if answered == clients:
            done.set_result(None)

    connected = await lanes(load.subject.port, clients, heard)
    await asyncio.sleep(0.2)
    before, started = syncs.count(), time.perf_counter()
    for guest, lane in enumerate(connected):
        lane.send(load.change(guest))
    await asyncio.wait_for(done, 60)
    taken, count = time.perf_counter() - started, syncs.count() - before
    for lane in connected:
        lane.transport.close()
    return taken, count
