"""A log in which times begin anew: read at a start, searched by time, verified, and kept for its keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from restohub.floor.model import DIRECTORY_ID, Change, Entry, Floor, Guest
from restohub.live.ports import DAY_S, ClockReset, Record
from restohub.store.codec import DamageError, log_checksum
from restohub.store.connection import open_reader
from restohub.store.history import History
from restohub.store.verification import verify_folder
from tests.floor.floor_harness import START
from tests.live.writer_harness import keys
from tests.store.database_files import RESTAURANT, ledger, loaded, open_restaurant, sql

AHEAD = START + 400 * DAY_S
# The restaurant is made at START. Three commits on the days after it, two ahead, the beginning, two after it.
TIMES = [START + DAY_S, START + 2 * DAY_S, START + 3 * DAY_S, AHEAD, AHEAD + 60]
RESET = START + 3 * DAY_S + 3600
LATER = [RESET + 60, RESET + DAY_S]


def record(revision: int, time: int, was: int) -> Record:
    """A commit of one guest, with a key."""
    image = Guest(id="g", first_name="Ada", party_size=2, last_updated=time, version=revision, created_revision=1)
    change = Change("guest", "g", "update" if was else "create", image, was)
    return Record(Entry(1, revision, time, "tx", False, (change,)), f"key:{revision}", b"d", b"a")


def reset(at: int, revision: int) -> Entry:
    return Entry(at, revision, RESET, "tx", False, ())


async def fill(folder: Path) -> None:
    async with ledger(folder) as writing:
        await writing.append([record(n, time, n - 1) for n, time in enumerate(TIMES, 1)])
        await writing.begin_epoch("second", resets=[reset(DIRECTORY_ID, 2), reset(1, 6)])
        await writing.append([record(7, LATER[0], 5), record(8, LATER[1], 7)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    asyncio.run(fill(tmp_path))
    return tmp_path


def test_a_start_goes_on_in_the_new_epoch_with_its_times_and_every_key(folder: Path) -> None:
    found = asyncio.run(loaded(folder))
    assert (found.epoch, found.claimed_at) == ("second", None)
    assert found.resets == {DIRECTORY_ID: ClockReset(2, RESET), 1: ClockReset(6, RESET)}
    assert (found.directory.revision, found.directory.time) == (2, RESET)
    assert (found.floors[1].revision, found.floors[1].time) == (8, LATER[1])
    assert found.keys == keys(*((1, f"key:{n}", n) for n in (1, 2, 3, 4, 5, 7, 8)))
    assert verify_folder(folder, lambda *_: None).faults == []


def test_a_start_right_after_the_beginning_is_at_its_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(n, time, n - 1) for n, time in enumerate(TIMES, 1)])
            await writing.begin_epoch("second", claimed_at=START, resets=[reset(DIRECTORY_ID, 2), reset(1, 6)])
        found = await loaded(tmp_path)
        assert (found.floors[1].revision, found.floors[1].time, found.claimed_at) == (6, RESET, START)

    asyncio.run(run())


def test_a_time_that_runs_back_anywhere_else_is_damage(folder: Path) -> None:
    [row] = sql(folder, "SELECT position, key, digest, changes, answer FROM log WHERE position = (1 << 40) + 8")
    checksum = log_checksum(row[0], START, *row[1:])
    sql(folder, "UPDATE log SET time = ?, checksum = ? WHERE position = ?", START, checksum, row[0])
    with pytest.raises(DamageError, match="committed before the one that it follows"):
        asyncio.run(loaded(folder))
    assert [fault.revision for fault in verify_folder(folder, lambda *_: None).faults] == [8]


def test_the_log_is_searched_by_time_within_the_epoch_alone(folder: Path) -> None:
    async def run() -> None:
        found = await loaded(folder)
        reading = await open_reader(folder)
        try:
            history = History(reading, found.resets)
            floor = found.floors[1]
            before = {time: await history.revision_before(floor, time) for time in (*TIMES, RESET - 1)}
            assert {time for time, revision in before.items() if revision is None} == {*TIMES[:3], RESET - 1}
            assert before[AHEAD] == 8
            times = (RESET, RESET + 1, LATER[0], LATER[0] + 1, LATER[1], LATER[1] + 1)
            assert [await history.revision_before(floor, time) for time in times] == [5, 6, 6, 7, 7, 8]
            assert await history.revision_days_back(floor, 1) == 0, "what was before stays until the new times are old"
        finally:
            await reading.close()

    asyncio.run(run())


def test_a_log_that_was_pruned_past_the_beginning_is_searched_as_any_other(folder: Path) -> None:
    async def run() -> None:
        async with ledger(folder) as writing:
            await writing.prune(1, 1, 6)
        found = await loaded(folder)
        reading = await open_reader(folder)
        try:
            history = History(reading, found.resets)
            times = (RESET, LATER[0], LATER[0] + 1, LATER[1] + 1)
            before = [await history.revision_before(found.floors[1], time) for time in times]
            assert before == [None, None, 7, 8]
        finally:
            await reading.close()

    asyncio.run(run())


def test_the_commits_around_a_time_are_those_of_all_logs(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            second = structs.replace(RESTAURANT, id="2", version=2, created_revision=2)
            await writing.append([open_restaurant(second)])
            await writing.append([record(n, time, n - 1) for n, time in enumerate(TIMES, 1)])
        found = await loaded(tmp_path)
        floors = [Floor(restaurant_id=DIRECTORY_ID, revision=2, time=START), *found.floors.values()]
        reading = await open_reader(tmp_path)
        try:
            history = History(reading)
            now = TIMES[2] + 3600
            assert await history.commits_around(floors, now) == (TIMES[2], AHEAD)
            assert await history.commits_around(floors, TIMES[1]) == (TIMES[1], TIMES[2])
            assert await history.commits_around(floors, START - 1) is None, "nothing was before"
            assert await history.commits_around(floors, AHEAD + 61) is None, "nothing is after"
            async with ledger(tmp_path) as writing:
                await writing.prune(1, 1, 3)
            assert await history.commits_around(floors, now) is None, "what was pruned may have been then"
        finally:
            await reading.close()

    asyncio.run(run())
