"""That an iPad that slept wakes up right, by what it missed or the whole floor, never both."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.requests import SYNC_BATCH
from tests.faults.history import digest_of_floor
from tests.faults.suspended_watchers import Sleepers
from tests.random_seed import size

CLIENTS = 10
GUESTS = 20
SLEEP_S = 3.0
LONG_SLEEP_S = 600
# More than all buffers between the hub and a client hold, and more than the ring does.
MANY, LONG_NOTE = 800, "\N{FORK AND KNIFE}" * 2000
UPDATES_A_REQUEST = 50


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub of the test's own with a few guests."""
    running = Hub(tmp_path / "data").start()
    with running.client() as api:
        for number in range(GUESTS):
            guest = {"id": f"g{number}", "name": "Ada", "partySize": 2}
            assert api.post("/restaurants/1/guests/", json=guest).status_code == 201
    yield running
    running.kill()


@pytest.fixture
def sleepers(hub: Hub) -> Iterator[Sleepers]:
    """Watchers in a process of their own, all at the head."""
    made = Sleepers(hub, CLIENTS)
    made.told(GUESTS)
    yield made
    made.end()


def change(api: httpx.Client, count: int) -> None:
    """So many commits, and the deletion of a guest: a client must not keep what is gone."""
    for start in range(0, count, UPDATES_A_REQUEST):
        updates = [
            {
                "entity_type": "guest",
                "entity_id": f"g{n % (GUESTS - 1)}",
                "data": {"quotedWait": n, "notes": LONG_NOTE, "specialRequests": LONG_NOTE},
            }
            for n in range(start, start + UPDATES_A_REQUEST)
        ]
        answer = api.post(SYNC_BATCH, json={"updates": updates})
        assert answer.status_code == 200, answer.text
    assert api.delete(f"/restaurants/1/guests/g{GUESTS - 1}").status_code == 204


def assert_equal(hub: Hub, sleepers: Sleepers, snapshots: int) -> None:
    """Every watcher holds what the hub holds, and took so many snapshots in all."""
    with hub.client() as api:
        floor = api.get("/api/sync/full").json()
    told = sleepers.told(floor["revision"])
    assert {one["held"] for one in told} == {digest_of_floor(floor["guests"], floor["tables"])}
    assert {one["snapshots"] for one in told} == {snapshots}


def slept(hub: Hub, sleepers: Sleepers, sleep_s: float) -> None:
    """The clients sleep so long while much changes, and wake up."""
    sleepers.fall_asleep()
    until = time.monotonic() + sleep_s
    with hub.client() as api:
        change(api, MANY)
    time.sleep(max(0.0, until - time.monotonic()))
    sleepers.wake_up()
    assert_equal(hub, sleepers, 1)


def test_who_slept_is_brought_what_he_missed(hub: Hub, sleepers: Sleepers) -> None:
    slept(hub, sleepers, SLEEP_S)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_who_slept_for_ten_minutes_is_brought_what_he_missed(hub: Hub, sleepers: Sleepers) -> None:
    seconds = size("SLEEP_S", LONG_SLEEP_S)
    slept(hub, sleepers, seconds)
    print(f"sleepers: {CLIENTS} clients slept {seconds} s, {MANY} changes: all equal, no full sync")


def test_who_slept_past_the_horizon_of_the_log_takes_all_anew(hub: Hub, sleepers: Sleepers) -> None:
    sleepers.fall_asleep()
    hub.stop()
    with hub.start().client() as api:
        change(api, 200)
    hub.stop()
    with sqlite3.connect(hub.data / "restohub.db") as database:
        horizon = "(SELECT max(position) - 50 FROM log)"
        database.execute(f"DELETE FROM log WHERE position >> 40 = 1 AND position < {horizon}")
    database.close()
    hub.start()
    sleepers.wake_up()
    assert_equal(hub, sleepers, 2)
