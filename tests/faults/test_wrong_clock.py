"""A hub at work on a machine whose clock is set to anything, every moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.faults.settable_clock import DAY_S, SettableClock
from tests.random_seed import chosen_seed

NewHub = Callable[..., Hub]
SEED = chosen_seed()
# A year and more either way, no clock at all, the end of 32 bits, the nights on which Rome's clocks change.
CLOCKS = (
    -400 * DAY_S,
    0,
    datetime(1970, 1, 2, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
    datetime(2027, 3, 28, 0, 59, 58, tzinfo=UTC),
    datetime(2027, 10, 31, 0, 59, 58, tzinfo=UTC),
)
AHEAD = 400 * DAY_S
HOSTS, PAUSE_S = 4, 0.02


class WrongClockHub:
    """A hub whose machine's clock can be set while it runs; its monotonic clock is left alone."""

    def __init__(self, new_hub: NewHub, folder: Path) -> None:
        clock = SettableClock(folder)
        self.set = clock.set
        self.hub: Hub = new_hub(folder / "data", env=clock.env).start()


def ask(api: httpx.Client, key: str) -> httpx.Response:
    """A guest, made under a key."""
    return api.post("/restaurants/1/guests", json={"name": key, "partySize": 2}, headers={"Idempotency-Key": key})


def host(hub: Hub, number: int, over: threading.Event, answers: list[tuple[str, int, dict[str, Any]]]) -> None:
    """Make guests until it is over, and ask for each a second time."""
    with hub.client() as api:
        made = 0
        while not over.is_set():
            made += 1
            key = f"{number}-{made}"
            for _ in range(2):
                answer = ask(api, key)
                answers.append((key, answer.status_code, answer.json()))
            time.sleep(PAUSE_S)


def at_work_while_the_clock_is_set(machine: WrongClockHub, steps: int, pause_s: float) -> int:
    """Load under a clock that is set again and again; the number of answers."""
    random, hub, over = Random(SEED), machine.hub, threading.Event()
    answers: list[tuple[str, int, dict[str, Any]]] = []
    hosts = [threading.Thread(target=host, args=(hub, n, over, answers)) for n in range(HOSTS)]
    with hub.socket("/realtime?restaurant_id=1") as screen, hub.client() as api:
        began = next_message(screen)
        told: list[dict[str, Any]] = []

        def floor_and_what_was_told() -> dict[str, Any]:
            floor: dict[str, Any] = api.get("/api/sync/full").json()
            while len(told) < floor["revision"] - began["revision"]:
                message = next_message(screen)
                told.extend([message] if message["type"] != "ping" else [])
            return floor

        for one in hosts:
            one.start()
        try:
            for step in range(steps):
                machine.set(CLOCKS[step] if step < len(CLOCKS) else random.choice((AHEAD, *CLOCKS)))
                time.sleep(pause_s)
                assert api.get("/health").status_code == 200
                floor_and_what_was_told()
        finally:
            over.set()
            for one in hosts:
                one.join()
        floor = floor_and_what_was_told()
    assert {status for _, status, _ in answers} == {201}
    first: dict[str, dict[str, Any]] = {}
    assert all(first.setdefault(key, body) == body for key, _, body in answers), "a key was answered in two ways"
    revisions = [message["revision"] for message in told]
    assert revisions == list(range(began["revision"] + 1, floor["revision"] + 1))
    times = [message["timestamp"] for message in told]
    assert times == sorted(times), "a commit was before the one that it follows"
    assert len(floor["guests"]) == len(first)
    return len(answers)


def test_a_clock_that_is_set_to_anything_changes_nothing_that_matters(new_hub: NewHub, tmp_path: Path) -> None:
    machine = WrongClockHub(new_hub, tmp_path)
    asked = at_work_while_the_clock_is_set(machine, len(CLOCKS), 0.4)
    print(f"wrong clocks: {len(CLOCKS)} clocks, {asked} answers, 0 faults, RESTOHUB_SEED={SEED}")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_clock_that_is_set_every_few_seconds_changes_nothing_that_matters(new_hub: NewHub, tmp_path: Path) -> None:
    machine = WrongClockHub(new_hub, tmp_path)
    asked = at_work_while_the_clock_is_set(machine, 24, 5)
    print(f"wrong clocks: 24 clocks in two minutes, {asked} answers, 0 faults, RESTOHUB_SEED={SEED}")


def test_a_clock_that_leaps_ahead_makes_this_evening_neither_old_nor_forgotten(new_hub: NewHub, tmp_path: Path) -> None:
    machine = WrongClockHub(new_hub, tmp_path)
    with machine.hub.client() as api:
        before = ask(api, "before")
        gone = api.post("/restaurants/1/guests", json={"name": "Ada", "partySize": 2, "status": "left"}).json()
        then = api.get("/health").json()["timestamp"]
        machine.set(AHEAD)
        assert api.get("/health").json()["timestamp"][:4] > then[:4], "the clock is not the one that was set"
    machine.hub.kill()
    machine.hub.start()
    with machine.hub.client() as api:
        for _ in range(20):  # the close of a day comes soon after the start, not before the first answer
            assert api.get(f"/restaurants/1/guests/{gone['id']}").status_code == 200
            time.sleep(0.1)
        ask(api, "after")
    machine.hub.kill()
    machine.hub.start()
    with machine.hub.client() as api:
        again = ask(api, "before")
        assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, "true")
        assert again.json() == before.json()
