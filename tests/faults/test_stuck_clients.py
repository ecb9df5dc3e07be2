"""The promise that an iPad that reads nothing more harms itself alone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.requests import op, write_notes
from tests.contract.sockets import ManualSocket
from tests.faults.random_faults import told_times
from tests.random_seed import size
from tests.tablet import REALTIME, SYNC, Entity, Message, Tablet, agree

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

LISTENERS, STUCK = 45, 5
WRITERS, CHANGES_A_SECOND = 5, 100
NOTE_LENGTH = 1900
FAT_GUESTS = 200
# More than Linux keeps for a socket that is not read (4 MiB), asked for 0.9 MiB at a time.
FAT_SYNCS = 8
ANSWER_MAX_S = 5.0
# The contract's 30 s, what the network between takes until then, the last words to a socket that takes none.
CLOSED_WAIT_S = 120.0
GROWTH_MIB_MAX = 8
# Twice what the ring (8 MiB) and the cache of pages (16 MiB) keep, 0.9 MiB at a time.
FILLING = 50
BASELINE_S = 60.0
# Masked by nothing, without a word in it: a sign of life that asks for nothing.
PONG = b"\x8a\x80\0\0\0\0"


class Listener(Tablet):
    """A shadow iPad that notes how old each change is when it comes (s)."""

    def __init__(self, hub: Hub, path: str) -> None:
        super().__init__(hub.ws_url, 1, path)
        self.ages: list[float] = []

    def _commit(self, message: Message, changes: list[Entity]) -> None:
        super()._commit(message, changes)
        now = time.monotonic()
        self.ages += [now - float(change["data"]["notes"].split()[0]) for change in changes]


class Stuck:
    """An iPad that holds the floor of some moment, and reads nothing of its socket from then on."""

    def __init__(self, hub: Hub, path: str) -> None:
        self.hub, self.tablet = hub, Tablet(hub.ws_url, 1, path)
        self.held_s: list[float] = []

    async def stick(self) -> None:
        """Connect from the revision that is held, with next to no room for what comes."""
        held = f"since_revision={self.tablet.revision}&epoch={self.tablet.epoch}"
        path = f"{self.tablet.path}?restaurant_id=1&{held}"
        self.wire = await asyncio.to_thread(ManualSocket, self.hub, path, 4096)

    async def come_again(self) -> None:
        """Connect as an iPad that was woken up: all that was missed comes, and nothing twice."""
        self.wire.tcp.close()
        await self.tablet.resume()
        assert self.tablet.faults == []

    async def keep_sticking(self, until: asyncio.Event) -> None:
        """Whenever the hub closes it: come again, hold what was missed, and read nothing again."""
        since = time.monotonic()
        while not until.is_set():
            await asyncio.sleep(1)
            if self._held():
                assert time.monotonic() - since < CLOSED_WAIT_S, "it took nothing, and the hub held it for ever"
                continue
            self.held_s.append(time.monotonic() - since)
            await self.come_again()
            await self.tablet.leave()
            await self.stick()
            since = time.monotonic()

    def _held(self) -> bool:
        """Whether the hub holds the connection still; nothing that waits in it is read for this."""
        with contextlib.suppress(OSError):
            return self.wire.tcp.send(PONG) > 0
        return False


class StuckClientRun:
    """One restaurant's changes, those who listen to them, and those who stopped."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.listeners = [Listener(hub, (REALTIME, SYNC)[number % 2]) for number in range(LISTENERS)]
        self.stuck = [Stuck(hub, (REALTIME, SYNC)[number % 2]) for number in range(STUCK)]
        self.answers_s: list[float] = []

    async def furnish(self) -> None:
        """A guest for each writer."""
        with self.hub.client() as api:
            for number in range(WRITERS):
                party = {"id": f"w{number}", "name": "Rossi", "partySize": 2}
                assert api.post("/restaurants/1/guests/", json=party).status_code == 201

    async def stick(self) -> None:
        """Those who will be stuck come, and read nothing more."""
        for one in self.stuck:
            await one.tablet.connect()
            await one.tablet.leave()
            await one.stick()

    async def come_again(self) -> None:
        """The stuck come again, each from where it stopped, and hold what the hub holds."""
        for one in self.stuck:
            await one.come_again()
        await agree([one.tablet for one in self.stuck], self.hub, 1)
        await asyncio.gather(*(one.tablet.leave() for one in self.stuck))

    @contextmanager
    def fat(self) -> Iterator[httpx.Client]:
        """A floor of 0.9 MiB for so long."""
        with self.hub.client() as api:
            write_notes(api, 1, "create", "é", FAT_GUESTS)
            yield api
            gone = [op("guest", "delete", f"g{number}") for number in range(FAT_GUESTS)]
            body = {"restaurant_id": 1, "operations": gone}
            assert api.post("/api/v1/atomic/batch", json=body).status_code == 200

    def fill(self) -> None:
        """Have the hub take all the memory that it takes once: for its ring, and for its database's pages."""
        with self.fat() as api:
            for number in range(FILLING):
                write_notes(api, 1, "update", "èà"[number % 2], FAT_GUESTS)

    async def stick_on_a_fat_floor(self) -> None:
        """Have those who will be stuck ask for more than the network between takes."""
        with self.fat():
            await self.stick()
            for _ in range(FAT_SYNCS):
                for one in self.stuck:
                    one.wire.say(b'{"type": "request_full_sync"}')
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Everybody else is there, and at the end holds what the hub holds, each commit taken in its turn."""
        await asyncio.gather(*(listener.connect() for listener in self.listeners))
        first = self.listeners[0].revision
        yield
        await agree(self.listeners, self.hub, 1)
        every = list(range(first + 1, self.listeners[0].revision + 1))
        assert all(listener.applied == [every] for listener in self.listeners)
        await asyncio.gather(*(listener.leave() for listener in self.listeners))

    async def change(self, duration_s: float) -> list[float]:
        """About a hundred changes a second for so long; how old they were when they came to the others (s)."""
        for listener in self.listeners:
            listener.ages.clear()
        asked = await asyncio.gather(*(self._write(number, duration_s) for number in range(WRITERS)))
        await agree(self.listeners, self.hub, 1)
        ages = [age for listener in self.listeners for age in listener.ages]
        assert len(ages) == sum(asked) * LISTENERS
        return ages

    async def _write(self, number: int, duration_s: float) -> int:
        """One writer's changes at its share of the rate, the one after the other; how many they were."""
        begun, asked = time.monotonic(), 0
        async with httpx.AsyncClient(base_url=self.hub.url, timeout=ANSWER_MAX_S, verify=False) as api:
            while (now := time.monotonic()) < begun + duration_s:
                note = f"{now} {'x' * NOTE_LENGTH}"
                try:
                    answer = await api.patch(f"/restaurants/1/guests/w{number}", json={"notes": note})
                except httpx.TimeoutException as late:
                    raise AssertionError(f"a change was not answered within {ANSWER_MAX_S} s") from late
                assert answer.status_code == 200, answer.text
                self.answers_s.append(time.monotonic() - now)
                asked += 1
                await asyncio.sleep(max(0.0, begun + asked * WRITERS / CHANGES_A_SECOND - time.monotonic()))
        return asked


def p99_s(times: list[float]) -> float:
    """What one in a hundred exceeds."""
    return sorted(times)[len(times) * 99 // 100]


def memory_mib(hub: Hub) -> float:
    """The resident memory of the hub's process."""
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_clients_that_stop_reading_are_in_nobodys_way_and_complete_when_they_come_again(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "data").start()

    async def play() -> None:
        evening = StuckClientRun(hub)
        await evening.furnish()
        await evening.stick_on_a_fat_floor()
        async with evening.listening():
            before = memory_mib(hub)
            ages = await evening.change(2.5)
            grown = memory_mib(hub) - before
        answers = told_times(evening.answers_s)
        print(f"stuck: {len(ages)} events: {told_times(ages)}; answers: {answers}; {grown:+.1f} MiB")
        assert grown < GROWTH_MIB_MAX
        await evening.come_again()

    try:
        asyncio.run(play())
    finally:
        hub.kill()


@pytest.mark.long
@pytest.mark.timeout(0)
def test_clients_that_stop_reading_for_minutes_are_closed_cost_nothing_and_delay_nobody(tmp_path: Path) -> None:
    minutes = size("STUCK_MINUTES", 10)
    hub = Hub(tmp_path / "data").start()

    async def play() -> None:
        evening = StuckClientRun(hub)
        await evening.furnish()
        await asyncio.to_thread(evening.fill)
        async with evening.listening():
            await evening.change(BASELINE_S / 4)
            alone, held = await evening.change(BASELINE_S), memory_mib(hub)
            print(f"stuck: {len(alone)} events with nobody stuck: {told_times(alone)}; {held:.1f} MiB", flush=True)
            await evening.stick()
            over = asyncio.Event()
            sticking = [asyncio.create_task(one.keep_sticking(over)) for one in evening.stuck]
            beside: list[float] = []
            grown: list[float] = []
            for minute in range(1, minutes + 1):
                beside += await evening.change(60)
                grown.append(memory_mib(hub) - held)
                print(f"stuck: minute {minute}: {told_times(beside)}; {grown[-1]:+.1f} MiB", flush=True)
            over.set()
            await asyncio.gather(*sticking)
        await evening.come_again()
        closed = [held_s for one in evening.stuck for held_s in one.held_s]
        print(f"stuck: {len(beside)} events beside {STUCK} of {LISTENERS + STUCK} stuck: {told_times(beside)},")
        print(f"    p99 {p99_s(beside) / p99_s(alone):.2f} times that with nobody stuck")
        print(f"stuck: {len(closed)} times closed after {told_times(closed)}; at most {max(grown):+.1f} MiB")
        assert closed, "nobody who took nothing was closed"
        assert max(grown) < GROWTH_MIB_MAX

    try:
        asyncio.run(play())
    finally:
        hub.kill()
