"""That a wrong clock makes the log forget nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import ok
from tests.contract.requests import SYNC_BATCH
from tests.faults.settable_clock import DAY_S, SettableClock

NewHub = Callable[..., Hub]
StartAt = Callable[[int | datetime], Hub]

REVISIONS = 100
WAIT_S = 60.0
FAR = f"{datetime.now(UTC) + timedelta(days=300):%Y-%m-%d}"
# Retention looks for what is to be pruned once a second.
LOOKED_S = 1.5
IN_1970 = datetime(1970, 1, 2, tzinfo=UTC)
IN_2039 = datetime(2039, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock(tmp_path: Path) -> SettableClock:
    """The machine's clock."""
    return SettableClock(tmp_path)


@pytest.fixture
def start_at(tmp_path: Path, new_hub: NewHub, clock: SettableClock) -> StartAt:
    """Starts a hub over this test's one data folder at a time; it keeps a day and 100 changes."""

    def start(at: int | datetime) -> Hub:
        clock.set(at)
        flags = "--log-days", "1", "--log-revisions", str(REVISIONS)
        return new_hub(tmp_path / "data", *flags, env=clock.env).start()

    return start


def create(api: httpx.Client, key: str) -> httpx.Response:
    """A guest made under a key."""
    return api.post(
        "/restaurants/1/guests/", json={"id": key, "name": "Ada", "partySize": 2}, headers={"Idempotency-Key": key}
    )


def make_something_to_prune(hub: Hub) -> int:
    """A second restaurant with more changes than are kept, without keys."""
    other = hub.new_restaurant()
    with hub.client() as api:
        for first in range(0, 800, 400):
            data = {"firstName": "Ada", "partySize": 2}
            updates = [
                {"entity_type": "guest", "action": "create", "entity_id": f"g{n}", "data": data}
                for n in range(first, first + 400)
            ]
            assert ok(api.post(SYNC_BATCH, params={"restaurant_id": other}, json={"updates": updates}))["success"]
    return other


def wait_until_looked(hub: Hub, other: int) -> None:
    """Return when retention has been at work: the other restaurant's log is shorter."""
    deadline = time.monotonic() + WAIT_S
    with hub.client() as api:
        while api.get(f"/api/sync/delta?restaurant_id={other}&since_revision=0&limit=1").status_code != 410:
            assert time.monotonic() < deadline, "nothing was pruned"
            time.sleep(0.2)


def assert_nothing_forgotten(hub: Hub, keys: list[str]) -> None:
    """Every key gets its first answer, and the log reaches back to the beginning."""
    with hub.client() as api:
        before = ok(api.get("/api/sync/full"))["revision"]
        replays = [create(api, key) for key in keys]
        assert [(one.status_code, one.headers.get("idempotency-replayed")) for one in replays] == [(201, "true")] * len(
            keys
        )
        assert ok(api.get("/api/sync/full"))["revision"] == before
        assert len(ok(api.get("/api/sync/delta?since_revision=0"))["changes"]) == len(keys)


@pytest.mark.parametrize("wrong", [400 * DAY_S, IN_1970], ids=["ahead", "1970"])
def test_a_start_with_a_wrong_clock_forgets_no_key_and_no_change(start_at: StartAt, wrong: int | datetime) -> None:
    hub = start_at(0)
    with hub.client() as api:
        assert create(api, "before").status_code == 201
    other = make_something_to_prune(hub)
    hub.stop()
    hub = start_at(wrong)
    wait_until_looked(hub, other)
    with hub.client() as api:
        made = create(api, "after").json()["createdAt"]
    assert (made > FAR) == (wrong == 400 * DAY_S)
    hub.stop()
    hub = start_at(0)
    assert_nothing_forgotten(hub, ["before", "after"])


def test_a_clock_that_jumps_while_the_hub_runs_forgets_no_key_and_no_change(
    start_at: StartAt, clock: SettableClock
) -> None:
    hub = start_at(0)
    keys: list[str] = []
    with hub.client() as api:
        for jump in (400 * DAY_S, -400 * DAY_S, IN_1970, 30 * DAY_S, IN_2039, 0):
            clock.set(jump)
            until = time.monotonic() + LOOKED_S
            while time.monotonic() < until:
                keys.append(f"k{len(keys)}")
                assert create(api, keys[-1]).status_code == 201
                time.sleep(0.1)
    wait_until_looked(hub, make_something_to_prune(hub))
    assert_nothing_forgotten(hub, keys)
    hub.stop()
    hub = start_at(0)
    assert_nothing_forgotten(hub, keys)
