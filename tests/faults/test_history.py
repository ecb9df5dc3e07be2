"""That every recorded history is strictly serializable, whatever befalls hub and connections."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd
from tests.faults.random_faults import cuts, kill_and_restart, weathered
from tests.random_seed import SeededRandom, seeded_random, size

HOSTS, WATCHERS = 12, 8
OPERATIONS_A_HUB = 4000
KILLS_A_HUB = 3
CUT_PAUSE_S = 0.5


def recorded(folder: Path, chance: SeededRandom, operations: int, kills: int, number: int = 0) -> Crowd:
    """So many operations on one hub, between kills and under cuts, held against the hub's log."""

    async def weather(crowd: Crowd) -> None:
        raining = asyncio.create_task(cuts(crowd, chance, CUT_PAUSE_S))
        for _ in range(kills):
            await crowd.ask(operations // (kills + 1))
            await kill_and_restart(crowd, chance)
        await crowd.ask(operations // (kills + 1))
        raining.cancel()

    return weathered(folder, number, lambda hub: Crowd(hub, 1, chance, HOSTS, WATCHERS), weather)


def test_every_history_under_kills_and_cuts_is_strictly_serializable(tmp_path: Path) -> None:
    recorded(tmp_path, seeded_random(), 400, 1)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_a_hundred_thousand_operations_are_strictly_serializable(tmp_path: Path) -> None:
    chance, wanted = seeded_random(), size("OPERATIONS", 100_000)
    asked = commits = hubs = 0
    while asked < wanted:
        crowd = recorded(tmp_path, chance, min(OPERATIONS_A_HUB, wanted - asked), KILLS_A_HUB, hubs)
        hubs, asked, commits = hubs + 1, asked + len(crowd.history.asked), commits + crowd.commits
        print(
            f"history: {asked} operations, {commits} commits, {hubs * KILLS_A_HUB} kills: no contradiction", flush=True
        )
    print(f"history: RESTOHUB_SEED={chance.start}")
