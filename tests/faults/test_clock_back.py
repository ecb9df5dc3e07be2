"""A machine's clock that was ahead while something was saved, and is right again: times begin anew."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.faults.settable_clock import DAY_S, SettableClock

NewHub = Callable[..., Hub]
AHEAD_S = 400 * DAY_S
HOUR_S = 3600
WAIT_S = 30.0
# The clock is looked at once a second.
LOOKED_S = 2.5


class DatedMachine:
    """A machine whose date can be set, and on which time can pass at once; its hub is started anew over one folder."""

    def __init__(self, new_hub: NewHub, folder: Path) -> None:
        self._new_hub, self._folder = new_hub, folder
        self._clock = SettableClock(folder)
        self.set, self.let_pass = self._clock.set, self._clock.let_pass

    def start(self) -> Hub:
        """Start a hub."""
        self.hub: Hub = self._new_hub(self._folder / "data", env=self._clock.env).start()
        return self.hub

    def off_s(self, said: str) -> float:
        """How far a time that the hub said is after the true one, by so much as has passed."""
        true = datetime.now(UTC) + timedelta(seconds=self._clock.passed_s)
        return (datetime.fromisoformat(said) - true).total_seconds()

    def waits_for(self, said: str) -> dict[str, Any]:
        """What `/health` says, once a warning has these words."""
        deadline = time.monotonic() + WAIT_S
        while True:
            with self.hub.client() as api:
                health: dict[str, Any] = api.get("/health").json()
            if any(said in one for one in health["database"]["warnings"]):
                return health
            assert time.monotonic() < deadline, health
            time.sleep(0.05)

    def epoch(self) -> str:
        """The present epoch."""
        with self.hub.client() as api:
            return str(api.get("/api/sync/full").json()["epoch"])


@pytest.fixture
def machine(new_hub: NewHub, tmp_path: Path) -> DatedMachine:
    return DatedMachine(new_hub, tmp_path)


def make(hub: Hub, key: str) -> httpx.Response:
    """A guest, made under a key."""
    with hub.client() as api:
        guest = {"id": key, "name": key, "partySize": 2}
        answer = api.post("/restaurants/1/guests", json=guest, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return answer


def made_at(hub: Hub, key: str) -> str:
    """The time at which a guest is made now."""
    return str(make(hub, key).json()["createdAt"])


def test_once_a_clock_that_was_ahead_is_back_for_an_hour_an_epoch_with_right_times_begins(
    machine: DatedMachine,
) -> None:
    hub = machine.start()
    before, first = make(hub, "before"), machine.epoch()
    machine.set(AHEAD_S)
    hub.says("forward")
    ahead = made_at(hub, "ahead")
    assert abs(machine.off_s(ahead) - AHEAD_S) < 60
    machine.set(0)
    health = machine.waits_for("it was ahead then, and is right now. If it stays so for another")
    assert abs(health["clock_behind_seconds"] - AHEAD_S) < 60
    assert made_at(hub, "meanwhile") >= ahead, "within an epoch no time runs back"
    machine.let_pass(HOUR_S // 2)
    machine.waits_for("If it stays so for another 30 min")
    machine.set(20)
    machine.waits_for("If it stays so for another 60 min")  # it jumped, so the hour begins anew
    machine.let_pass(HOUR_S // 2)
    machine.waits_for("If it stays so for another 30 min")
    assert machine.epoch() == first
    machine.let_pass(HOUR_S // 2)
    machine.waits_for("ahead when changes were saved, and is right again. A new epoch began")
    hub.says("is right now. If it stays so")
    hub.says("is right again. A new epoch began")
    assert machine.epoch() != first
    after = made_at(hub, "after")
    assert abs(machine.off_s(after)) < 60
    assert make(hub, "before").headers["idempotency-replayed"] == "true"
    with hub.client() as api:
        full = api.get("/api/sync/full").json()
        assert full["revision"] == 5, "a guest before, two ahead, the beginning, a guest after"
        known: Any = {"since_revision": 3, "epoch": first}
        assert api.get("/api/sync/delta", params=known).status_code == 410
        assert api.get("/api/sync/delta", params={"since": ahead}).status_code == 410
        assert api.get("/api/sync/delta", params={"since": before.json()["createdAt"]}).status_code == 410
        later = api.get("/api/sync/delta", params={"since": full["timestamp"]}).json()
        assert [change["entity_id"] for change in later["changes"]] == ["after"]
        assert api.get("/health").json()["clock_behind_seconds"] == 0
        assert {guest["id"] for guest in full["guests"]} == {"before", "ahead", "meanwhile", "after"}
    second = machine.epoch()
    for end in (Hub.kill, Hub.stop):
        end(machine.hub)
        hub = machine.start()
        assert machine.epoch() == second
        assert abs(machine.off_s(made_at(hub, end.__name__))) < 60
        with hub.client() as api:
            assert not any("clock" in one for one in api.get("/health").json()["database"]["warnings"])
    hub.stop()
    checked = subprocess.run([*hub.program, "verify", str(hub.data)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_hub_that_ran_ahead_from_its_start_to_its_end_finds_out_at_the_next_start(machine: DatedMachine) -> None:
    make(machine.start(), "before")
    machine.hub.stop()
    machine.set(AHEAD_S)
    make(machine.start(), "ahead")
    machine.hub.stop()
    machine.set(0)
    hub = machine.start()
    first = machine.epoch()
    machine.waits_for("it was ahead then, and is right now")
    with hub.client() as api:
        whole = api.get("/api/sync/full").json()
    machine.let_pass(HOUR_S)
    machine.waits_for("A new epoch began")
    assert machine.epoch() != first
    with hub.client() as api:
        anew = api.get("/api/sync/full").json()
        assert abs(machine.off_s(anew["timestamp"])) < 60
        assert anew["guests"] == whole["guests"], "what was saved keeps the times that it has"
        nothing = api.get("/api/sync/delta", params={"since": anew["timestamp"]})
        assert (nothing.status_code, nothing.json()["changes"]) == (200, [])
    assert abs(machine.off_s(made_at(hub, "after"))) < 60


def test_a_clock_that_a_time_server_keeps_is_right_whatever_the_log_says(machine: DatedMachine) -> None:
    """Of a hub that was never used before its clock was ahead the log tells nothing."""
    machine.set(AHEAD_S)
    make(machine.start(), "ahead")
    first = machine.epoch()
    machine.set(0)
    machine.waits_for("nothing tells which of the two is right")
    machine.let_pass(HOUR_S)
    time.sleep(LOOKED_S)
    assert machine.epoch() == first
    machine.set(0, kept=True)
    machine.waits_for("A new epoch began")
    assert abs(machine.off_s(made_at(machine.hub, "after"))) < 60


@pytest.mark.parametrize("woke_up_s", [-20_000 * DAY_S, pytest.param(-90 * DAY_S, marks=pytest.mark.long)])
def test_a_machine_that_woke_up_in_the_past_goes_on_from_the_last_change(machine: DatedMachine, woke_up_s: int) -> None:
    """A Pi without Internet, in 1970, and on the day that its system was made."""
    before = datetime.fromisoformat(made_at(machine.start(), "before"))
    first = machine.epoch()
    machine.hub.stop()
    machine.set(woke_up_s)
    hub = machine.start()
    machine.waits_for("nothing tells which of the two is right")
    for hours in range(1, 4):
        machine.let_pass(HOUR_S)
        time.sleep(LOOKED_S)
        since = datetime.fromisoformat(made_at(hub, f"after{hours}")) - before
        assert timedelta(hours=hours) <= since < timedelta(hours=hours, minutes=2)
    assert machine.epoch() == first
