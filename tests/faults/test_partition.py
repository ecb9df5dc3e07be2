"""The promise that a Wi-Fi that loses packets, one way or both, never costs data."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Hub
from tests.faults.checker import contradictions
from tests.faults.lossy_wifi import CLEAR, CUT, DEAF_HUB, DEAF_PAD, FarHub, Wifi, a_wifi
from tests.faults.random_faults import told_times
from tests.faults.reconnecting_ipads import RoamingCrowd
from tests.faults.stored_log import read_log
from tests.faults.test_convergence import CONVERGED_S, assert_unbroken
from tests.random_seed import SeededRandom, seeded_random, size

PADS = 8
ROUNDS_A_HUB = 10
SHORT_S, LONG_S = (1.0, 1.5), (1.0, 6.0)
# Between two requests of a host in the short form: else the hosts alone take the machine.
RESTING_S = 0.06
# An app that asks every ten seconds has noticed within half a minute; the hub forgets who is silent for a minute.
PING_S, PATIENCE_S, NOTICED_S = 10.0, 15.0, 30.0
FORGOTTEN_S = 60.0
# What a busy machine may take on top.
SLACK_S = 10.0


@pytest.fixture
def wifi() -> Iterator[Wifi]:
    """A Wi-Fi of eight iPads."""
    yield from a_wifi(PADS)


async def clogged_once(wifi: Wifi, crowd: RoamingCrowd, chance: random.Random, pauses_s: tuple[float, float]) -> float:
    """One round: everybody works while iPads are clogged and unclogged, then holds what the hub holds.

    How long that took from the moment when the last one was unclogged, requests that were under way included (s).
    """
    async with crowd.working():
        await wifi.swizzle(chance, pauses_s)
        healed = time.monotonic()
    served = await crowd.converge()
    took = time.monotonic() - healed
    assert set(crowd.history.ends.values()) == {(served.revision, served.effect)}
    return took


def clogged(
    wifi: Wifi, folder: Path, chance: SeededRandom, rounds: int, pauses_s: tuple[float, float], resting_s: float = 0.0
) -> tuple[list[float], RoamingCrowd]:
    """So many rounds on a hub of their own, and nothing that anybody was told was broken; a host rests between."""
    hub = FarHub(wifi.hub, folder / "data").start()

    async def play() -> tuple[list[float], RoamingCrowd]:
        crowd = RoamingCrowd(hub, chance, wifi.pads)
        for host in crowd.hosts:
            host.pause_s = resting_s
        async with crowd.watching():
            took = [await clogged_once(wifi, crowd, chance, pauses_s) for _ in range(rounds)]
            await wifi.quiet()
            await crowd.settle()
        return took, crowd

    try:
        took, crowd = asyncio.run(play())
        hub.stop()
        broken = [*crowd.faults, *contradictions(crowd.history, read_log(hub.data, 1))]
        assert broken == [], "\n".join(broken)
        for line in crowd.history.lines:
            assert_unbroken(line)
    finally:
        hub.kill()
        shutil.rmtree(hub.data)
    return took, crowd


def test_after_every_heal_all_hold_the_same_and_every_change_has_one_effect(wifi: Wifi, tmp_path: Path) -> None:
    took, crowd = clogged(wifi, tmp_path, seeded_random(), 2, SHORT_S, RESTING_S)
    print(f"Wi-Fi: {crowd.repeated} repeated of {crowd.commits} commits; converged in {told_times(took)}")
    assert crowd.repeated, "no answer was ever lost"


@pytest.mark.long
@pytest.mark.timeout(0)
def test_after_two_hundred_heals_all_hold_the_same(wifi: Wifi, tmp_path: Path) -> None:
    chance, rounds = seeded_random(), size("ROUNDS", 200)
    times: list[float] = []
    commits = repeated = 0
    while len(times) < rounds:
        some = min(ROUNDS_A_HUB, rounds - len(times))
        took, crowd = clogged(wifi, tmp_path, chance, some, LONG_S)
        times, commits, repeated = times + took, commits + crowd.commits, repeated + crowd.repeated
        print(f"Wi-Fi: {len(times)} rounds, {commits} commits ({repeated} asked again): 0 gaps, 0 lost, 0 twice; "
              f"converged in {told_times(times)}; RESTOHUB_SEED={chance.start}", flush=True)  # fmt: skip
    assert sorted(times)[len(times) * 99 // 100] <= CONVERGED_S


async def forgotten(hub: Hub, lost_at: float) -> float:
    """How long the hub took to hold no socket any more (s)."""
    with hub.client() as api:
        while (held := await asyncio.to_thread(lambda: int(api.get("/health").json()["connections"]))) > 0:
            assert time.monotonic() - lost_at < FORGOTTEN_S + SLACK_S, f"the hub still holds {held} dead sockets"
            await asyncio.sleep(0.2)
    return time.monotonic() - lost_at


async def lose_everybody(wifi: Wifi, crowd: RoamingCrowd, hub: Hub) -> tuple[list[float], float]:
    """Cut each iPad off, in one of three ways, while all is quiet; how long they took to notice, and the hub (s)."""
    for watcher in crowd.roaming:
        watcher.ping_s, watcher.patience_s = PING_S, PATIENCE_S
    async with crowd.watching():
        lost_at = time.monotonic()
        for number, pad in enumerate(wifi.pads):
            await wifi.set(pad, (CUT, DEAF_HUB, DEAF_PAD)[number % 3])
        hub_s = await forgotten(hub, lost_at)
        noticed_s = [watcher.gave_up_at[0] - lost_at for watcher in crowd.roaming if watcher.gave_up_at]
        for pad in wifi.pads:
            await wifi.set(pad, CLEAR)
    assert len(noticed_s) == PADS, "some never noticed that nothing came"
    return noticed_s, hub_s


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_peer_that_is_lost_is_noticed_by_both_sides_and_comes_again(wifi: Wifi, tmp_path: Path) -> None:
    hub = FarHub(wifi.hub, tmp_path / "data").start()
    crowd = RoamingCrowd(hub, seeded_random(), wifi.pads)
    try:
        noticed_s, hub_s = asyncio.run(lose_everybody(wifi, crowd, hub))
    finally:
        hub.kill()
    print(f"Wi-Fi: the iPads noticed after {told_times(noticed_s)}; the hub held nobody any more after {hub_s:.1f} s")
    assert crowd.faults == []
    assert max(noticed_s) < NOTICED_S + SLACK_S
