"""What changed since a revision, of a floor and of a real log, whole and pruned."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from restohub.floor.commands import Delete, GuestFields, Update
from restohub.floor.model import Entity, Floor
from restohub.live import deltas
from restohub.live.deltas import Latest, changes_since, latest
from tests.floor.floor_harness import FloorHarness, fold, held
from tests.store.database_files import fill, history
from tests.store.test_history import noted, prune, written
from tests.store.test_round_trip import tell_randomly

__all__ = ["noted"]


def told(folder: Path, floor: Floor, *since: int) -> list[list[Latest] | None]:
    """The changes since each of these revisions."""

    async def run() -> list[list[Latest] | None]:
        async with history(folder) as past:
            found = [await changes_since(floor, revision, past) for revision in since]
            return [None if changes is None else [latest(one) for one in changes] for changes in found]

    return asyncio.run(run())


def applied(snapshot: dict[tuple[str, str], Entity], changes: list[Latest]) -> dict[tuple[str, str], Entity]:
    after = dict(snapshot)
    for one in changes:
        key = (one.change.kind, one.change.id)
        if one.change.entity is None:
            after.pop(key, None)
        else:
            after[key] = one.change.entity
    return after


@pytest.mark.parametrize("seed", range(4))
def test_the_delta_from_any_revision_on_leads_to_the_floor(tmp_path: Path, seed: int) -> None:
    story = tell_randomly(seed, 120)
    asyncio.run(fill(tmp_path, story))
    revisions = range(story.floor.revision + 1)
    for since, changes in zip(revisions, told(tmp_path, story.floor, *revisions), strict=True):
        assert changes is not None
        assert applied(fold({}, story.log[:since]), changes) == held(story.floor)
        order = [(one.revision, one.change.kind) for one in changes]
        assert order == sorted(order)
        assert len({(one.change.kind, one.change.id) for one in changes}) == len(changes)
        assert all(since < one.revision <= story.floor.revision for one in changes)
        for one in changes:
            entry = story.log[one.revision - 1]
            assert one.time == entry.time
            [change] = [c for c in entry.changes if (c.kind, c.id) == (one.change.kind, one.change.id)]
            assert (one.change.action, one.change.entity) == (change.action, change.entity)


def test_removals_that_the_floor_has_forgotten_are_told_from_the_log(tmp_path: Path) -> None:
    story = tell_randomly(1, 120)
    asyncio.run(fill(tmp_path, story))
    forgetful = structs.replace(story.floor, removals={}, removals_since=story.floor.revision)
    revisions = range(story.floor.revision + 1)
    assert told(tmp_path, forgetful, *revisions) == told(tmp_path, story.floor, *revisions)


def test_a_delta_reaches_as_far_back_as_the_log(tmp_path: Path, noted: FloorHarness) -> None:
    written(tmp_path, noted)
    prune(tmp_path, 4)
    assert [changes and len(changes) for changes in told(tmp_path, noted.floor, 0, 2, 3, 5, 6, 7)] == [
        None,
        None,
        2,
        1,
        [],
        None,
    ]


def test_a_removal_is_told_to_those_who_were_there_before_it_alone(tmp_path: Path, noted: FloorHarness) -> None:
    noted.tell(Delete(kind="guest", id="g1"))
    noted.tell(Update(kind="guest", id="g2", fields=GuestFields(notes="c")))
    written(tmp_path, noted)
    since_6, since_7, since_8 = told(tmp_path, noted.floor, 6, 7, 8)
    assert since_6 is not None
    assert since_7 is not None
    assert [(one.revision, one.change.action, one.change.id) for one in since_6] == [
        (7, "delete", "g1"),
        (8, "update", "g2"),
    ]
    assert [one.change.id for one in since_7] == ["g2"]
    assert since_8 == []


def test_a_floor_that_has_no_log_yet_has_no_way_from_anywhere_but_here(tmp_path: Path) -> None:
    story = written(tmp_path, FloorHarness())
    assert told(tmp_path, story.floor, 0, 1) == [[], None]


def test_where_more_left_than_a_delta_tells_there_is_no_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = FloorHarness().furnish()
    before = story.floor.revision
    for guest_id in ("g1", "g2", "g3"):
        story.tell(Delete(kind="guest", id=guest_id))
    asyncio.run(fill(tmp_path, story))
    forgetful = structs.replace(story.floor, removals={}, removals_since=story.floor.revision)
    for floor in (story.floor, forgetful):
        monkeypatch.setattr(deltas, "DELTA_REMOVALS_MAX", 3)
        assert told(tmp_path, floor, before) != [None]
        monkeypatch.setattr(deltas, "DELTA_REMOVALS_MAX", 2)
        assert told(tmp_path, floor, before, before + 1)[0] is None
        assert told(tmp_path, floor, before + 1) != [None]
