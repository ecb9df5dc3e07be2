"""What is asked of the past, over a real log, whole and pruned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec import structs

from restohub import store
from restohub.floor.commands import CloseDay, Create, Delete, GuestFields, TableFields, Update, Visits
from restohub.floor.model import Entity, Floor, Guest, Table
from restohub.live.ports import Version
from restohub.store.codec import DamageError, position_of
from restohub.store.history import History
from tests.floor.floor_harness import START, FloorHarness
from tests.store.database_files import fill, history, sql
from tests.store.test_round_trip import tell_randomly

Asking = Callable[[History], Awaitable[None]]


def ask(folder: Path, asking: Asking) -> None:
    async def run() -> None:
        async with history(folder) as past:
            await asking(past)

    asyncio.run(run())


def written(folder: Path, story: FloorHarness) -> FloorHarness:
    asyncio.run(fill(folder, story))
    return story


def prune(folder: Path, below: int, restaurant_id: int = 1) -> None:
    span = position_of(restaurant_id, 0), position_of(restaurant_id, below) - 1
    sql(folder, "DELETE FROM log WHERE position BETWEEN ? AND ?", *span)


async def image_at(past: History, floor: Floor, present: Guest | Table, revision: int) -> Entity | None:
    version = Version("guest" if isinstance(present, Guest) else "table", present.id, revision)
    return (await past.images(floor, [version])).get(version)


def note(story: FloorHarness, guest_id: str, notes: str) -> None:
    story.now += 60
    story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(notes=notes)))


def add(story: FloorHarness, guest_id: str, phone: str | None = None, email: str | None = None) -> None:
    fields = GuestFields(first_name="Ada", party_size=2, phone=phone, email=email)
    story.tell(Create(kind="guest", id=guest_id, fields=fields))


@pytest.fixture
def noted() -> FloorHarness:
    """g1 is made at 1 and changed at 3 and 5; g2 at 2, changed at 4 and 6."""
    story = FloorHarness()
    add(story, "g1")
    add(story, "g2")
    for notes in ("a", "b"):
        note(story, "g1", notes)
        note(story, "g2", notes)
    return story


def test_an_image_is_found_at_its_version_and_between_two(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        present = noted.floor.guests["g1"]
        images = [await image_at(past, noted.floor, present, version) for version in range(7)]
        assert [image and image.version for image in images] == [None, 1, 1, 3, 3, 5, 5]
        assert [image.notes for image in images if isinstance(image, Guest)] == [None, None, "a", "a", "b", "b"]
        assert await image_at(past, noted.floor, present, 7) is None, "a version of the future"

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_no_image_is_found_from_before_an_entity_was_made(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        assert await image_at(past, noted.floor, noted.floor.guests["g2"], 1) is None
        assert await image_at(past, noted.floor, noted.floor.guests["g2"], 0) is None

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_what_the_pruned_log_no_longer_has_is_not_known(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        present = noted.floor.guests["g1"]
        found = [await image_at(past, noted.floor, present, version) for version in range(1, 7)]
        assert [image and image.version for image in found] == [None, None, 3, 3, 5, 5]

    written(tmp_path, noted)
    prune(tmp_path, 3)
    ask(tmp_path, asking)


def test_the_present_image_needs_no_log_at_all(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        present = noted.floor.guests["g1"]
        assert await image_at(past, noted.floor, present, 5) is present
        assert await image_at(past, noted.floor, present, 6) is present

    written(tmp_path, noted)
    prune(tmp_path, 7)
    ask(tmp_path, asking)


def test_every_image_of_a_long_day_is_found(tmp_path: Path) -> None:
    story = written(tmp_path, tell_randomly(5, 120))

    async def asking(past: History) -> None:
        there: list[Guest | Table] = [*story.floor.guests.values(), *story.floor.tables.values()]
        for present in there:
            kind = "guest" if isinstance(present, Guest) else "table"
            for version in range(0, story.floor.revision + 1, 7):
                found = await image_at(past, story.floor, present, version)
                assert found == story.image_at((kind, present.id), version)

    ask(tmp_path, asking)


def test_a_chain_that_leads_to_a_commit_that_does_not_name_the_entity_is_damage(
    tmp_path: Path, noted: FloorHarness
) -> None:
    async def asking(past: History) -> None:
        with pytest.raises(DamageError, match="says nothing of the guest g1"):
            await image_at(past, noted.floor, noted.floor.guests["g1"], 1)

    written(tmp_path, noted)
    [(other,)] = sql(tmp_path, "SELECT changes FROM log WHERE position = ?", position_of(1, 4))
    sql(tmp_path, "UPDATE log SET changes = ? WHERE position = ?", other, position_of(1, 3))
    ask(tmp_path, asking)


def test_the_revision_before_a_time_is_the_last_one_committed_before_it(tmp_path: Path, noted: FloorHarness) -> None:
    """1 and 2 were committed at START, 3 a minute later, and so on to 6."""

    async def asking(past: History) -> None:
        before = {
            seconds: await past.revision_before(noted.floor, START + seconds)
            for seconds in (-1, 0, 1, 60, 61, 120, 240, 241, 9999)
        }
        assert before == {-1: 0, 0: 0, 1: 2, 60: 2, 61: 3, 120: 3, 240: 5, 241: 6, 9999: 6}

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_the_revision_before_a_time_that_was_pruned_is_not_known(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        assert await past.revision_before(noted.floor, START) is None
        assert await past.revision_before(noted.floor, START + 60) is None, "2 may be of this second too"
        assert await past.revision_before(noted.floor, START + 61) == 3

    written(tmp_path, noted)
    prune(tmp_path, 3)
    ask(tmp_path, asking)


def test_an_empty_log_reaches_back_to_any_time(tmp_path: Path) -> None:
    story = written(tmp_path, FloorHarness())

    async def asking(past: History) -> None:
        assert await past.revision_before(story.floor, START - 10**9) == 0
        assert await past.first_revision(1) is None

    ask(tmp_path, asking)


def test_the_first_revision_is_each_restaurants_own(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        assert await past.first_revision(1) == 4
        assert await past.first_revision(0) == 1
        assert await past.first_revision(2) is None

    written(tmp_path, noted)
    prune(tmp_path, 4)
    ask(tmp_path, asking)


def test_the_past_ends_at_the_floor_that_is_published(tmp_path: Path, noted: FloorHarness) -> None:
    """The file may be a group ahead of what clients were told."""
    published = noted.floor
    noted.tell(Delete(kind="guest", id="g2"))

    async def asking(past: History) -> None:
        assert await past.removals(published, 0, 10) == []
        assert await past.revision_before(published, START + 10**6) == published.revision
        assert [removal.id for removal in await past.removals(noted.floor, 0, 10)] == ["g2"]
        assert await past.removals(noted.floor, noted.floor.revision, 10) == []

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_removals_say_what_is_gone_since_when(tmp_path: Path, noted: FloorHarness) -> None:
    for guest_id in ("g1", "g2"):
        noted.now += 60
        noted.tell(Delete(kind="guest", id=guest_id))

    async def asking(past: History) -> None:
        found = await past.removals(noted.floor, 0, 10)
        assert [(r.kind, r.id, r.revision) for r in found] == [("guest", "g1", 7), ("guest", "g2", 8)]
        assert found[1].time == noted.now
        assert await past.removals(noted.floor, 7, 10) == found[1:]

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_an_id_that_is_gone_was_used_in_its_restaurant_and_kind_alone(tmp_path: Path, noted: FloorHarness) -> None:
    noted.tell(Delete(kind="guest", id="g1"))

    async def asking(past: History) -> None:
        assert await past.was_used(1, "guest", "g1")
        assert not await past.was_used(1, "table", "g1")
        assert not await past.was_used(2, "guest", "g1")
        assert not await past.was_used(1, "guest", "G1")
        assert not await past.was_used(1, "guest", "g2"), "he is here"

    written(tmp_path, noted)
    ask(tmp_path, asking)


def test_visits_of_the_retired_are_found_by_digits_and_folded_email(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = FloorHarness()
    for guest_id, phone, email in (
        ("g1", "+39 06", None),
        ("g2", "3906", "A@B"),
        ("g3", None, "a@b"),
        ("g4", None, None),
        ("g5", "1", "c@d"),
    ):
        add(story, guest_id, phone, email)
        story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(status="finished")))
    story.tell(CloseDay(tuple(story.floor.guests), story.now))
    assert story.floor.guests == {}

    async def asking(past: History) -> None:
        found = await past.visits(story.floor, "39-06", "a@B")
        assert found == Visits(
            story.floor.revision, {"phone:3906": frozenset({"g1", "g2"}), "email:a@b": frozenset({"g2", "g3"})}
        )
        assert (await past.visits(story.floor, None, None)).ids == {}
        assert (await past.visits(story.floor, "no digits", "")).ids == {}
        assert (await past.visits(story.floor, "999", None)).ids == {"phone:999": frozenset()}
        elsewhere = structs.replace(story.floor, restaurant_id=2)
        none = {"phone:3906": frozenset[str](), "email:a@b": frozenset[str]()}
        assert (await past.visits(elsewhere, "39-06", "a@B")).ids == none, "of another restaurant"
        monkeypatch.setattr(store.history, "VISITS_MAX", 1)
        counted = (await past.visits(story.floor, "39-06", "a@B")).ids
        assert {key: len(ids) for key, ids in counted.items()} == {"phone:3906": 1, "email:a@b": 1}, "at most so many"

    written(tmp_path, story)
    ask(tmp_path, asking)


def test_only_finished_visits_that_left_with_the_day_are_kept(tmp_path: Path) -> None:
    story = FloorHarness()
    for guest_id in ("g1", "g2", "g3"):
        add(story, guest_id, "391")
    story.tell(Update(kind="guest", id="g1", fields=GuestFields(status="cancelled")))
    story.tell(Update(kind="guest", id="g2", fields=GuestFields(status="finished")))
    story.tell(Update(kind="guest", id="g3", fields=GuestFields(status="finished")))
    story.tell(Delete(kind="guest", id="g3"))
    story.tell(CloseDay(("g1", "g2"), story.now))

    async def asking(past: History) -> None:
        assert (await past.visits(story.floor, "391", None)).ids == {"phone:391": frozenset({"g2"})}

    written(tmp_path, story)
    ask(tmp_path, asking)


def test_an_answer_is_kept_beside_its_commit_until_the_log_forgets_it(tmp_path: Path, noted: FloorHarness) -> None:
    async def asking(past: History) -> None:
        assert await past.kept_answer(1, 2) is None
        kept = await past.kept_answer(1, 3)
        assert kept is not None
        assert (kept.digest, kept.answer) == (None, None)

    written(tmp_path, noted)
    prune(tmp_path, 3)
    ask(tmp_path, asking)


def test_the_chain_of_a_table_passes_over_the_guests_of_its_commits(tmp_path: Path) -> None:
    story = FloorHarness().furnish()
    first = story.floor.tables["t1"]
    for status in ("seated", "finished", "seated"):
        story.tell(Update(kind="guest", id="g1", fields=GuestFields(status=status, table_id="t1")))
    story.tell(Update(kind="table", id="t1", fields=TableFields(notes="wobbles")))

    async def asking(past: History) -> None:
        present = story.floor.tables["t1"]
        statuses: list[str] = []
        for version in range(first.version, story.floor.revision + 1):
            found = await image_at(past, story.floor, present, version)
            assert isinstance(found, Table)
            statuses.append(found.status)
        assert statuses[-4:] == ["occupied", "available", "occupied", "occupied"]

    written(tmp_path, story)
    ask(tmp_path, asking)
