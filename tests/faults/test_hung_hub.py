"""A hub that hangs, in each of three ways, before something that keeps it as systemd does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.boot.notify_socket import NotifySocket, ear_at
from tests.conftest import Hub
from tests.house.source_tree import ROOT
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
WAYS = ["the loop", "the writer alone", "the process"]
BACK_WITHIN_S, STARTS_A_MINUTE = 30, 5
# The interpreter's own way to run something first; the hub is as it is.
HANG_ON_SIGNAL = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))
"""


class Kept:
    """A hub and its keeper: silent for `watchdog_s`, it is ended, and `restart_s` later started again."""

    def __init__(self, new_hub: NewHub, ear: NotifySocket, folder: Path, watchdog_s: float) -> None:
        (folder / "sitecustomize.py").write_text(HANG_ON_SIGNAL, "utf-8")
        self.flag = folder / "hang"
        self.ear = ear
        self.watchdog_s = watchdog_s
        environment = {
            "NOTIFY_SOCKET": ear.address,
            "WATCHDOG_USEC": str(int(watchdog_s * 1_000_000)),
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
            "LD_PRELOAD": preloaded("slow_sync"),
            "HANG_WHILE": str(self.flag),
        }
        self.hub: Hub = new_hub(env=environment).start()

    def hang(self, way: str) -> None:
        """Make it hang; the disk does so once somebody writes."""
        assert self.hub.process is not None
        if way == "the writer alone":
            self.flag.touch()
            threading.Thread(target=self._write, daemon=True).start()
        else:
            self.hub.process.send_signal(signal.SIGSTOP if way == "the process" else signal.SIGUSR1)

    def _write(self) -> None:
        with suppress(httpx.HTTPError), self.hub.client() as api:  # a hub that hangs does not answer
            api.post("/restaurants/1/guests", json={"name": "Bo", "partySize": 2})

    def wait_for_silence(self, most_s: float) -> None:
        """Return when nothing was heard for the watchdog's time, as systemd counts it."""
        until = time.monotonic() + most_s
        with suppress(TimeoutError):
            while True:
                self.ear.hear(self.watchdog_s)
                assert time.monotonic() < until, "the hub that hangs goes on saying that it is well"

    def end_and_start(self, restart_s: float) -> None:
        """SIGABRT and SIGCONT, SIGKILL where they do not help; then a new one."""
        process = self.hub.process
        assert process is not None
        assert process.poll() is None, "it was to hang, not to end"
        process.send_signal(signal.SIGABRT)
        process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        process.kill()
        process.wait(10)
        self.flag.unlink(missing_ok=True)
        time.sleep(restart_s)
        self.hub.start()


def hung(way: str, new_hub: NewHub, folder: Path, watchdog_s: float, restart_s: float) -> float:
    """Hang a hub in this way; seconds until it answers again, with the guest whom it had."""
    with ear_at(folder / "notify") as ear:
        kept = Kept(new_hub, ear, folder, watchdog_s)
        with kept.hub.client() as api:
            assert api.post("/restaurants/1/guests", json={"name": "Ada", "partySize": 2}).status_code == 201
        ear.within(watchdog_s)
        kept.hang(way)
        began = time.monotonic()
        kept.wait_for_silence(10 * watchdog_s + 5)
        kept.end_and_start(restart_s)
        took_s = time.monotonic() - began
        with kept.hub.client() as api:
            assert "Ada" in [guest["name"] for guest in api.get("/restaurants/1/guests").json()]
    return took_s


def seconds(name: str) -> float:
    """A time of the unit."""
    found = re.search(rf"^{name}=(\d+)s?$", (ROOT / "restohub.service").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("way", WAYS)
def test_a_hub_that_hangs_is_silent_and_started_again(way: str, new_hub: NewHub, tmp_path: Path) -> None:
    hung(way, new_hub, tmp_path, 0.6, 0.0)


def test_the_unit_starts_a_hub_five_times_a_minute_at_most_and_without_end() -> None:
    assert 60 / seconds("RestartSec") <= STARTS_A_MINUTE
    assert seconds("StartLimitIntervalSec") == 0
    assert seconds("WatchdogSec") + seconds("RestartSec") < BACK_WITHIN_S


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_a_hub_that_hangs_is_back_within_half_a_minute(way: str, new_hub: NewHub, tmp_path: Path) -> None:
    took_s = hung(way, new_hub, tmp_path, seconds("WatchdogSec"), seconds("RestartSec"))
    print(f"hung hubs: {way} hung, back after {took_s:.1f} s")
    assert took_s <= BACK_WITHIN_S
