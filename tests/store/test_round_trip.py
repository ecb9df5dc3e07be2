"""That a start reads what was written: every field of every entity, after whatever was done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from restohub.floor.commands import CloseDay, Create, GuestFields, Update
from restohub.floor.contacts import hashed
from restohub.floor.model import DIRECTORY_ID, Change, Entity, Entry, Guest, Kind, Position, Restaurant, Table
from restohub.floor.visits import Served
from restohub.live.ports import Record
from restohub.store.codec import decode_changes, encode_changes, entity_of, image_of, whole_change
from restohub.store.load import load
from tests.floor.floor_harness import START, FloorHarness
from tests.floor.strategies import Closing, Wish, any_guest, any_table, some_deed
from tests.live.writer_harness import keys
from tests.store.database_files import RESTAURANT, fill, history, ledger, loaded, loaded_floor, open_restaurant

QUICK = settings(derandomize=True, deadline=None, max_examples=100)

FULL_GUEST = Guest(
    id="g1",
    first_name="Ada",
    last_name="van Dyk",
    party_size=7,
    status="finished",
    table_id="t1",
    phone="+39 06",
    email="ada@example.org",
    notes="naïve ☕ \U0001f355",
    special_requests="cake",
    dietary_restrictions=("nuts", ""),
    tags=("vip",),
    is_walk_in=False,
    quoted_wait=0,
    reservation_time=1,
    check_in_time=0,
    seated_time=-1,
    finished_time=253_370_764_799,
    notified_time=7,
    arrived_count=0,
    total_visits=3,
    created_at=5,
    last_updated=6,
    version=1,
    created_revision=1,
    created_from="192.168.1.66",
    served=Served("12", 8, "terrace", "Mia"),
    ended=253_370_764_800,
)
FULL_TABLE = Table(
    id="t1",
    table_number="Bar 1",
    capacity=9,
    min_capacity=2,
    status="outOfService",
    position=Position(0.25, -3),
    shape="booth",
    rotation=12.5,
    section="terrace",
    server="Mia",
    notes="wobbles",
    current_guest_id="g1",
    created_at=5,
    last_updated=6,
    version=1,
    created_revision=1,
    created_from="fd00::66",
)


def tell_randomly(seed: int, deeds_count: int) -> FloorHarness:
    """A floor to which anything happened."""
    random, story = Random(seed), FloorHarness().furnish()
    for _ in range(deeds_count):
        story.now += random.randrange(600)
        match some_deed(random.choice):
            case Wish() as wish:
                story.wish(wish)
            case Closing(names, age_s):
                ids = tuple(sorted({story.named("guest", name) for name in names}))
                story.tell(CloseDay(ids, story.now - age_s))
            case batch:
                story.tell(tuple(story.operation(one) for one in batch if isinstance(one, Wish)))
    return story


@pytest.mark.parametrize("entity", [FULL_GUEST, FULL_TABLE], ids=["guest", "table"])
def test_the_examples_give_every_field_a_value_of_its_own(entity: Guest | Table) -> None:
    for field in msgspec.structs.fields(entity):
        assert getattr(entity, field.name) != field.default, field.name


@QUICK
@example(entity=FULL_GUEST)
@example(entity=FULL_TABLE)
@given(entity=any_guest | any_table)
def test_an_image_keeps_every_field(entity: Guest | Table) -> None:
    kind: Kind = "guest" if isinstance(entity, Guest) else "table"
    assert entity_of(kind, image_of(entity)) == entity


@QUICK
@given(
    entity=st.none() | any_guest | any_table,
    was=st.integers(0, 2**40),
    counted=st.none() | st.tuples(st.text("0123456789"), st.text(st.characters(codec="utf-8"), max_size=5)),
)
def test_a_logged_change_keeps_every_field(entity: Entity | None, was: int, counted: tuple[str, str] | None) -> None:
    kind: Kind = "table" if isinstance(entity, Table) else "guest"
    change = Change(kind, "x", "update" if entity else "delete", entity, was, counted)
    image = image_of(entity) if entity else b"null"
    assert [whole_change(one) for one in decode_changes(encode_changes((change,), [image]))] == [change]


def test_a_start_reads_every_field_of_every_kind(tmp_path: Path) -> None:
    async def run() -> None:
        changes = (Change("guest", "g1", "create", FULL_GUEST), Change("table", "t1", "create", FULL_TABLE))
        second = msgspec.structs.replace(RESTAURANT, id="2", name="Zweite ☕", version=2, created_revision=2)
        async with ledger(tmp_path) as writing:
            await writing.append([open_restaurant(second)])
            await writing.append([Record(Entry(2, 1, START + 5, "tx", True, changes), "key:k", b"digest", b"answer")])
        found = await loaded(tmp_path)
        assert (found.install_id, found.epoch) == ("install", "epoch")
        assert found.directory.restaurants == {1: RESTAURANT, 2: second}
        assert (found.directory.revision, found.directory.last_id) == (2, 2)
        floor = found.floors[2]
        assert (floor.guests, floor.tables) == ({"g1": FULL_GUEST}, {"t1": FULL_TABLE})
        assert (floor.revision, floor.time) == (1, START + 5)
        assert (found.floors[1].revision, found.floors[1].time) == (0, START)
        assert found.keys == keys((2, "key:k", 1))
        async with history(tmp_path) as past:
            kept = await past.kept_answer(2, 1)
            assert kept is not None
            assert (kept.digest, kept.answer) == (b"digest", b"answer")

    asyncio.run(run())


def assert_read_as_told(story: FloorHarness, groups: list[int]) -> None:
    """What a start reads of a story that was written in these groups is the story's floor, in its order."""

    async def run(folder: Path) -> None:
        await fill(folder, story, groups)
        floor = await loaded_floor(folder)
        assert (floor.revision, floor.time) == (story.floor.revision, story.floor.time)
        assert floor.guests == story.floor.guests
        assert floor.tables == story.floor.tables
        assert floor.removals == story.floor.removals
        assert (list(floor.guests), list(floor.tables)) == (list(story.floor.guests), list(story.floor.tables))
        assert [r.revision for r in floor.removals.values()] == sorted(r.revision for r in floor.removals.values())

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@pytest.mark.parametrize("seed", range(12))
def test_the_floor_read_from_the_rows_is_the_fold_of_the_log(seed: int) -> None:
    random = Random(seed)
    assert_read_as_told(tell_randomly(seed, 150), [random.randrange(1, 20) for _ in range(12)])


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_floor_read_from_the_rows_is_the_fold_of_the_log_for_very_many_floors() -> None:
    for seed in range(1000, 3000):
        random = Random(seed)
        assert_read_as_told(tell_randomly(seed, 300), [random.randrange(1, 30) for _ in range(12)])


def test_what_is_made_and_gone_in_one_group_leaves_no_row(tmp_path: Path) -> None:
    async def run() -> None:
        story = FloorHarness()
        story.tell(Create(kind="guest", id="g1", fields=GuestFields(first_name="Ada", party_size=2, phone="1")))
        story.tell(Update(kind="guest", id="g1", fields=GuestFields(status="finished")))
        story.tell(CloseDay(("g1",), story.now))
        await fill(tmp_path, story)
        floor = await loaded_floor(tmp_path)
        assert floor.guests == {}
        assert floor.removals == story.floor.removals
        assert floor.removals["guest", "g1"].counted == hashed(("1", ""), b"")

    asyncio.run(run())


def test_the_id_of_a_deleted_restaurant_is_not_forgotten(tmp_path: Path) -> None:
    async def run() -> None:
        second = msgspec.structs.replace(RESTAURANT, id="2", version=2, created_revision=2)
        gone = Change("restaurant", "2", "delete", None, 2)
        async with ledger(tmp_path) as writing:
            await writing.append([open_restaurant(second)])
            await writing.append([Record(Entry(DIRECTORY_ID, 3, START, "tx", False, (gone,)))])
        found = await loaded(tmp_path)
        assert list(found.directory.restaurants) == [1]
        assert found.directory.last_id == 2

    asyncio.run(run())


def test_keys_that_five_days_lie_after_are_let_go(tmp_path: Path) -> None:
    """72 hours, and two days that a jump of the clock may make of no time at all."""

    async def run() -> None:
        async with ledger(tmp_path) as writing:
            for revision in range(1, 9):
                entity = msgspec.structs.replace(FULL_GUEST, id=f"g{revision}", version=revision, table_id=None)
                change = Change("guest", entity.id, "create", entity)
                entry = Entry(1, revision, START + revision * 24 * 3600, "tx", False, (change,))
                await writing.append([Record(entry, f"key:{revision}", b"", b"")])
        found = await loaded(tmp_path)
        assert found.keys == keys(*((1, f"key:{n}", n) for n in range(3, 9)))

    asyncio.run(run())


def test_a_second_start_reads_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        await fill(tmp_path, tell_randomly(99, 60))
        first = await loaded(tmp_path)
        assert await loaded(tmp_path) == first
        async with ledger(tmp_path) as writing:
            assert await load(writing._connection) == first
        assert isinstance(first.directory.restaurants[1], Restaurant)

    asyncio.run(run())
