"""What the guard and the limits cost a change: the hub with and without them, in turns."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable
from pathlib import Path

from tests.bench import workloads
from tests.bench.restohub_subject import Restohub
from tests.bench.subject import Running
from tests.bench.workloads import Figures, Load, hammer

CLIENTS, TURNS, TURN_S = 100, 12, 1.5


class Unguarded(Restohub):
    """The hub without its guard and limits."""

    name = "unguarded"
    module = "tests.bench.unguarded"


async def guard_cost(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """Processor time a change of 100 clients, with and without, and how many times as much it is with them."""
    with contextlib.ExitStack() as stack:
        loads = []
        for subject in (Restohub(), Unguarded()):
            running = Running(subject, folder / subject.name)
            stack.callback(running.stop)
            running.wait()
            loads.append(load := Load(running))
            await workloads.warm(load)
        pairs = []
        for turn in range(TURNS):
            say(f"turn {turn + 1} of {TURNS}")
            order = loads if turn % 2 else loads[::-1]  # neither is always the first
            took = {id(load): await _cpu_us(load) for load in order}
            pairs.append([took[id(load)] for load in loads])
    guarded, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return {"W1 C=100": {"CPU us, guarded": guarded, "CPU us, unguarded": bare, "cost, %": 100 * (ratio - 1)}}


async def _cpu_us(load: Load) -> float:
    before = load.running.cpu_s()
    times, _, failed = await hammer(load, CLIENTS, TURN_S)
    assert not failed
    return (load.running.cpu_s() - before) / len(times) * 1e6
