"""What is done to the hub while the crowd works: kills and cuts at random moments."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.conftest import Hub
from tests.faults.checker import contradictions
from tests.faults.crowd import Crowd
from tests.faults.history import Crash
from tests.faults.stored_log import read_log

# How often a hub is killed while it starts, and how long it then may have had for it.
KILLED_AT_START = 0.2
START_S = 0.5

Weather = Callable[[Crowd], Awaitable[None]]


async def kill_and_restart(crowd: Crowd, chance: random.Random) -> Crash:
    """SIGKILL; return when the hub answers again. Now and then it is killed once more on its way."""
    hub = crowd.hub
    crash = Crash(time.monotonic(), 0.0)
    await asyncio.to_thread(hub.kill)
    if chance.random() < KILLED_AT_START:
        starting = asyncio.create_task(asyncio.to_thread(hub.start))
        await asyncio.sleep(chance.uniform(0.02, START_S))
        await asyncio.to_thread(hub.kill)
        await asyncio.gather(starting, return_exceptions=True)
    begun = time.monotonic()
    await asyncio.to_thread(hub.start)
    crash.back = time.monotonic()
    crowd.history.crashes.append(crash)
    crowd.starts_s.append(crash.back - begun)
    return crash


async def kills(crowd: Crowd, chance: random.Random, cycles: int, pause_s: float) -> None:
    """So many kills, each at a random moment after the last start."""
    for _ in range(cycles):
        await asyncio.sleep(chance.uniform(0, pause_s))
        await kill_and_restart(crowd, chance)


async def cuts(crowd: Crowd, chance: random.Random, pause_s: float) -> None:
    """Watchers lose their connections, one after the other, for as long as this is let."""
    while True:
        await asyncio.sleep(chance.uniform(0, pause_s))
        watcher = chance.choice(crowd.watchers)
        if watcher.connected:
            await watcher.cut()


def weathered(folder: Path, number: int, crowd_of: Callable[[Hub], Crowd], weather: Weather) -> Crowd:
    """A crowd's evening on a hub of its own in this weather; at the end nothing that anybody was told was broken."""
    hub = Hub(folder / f"data{number}").start()
    crowd = crowd_of(hub)

    async def evening() -> None:
        async with crowd.watching(), crowd.working():
            await weather(crowd)

    try:
        asyncio.run(evening())
        hub.stop()
        broken = [*crowd.faults, *contradictions(crowd.history, read_log(hub.data, crowd.restaurant))]
        assert broken == [], "\n".join(broken)
    finally:
        hub.kill()
        shutil.rmtree(hub.data)
    return crowd


def told_times(times: list[float]) -> str:
    """Durations as a result line has them."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"median {ordered[len(ordered) // 2]:.2f} s, p99 {p99:.2f} s, max {ordered[-1]:.2f} s"
