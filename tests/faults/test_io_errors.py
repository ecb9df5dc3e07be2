"""The disk that fails: the hub stops, says what it knows, and the next start has all that it answered."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.faults.disk_fault_checks import batch, parties, rows
from tests.faults.failing_disk import FOR_EVER, FailingDisk
from tests.faults.read_back import WrittenLog, read_back
from tests.random_seed import chosen_seed, report

# A hub stops in 0.2 s; a slow machine, or one that has other work, may take longer, but no hub may go on.
EXIT_WAIT_S = 15.0
# The third brings the WAL into the database file right after it: with that the truncation comes.
SIZES = (1, 2, 499, 1, 2)
UNKNOWN = {"outcome_unknown", "dropped"}
NOTHING_DONE = {"storage_unavailable", "shutting_down", "refused"}
LONG_POINTS = 120


def names(number: int) -> set[str]:
    """The ids of the guests that change `number` makes."""
    return {f"g-{number}-{guest}" for guest in range(SIZES[number])}


def told_of(api: httpx.Client, body: dict[str, Any]) -> str:
    """How a change fared: `made`, or what is known of it."""
    try:
        answer = batch(api, body)
    except httpx.ConnectError:
        return "refused"
    except httpx.TransportError:
        return "dropped"
    return "made" if answer.status_code == 200 else str(answer.json()["error_code"])


class Failure:
    """A hub that is asked for changes until its disk fails: what became of each, and how long the end took."""

    def __init__(self, folder: Path, call: str, number: int, times: int) -> None:
        self.disk = FailingDisk(folder)
        self.hub = Hub(folder / "data", env=self.disk.env).start()
        self.fates: list[str] = []
        self.disk.fail(call, number, errno.EIO, times)
        with self.hub.client() as api:
            for index, wanted in enumerate(SIZES):
                self.fates.append(told_of(api, parties(str(index), wanted)))
                if self.fates[-1] != "made":
                    break
        asked_until = time.monotonic()
        self.failed = self.disk.failed() > 0
        self.status = self.hub.ended(EXIT_WAIT_S) if self.failed else self.hub.stop()
        self.exit_s = time.monotonic() - asked_until
        self.disk.heal()

    def hold(self) -> None:
        """It ended and said why; the next start has what was answered, and each change whole or not at all."""
        assert (self.status > 0) == self.failed, self.hub.said()
        assert self.failed == ("Check the disk" in self.hub.said())
        assert "Traceback" not in self.hub.said()
        asyncio.run(read_back(self.hub.data, WrittenLog.of(self.hub.data)))
        there = {row[2] for row in rows(self.hub.data)["entity"] if row[1] == "guest"}
        for number, fate in enumerate(self.fates):
            assert fate in {"made"} | UNKNOWN | NOTHING_DONE, fate
            held = names(number) & there
            assert held in ([names(number)] if fate == "made" else [set()] if fate in NOTHING_DONE else
                            [names(number), set()]), f"of change {number}, {fate}, {len(held)} are there"  # fmt: skip


@pytest.mark.parametrize(
    ("call", "number", "times"),
    [("fdatasync", 1, 1), ("fdatasync", 5, FOR_EVER), ("pwrite64", 20, 1), ("ftruncate", 1, 1)],
    ids=["a commit's sync", "a checkpoint's sync", "a write", "a truncation"],
)
def test_a_disk_that_fails_stops_the_hub_and_nothing_answered_is_lost(
    tmp_path: Path, call: str, number: int, times: int
) -> None:
    failure = Failure(tmp_path, call, number, times)
    assert failure.failed
    failure.hold()


def test_a_hub_whose_disk_failed_starts_again_and_goes_on(tmp_path: Path) -> None:
    failure = Failure(tmp_path, "fdatasync", 2, 1)
    assert failure.fates == ["made", "outcome_unknown"]
    hub = Hub(failure.hub.data).start()
    try:
        with hub.client() as api:
            # Asked again with its key: made now, or the first answer.
            assert batch(api, parties("1", SIZES[1])).status_code == 200
            shown = {guest["id"] for guest in api.get("/api/sync/full").json()["guests"]}
        assert shown == names(0) | names(1)
    finally:
        hub.kill()


def test_a_disk_that_fails_while_a_hub_starts_is_called_that_and_not_damage(tmp_path: Path) -> None:
    disk = FailingDisk(tmp_path)
    hub = Hub(tmp_path / "data", env=disk.env).start()
    with hub.client() as api:
        for index, wanted in enumerate(SIZES):
            assert told_of(api, parties(str(index), wanted)) == "made"
    assert hub.stop() == 0
    before = disk.seen("read")
    assert hub.start().stop() == 0
    reads = disk.seen("read") - before
    for number in (reads // 4, reads // 2, 3 * reads // 4):
        disk.fail("read", number, errno.EIO, FOR_EVER)
        with pytest.raises(AssertionError, match=r"the hub ended with 1: (.*\n)*The disk of .+ failed: "):
            hub.start()
        assert disk.failed() > 0
        disk.heal()
    assert "damaged" not in hub.said()
    asyncio.run(read_back(hub.data, WrittenLog.of(hub.data)))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_disk_that_fails_at_any_call_loses_nothing_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = chosen_seed()
    random, exits, tried = Random(seed), [0.0], []
    for call in ("fdatasync", "ftruncate", "pwrite64"):
        (tmp_path / call).mkdir()
        sound = Failure(tmp_path / call, call, FOR_EVER, 1)
        count = sound.disk.seen(call)
        points = sorted(random.sample(range(1, count + 1), min(count, LONG_POINTS)))
        for point in points:
            (tmp_path / f"{call}{point}").mkdir()
            failure = Failure(tmp_path / f"{call}{point}", call, point, random.choice((1, FOR_EVER)))
            failure.hold()
            exits += [failure.exit_s] * failure.failed
        tried.append(f"{call}: {len(points)} of {count}")
    slowest, middle = max(exits), sorted(exits)[len(exits) // 2]
    report(capsys, f"I/O errors: EIO at {', '.join(tried)}, seed {seed}: {len(exits) - 1} stops in {middle:.2f} s, at"
        f" most {slowest:.2f} s; nothing answered was lost")  # fmt: skip
