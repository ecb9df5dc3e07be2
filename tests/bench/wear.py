"""What many changes leave behind: memory that stays, and bytes written to a card that wears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.lane import Lane, ask, lanes, request
from tests.bench.restohub_subject import FLOOR, Restohub
from tests.bench.subject import Running
from tests.bench.workloads import Figures, Load

CHANGES = 100_000
SEATINGS = 3000


async def wear(folder: Path, say: Callable[[str], None]) -> Figures:
    """Memory before and after 100,000 changes; KiB written to the disk a seating with a key, one a commit."""
    running = Running(Restohub(), folder / "wear")
    try:
        running.wait()
        load = Load(running)
        await load.subject.fill()
        say("100,000 changes")
        before = running.memory_mib()
        await _many(load, CHANGES)
        after = running.memory_mib()
        say(f"{SEATINGS:,} seatings")
        await asyncio.sleep(1.5)
        written = written_bytes(running)
        await _seatings(load, SEATINGS)
        await asyncio.sleep(1.5)  # the idle checkpoint belongs to them
        kib = (written_bytes(running) - written) / SEATINGS / 1024
        return {
            "idle, MiB": before,
            f"after {CHANGES:,} changes, MiB more": after - before,
            "written a seating with a key, KiB": kib,
        }
    finally:
        running.stop()


async def _many(load: Load, changes: int) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sent = answered = 0
    guest_of: dict[Lane, int] = {}

    def heard(lane: Lane) -> None:
        nonlocal sent, answered
        answered += 1
        if answered == changes:
            done.set_result(None)
        elif sent < changes:
            sent += 1
            lane.send(load.change(guest_of[lane]))

    connected = await lanes(load.subject.port, 100, heard)
    for guest, lane in enumerate(connected):
        guest_of[lane] = guest
        sent += 1
        lane.send(load.change(guest))
    await done
    for lane in connected:
        lane.transport.close()


async def _seatings(load: Load, count: int) -> None:
    """A guest to a table and back to the list, one after the other, each with a key of its own."""
    made: list[bytes] = []
    for number in range(count):
        guest = number // 2 % 60
        body = b'{"status":"seated","tableId":"t%d"}' % guest if number % 2 == 0 else b'{"status":"waitlist"}'
        key = f"idempotency-key: wear-{time.time_ns()}-{number}\r\n"
        made.append(request("PUT", f"{FLOOR}/guests/g{guest}/status/atomic", body, key))
    await ask(load.subject.port, *made)


def written_bytes(running: Running) -> int:
    """What the process had the kernel write to its disk."""
    text = Path(f"/proc/{running.process.pid}/io").read_text()
    return int(text.split("\nwrite_bytes:")[1].split()[0])
