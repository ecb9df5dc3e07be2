"""The hub's core in the virtual world: whatever happens when, everybody comes to the same floor."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from restohub.live import feed as feeding
from tests.faults.simulated_evening import SimulatedEvening
from tests.faults.simulation import VirtualLoop
from tests.house.source_tree import ROOT
from tests.random_seed import chosen_seed

SEED = chosen_seed()
# Bytes of the feed's ring: who lags is caught up by a delta, by what is left of the frames, by all of them.
RINGS = (0, 20_000, 8 * 1024 * 1024)
SEEDS, SEEDS_LONG, CHUNKS = 150, 100_000, 20
ONCE = "from tests.faults.test_simulation import evening; print(evening({seed})[0])"


def evening(seed: int) -> tuple[str, SimulatedEvening]:
    """Play one evening; the hash of all that happened."""
    loop = VirtualLoop(seed)

    async def play() -> SimulatedEvening:
        one = SimulatedEvening()
        await one.play()
        return one

    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(feeding, "RING_BYTES_MAX", RINGS[seed % len(RINGS)])
            patched.setattr(
                logging.root.manager, "disable", logging.CRITICAL
            )  # pytest keeps what is logged, and all by it
            one = loop.run_until_complete(play())
    except BaseException as fault:
        fault.add_note(f"repeat with RESTOHUB_SEED={seed}")
        raise
    finally:
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.close()
    return loop.trace.hexdigest(), one


async def _ended(left: set[asyncio.Task[Any]]) -> None:
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def evenings(first: int, count: int) -> None:
    """Play one evening for each seed, and print what can be quoted."""
    commits = crashes = 0
    began = time.monotonic()
    for seed in range(first, first + count):
        _, one = evening(seed)
        commits, crashes = commits + one.disk.head, crashes + one.crashes
    took_s = time.monotonic() - began
    told = f"{commits} commits, {crashes} crashes, 0 faults found, {took_s:.0f} s"
    print(f"virtual evenings: {count} seeds, {told}, RESTOHUB_SEED={first}")


def test_everybody_comes_to_the_same_floor() -> None:
    evenings(SEED, SEEDS)


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_everybody_comes_to_the_same_floor_in_very_many_evenings(chunk: int) -> None:
    evenings(SEED + chunk * (SEEDS_LONG // CHUNKS), SEEDS_LONG // CHUNKS)


def test_a_seed_is_the_same_evening_again_in_another_process_too() -> None:
    here = [evening(seed)[0] for seed in (SEED, SEED, SEED + 1)]
    assert here[0] == here[1] != here[2]
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", ONCE.format(seed=SEED)]
        there = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        assert there.stdout.strip() == here[0]
