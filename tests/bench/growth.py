"""How cost grows: with the subscribers, the guests, the log and the restaurants of one hub."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from restohub.floor.model import DIRECTORY_ID, Change, Entry, Guest, Restaurant
from restohub.live.ports import Record
from restohub.store.append import Ledger
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE
from restohub.store.load import initialise
from tests.bench.lane import ask, request
from tests.bench.restohub_subject import FLOOR, Restohub
from tests.bench.subject import Running, Subscriber
from tests.bench.workloads import Figures, Load, hammer, percentile

SUBSCRIBERS = (10, 100, 500)
GUESTS = (50, 200, 1000, 5000)
REVISIONS = (1_000, 10_000, 100_000, 1_000_000)
RESTAURANTS = (1, 10, 100)
NEIGHBOUR_SUBSCRIBERS = 5
WRITERS = 10
GROUP = 2000
START = 1_700_000_000
# The log keeps what it has here, however old: its length is what is measured.
KEEP_ALL = {"RESTOHUB_LOG_REVISIONS": "10000000", "RESTOHUB_LOG_DAYS": "3650"}


async def growth(folder: Path, say: Callable[[str], None]) -> dict[str, dict[str, Figures]]:
    """Four tables: what grows, how large it is, and what that costs."""
    return {
        "subscribers": await by_subscribers(folder, say),
        "guests on the floor": await by_guests(folder, say),
        "revisions in the log": await by_revisions(folder, say),
        "restaurants": await by_restaurants(folder, say),
    }


async def by_subscribers(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """A change costs what its restaurant's subscribers cost."""
    found: dict[str, Figures] = {}
    for count in SUBSCRIBERS:
        say(f"{count} subscribers")
        with Started(folder) as load:
            await load.subject.fill()
            ears = await load.subscribers(count)
            found[f"{count:,}"] = await _change(load) | {"memory MiB": load.running.memory_mib()}
            await load.gone(ears)
    return found


async def by_guests(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """A change of one guest among many."""
    found: dict[str, Figures] = {}
    for count in GUESTS:
        say(f"{count} guests")
        with Started(folder) as load:
            bodies = (
                b'{"id":"g%d","firstName":"Anna","lastName":"Rossi %d","partySize":4}' % (n, n) for n in range(count)
            )
            await ask(load.subject.port, *(request("POST", FLOOR + "/guests", body) for body in bodies))
            found[f"{count:,}"] = await _change(load) | await _syncs(load, since=1)
    return found


async def by_revisions(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """A hub that starts with a long log."""
    found: dict[str, Figures] = {}
    for count in REVISIONS:
        say(f"a log of {count:,}")
        data = folder / "log"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        await _write_log(data, count)
        for _ in range(3):  # the last of them: with the files in the system's memory, as after a restart
            running = Running(Restohub(environment=KEEP_ALL), data)
            try:
                start_s = running.wait()
                load = Load(running)
                idle = running.memory_mib()
                figures = {"start s": start_s} | await _syncs(load, since=1) | {"memory MiB": idle}
                figures |= await _change(load)
            finally:
                running.stop()
        found[f"{count:,}"] = figures
    return found


async def by_restaurants(folder: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """A change in one restaurant of many, each with subscribers of its own."""
    found: dict[str, Figures] = {}
    for count in RESTAURANTS:
        say(f"{count} restaurants")
        with Started(folder) as load:
            await load.subject.fill()
            for number in range(2, count + 1):
                body = b'{"name":"Restaurant %d"}' % number
                await ask(load.subject.port, request("POST", "/api/restaurants", body))
                floor = f"/api/restaurants/{number}/guests"
                guests = (b'{"firstName":"Anna","lastName":"%d","partySize":2}' % n for n in range(20))
                await ask(load.subject.port, *(request("POST", floor, guest) for guest in guests))
            ears: list[Subscriber] = []
            assert isinstance(load.subject, Restohub)
            for number in range(1, count + 1):
                for _ in range(NEIGHBOUR_SUBSCRIBERS):
                    ears.append(await load.subject.subscribe(lambda: None, restaurant_id=number))
            found[f"{count:,}"] = await _change(load) | {"memory MiB": load.running.memory_mib()}
            await load.gone(ears)
    return found


class Started:
    """A hub over a new folder, while it is needed."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "growth"

    def __enter__(self) -> Load:
        shutil.rmtree(self._data, ignore_errors=True)
        self._running = Running(Restohub(), self._data)
        self._running.wait()
        return Load(self._running)

    def __exit__(self, *_: object) -> None:
        self._running.stop()


async def _change(load: Load) -> Figures:
    """What one change costs the hub: processor time (all of its delivery included), and how long its writer waits."""
    await hammer(load, WRITERS, 0.3)
    cpu = load.running.cpu_s()
    times, _, failed = await hammer(load, WRITERS, 2.0)
    assert not failed
    cost_us = (load.running.cpu_s() - cpu) / len(times) * 1e6
    return {"CPU a change, us": cost_us, "p99 ms": percentile(times, 99) * 1e3}


async def _syncs(load: Load, since: int) -> Figures:
    """How long a full sync and a delta from far behind take, the best of three."""
    took: dict[str, float] = {}
    for name, path in (("full sync ms", "full?"), ("delta ms", f"delta?since_revision={since}&")):
        asked = request("GET", f"/api/sync/{path}restaurant_id=1")
        for _ in range(3):
            started = time.perf_counter()
            await ask(load.subject.port, asked)
            took[name] = min(took.get(name, 1e9), (time.perf_counter() - started) * 1e3)
    return took


async def _write_log(folder: Path, revisions: int) -> None:
    """A store of restaurant 1 with 200 guests and so many commits, as the hub itself would have written it."""
    connection = await open_writer(folder)
    try:
        await initialise(connection, "00000000-0000-7000-8000-000000000000", "bench")
        ledger = Ledger(connection, folder / DATABASE)
        restaurant = Restaurant(
            id="1", name="Bench", timezone="UTC", created_at=START, last_updated=START, version=1, created_revision=1
        )  # fmt: skip
        made = (Change("restaurant", "1", "create", restaurant),)
        await ledger.append([Record(Entry(DIRECTORY_ID, 1, START, "tx", False, made))])
        guests: dict[str, Guest] = {}
        for first in range(1, revisions + 1, GROUP):
            group = range(first, min(first + GROUP, revisions + 1))
            await ledger.append([Record(_entry(guests, revision)) for revision in group])
            if ledger.upkeep_due(0):
                await ledger.upkeep()
            await asyncio.sleep(0)
        await ledger.upkeep()
    finally:
        await connection.close()


def _entry(guests: dict[str, Guest], revision: int) -> Entry:
    """A new guest, of the first 200; then one guest's next status."""
    at, guest_id = START + revision // 10, f"g{revision % 200}"
    before = guests.get(guest_id)
    if before is None:
        guest = Guest(
            id=guest_id, first_name="Anna", last_name=f"Rossi {revision}", party_size=4, status="waitlist",
            created_at=at, last_updated=at, version=revision, created_revision=revision,
        )  # fmt: skip
    else:
        status = ("arrived", "notified", "waitlist")[revision % 3]
        guest = structs.replace(before, status=status, last_updated=at, version=revision)
    guests[guest_id] = guest
    change = Change("guest", guest_id, "update" if before else "create", guest, before.version if before else 0)
    return Entry(1, revision, at, "00000000-0000-7000-8000-000000000000", False, (change,))
