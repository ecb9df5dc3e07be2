"""The contract of a stop that comes while the hub still starts: quiet, status 0, nothing damaged."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.commands import Process, start_command
from tests.conftest import START_WAIT_S, WAIT_S, Hub, free_port

# From the first line of our own code (before it Python itself starts) until the hub has long listened.
MOMENTS_S = [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0]


def catches(process: Process, sig: signal.Signals) -> bool:
    """Whether the process has a handler for a signal (proc(5): SigCgt)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (sig - 1) & 1)


def started(data: Path, said: Path) -> Process:
    """A hub that has just been started."""
    where = ("--host", "127.0.0.1", "--port", str(free_port()), "--data", str(data), "--no-advertise")
    with said.open("ab") as log:
        return start_command("serve", *where, out=log.fileno())


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5) says when the process listens to signals")
# One handler takes all three.
@pytest.mark.parametrize(
    ("sig", "moments_s"),
    [(signal.SIGTERM, MOMENTS_S), (signal.SIGINT, MOMENTS_S[::3]), (signal.SIGHUP, MOMENTS_S[1::3])],
    ids=["SIGTERM", "SIGINT", "SIGHUP"],
)
def test_a_stop_while_the_hub_starts_is_quiet_and_leaves_the_data_whole(
    tmp_path: Path, sig: signal.Signals, moments_s: list[float]
) -> None:
    said = tmp_path / "said"
    folders = [tmp_path / f"data{number}" for number in range(3)]
    for number, moment_s in enumerate(moments_s):
        process = started(folders[number % len(folders)], said)
        deadline = time.monotonic() + START_WAIT_S
        while not catches(process, signal.SIGHUP):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(moment_s)
        process.send_signal(sig)
        assert process.wait(WAIT_S) == 0, said.read_text()
    assert "Traceback" not in said.read_text()
    assert "rror" not in said.read_text()
    for data in folders:
        hub = Hub(data).start()
        assert len(httpx.get(hub.url + "/restaurants", verify=False).json()) == 1
        assert hub.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_stop_before_the_hub_runs_at_all_ends_it_in_silence(tmp_path: Path) -> None:
    for moment_s in (0.0, 0.005, 0.01, 0.02, 0.03):
        said = tmp_path / f"said{moment_s}"
        process = started(tmp_path / "data", said)
        time.sleep(moment_s)
        process.terminate()
        status = process.wait(WAIT_S)
        assert status in (0, -signal.SIGTERM), "systemd takes both for a clean stop"
        if status == 0:  # it runs by now: on a busy machine the moment is over late, and it may have said where it is
            assert "rror" not in said.read_text()
            assert "Traceback" not in said.read_text()
        else:
            assert said.read_text() == ""
