"""One evening: 240 parties over 60 tables, ten hosts at once, and every kind of client that watches."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from restohub.simulate.evening import OFFLINE_MIN, evening
from restohub.simulate.script import Event
from tests.conftest import Hub
from tests.evening.chromium import Chromium, Page, chromium
from tests.evening.script_players import Hosts
from tests.tablet import REALTIME, SYNC, State, Tablet, canonical, full_sync

SEED, DAY = 20_240_115, date(2024, 1, 15)
RUSH_MIN, LAST_MIN = 200.0, 24 * 60.0
CUT_EVERY, AWAY_FOR = 80, 25
WAIT_S = 15.0


@dataclass
class ClientState:
    """What one client knows at a moment."""

    revision: int
    faults: list[str]
    floor: State
    applied: list[list[int]]


@dataclass
class Record:
    """What came of the evening. `rush` and `end` are what each client knew then, by its name."""

    events: list[Event] = field(default_factory=list)
    hosts: Hosts | None = None
    served: list[dict[str, Any]] = field(default_factory=list)
    rush: dict[str, ClientState] = field(default_factory=dict)
    end: dict[str, ClientState] = field(default_factory=dict)
    restarted: dict[str, ClientState] = field(default_factory=dict)
    resumed: list[bool] = field(default_factory=list)

    @property
    def commits(self) -> int:
        return sum(event.commits for event in self.events)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """The evening, played once for all tests of this file."""
    folder = tmp_path_factory.mktemp("evening")
    with chromium(folder / "chromium") as browser:
        hub = Hub(folder / "data").start()
        try:
            yield asyncio.run(_evening(hub, browser))
        finally:
            hub.kill()


async def _evening(hub: Hub, browser: Chromium) -> Record:
    restaurant_id = await asyncio.to_thread(hub.new_restaurant, "Evening", "UTC")
    record = Record(evening(SEED, DAY))
    hosts = record.hosts = Hosts(hub, restaurant_id, record.events)
    tablets = {
        f"{name} on {path}": await Tablet(hub.ws_url, restaurant_id, path).connect()
        for name in ("iPad", "terrace", "restless")
        for path in (REALTIME, SYNC)
    }
    steady = {name: tablet for name, tablet in tablets.items() if name.startswith("iPad")}
    terrace = [tablet for name, tablet in tablets.items() if name.startswith("terrace")]
    async with browser.page(f"{hub.url}/health") as page, asyncio.TaskGroup() as group:
        await _open_shadows(page, hub, restaurant_id)
        for path in (REALTIME, SYNC):
            group.create_task(_restless(tablets[f"restless on {path}"], tablets[f"iPad on {path}"], record.commits))
        await hosts.play(-1, OFFLINE_MIN[0])
        for tablet in terrace:
            await tablet.cut()
        revision = await hosts.play(OFFLINE_MIN[0], RUSH_MIN)
        await asyncio.gather(*map(_resume, terrace))
        record.served.append(await asyncio.to_thread(full_sync, hub.url, restaurant_id))
        calm = steady | {name: tablet for name, tablet in tablets.items() if tablet in terrace}
        record.rush = await _told(calm, page, revision)
        revision = await hosts.play(RUSH_MIN, LAST_MIN)
        record.served.append(await asyncio.to_thread(full_sync, hub.url, restaurant_id))
        record.end = await _told(tablets, page, revision)
    await asyncio.to_thread(hub.kill)
    await asyncio.to_thread(hub.start)
    record.served.append(await asyncio.to_thread(full_sync, hub.url, restaurant_id))
    await asyncio.gather(*map(_resume, tablets.values()))
    record.restarted = await _told(tablets, None, revision)
    record.resumed = [tablet.resumed for tablet in tablets.values()]
    for tablet in tablets.values():
        await tablet.leave()
    return record


async def _open_shadows(page: Page, hub: Hub, restaurant_id: int) -> None:
    for path in (REALTIME, SYNC):
        url = f"{hub.ws_url}{path}?restaurant_id={restaurant_id}"
        assert await page.run(f"shadows[shadows.push(new Shadow({url!r})) - 1].greeted") == 0


async def _restless(tablet: Tablet, other: Tablet, commits: int) -> None:
    """Lose the connection again and again, and come back when the others are some revisions further."""
    for revision in range(CUT_EVERY, commits - AWAY_FOR, CUT_EVERY):
        await _reach(tablet, revision)
        if tablet.faults:
            return
        await tablet.cut()
        await _reach(other, revision + AWAY_FOR)
        await _resume(tablet)


async def _reach(tablet: Tablet, revision: int) -> None:
    """Wait for a revision; where it does not come, `_told` will show it, for all clients beside each other."""
    if not tablet.faults:
        with contextlib.suppress(AssertionError):
            await tablet.wait_for(revision, WAIT_S)


async def _resume(tablet: Tablet) -> None:
    """Come back; where that goes wrong, it is one of the client's faults, which the tests show for all clients."""
    if not tablet.faults:
        try:
            await tablet.resume()
        except AssertionError as fault:
            tablet.faults.append(f"it did not come back: {fault}")


async def _told(tablets: dict[str, Tablet], page: Page | None, revision: int) -> dict[str, ClientState]:
    """What all of them know once they hold `revision`."""
    told = {}
    await asyncio.gather(*(_reach(tablet, revision) for tablet in tablets.values()))
    for name, tablet in tablets.items():
        told[name] = ClientState(
            tablet.revision, tablet.faults[:3], tablet.state(), [list(one) for one in tablet.applied]
        )
    for number, path in enumerate((REALTIME, SYNC) if page else ()):
        assert page is not None
        shadow = await page.run(f"shadows[{number}].at({revision}, {WAIT_S * 1000})")
        floor = canonical(shadow["guests"], shadow["tables"])
        told[f"Chromium on {path}"] = ClientState(shadow["revision"], shadow["faults"], floor, [shadow["applied"]])
    return told


def _agree(told: dict[str, ClientState], served: dict[str, Any], clients: int) -> None:
    floor = canonical(served["guests"], served["tables"])
    assert len(told) == clients
    for name, client in told.items():
        assert client.faults == [], name
        assert client.revision == served["revision"], name
        assert client.floor == floor, name


def test_the_evening_is_as_large_as_a_real_one(record: Record) -> None:
    done = Counter(event.what for event in record.events)
    assert len(record.served[1]["guests"]) >= 200
    assert len(record.served[1]["tables"]) == 60
    for what in ("walked in", "booked", "held", "moved", "no-show", "left the queue", "note", "cleaned"):
        assert done[what] > 0, what
    for what in ("two parties swapped", "tables pushed together", "table given away twice", "queue sent again"):
        assert done[what] > 0, what


def test_every_answer_is_as_the_script_has_it(record: Record) -> None:
    assert record.hosts is not None
    assert record.hosts.faults == []
    assert len(record.hosts.answers) == len(record.events)


def test_a_request_repeated_with_its_key_changes_nothing(record: Record) -> None:
    assert record.hosts is not None
    assert record.hosts.repeats > 20
    assert record.served[1]["revision"] == record.commits


def test_a_queue_that_is_sent_late_and_twice_is_applied_once(record: Record) -> None:
    assert record.hosts is not None
    first, again = ([e.number for e in record.events if e.what == w] for w in ("queue sent", "queue sent again"))
    outcomes = [[result["status"] for result in record.hosts.answers[number]["results"]] for number in (*first, *again)]
    assert len(outcomes[0]) > 5
    assert outcomes == [["applied"] * len(outcomes[0]), ["duplicate"] * len(outcomes[0])]


def test_in_the_rush_every_client_holds_the_floor_of_the_server(record: Record) -> None:
    _agree(record.rush, record.served[0], 6)
    assert sum(guest["phase"] == "seated" for guest in record.served[0]["guests"]) > 30


def test_at_the_end_every_client_holds_the_floor_of_the_server(record: Record) -> None:
    _agree(record.end, record.served[1], 8)
    assert {guest["phase"] for guest in record.served[1]["guests"]} == {"done"}


def test_every_revision_reaches_every_client_once_and_in_order(record: Record) -> None:
    steady = [name for name in record.end if name.startswith(("iPad", "Chromium"))]
    assert len(steady) == 4
    for name in steady:
        assert record.end[name].applied == [list(range(1, record.commits + 1))], name


def test_a_client_that_is_cut_again_and_again_misses_nothing_and_gets_nothing_twice(record: Record) -> None:
    for path in (REALTIME, SYNC):
        applied = record.end[f"restless on {path}"].applied
        flat = [revision for connection in applied for revision in connection]
        assert len(applied) > 10
        assert all(one < other for one, other in itertools.pairwise(flat))
        assert flat[-1] == record.commits


def test_the_floor_rebuilt_from_the_file_after_a_kill_is_the_one_the_clients_hold(record: Record) -> None:
    assert record.served[2] == record.served[1]
    assert record.resumed == [True] * 6
    _agree(record.restarted, record.served[2], 6)
