"""A machine's clock that jumps under a running hub, and what the log says of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Hub
from tests.upkeep.jumping_clock import WAIT_S, JumpingClockHub

NewHub = Callable[..., Hub]


def make_guest(hub: Hub) -> None:
    with hub.client() as api:
        answer = api.post("/api/restaurants/1/guests/", json={"name": "Rossi", "partySize": 2})
    assert answer.status_code == 201


def test_a_clock_set_forward_is_followed_and_told(new_hub: NewHub, tmp_path: Path) -> None:
    machine = JumpingClockHub(new_hub, tmp_path)
    machine.set(3 * 3600)
    line = machine.told("clock_jumped")
    assert abs(line["seconds"] - 3 * 3600) <= 5
    assert line["behind_seconds"] == 0
    assert "jumped 3 h forward" in line["message"]
    assert "goes by it" in line["message"]


def test_a_clock_set_back_is_told_with_how_far_the_hub_is_ahead(new_hub: NewHub, tmp_path: Path) -> None:
    machine = JumpingClockHub(new_hub, tmp_path)
    make_guest(machine.hub)
    machine.set(-2 * 86_400)
    line = machine.told("clock_jumped")
    assert abs(line["seconds"] + 2 * 86_400) <= 5
    assert abs(line["behind_seconds"] - 2 * 86_400) <= 5
    assert "jumped 48 h back" in line["message"].replace("2 days", "48 h")
    with machine.hub.client() as api:
        health = api.get("/health").json()
    assert abs(health["clock_behind_seconds"] - line["behind_seconds"]) <= 5


def test_a_hub_that_starts_in_the_past_says_so(new_hub: NewHub, tmp_path: Path) -> None:
    first = new_hub(tmp_path / "data").start()
    make_guest(first)
    first.stop()
    line = JumpingClockHub(new_hub, tmp_path, -3600).told("clock_behind")
    assert abs(line["behind_seconds"] - 3600) <= WAIT_S
    assert line["level"] == "warning"


def test_a_clock_that_is_slowly_put_right_is_no_jump(new_hub: NewHub, tmp_path: Path) -> None:
    machine = JumpingClockHub(new_hub, tmp_path)
    for offset_s in (1, 2, 3):
        machine.set(offset_s)
        time.sleep(2.5)
    machine.set(1000)
    assert abs(machine.told("clock_jumped")["seconds"] - 997) <= 1
