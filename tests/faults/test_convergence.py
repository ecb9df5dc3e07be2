"""That once the faults are over every client holds what the server holds, and has missed nothing."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.conftest import Hub
from tests.faults.crowd import Crowd
from tests.faults.history import Line
from tests.faults.random_faults import kill_and_restart, told_times
from tests.faults.recording_watcher import RecordingWatcher
from tests.random_seed import seeded_random, size

HOSTS, WATCHERS = 4, 50
BURST_S = 0.4
KILLED = 0.15
CONVERGED_S = 5.0


async def burst(crowd: Crowd, chance: random.Random) -> None:
    """Half of the watchers have each a trouble of its own while the hosts go on; now and then the hub is killed."""

    async def trouble(watcher: RecordingWatcher) -> None:
        await asyncio.sleep(chance.uniform(0, BURST_S))
        if not watcher.connected:
            return
        match chance.randrange(4):
            case 0:
                await watcher.cut()
            case 1:
                watcher.pause()
                await asyncio.sleep(chance.uniform(0, BURST_S))
                watcher.read_on()
            case 2:
                await watcher.leave()
            case _:
                await watcher.ask_again()

    async with crowd.working():
        troubles = [trouble(watcher) for watcher in chance.sample(crowd.watchers, len(crowd.watchers) // 2)]
        if chance.random() < KILLED:
            await asyncio.gather(kill_and_restart(crowd, chance), *troubles)
        else:
            await asyncio.gather(*troubles)


async def episode(crowd: Crowd, chance: random.Random) -> float:
    """One burst of faults, quiet, and the comparison; how long everybody took to come to the head (s)."""
    await burst(crowd, chance)
    healed = time.monotonic()
    served = await crowd.converge()
    took = time.monotonic() - healed
    assert set(crowd.history.ends.values()) == {(served.revision, served.effect)}
    for line in crowd.history.lines:
        assert_unbroken(line)
    crowd.history.lines = [watcher.line for watcher in crowd.watchers]
    crowd.history.asked.clear()
    return took


def assert_unbroken(line: Line) -> None:
    """Each revision that a connection told followed the one before, or all was told anew; then it is forgotten."""
    for told in line.told:
        assert told.kind == "snapshot" or told.previous == line.since, f"{line.client} held {line.since}: {told}"
        line.since = told.revision
    line.told.clear()


async def episodes(hub: Hub, chance: random.Random, count: int) -> list[float]:
    """So many episodes on one hub."""
    crowd, took = Crowd(hub, 1, chance, HOSTS, WATCHERS), []
    async with crowd.watching():
        for number in range(1, count + 1):
            took.append(await episode(crowd, chance))
            if number % 50 == 0:
                print(f"equal: {number} episodes, {WATCHERS} clients equal each time; {told_times(took)}", flush=True)
    assert crowd.faults == []
    return took


def test_after_every_burst_of_faults_all_clients_hold_what_the_server_holds(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "data").start()
    try:
        asyncio.run(episodes(hub, seeded_random(), 4))
    finally:
        hub.kill()


@pytest.mark.long
@pytest.mark.timeout(0)
def test_after_a_thousand_bursts_all_clients_hold_what_the_server_holds(tmp_path: Path) -> None:
    chance, count = seeded_random(), size("EPISODES", 1000)
    hub = Hub(tmp_path / "data").start()
    try:
        took = asyncio.run(episodes(hub, chance, count))
    finally:
        hub.kill()
    print(f"equal: {count} episodes, converged in {told_times(took)}; RESTOHUB_SEED={chance.start}")
    assert sorted(took)[len(took) * 99 // 100] <= CONVERGED_S
