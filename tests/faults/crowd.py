"""The crowd of the fault tests: the hosts and watchers of one restaurant, and their history."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from tests.conftest import Hub
from tests.faults.history import Asked, History
from tests.faults.recording_client import TABLES, RecordingClient
from tests.faults.recording_watcher import RecordingWatcher

CONVERGED_WAIT_S = 30.0


class Crowd:
    """Hosts and watchers of one restaurant, and their history."""

    def __init__(self, hub: Hub, restaurant: int, chance: random.Random, hosts: int, watchers: int) -> None:
        self.hub, self.restaurant, self.history = hub, restaurant, History()
        self.starts_s: list[float] = []

        def made(name: str) -> tuple[Hub, int, str, random.Random, History]:
            return hub, restaurant, name, random.Random(chance.random()), self.history

        self.hosts = [RecordingClient(*made(f"h{number}")) for number in range(hosts)]
        self.watchers = [RecordingWatcher(*made(f"w{number}")) for number in range(watchers)]

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Crowd]:
        """The tables are up and every watcher watches; at the end each has come to the head, or the test fails."""
        await self.hosts[0].furnish()
        staying = [asyncio.create_task(watcher.stay()) for watcher in self.watchers]
        try:
            for watcher in self.watchers:
                await until(partial(watcher.at, TABLES))
            yield self
            await self.converge()
        finally:
            for task in staying:
                task.cancel()
            await asyncio.gather(*staying, return_exceptions=True)
            await asyncio.gather(*(host.leave() for host in self.hosts))
            await asyncio.gather(*(watcher.leave() for watcher in self.watchers if watcher.connected))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Crowd]:
        """The hosts work; they are through with what they do when this ends."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(host.work(stop)) for host in self.hosts]
        try:
            yield self
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def ask(self, operations: int) -> None:
        """Return when the hosts have asked so many things."""
        until_asked = len(self.history.asked) + operations
        await until(lambda: len(self.history.asked) >= until_asked, 600)

    async def converge(self) -> Asked:
        """Wait until every watcher is at the head, write down what it holds, and return what the hub says.

        A request that was given up may be done late: where one was meanwhile, all are asked again.
        """
        while True:
            read = await self.hosts[0].read(f"/api/sync/full?restaurant_id={self.restaurant}")
            assert read is not None
            assert read.revision is not None
            for watcher in self.watchers:
                await until(partial(watcher.at, read.revision), CONVERGED_WAIT_S, watcher.faults)
                self.history.ends[watcher.name] = watcher.revision, watcher.held()
            if self.commits <= read.revision:
                return read

    @property
    def commits(self) -> int:
        """How many commits there were when everybody had come to the head."""
        return max(revision for revision, _ in self.history.ends.values())

    @property
    def faults(self) -> list[str]:
        """Every breach of the contract that a watcher saw."""
        return [f"{watcher.name}: {fault}" for watcher in self.watchers for fault in watcher.faults]


async def until(holds: Callable[[], object], wait_s: float = 20.0, faults: Sequence[str] = ()) -> None:
    """Return when a condition holds; AssertionError when it does not within `wait_s`, or with the first fault."""
    deadline = time.monotonic() + wait_s
    while not holds():
        assert list(faults) == [], faults
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.01)
