"""The board's floor: the same commits give what Python's `apply` gives, and what stayed is the same object."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from playwright.sync_api import Page

import restohub
from restohub.floor.model import Floor
from restohub.wire.entities import guest_out, table_out
from restohub.wire.responses import change_list
from tests.board.modules import a_browser, a_page, run  # noqa: F401 (fixtures)
from tests.floor.floor_harness import FloorHarness
from tests.floor.strategies import Wish, some_deed

REPLAY = """([commits]) => {
  let floor = { ...m.floor.emptyFloor(1), epoch: "e" };
  for (const { revision, changes } of commits) {
    const before = floor;
    const [guests, tables] = [new Map(floor.guests), new Map(floor.tables)];
    floor = m.floor.applyChanges(floor, changes, revision);
    floor = m.floor.applyChanges(floor, changes, revision);
    const isKept = (was, now) => was.size === now.size && [...was].every(([id, one]) => now.get(id) === one);
    if (!isKept(guests, before.guests) || !isKept(tables, before.tables)) throw new Error("changed in place");
  }
  return { revision: floor.revision, guests: [...floor.guests.values()], tables: [...floor.tables.values()] };
}"""
IDENTITY = """([whole]) => {
  const take = (floor) => m.floor.replaceFloor(floor, structuredClone(whole));
  const first = take(m.floor.emptyFloor(1));
  whole.guests[0].version += 1;
  const second = take(first);
  const third = m.floor.replaceFloor(second, { ...structuredClone(whole), epoch: "another" });
  const kept = (one, other) => [...one.guests.keys()].filter((id) => one.guests.get(id) === other.guests.get(id));
  return [kept(first, second), kept(second, third)];
}"""
GOLDEN = """([messages]) => {
  let floor = m.floor.emptyFloor(1);
  for (const { revision, data, changes } of messages) {
    floor = data ? m.floor.replaceFloor(floor, { epoch: "e", revision, ...data }) : m.floor.applyChanges(floor, changes, revision);
  }
  return Object.fromEntries([...floor.guests, ...floor.tables]);
}"""


def plain(value: Any) -> Any:
    """As it stands on the wire."""
    return json.loads(msgspec.json.encode(value))


def replay(seed: int, deeds: int) -> tuple[list[dict[str, Any]], Floor]:
    """The commits of a story as a socket tells them, and the floor that Python has in the end."""
    pick, story = Random(seed), FloorHarness().furnish()
    for _ in range(deeds):
        story.now += pick.randrange(600)
        deed = some_deed(pick.choice)
        if isinstance(deed, Wish):
            story.wish(deed)
        elif isinstance(deed, tuple):
            story.tell(tuple(story.operation(one) if isinstance(one, Wish) else one for one in deed))
    told = [{"revision": one.revision, "changes": plain(change_list(one.changes))} for one in story.log]
    return told, story.floor


def test_a_replay_of_commits_gives_the_floor_that_python_has(engine: Page) -> None:
    for seed in range(5):
        commits, floor = replay(seed, 300)
        assert len(commits) > 100
        shown = run(engine, REPLAY, commits)
        by_id = {one["id"]: one for one in shown["guests"]}, {one["id"]: one for one in shown["tables"]}
        assert shown["revision"] == floor.revision
        assert by_id[0] == {i: plain(guest_out(one)) for i, one in floor.guests.items()}
        assert by_id[1] == {i: plain(table_out(one)) for i, one in floor.tables.items()}


def test_a_whole_floor_keeps_the_objects_of_what_stayed_within_an_epoch_alone(engine: Page) -> None:
    guests = [{"id": "a", "version": 1}, {"id": "b", "version": 1}]
    whole = {"epoch": "e", "revision": 1, "guests": guests, "tables": []}
    assert run(engine, IDENTITY, whole) == [["b"], []]


def test_the_golden_messages_apply(engine: Page) -> None:
    folder = Path(restohub.__file__).parent / "docs" / "fixtures" / "messages"
    names = ("full_sync", "delta_update", "seating-1-atomic_transaction_complete", "delta_update-compacted")
    messages = [json.loads(folder.joinpath(f"{name}.json").read_text()) for name in names]
    shown = run(engine, GOLDEN, messages)
    for change in messages[-1]["changes"]:
        assert shown.get(change["entity_id"]) == change["data"]
