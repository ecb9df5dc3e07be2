"""The seven workloads, each a few numbers by name."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence

from tests.bench.lane import Lane, ask, lanes
from tests.bench.subject import GUESTS, Running, Subscriber, until

Figures = dict[str, float]

HAMMER_S = 3.0
PACED_S = 4.0
SYNC_S = 1.5
PACE_S = 1 / 20
SETTLE_S = 0.3
QUIET_WAIT_S = 20.0


class Numbers:
    """Each guest's next number of change, over the whole life of a subject."""

    def __init__(self) -> None:
        self._last = [0] * GUESTS

    def next(self, guest: int) -> int:
        """The guest's next number."""
        self._last[guest] += 1
        return self._last[guest]


class Load:
    """A running subject with its counters."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.subject = running.subject
        self.numbers = Numbers()

    def change(self, guest: int) -> bytes:
        """The guest's next change."""
        return self.subject.change(guest, self.numbers.next(guest))

    async def subscribers(self, count: int, on_delivery: Callable[[], None] = lambda: None) -> list[Subscriber]:
        """So many subscribers, joined and at rest."""
        ears = [await self.subject.subscribe(on_delivery) for _ in range(count)]
        await asyncio.sleep(SETTLE_S)
        return ears

    async def gone(self, ears: list[Subscriber]) -> None:
        """Have them hang up, and the subject notice."""
        for ear in ears:
            ear.close()
        await asyncio.sleep(SETTLE_S)


async def hammer(load: Load, clients: int, wait_s: float) -> tuple[list[float], float, int]:
    """Each client changes its own guest in a loop: latencies in seconds, how long it took, how many failed."""
    times: list[float] = []
    failed = 0
    busy = clients
    all_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    guest_of: dict[Lane, int] = {}
    end = time.perf_counter() + wait_s

    def answered(lane: Lane) -> None:
        nonlocal failed, busy
        now = time.perf_counter()
        times.append(now - lane.sent_at)
        failed += lane.status != b"200"
        if now < end:
            lane.send(load.change(guest_of[lane]))
            return
        busy -= 1
        if busy == 0:
            all_done.set_result(None)

    connected = await lanes(load.subject.port, clients, answered)
    started = time.perf_counter()
    for guest, lane in enumerate(connected):
        guest_of[lane] = guest
        lane.send(load.change(guest))
    await asyncio.wait_for(all_done, wait_s + 60)
    taken = time.perf_counter() - started
    for lane in connected:
        lane.transport.close()
    return times, taken, failed


async def w1(load: Load) -> Figures:
    """1, 10 and 100 keep-alive clients, each changing one guest's status in a loop."""
    figures: Figures = {}
    for clients in (1, 10, 100):
        await hammer(load, clients, 0.5)
        cpu = load.running.cpu_s()
        times, taken, failed = await hammer(load, clients, HAMMER_S)
        cpu = load.running.cpu_s() - cpu
        name = f"W1 C={clients}"
        figures[f"{name} changes/s"] = (len(times) - failed) / taken
        figures[f"{name} p99 ms"] = percentile(times, 99) * 1e3
        figures[f"{name} CPU us"] = cpu / len(times) * 1e6
    return figures


async def w2(load: Load) -> Figures:
    """50, 200 and 500 subscribers, one writer at 20 changes a second: from just before the request to each delivery."""
    figures: Figures = {}
    for count in (50, 200, 500):
        late, missed = await _paced(load, count)
        figures[f"W2 S={count} p50 ms"] = percentile(late, 50) * 1e3
        figures[f"W2 S={count} p99 ms"] = percentile(late, 99) * 1e3
        figures[f"W2 S={count} missed"] = missed
    return figures


async def _paced(load: Load, count: int) -> tuple[list[float], int]:
    """The latency of each delivery to so many subscribers, in seconds, and how many never came."""
    late: list[float] = []
    sent_at = 0.0
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ears = await load.subscribers(count, lambda: late.append(time.perf_counter() - sent_at))
    late.clear()
    (lane,) = await lanes(load.subject.port, 1, lambda _: answer.set_result(None))
    wanted = 0
    for _ in range(int(PACED_S / PACE_S)):
        answer = asyncio.get_running_loop().create_future()
        wanted += count
        sent_at = time.perf_counter()
        lane.send(load.change(0))
        await answer
        await asyncio.sleep(max(0.0, PACE_S - (time.perf_counter() - sent_at)))
    await until(lambda: len(late) >= wanted, 5)
    lane.transport.close()
    await load.gone(ears)
    return late, wanted - len(late)


async def w3(load: Load) -> Figures:
    """100 clients send one change each at once, 50 subscribers: until all hold all."""
    bursts = [await _burst(load) for _ in range(5)]
    return {
        "W3 ms": statistics.median(taken for taken, _ in bursts) * 1e3,
        "W3 missed": sum(missed for _, missed in bursts),
    }


async def _burst(load: Load) -> tuple[float, int]:
    """How long it took, in seconds, and how many deliveries never came."""
    ears = await load.subscribers(50)
    connected = await lanes(load.subject.port, 100, lambda _: None)
    started = time.perf_counter()
    for guest, lane in enumerate(connected):
        lane.send(load.change(guest))
    await until(lambda: all(ear.heard >= 100 for ear in ears), QUIET_WAIT_S)
    taken = time.perf_counter() - started
    for lane in connected:
        lane.transport.close()
    missed = sum(100 - ear.heard for ear in ears)
    await load.gone(ears)
    return taken, missed


async def w4(load: Load) -> Figures:
    """Full sync by 1 and 10 clients: of a floor that changes before each, and of one that stands still."""
    figures: Figures = {}
    for clients in (1, 10):
        figures[f"W4 C={clients} unchanged/s"] = await _sync_rate(load, clients, changed=False)
        figures[f"W4 C={clients} changed/s"] = await _sync_rate(load, clients, changed=True)
    return figures


async def _sync_rate(load: Load, clients: int, *, changed: bool) -> float:
    """Full syncs a second, without the time of the changes between them."""
    synced = 0
    spent = 0.0
    answers: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = 0

    def answered(lane: Lane) -> None:
        nonlocal waiting
        if lane.status != b"200":
            raise RuntimeError(f"full sync was answered {lane.status!r}")
        rest = left[lane]
        if rest:
            lane.send(rest.pop(0))
            return
        waiting -= 1
        if waiting == 0:
            answers.set_result(None)

    connected = await lanes(load.subject.port, clients, answered)
    changing = await lanes(load.subject.port, 1, lambda _: answers.set_result(None))
    left: dict[Lane, list[bytes]] = {}
    while spent < SYNC_S:
        if changed:
            answers = asyncio.get_running_loop().create_future()
            changing[0].send(load.change(0))
            await answers
        answers = asyncio.get_running_loop().create_future()
        waiting = clients
        started = time.perf_counter()
        for lane in connected:
            first, *rest = load.subject.full_sync()
            left[lane] = rest
            lane.send(first)
        await answers
        spent += time.perf_counter() - started
        synced += clients
    for lane in (*connected, *changing):
        lane.transport.close()
    return synced / spent


async def memory(load: Load) -> Figures:
    """Idle, and with 500 subscribers who are told of changes (the other half of W5)."""
    figures = {"W5 idle MiB": load.running.memory_mib()}
    ears = await load.subscribers(500)
    await ask(load.subject.port, *(load.change(guest) for guest in range(GUESTS)))
    await until(lambda: all(ear.heard >= GUESTS for ear in ears), QUIET_WAIT_S)
    figures["W5 500 subscribers MiB"] = load.running.memory_mib()
    await load.gone(ears)
    return figures


async def w6(load: Load) -> Figures:
    """10 writers at full speed, 50 subscribers."""
    figures, _ = await _crowd(load, "W6", stalled=0)
    return figures


async def w7(load: Load) -> Figures:
    """The same with 5 subscribers that stop reading."""
    before = load.running.memory_mib()
    figures, after = await _crowd(load, "W7", stalled=5)
    figures["W7 memory MiB a stalled client"] = (after - before) / 5
    return figures


async def _crowd(load: Load, name: str, *, stalled: int) -> tuple[Figures, float]:
    ears = await load.subscribers(50)
    readers: Sequence[Subscriber] = ears[stalled:]
    for ear in ears[:stalled]:
        ear.hold()
    times, taken, failed = await hammer(load, 10, HAMMER_S)
    # As many as were delivered while the writers wrote: what is still on its way counts no more.
    heard = sum(ear.heard for ear in readers)
    changes = len(times) - failed
    await until(lambda: all(ear.heard >= changes for ear in readers), QUIET_WAIT_S)
    held = load.running.memory_mib()
    figures = {
        f"{name} deliveries/s": heard / taken,
        f"{name} changes/s": changes / taken,
        f"{name} lost": sum(max(0, changes - ear.heard) for ear in readers),
        f"{name} out of order": sum(ear.disorder for ear in readers),
    }
    await load.gone(ears)
    return figures, held


def percentile(values: Sequence[float], part: int) -> float:
    """The value that `part` percent of all do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)] if ordered else float("nan")


async def warm(load: Load) -> None:
    """Fill a new subject, and let every path run once."""
    await load.subject.fill()
    await ask(load.subject.port, *(load.change(guest) for guest in range(GUESTS)))
