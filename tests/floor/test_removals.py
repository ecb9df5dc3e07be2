"""What a floor remembers of those who left it."""

from __future__ import annotations

from restohub.floor.apply import apply
from restohub.floor.commands import CloseDay, Create, Delete, GuestFields, TableFields, Update, Visits
from restohub.floor.model import Change, Entry, Floor, Guest, Stamp
from restohub.floor.outcomes import Accepted, Refused
from restohub.limits import REMOVALS_MAX
from tests.floor.floor_harness import FloorHarness


def leave(floor: Floor, ids: list[str]) -> Floor:
    """The floor after a commit in which these guests are deleted."""
    changes = tuple(Change("guest", guest_id, "delete", None) for guest_id in ids)
    return apply(floor, Entry(1, floor.revision + 1, floor.time, "tx", True, changes), 0)


def guest(story: FloorHarness, guest_id: str, phone: str | None = None, visits: Visits | None = None) -> Guest:
    fields = GuestFields(first_name="Ada", party_size=2, phone=phone)
    story.tell(Create(kind="guest", id=guest_id, fields=fields, visits=visits or Visits()))
    return story.floor.guests[guest_id]


def finish(story: FloorHarness, guest_id: str) -> None:
    story.tell(Update(kind="guest", id=guest_id, fields=GuestFields(status="finished")))


def test_the_oldest_removals_are_forgotten_first() -> None:
    floor = Floor(restaurant_id=1)
    for first in range(0, REMOVALS_MAX + 1000, 500):
        floor = leave(floor, [f"g{first + n}" for n in range(500)])
    assert len(floor.removals) == REMOVALS_MAX
    assert next(iter(floor.removals)) == ("guest", "g1000")
    assert ("guest", f"g{REMOVALS_MAX + 999}") in floor.removals


def test_every_removal_after_removals_since_is_remembered() -> None:
    floor = Floor(restaurant_id=1)
    gone: list[tuple[int, str]] = []
    for n in range(60):
        ids = [f"g{n}-{m}" for m in range(200)]
        floor = leave(floor, ids)
        gone += [(floor.revision, guest_id) for guest_id in ids]
    assert floor.removals_since > 0
    assert {i for revision, i in gone if revision > floor.removals_since} <= {i for _, i in floor.removals}


def test_a_small_floor_remembers_all_its_removals() -> None:
    assert leave(Floor(restaurant_id=1), ["g1"]).removals_since == 0


def test_the_id_of_a_removed_table_is_not_given_again_but_its_number_is() -> None:
    story = FloorHarness()
    fields = TableFields(table_number="1", capacity=2)
    story.tell(Create(kind="table", id="t1", fields=fields))
    story.tell(Delete(kind="table", id="t1"))
    again = story.tell(Create(kind="table", id="t1", fields=fields))
    assert isinstance(again, Refused)
    assert again.code == "already_exists"
    assert isinstance(story.tell(Create(kind="table", id="t2", fields=fields)), Accepted)


def test_a_guest_and_a_table_may_have_the_same_id() -> None:
    story = FloorHarness()
    guest(story, "1")
    assert isinstance(
        story.tell(Create(kind="table", id="1", fields=TableFields(table_number="1", capacity=2))), Accepted
    )
    story.tell(Delete(kind="guest", id="1"))
    assert "1" in story.floor.tables


def test_a_retired_visit_counts_though_history_was_asked_before_he_left() -> None:
    story = FloorHarness()
    asked = Visits(revision=story.floor.revision, ids={})
    guest(story, "g1", phone="39 1")
    finish(story, "g1")
    story.tell(CloseDay(("g1",), story.now))
    assert story.floor.guests == {}
    assert guest(story, "g2", phone="391", visits=asked).total_visits == 1


def test_who_was_done_before_the_clock_was_set_right_leaves_whatever_his_time_says() -> None:
    story = FloorHarness()
    for guest_id in ("g1", "g2", "g3"):
        guest(story, guest_id)
    finish(story, "g1")
    ahead = story.floor.revision
    finish(story, "g2")
    before = story.floor.guests["g1"].last_updated - 1
    story.tell(CloseDay(("g1", "g2", "g3"), before))
    assert sorted(story.floor.guests) == ["g1", "g2", "g3"], "all were changed since"
    story.tell(CloseDay(("g1", "g2", "g3"), before, upto=ahead))
    assert sorted(story.floor.guests) == ["g2", "g3"], "g2 was done later, g3 is not done"


def test_a_retired_visit_that_history_knows_too_counts_once() -> None:
    story = FloorHarness()
    guest(story, "g1", phone="391")
    finish(story, "g1")
    story.tell(CloseDay(("g1",), story.now))
    both = Visits(revision=0, ids={"phone:391": frozenset({"g1"})})
    assert guest(story, "g2", phone="391", visits=both).total_visits == 1


def test_of_the_retired_no_more_count_than_history_names() -> None:
    story = FloorHarness()
    for guest_id in ("g1", "g2"):
        guest(story, guest_id, phone="391")
        finish(story, guest_id)
    story.tell(CloseDay(("g1", "g2"), story.now))
    most = Visits(revision=story.floor.revision, ids={"phone:391": frozenset({"g1"})})
    assert guest(story, "g3", phone="391", visits=most).total_visits == 1


def test_a_visit_that_was_deleted_by_hand_does_not_count() -> None:
    story = FloorHarness()
    guest(story, "g1", phone="391")
    finish(story, "g1")
    story.tell(Delete(kind="guest", id="g1"))
    assert guest(story, "g2", phone="391").total_visits == 0


def test_deciding_the_same_twice_is_the_same_verdict() -> None:
    story = FloorHarness().furnish()
    command = Update(kind="guest", id="g1", fields=GuestFields(table_id="t1"))
    assert story.decide(command) == story.decide(command)


def test_a_commit_leaves_what_it_does_not_touch_as_the_very_same_objects() -> None:
    story = FloorHarness().furnish()
    before = story.floor
    story.tell(Update(kind="guest", id="g1", fields=GuestFields(notes="window")))
    assert story.floor.tables is before.tables
    assert story.floor.guests["g2"] is before.guests["g2"]
    assert before.guests["g1"].notes is None


def test_the_stamp_alone_gives_revision_and_time() -> None:
    story = FloorHarness()
    story.now += 77
    made = guest(story, "g1")
    assert Stamp(made.version, made.created_at, "tx1") == Stamp(1, story.now, "tx1")
    assert (made.last_updated, made.created_revision, made.check_in_time) == (story.now, 1, story.now)
