"""The way back to older versions: all of a request's at once, each commit read once, and an end to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from restohub.floor.commands import Create, GuestFields, Update
from restohub.floor.model import Entity, Floor, Kind
from restohub.live.ports import Version
from restohub.store.data_folder import DATABASE
from restohub.store.past_versions import STEPS_A_VISIT, VersionSearch
from tests.floor.floor_harness import FloorHarness
from tests.store.database_files import history
from tests.store.test_history import add, note, prune, written
from tests.store.test_round_trip import tell_randomly

MANY = 10_000


def walked(folder: Path, wanted: dict[Version, int], steps_max: int = MANY) -> tuple[VersionSearch, list[int]]:
    """A walk that is over, and how many commits each of its visits read."""
    walk = VersionSearch(1, wanted, steps_max)
    read: list[int] = []
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.set_trace_callback(lambda sql: read.__setitem__(-1, read[-1] + sql.startswith("SELECT changes")))
        while not walk.finished:
            read.append(0)
            walk.advance(connection)
    return walk, read


def images(
    folder: Path, floor: Floor, versions: Iterable[Version], around: frozenset[int] = frozenset()
) -> dict[Version, Entity]:
    async def asked() -> dict[Version, Entity]:
        async with history(folder) as past:
            return await past.images(floor, versions, around)

    return asyncio.run(asked())


def guest(revision: int, guest_id: str = "g1") -> Version:
    return Version("guest", guest_id, revision)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_versions_of_all_that_is_there_are_found_at_once(tmp_path: Path, seed: int) -> None:
    story = written(tmp_path, tell_randomly(seed, 120))
    there: list[tuple[Kind, str]] = [("guest", one) for one in story.floor.guests]
    there += [("table", one) for one in story.floor.tables]
    wanted = [Version(*key, revision) for revision in range(story.floor.revision + 1) for key in there]
    expected = {version: story.image_at((version.kind, version.id), version.revision) for version in wanted}
    found = images(tmp_path, story.floor, wanted)
    assert found == {version: entity for version, entity in expected.items() if entity is not None}


def test_each_commit_is_read_once_for_all(tmp_path: Path) -> None:
    """g1 and g2 change together, 99 times, between changes of g3: of those nothing is read."""
    story = FloorHarness()
    for guest_id in ("g1", "g2", "g3"):
        add(story, guest_id)
    for n in range(99):
        both = tuple(Update(kind="guest", id=one, fields=GuestFields(notes=f"{n}")) for one in ("g1", "g2"))
        story.tell(both)
        note(story, "g3", f"{n}")
    written(tmp_path, story)
    present = {one: story.floor.guests[one].version for one in ("g1", "g2")}
    wanted = {guest(revision, one): present[one] for revision in range(1, 200) for one in present}
    walk, read = walked(tmp_path, wanted)
    assert sum(read) == 99 + 2, "the two commits that made them are their own"
    assert read == [STEPS_A_VISIT, STEPS_A_VISIT, 1]
    assert {version.revision for version in walk.found if version.id == "g2"} == set(range(2, 200))


def test_where_the_steps_end_the_oldest_versions_are_not_known(tmp_path: Path) -> None:
    story = FloorHarness()
    add(story, "g1")
    for n in range(2, 101):
        note(story, "g1", f"{n}")
    written(tmp_path, story)
    walk, read = walked(tmp_path, {guest(revision): 100 for revision in range(1, 100)}, 60)
    assert sum(read) == 60
    assert sorted(version.revision for version in walk.found) == list(range(41, 100))


def test_a_pruned_log_ends_one_chain_and_not_the_others(tmp_path: Path) -> None:
    story = FloorHarness()
    add(story, "g1")
    add(story, "g2")
    note(story, "g1", "a")
    note(story, "g2", "b")
    note(story, "g2", "c")
    written(tmp_path, story)
    prune(tmp_path, 4)
    found = images(tmp_path, story.floor, [guest(1), guest(4, "g2")])
    assert {version: entity.version for version, entity in found.items()} == {guest(4, "g2"): 4}


def test_300_commits_are_read_for_one_version_and_more_for_several(tmp_path: Path) -> None:
    story = FloorHarness()
    add(story, "g1")
    for n in range(2, 702):
        note(story, "g1", f"{n}")
    written(tmp_path, story)
    for back, times, known in ((299, 1, True), (300, 1, False), (599, 2, True), (600, 2, False), (700, 3, True)):
        version = guest(701 - back)
        assert (version in images(tmp_path, story.floor, [version] * times)) is known, (back, times)
    for own, known in ((frozenset({700}), True), (frozenset(), False)):
        assert (guest(401) in images(tmp_path, story.floor, [guest(401)], own)) is known, "one more for each own commit"


def test_a_request_reads_8000_commits_and_a_large_one_counts_for_each_4_kib(tmp_path: Path) -> None:
    """Two notes of 2,000 characters of four bytes: 16,000 bytes a commit and a little more, four steps."""
    story = FloorHarness()
    long = "😀" * 1_990
    story.tell(Create(kind="guest", id="g1", fields=GuestFields(first_name="Ada", party_size=2, notes=long)))
    for n in range(2, 2_102):
        fields = GuestFields(notes=f"{n:05}{long}", special_requests=long)
        story.tell(Update(kind="guest", id="g1", fields=fields))
    written(tmp_path, story)
    last = story.floor.revision
    assert guest(last - 1_999) in images(tmp_path, story.floor, [guest(last - 1_999)] * 500)
    assert guest(last - 2_000) not in images(tmp_path, story.floor, [guest(last - 2_000)] * 500)
