"""The full disk: changes are refused in so many words, all else goes on, and room again is enough."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.faults.disk_fault_checks import CommitListener, batch, make_room, parties, rows, shown, stuff
from tests.faults.failing_disk import FOR_EVER, FailingDisk
from tests.faults.read_back import WrittenLog, read_back
from tests.faults.strace_run import need
from tests.random_seed import report

SHORT_CYCLES, LONG_CYCLES = 3, 100
DISK = "8m"
# A hub that heals by itself does so within a second of its own.
HEALED_WAIT_S = 20.0
LIMIT_BYTES = 512 * 1024
NewHub = Callable[..., Hub]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB and 64 files; skipped where this process may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},nr_inodes=64", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class FullDiskRun:
    """A hub on a disk that fills: what was made, how long refusals and recoveries took."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.made: set[str] = set()
        self.refusals_s: list[float] = []
        self.healings_s: list[float] = []

    def change(self, api: httpx.Client, name: str) -> httpx.Response:
        """Ask for one guest; a refusal must be the right one."""
        begun = time.monotonic()
        answer = batch(api, parties(name, 1))
        if answer.status_code == 200:
            self.made.add(f"g-{name}-0")
            return answer
        self.refusals_s.append(time.monotonic() - begun)
        assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_full"), answer.text
        assert int(answer.headers["Retry-After"]) > 0
        return answer

    def until_refused(self, api: httpx.Client, name: str) -> None:
        """Ask until there is no room."""
        for number in range(10_000):
            if self.change(api, f"{name}-{number}").status_code == 503:
                return
        raise AssertionError("the disk never was full")

    def until_healed(self, api: httpx.Client, name: str) -> None:
        """Ask until a change is made again."""
        begun = time.monotonic()
        while self.change(api, name).status_code == 503:
            assert time.monotonic() - begun < HEALED_WAIT_S, "there is room, and changes are still refused"
            time.sleep(0.02)
        self.healings_s.append(time.monotonic() - begun)

    def hold(self, api: httpx.Client, process: int) -> None:
        """All that was made is there, nothing else, in the same process."""
        assert self.hub.process is not None
        assert (self.hub.process.poll(), self.hub.process.pid) == (None, process)
        assert {guest["id"] for guest in shown(api)["guests"]} == self.made


def cycles(hub: Hub, place: Path, count: int) -> FullDiskRun:
    """Fill the disk, ask for changes, make room, so many times."""
    evening = FullDiskRun(hub)
    assert hub.process is not None
    process = hub.process.pid
    with hub.client() as api, hub.socket("/ws/restaurant/sync?restaurant_id=1") as socket:
        watcher = CommitListener(socket)
        for number in range(count):
            stuff(place)
            evening.until_refused(api, f"{number}")
            unwell = api.get("/health")
            assert (unwell.status_code, unwell.json()["status"]) == (503, "unhealthy")
            evening.hold(api, process)
            assert watcher.hear() == len(evening.made)
            make_room(place)
            evening.until_healed(api, f"{number}-again")
            assert api.get("/health").status_code == 200
            evening.hold(api, process)
        assert watcher.hear() == len(evening.made)
    assert hub.stop() == 0
    asyncio.run(read_back(hub.data, WrittenLog.of(hub.data)))
    return evening


def test_a_full_disk_refuses_changes_alone_and_heals_by_itself(new_hub: NewHub, disk: Path) -> None:
    evening = cycles(new_hub(disk / "data").start(), disk, SHORT_CYCLES)
    assert len(evening.healings_s) == SHORT_CYCLES


def test_a_disk_without_room_for_the_database_at_a_checkpoint_loses_nothing(tmp_path: Path, new_hub: NewHub) -> None:
    """The WAL has room, being written anew, and the database may not grow."""
    faults = FailingDisk(tmp_path)
    hub = new_hub(tmp_path / "data", env=faults.env).start()
    with hub.client() as api:
        faults.fail("pwrite64 of the database", 1, errno.ENOSPC, FOR_EVER)
        number = 0
        while not faults.failed():
            number += 1
            assert batch(api, parties(f"many{number}", 100)).status_code == 200
        assert batch(api, parties("meanwhile", 1)).status_code == 200
        known = shown(api)
        faults.heal()
        assert shown(api) == known
        begun = time.monotonic()
        while api.get("/health").status_code != 200:
            assert time.monotonic() - begun < HEALED_WAIT_S
            time.sleep(0.02)
        assert batch(api, parties("after", 2)).status_code == 200
        floor = shown(api)
    assert hub.stop() == 0
    assert len([row for row in rows(hub.data)["entity"] if row[0] == 1]) == len(floor["guests"]) + len(floor["tables"])
    asyncio.run(read_back(hub.data, WrittenLog.of(hub.data)))


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path, new_hub: NewHub) -> None:
    limit = f"--fsize={LIMIT_BYTES}:unlimited"
    hub = new_hub(tmp_path / "data", wrap=(need("prlimit"), limit)).start()
    evening = FullDiskRun(hub)
    assert hub.process is not None
    process = hub.process.pid
    with hub.client() as api:
        for number in range(100):
            if batch(api, parties(f"many{number}", 100)).status_code == 503:
                break
        evening.made = {guest["id"] for guest in shown(api)["guests"]}
        evening.until_refused(api, "limit")
        evening.hold(api, process)
        subprocess.run([need("prlimit"), f"--pid={process}", "--fsize=unlimited"], check=True)
        evening.until_healed(api, "again")
        evening.hold(api, process)


def test_a_disk_that_takes_no_more_files_takes_changes(disk: Path, new_hub: NewHub) -> None:
    evening = FullDiskRun(new_hub(disk / "data").start())
    with contextlib.suppress(OSError):  # as many as it takes
        for number in range(64):
            (disk / f"file{number}").touch()
    assert evening.hub.process is not None
    with evening.hub.client() as api:
        for number in range(5):
            assert evening.change(api, f"{number}").status_code == 200
        evening.hold(api, evening.hub.process.pid)


def test_a_hub_that_starts_on_a_full_disk_shows_its_floor_and_ends_when_there_is_room(
    new_hub: NewHub, disk: Path
) -> None:
    """Who sees that nothing is saved starts the machine anew; the service does so once more when there is room."""
    hub = new_hub(disk).start()
    with hub.client() as api:
        assert batch(api, parties("before", 2)).status_code == 200
        floor = shown(api)
    hub.kill()
    stuff(disk)
    again = FullDiskRun(new_hub(disk).start())
    with again.hub.client() as api:
        assert shown(api) == floor
        assert api.get("/health").json()["reason"] == "the disk is full"
        assert again.change(api, "after").status_code == 503
    make_room(disk)
    assert again.hub.process is not None
    assert again.hub.process.wait(HEALED_WAIT_S) == 1
    assert "can be written again" in again.hub.said()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_a_hundred_times_heals_each_time(
    new_hub: NewHub, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evening = cycles(new_hub(disk / "data").start(), disk, LONG_CYCLES)
    refused, healed = sorted(evening.refusals_s), sorted(evening.healings_s)
    report(capsys, f"full disks: {LONG_CYCLES} times full: refused in {refused[len(refused) // 2] * 1000:.0f} ms, at"
        f" most {refused[-1] * 1000:.0f}; changes back after {healed[len(healed) // 2]:.2f} s, at most"
        f" {healed[-1]:.2f}; no restart, nothing lost")  # fmt: skip
