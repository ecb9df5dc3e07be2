"""The probe put to the test: it finds a hold of the loop, and is not deceived by a busy machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.house_ipads import friends
from tests.attack.probe import HUB_CPU, compared, pinned, probed
from tests.conftest import Hub

pytestmark = pytest.mark.long

HOLD_S = 0.3
# Python reads this file at its start; what a signal calls runs in the main thread, where the loop is.
HOLDS_WHEN_TOLD = f"""
import signal, time

def hold(*_):
    end = time.thread_time() + {HOLD_S}
    while time.thread_time() < end:
        pass

signal.signal(signal.SIGUSR1, hold)
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that holds its loop for 0.3 s of processor time at SIGUSR1."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "sitecustomize.py").write_text(HOLDS_WHEN_TOLD, "utf-8")
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[2])])
    hub = Hub(folder / "data", env={"PYTHONPATH": path}).start()
    with pinned(hub):
        yield hub
    hub.stop()


def signalled(hub: Hub, *signals: signal.Signals, every_s: float = HOLD_S) -> None:
    """Send these to the hub, so far apart."""
    assert hub.process is not None
    for one in signals:
        hub.process.send_signal(one)
        time.sleep(every_s)


def test_the_probe_finds_a_hold_of_the_loop_and_that_it_took_a_processor(slow: Hub) -> None:
    with probed(slow) as found:
        time.sleep(1)
        signalled(slow, signal.SIGUSR1)
        time.sleep(1)
    print(vars(found))
    assert HOLD_S * 0.9 <= found.longest_s <= HOLD_S * 2
    assert HOLD_S * 0.9 <= found.longest_cpu_s <= HOLD_S * 1.5
    assert found.pings >= 50


def test_a_hub_that_does_nothing_has_no_long_hold(slow: Hub) -> None:
    with probed(slow) as found:
        time.sleep(2)
    print(vars(found))
    assert found.longest_s < HOLD_S / 5


def test_a_hub_that_is_stopped_holds_its_loop_without_a_processor(slow: Hub) -> None:
    with probed(slow) as found:
        time.sleep(0.5)
        signalled(slow, signal.SIGSTOP, signal.SIGCONT)
    print(vars(found))
    assert found.longest_s >= HOLD_S * 0.9
    assert found.longest_cpu_s < HOLD_S / 3


def test_what_the_hub_waits_for_a_processor_is_no_hold(slow: Hub) -> None:
    spin = f"import os\nos.sched_setaffinity(0, {{{HUB_CPU}}})\nwhile True: pass"
    with contextlib.ExitStack() as stack, probed(slow) as found:
        for _ in range(8):
            stack.callback(subprocess.Popen([sys.executable, "-c", spin]).kill)
        time.sleep(3)
        stack.close()
    print(vars(found))
    assert found.longest_s < HOLD_S / 5
    assert found.waited_s > found.longest_s


def test_what_an_attack_costs_the_house_is_seen_beside_the_same_moment(slow: Hub) -> None:
    with friends(slow, slow.new_restaurant(), 10) as told:
        time.sleep(1)
        found = compared(told, lambda: signalled(slow, *[signal.SIGUSR1] * 3, every_s=2), 3)
        still = compared(told, lambda: time.sleep(3), 3)
    print(found, found.times, still, still.times)
    assert told.faults == []
    assert found.attacked_s >= HOLD_S / 2
    assert found.times > 2 * still.times
