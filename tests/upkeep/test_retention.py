"""What the log's old end may lose and what it must keep, over a real writer and a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from restohub.floor.commands import Delete
from restohub.floor.model import DIRECTORY_ID, Change, Entry, Guest
from restohub.live import key_index as remembering
from restohub.live.clock import Clock
from restohub.live.deltas import changes_since, latest
from restohub.live.ports import DAY_S, KEYS_DAYS, Record, Revision
from restohub.live.writer import Writer
from restohub.store import load as loading
from restohub.store.append import Ledger
from restohub.store.connection import open_reader, open_writer
from restohub.store.data_folder import DATABASE
from restohub.store.history import History
from restohub.store.load import load
from restohub.upkeep import retention as rules
from restohub.upkeep.retention import Retention
from tests.floor.floor_harness import START, FloorHarness
from tests.live.test_writer import at_once
from tests.live.writer_harness import Desk, StillClock, desk, guest, keys, note, outcome
from tests.store.database_files import RESTAURANT, fill, ledger, loaded, open_restaurant, sql

NOON = START - START % DAY_S + DAY_S // 2


class Deaf:
    """Who hears of commits and does nothing."""

    def publish(self, entries: Sequence[Entry]) -> None:
        """Nothing."""


class RetentionHarness:
    """A writer and its retention over a store, as a start builds them."""

    def __init__(self, writer: Writer, history: History, *, days: int, revisions: int) -> None:
        self.writer = writer
        self.history = history
        self.retention = Retention(writer, history, StillClock(), days=days, revisions=revisions)


@asynccontextmanager
async def house(folder: Path, *, days: int = 7, revisions: int = 100_000) -> AsyncIterator[RetentionHarness]:
    """A hub's inner parts over what is in `folder`, the writer at work."""
    writing, reading = await open_writer(folder), await open_reader(folder)
    found = await load(writing)
    writer = Writer(
        found.directory,
        found.floors,
        found.keys,
        ledger=Ledger(writing, folder / DATABASE),
        publisher=Deaf(),
        clock=Clock(found.floors[1].time),
    )
    running = asyncio.create_task(writer.run())
    try:
        yield RetentionHarness(writer, History(reading), days=days, revisions=revisions)
    finally:
        writer.stop()
        await running
        await reading.close()
        await writing.close()


def look(folder: Path, *, days: int = 7, revisions: int = 100_000) -> range:
    """Let retention look once; the revisions of restaurant 1 that the log then has."""

    async def run() -> None:
        async with house(folder, days=days, revisions=revisions) as one:
            await one.retention.prune_once()

    asyncio.run(run())
    return kept(folder)


def kept(folder: Path, restaurant_id: int = 1) -> range:
    """The revisions that the log has, which have no gap."""
    low = restaurant_id << 40
    revisions = [p - low for (p,) in sql(folder, "SELECT position FROM log ORDER BY 1") if p >> 40 == restaurant_id]
    assert revisions == list(range(revisions[0], revisions[-1] + 1)) if revisions else True
    return range(revisions[0], revisions[-1] + 1) if revisions else range(0)


def commits(
    folder: Path,
    times: Sequence[int],
    keyed: Callable[[int], bool] = lambda _: False,
    restaurant_id: int = 1,
    by: Callable[[int], str | None] = lambda _: None,
) -> None:
    """Commits of a restaurant at these times, each a change of one guest; some with a key, some by a device."""
    records: list[Record] = []
    for revision, time in enumerate(times, 1):
        image = Guest(
            id="g",
            first_name="Ada",
            party_size=2,
            notes=str(revision),
            created_at=times[0],
            last_updated=time,
            version=revision,
            created_revision=1,
        )
        change = Change("guest", "g", "create" if revision == 1 else "update", image, revision - 1)
        key = f"key:{revision}" if keyed(revision) else None
        entry = Entry(restaurant_id, revision, time, "tx", False, (change,))
        records.append(Record(entry, key, device=by(revision)))

    async def run() -> None:
        async with ledger(folder) as writing:
            await writing.append(records)

    asyncio.run(run())


def days(many: int, each: int = 1) -> list[int]:
    """Times of `each` commits at noon of so many days in a row."""
    return [NOON + day * DAY_S + second for day in range(many) for second in range(each)]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP_COMMITS", 10)


def test_what_is_within_both_horizons_stays(tmp_path: Path) -> None:
    commits(tmp_path, days(8, each=5))
    assert look(tmp_path) == range(1, 41)


def test_commits_go_when_seven_whole_days_lie_after_them(tmp_path: Path) -> None:
    commits(tmp_path, days(10, each=5))
    assert look(tmp_path) == range(11, 51), "the eighth day back is whole, the two before it are gone"


def test_the_days_can_be_set(tmp_path: Path) -> None:
    commits(tmp_path, days(10, each=5))
    assert look(tmp_path, days=1) == range(41, 51)


def test_commits_go_that_are_too_many_whatever_their_age(tmp_path: Path) -> None:
    commits(tmp_path, [NOON] * 95)
    assert look(tmp_path, revisions=30) == range(61, 96), "whole steps of ten only: a sync for each would wear the card"


def test_the_newest_commit_stays_however_old_it_is(tmp_path: Path) -> None:
    commits(tmp_path, days(30))
    assert look(tmp_path, days=1, revisions=1) == range(29, 31)
    assert asyncio.run(loaded(tmp_path)).floors[1].revision == 30


def test_a_clock_that_jumps_by_a_year_ages_the_log_by_a_day(tmp_path: Path) -> None:
    commits(tmp_path, [*days(7, each=5), NOON + 400 * DAY_S])
    assert look(tmp_path) == range(1, 37)


def test_a_commit_whose_key_is_promised_stays_with_all_after_it(tmp_path: Path) -> None:
    commits(tmp_path, [NOON] * 95, keyed=lambda revision: revision == 42)
    assert look(tmp_path, revisions=10) == range(42, 96)


def test_no_key_of_72_hours_goes_and_one_jump_of_the_clock_does_not_shorten_them(tmp_path: Path) -> None:
    jump = [NOON - DAY_S - 60, *(NOON + 400 * DAY_S + hour * 3600 for hour in range(0, 73, 6))]
    commits(tmp_path, jump, keyed=lambda _: True)
    assert look(tmp_path, days=1, revisions=1) == range(1, 15)
    assert asyncio.run(loaded(tmp_path)).keys == keys(*((1, f"key:{n}", n) for n in range(1, 15))), (
        "a start knows them too"
    )


def test_keys_end_with_their_commits_in_memory_too(tmp_path: Path) -> None:
    commits(tmp_path, days(20), keyed=lambda _: True)

    async def run() -> None:
        async with house(tmp_path, days=1) as one:
            remembered = one.writer.keys
            assert remembered == keys(*((1, f"key:{n}", n) for n in range(20 - KEYS_DAYS, 21)))
            remembered.add(1, "key:1", 1)
            remembered.add(1, "key:2", 20)  # used anew since
            await one.retention.prune_once()
            assert remembered.revision(1, "key:1") is None
            assert remembered.revision(1, "key:2") == 20

    asyncio.run(run())
    assert kept(tmp_path) == range(20 - KEYS_DAYS, 21)


def test_a_commit_whose_key_is_forgotten_for_newer_ones_goes_by_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "KEYS_MAX", 20)
    monkeypatch.setattr(remembering, "GENERATION_KEYS", 1)
    monkeypatch.setattr(loading, "KEYS_MAX", 20)
    commits(tmp_path, [NOON] * 95, keyed=lambda _: True)
    assert look(tmp_path, revisions=10) == range(76, 96)

    async def run() -> None:
        async with house(tmp_path, revisions=10) as one:
            await one.retention.prune_once()
            for revision in range(
                96, 106
            ):  # newer ones come: all but the newest 20, and the generation that began last, are forgotten
                one.writer.keys.add(1, f"key:{revision}", revision)
            one.writer.floors[1] = structs.replace(one.writer.floors[1], revision=105)
            await one.retention.prune_once()

    asyncio.run(run())
    assert kept(tmp_path) == range(85, 96), "and a running hub finds out too"


def test_a_big_commit_is_a_step_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP_BYTES", 1)
    commits(tmp_path, [NOON] * 95)
    assert look(tmp_path, revisions=30) == range(57, 96), "until less than a whole step is due"


def test_a_delta_from_the_horizon_is_whole_and_one_from_below_is_refused(tmp_path: Path) -> None:
    commits(tmp_path, [NOON] * 95)

    async def run() -> None:
        async with house(tmp_path, revisions=30) as one:
            await one.retention.prune_once()
            floor = one.writer.floors[1]
            changes = await changes_since(floor, 60, one.history)
            assert changes is not None
            assert [latest(changed).revision for changed in changes] == [95]
            assert await changes_since(floor, 59, one.history) is None
            assert await one.history.revision_before(floor, NOON) is None

    asyncio.run(run())


def test_ids_and_visits_outlive_the_log(tmp_path: Path) -> None:
    story = FloorHarness().furnish()
    story.tell(Delete(kind="guest", id="g1"))
    for _ in range(30):
        story.tell(note("g2", str(story.floor.revision)))
    asyncio.run(fill(tmp_path, story))

    async def run() -> None:
        async with house(tmp_path, revisions=5) as one:
            await one.retention.prune_once()
            assert await one.history.first_revision(1) == 31
            assert await one.history.was_used(1, "guest", "g1")

    asyncio.run(run())
    assert asyncio.run(loaded(tmp_path)).floors[1] == story.floor


def test_each_restaurant_has_a_horizon_of_its_own(tmp_path: Path) -> None:
    commits(tmp_path, days(20))

    async def open_another() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([open_restaurant(structs.replace(RESTAURANT, id="2", version=2, created_revision=2))])

    asyncio.run(open_another())
    commits(tmp_path, days(3), restaurant_id=2)
    assert look(tmp_path) == range(13, 21)
    assert kept(tmp_path, 2) == range(1, 4)
    assert kept(tmp_path, DIRECTORY_ID) == range(1, 3)


def test_nothing_is_left_of_a_deleted_restaurant(tmp_path: Path) -> None:
    story = FloorHarness().furnish()
    for guest_id in tuple(story.floor.guests):
        story.tell(Delete(kind="guest", id=guest_id))
    asyncio.run(fill(tmp_path, story))
    for table in ("log", "removal"):  # as they are, but of a restaurant 2 that was deleted
        if table == "log":
            sql(tmp_path, "UPDATE log SET position = position + (1 << 40) WHERE position > 1 << 40")
        else:
            sql(tmp_path, "UPDATE removal SET restaurant_id = 2")
    sql(tmp_path, "DELETE FROM entity WHERE restaurant_id = 1")

    async def run() -> None:
        async with house(tmp_path) as one:
            one.writer.directory = type(one.writer.directory)(
                revision=1, time=START, restaurants=one.writer.directory.restaurants, last_id=2
            )
            await one.retention.prune_once()

    asyncio.run(run())
    assert kept(tmp_path, 2) == range(0)
    assert sql(tmp_path, "SELECT * FROM removal WHERE restaurant_id = 2") == []
    assert kept(tmp_path, DIRECTORY_ID) == range(1, 2)


def test_a_day_is_looked_at_again_only_when_24_hours_have_passed() -> None:
    """By the clock that no one sets."""
    looks: list[int] = []

    class Asked(History):
        """A history that notes how often it is asked for a day."""

        def __init__(self) -> None:
            pass

        async def first_revision(self, restaurant_id: int) -> Revision | None:  # noqa: ARG002 (there is but one)
            """The first."""
            return Revision(1)

        async def bytes_in_use(self) -> int:
            """None."""
            return 0

        async def revision_days_back(self, floor: object, days: int) -> Revision:  # noqa: ARG002 (nothing is old)
            """None is as old."""
            looks.append(days)
            return Revision(0)

    async def run(one: Desk) -> None:
        retention = Retention(one.writer, Asked(), one.clock, days=7, revisions=100)
        ran = asyncio.create_task(retention.run())
        await seen(lambda: len(looks) == 4)
        one.clock.wall += 400 * DAY_S
        one.clock.ticks += DAY_S - 1
        await asyncio.wait_for(one.submit(guest("g1")), 10)
        await asyncio.sleep(rules.LOOK_EVERY_S * 3)
        assert len(looks) == 4
        one.clock.ticks += 1
        await seen(lambda: len(looks) == 8)
        ran.cancel()

    async def play() -> None:
        async with desk() as one:
            await run(one)

    rules.LOOK_EVERY_S, before = 0.01, rules.LOOK_EVERY_S
    try:
        asyncio.run(play())
    finally:
        rules.LOOK_EVERY_S = before


async def seen(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


@at_once
async def test_a_prune_waits_for_the_group_and_the_group_for_it() -> None:
    async with desk() as one:
        await outcome(one.submit(guest("g1"), keys=["k"]))
        one.disk.hold()
        second = one.submit(note("g1", "a"))
        await one.disk.asked.wait()
        pruning = asyncio.create_task(one.writer.prune(1, 1, 1))
        await asyncio.sleep(0)
        assert [entry.revision for entry in one.disk.entries] == [1]
        one.disk.free.set()
        await asyncio.gather(second, pruning)
        assert [entry.revision for entry in one.disk.entries] == [2]
        assert one.writer.keys == keys()
