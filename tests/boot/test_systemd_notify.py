"""What a hub tells systemd over a real socket: listening, well, silent while its disk hangs, stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.boot.notify_socket import NotifySocket, ear_at
from tests.conftest import START_WAIT_S, Hub
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
INTERVAL_S = 0.6
HELD_BACK_S = 3 * INTERVAL_S


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[NotifySocket]:
    """systemd's socket, at a path."""
    with ear_at(tmp_path / "notify") as one:
        yield one


def watched(ear: NotifySocket, **more: str) -> dict[str, str]:
    """The environment that systemd gives to a service with a watchdog."""
    return {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": str(int(INTERVAL_S * 1_000_000)), **more}


def test_ready_is_said_once_the_hub_answers(new_hub: NewHub, ear: NotifySocket) -> None:
    hub = new_hub(env={"NOTIFY_SOCKET": ear.address})

    def first_word() -> tuple[str, int]:
        return ear.hear(START_WAIT_S), httpx.get(hub.url + "/health").status_code

    with ThreadPoolExecutor(1) as aside:
        hearing = aside.submit(first_word)
        hub.start()
        said, status = hearing.result()
    assert status == 200
    assert said == f"READY=1\nSTATUS=Serving 'restohub' on port {hub.port}"
    assert ear.within(0.5) == []  # no watchdog was asked for
    assert hub.stop() == 0
    assert ear.within(0.5) == ["STOPPING=1\nSTATUS=Stopping"]


def test_an_idle_hub_is_well_until_it_stops(new_hub: NewHub, ear: NotifySocket) -> None:
    hub = new_hub(env=watched(ear)).start()
    assert ear.hear().startswith("READY=1")
    heard_at = []
    for _ in range(12):
        assert ear.hear() == "WATCHDOG=1"
        heard_at.append(time.monotonic())
    pauses = sorted(later - earlier for earlier, later in pairwise(heard_at))
    assert pauses[len(pauses) // 2] < INTERVAL_S  # a third of it; one may be longer where the machine has no time
    assert hub.stop() == 0
    last = ear.within(0.5)
    assert last[-1].startswith("STOPPING=1")
    assert set(last[:-1]) <= {"WATCHDOG=1"}


def test_a_hub_at_work_is_well(new_hub: NewHub, ear: NotifySocket) -> None:
    hub = new_hub(env=watched(ear)).start()
    with hub.client() as api, ThreadPoolExecutor(8) as hosts:
        made = hosts.map(
            lambda n: api.post("/restaurants/1/guests", json={"name": f"G{n}", "partySize": 2}), range(300)
        )
        assert {answer.status_code for answer in made} == {201}
    assert ear.within(0.5).count("WATCHDOG=1") >= 2


def test_a_hub_whose_disk_hangs_is_silent_and_well_again_when_it_is_back(
    new_hub: NewHub, ear: NotifySocket, tmp_path: Path
) -> None:
    flag = tmp_path / "hang"
    hub = new_hub(env=watched(ear, LD_PRELOAD=preloaded("slow_sync"), HANG_WHILE=str(flag))).start()
    assert ear.hear().startswith("READY=1")
    assert ear.hear() == "WATCHDOG=1"
    flag.touch()
    with ThreadPoolExecutor(1) as aside, hub.client() as api:
        seating = aside.submit(api.post, "/restaurants/1/guests", json={"name": "Ada", "partySize": 2})
        try:
            while ear.within(HELD_BACK_S):  # until the change has come as far as the disk
                assert not seating.done()
            assert httpx.get(hub.url + "/health").json()["version"]  # the loop turns: it is the writer
            assert not seating.done()
        finally:
            flag.unlink()
        assert seating.result().status_code == 201
        assert ear.hear() == "WATCHDOG=1"
    assert hub.stop() == 0


def test_a_hub_that_nobody_hears_serves_all_the_same(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub(env={"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "100000"}).start()
    with hub.client() as api:
        assert api.get("/health").status_code == 200
    assert hub.stop() == 0
    assert hub.said().count("does not hear the hub") == 1
