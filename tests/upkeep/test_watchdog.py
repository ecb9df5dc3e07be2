"""The watchdog alone, over a real socket: whom it speaks to, and what keeps it silent."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from restohub.upkeep.watchdog import Watchdog
from tests.boot.notify_socket import NotifySocket, ear_at
from tests.conftest import WAIT_S

INTERVAL_S = 0.15


async def answers() -> None:
    """A writer that is well."""


def watching(ear: NotifySocket, **more: str) -> Watchdog:
    """A watchdog that systemd expects a sign of, each 0.15 s."""
    return Watchdog(answers, {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "150000", **more})


def test_the_abstract_namespace_is_heard_too() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    with ear_at(f"@restohub-{os.getpid()}") as ear:
        watching(ear).ready("Well")
        assert ear.hear() == "READY=1\nSTATUS=Well"


def test_nothing_is_fed_before_the_hub_listens(tmp_path: Path) -> None:
    async def told() -> tuple[list[str], str]:
        dog = watching(ear)
        feeding = asyncio.create_task(dog.feed())
        before = await asyncio.to_thread(ear.within, INTERVAL_S)
        dog.ready("Well")
        after = [await asyncio.to_thread(ear.hear) for _ in range(2)]
        feeding.cancel()
        return before, after[-1]

    with ear_at(tmp_path / "notify") as ear:
        assert asyncio.run(told()) == ([], "WATCHDOG=1")


def test_a_loop_that_hangs_feeds_nothing(tmp_path: Path) -> None:
    async def hung() -> list[str]:
        dog = watching(ear)
        dog.ready("Well")
        feeding = asyncio.create_task(dog.feed())
        await asyncio.sleep(INTERVAL_S)
        ear.within(0.01)
        time.sleep(3 * INTERVAL_S)
        said = ear.within(0.01)
        feeding.cancel()
        return said

    with ear_at(tmp_path / "notify") as ear:
        assert asyncio.run(hung()) == []


@pytest.mark.parametrize(
    "environment",
    [{"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_PID": "1"}],
    ids=["zero", "no number", "empty", "another process"],
)
def test_no_sign_of_life_where_none_is_wanted(environment: dict[str, str], tmp_path: Path) -> None:
    with ear_at(tmp_path / "notify") as ear:
        dog = watching(ear, **environment)
        dog.ready("Well")
        asyncio.run(asyncio.wait_for(dog.feed(), WAIT_S))  # it returns
        assert ear.within(0.05) == ["READY=1\nSTATUS=Well"]


def test_without_systemd_nothing_is_said_and_nothing_fails() -> None:
    dog = Watchdog(answers, {"WATCHDOG_USEC": "1000"})
    dog.ready("Well")
    asyncio.run(asyncio.wait_for(dog.feed(), WAIT_S))
    dog.stopping()
