"""The one task that changes anything: groups, order, keys, limits, and who hears what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from restohub.floor.commands import (
    Create,
    CreateRestaurant,
    Delete,
    DeleteRestaurant,
    GuestFields,
    RestaurantFields,
    TableFields,
    UpdateRestaurant,
)
from restohub.floor.model import DIRECTORY_ID
from restohub.floor.outcomes import Refused
from restohub.limits import QUEUE_MAX
from restohub.live import writer as writing
from restohub.live.group_commit import Step
from restohub.live.writer import GROUP_STEPS_MAX
from restohub.store import append as appending
from restohub.store.append import CHECKPOINT_PAGES, IDLE_CHECKPOINT_PAGES
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer
from tests.floor.floor_harness import fold, held
from tests.live.writer_harness import START, desk, guest, keys, note, outcome, outcomes, said, settle

Test = Callable[..., Coroutine[Any, Any, None]]


def at_once(test: Test) -> Callable[..., None]:
    """Run an async test in a loop of its own."""

    @wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))

    return run


@at_once
async def test_a_hundred_requests_at_once_are_one_transaction() -> None:
    async with desk() as one:
        tasks = [one.submit(guest(f"g{n}")) for n in range(100)]
        assert await outcomes(*tasks) == [f"committed {n}" for n in range(1, 101)]
        assert len(one.disk.appends) == 1
        assert [entry.revision for entry in one.disk.entries] == list(range(1, 101))
        assert list(one.floor.guests) == [f"g{n}" for n in range(100)]


@at_once
async def test_what_comes_while_the_disk_works_is_the_next_group() -> None:
    async with desk() as one:
        one.disk.hold()
        first = one.submit(guest("g0"))
        await one.disk.asked.wait()
        rest = [one.submit(guest(f"g{n}")) for n in range(1, 50)]
        await settle()
        one.disk.free.set()
        assert await outcomes(first, *rest) == [f"committed {n}" for n in range(1, 51)]
        assert [len(group) for group in one.disk.appends] == [1, 49]


@at_once
async def test_a_group_is_bounded() -> None:
    async with desk() as one:
        tasks = [one.submit(guest(f"g{n}")) for n in range(1000)]
        await outcomes(*tasks)
        assert max(len(group) for group in one.disk.appends) <= GROUP_STEPS_MAX
        assert [entry.revision for entry in one.disk.entries] == list(range(1, 1001))


@at_once
async def test_nothing_is_shown_or_answered_before_the_disk_has_it() -> None:
    async with desk() as one:
        one.disk.hold()
        task = one.submit(guest("g1"), keys=["k"])
        await one.disk.asked.wait()
        await settle()
        assert (one.published, one.floor.revision, one.writer.keys) == ([], 0, keys())
        assert not task.done()
        one.disk.free.set()
        assert await outcome(task) == "committed 1"
        assert [[entry.revision for entry in entries] for entries in one.published] == [[1]]


@at_once
async def test_at_a_publish_the_floor_and_the_disk_are_where_the_entries_are() -> None:
    async with desk() as one:
        for burst in range(5):
            await outcomes(*(one.submit(guest(f"g{burst}-{n}")) for n in range(burst + 1)))
        assert one.at_publish == [(entries[-1].revision, entries[-1].revision) for entries in one.published]
        assert [entry for entries in one.published for entry in entries] == one.disk.entries


@at_once
async def test_a_group_of_refusals_writes_and_publishes_nothing() -> None:
    async with desk() as one:
        tasks = [one.submit(note(f"g{n}", "x")) for n in range(10)]
        assert await outcomes(*tasks) == ["guest_not_found"] * 10
        assert (one.disk.appends, one.published, one.floor.revision) == ([], [], 0)


@at_once
async def test_each_member_of_a_group_sees_those_before_it() -> None:
    async with desk() as one:
        tasks = [
            one.submit(guest("g1")),
            one.submit(note("g1", "a")),
            one.submit(note("g1", "a")),
            one.submit(guest("g1")),
            one.submit(Delete(kind="guest", id="g1")),
            one.submit(note("g1", "b")),
        ]
        assert await outcomes(*tasks) == [
            "committed 1",
            "committed 2",
            "unchanged",
            "already_exists",
            "committed 3",
            "guest_not_found",
        ]
        assert len(one.disk.appends) == 1


@at_once
async def test_each_update_of_a_queue_is_a_commit_of_its_own_and_one_that_fails_stops_none() -> None:
    async with desk() as one:
        malformed = Refused("validation_failed", "This was no update.")
        task = one.submit(guest("g1"), malformed, note("g2", "x"), note("g1", "a"), note("g1", "a"))
        body = said(await task)
        assert body["steps"] == ["committed 1", "validation_failed", "guest_not_found", "committed 2", "unchanged"]
        assert body["revision"] == 2
        assert [entry.revision for entry in one.disk.entries] == [1, 2]
        assert [len(entries) for entries in one.published] == [2]


@at_once
async def test_a_bug_in_one_command_costs_that_one_alone() -> None:
    async with desk() as one:
        broken = Create(kind="guest", id="bad", fields=TableFields(table_number="1", capacity=2))
        tasks = [one.submit(guest("g1")), one.submit(broken), one.submit(guest("g2"))]
        assert await outcomes(*tasks) == ["committed 1", "internal_error", "committed 2"]
        assert [entry.revision for entry in one.disk.entries] == [1, 2]
        assert sorted(one.floor.guests) == ["g1", "g2"]


@at_once
async def test_a_bug_in_one_answer_costs_that_one_alone() -> None:
    async with desk() as one:

        def broken(*_: object) -> Answer:
            raise ZeroDivisionError

        first = one.submit(guest("g1"))
        step = Step(command=guest("bad"), transaction_id="tx")
        bad = one.ask(1, [step], broken)
        last = one.submit(guest("g2"))
        assert await outcomes(first, bad, last) == ["committed 1", "internal_error", "committed 2"]
        assert sorted(one.floor.guests) == ["g1", "g2"]


@at_once
async def test_a_commit_that_the_store_will_not_have_costs_that_one_alone() -> None:
    async with desk() as one:
        one.disk.guilty = lambda record: record.entry.changes[0].id == "bad"
        tasks = [one.submit(guest(name), keys=[name]) for name in ("g1", "bad", "g2")]
        assert await outcomes(*tasks) == ["committed 1", "internal_error", "committed 2"]
        assert one.writer.keys == keys((1, "g1", 1), (1, "g2", 2))
        assert await outcome(one.submit(guest("bad2"), keys=["bad"])) == "committed 3"


@at_once
async def test_a_full_queue_is_busy_at_once() -> None:
    async with desk() as one:
        one.disk.hold()
        first = one.submit(guest("g"))
        await one.disk.asked.wait()
        waiting = [one.submit(guest(f"g{n}")) for n in range(QUEUE_MAX)]
        await settle()
        with pytest.raises(Problem) as refused:
            await one.submit(guest("late"))
        assert refused.value.refused.code == "busy"
        assert refused.value.headers == (("Retry-After", "1"),)
        one.disk.free.set()
        await outcomes(first, *waiting)
        assert one.floor.revision == QUEUE_MAX + 1
        assert await outcome(one.submit(guest("now"))) == f"committed {QUEUE_MAX + 2}"


@at_once
async def test_a_caller_who_waited_too_long_hears_that_nobody_knows() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "SWEEP_S", 0)
        async with desk() as one:
            one.disk.hold()
            early = one.submit(guest("g1"), keys=["k"], digest=b"d")
            await one.disk.asked.wait()
            one.clock.ticks = 6
            later = one.submit(guest("g2"))
            await settle()
            one.clock.ticks = 10.5
            assert await outcome(early) == "outcome_unknown"
            assert not later.done()
            assert one.writer.trouble() == "the disk does not answer"
            one.disk.free.set()
            assert await outcome(later) == "committed 2"
            assert await outcome(one.submit(guest("g1"), keys=["k"], digest=b"d")) == "repeated 1"
            assert one.writer.trouble() is None


@at_once
async def test_an_idle_writer_is_well_however_long_ago_the_last_change_was() -> None:
    async with desk() as one:
        await outcome(one.submit(guest("g1")))
        await settle()
        one.clock.ticks = 86_400
        assert one.writer.trouble() is None


@at_once
async def test_a_command_whose_caller_is_gone_is_committed_all_the_same() -> None:
    async with desk() as one:
        one.disk.hold()
        tasks = [one.submit(guest("g1")), one.submit(guest("g2"))]
        await settle()
        for task in tasks:
            task.cancel()
        one.disk.free.set()
        assert await outcome(one.submit(guest("g3"))) == "committed 3"
        assert sorted(one.floor.guests) == ["g1", "g2", "g3"]


@at_once
async def test_a_stop_commits_what_was_taken_and_takes_nothing_new() -> None:
    async with desk() as one:
        one.disk.hold()
        tasks = [one.submit(guest(f"g{n}")) for n in range(300)]
        await settle()
        one.writer.stop()
        with pytest.raises(Problem) as refused:
            await one.submit(guest("late"))
        assert refused.value.refused.code == "shutting_down"
        assert one.writer.trouble() == "the hub is stopping"
        one.disk.free.set()
        assert await outcomes(*tasks) == [f"committed {n}" for n in range(1, 301)]


@at_once
async def test_commit_times_of_a_restaurant_never_run_back() -> None:
    async with desk() as one:
        for wall in (START + 50, START + 10, START + 49, START + 60):
            one.clock.wall = wall
            await outcome(one.submit(guest(f"g{wall}")))
        assert [entry.time - START for entry in one.disk.entries] == [50, 50, 50, 60]


@at_once
async def test_a_restaurant_and_its_first_guest_may_come_in_one_group() -> None:
    async with desk() as one:
        new = CreateRestaurant(RestaurantFields(name="B", timezone="UTC"))
        made = one.submit(new, at=DIRECTORY_ID)
        first = one.submit(guest("g1"), at=2)
        early = one.submit(guest("g1"), at=3)
        assert await outcomes(made, first, early) == ["committed 2", "committed 1", "restaurant_not_found"]
        assert sorted(one.writer.floors) == [1, 2]
        assert one.writer.floors[2].guests.keys() == {"g1"}
        assert len(one.disk.appends) == 1


@at_once
async def test_a_restaurant_that_a_guest_enters_in_the_same_group_is_not_deleted() -> None:
    async with desk() as one:
        tasks = [one.submit(guest("g1")), one.submit(DeleteRestaurant(1), at=DIRECTORY_ID)]
        assert await outcomes(*tasks) == ["committed 1", "restaurant_not_empty"]
        tasks = [one.submit(Delete(kind="guest", id="g1")), one.submit(DeleteRestaurant(1), at=DIRECTORY_ID)]
        tasks.append(one.submit(guest("g2")))
        assert await outcomes(*tasks) == ["committed 2", "committed 2", "restaurant_not_found"]
        assert one.writer.floors == {}


@at_once
async def test_a_restaurant_that_goes_whole_takes_its_guests_and_their_weight_with_it() -> None:
    async with desk() as one:
        name = one.writer.directory.restaurants[1].name
        await outcome(one.submit(guest("g1")))
        assert one.writer.holdings.size > 0
        whole = DeleteRestaurant(1, name)
        tasks = [one.submit(guest("g2")), one.submit(whole, at=DIRECTORY_ID), one.submit(guest("g3"))]
        assert await outcomes(*tasks) == ["committed 2", "committed 2", "restaurant_not_found"]
        assert (one.writer.floors, one.writer.holdings.size, one.writer.holdings.removals) == ({}, 0, 0)


@at_once
async def test_renaming_a_restaurant_is_no_commit_of_its_floor() -> None:
    async with desk() as one:
        renaming = UpdateRestaurant(1, RestaurantFields(name="B"))
        one.disk.hold()
        task = one.submit(renaming, at=DIRECTORY_ID)
        await one.disk.asked.wait()
        assert one.published == [], "it is told after it is durable"
        one.disk.free.set()
        assert await outcome(task) == "committed 2"
        assert one.writer.directory.restaurants[1].name == "B"
        assert one.floor.revision == 0


@at_once
async def test_a_checkpoint_follows_when_enough_is_due() -> None:
    async with desk() as one:
        await outcome(one.submit(guest("g1")))
        assert one.disk.checkpoints == 0
        one.disk.pages_due = CHECKPOINT_PAGES
        await outcome(one.submit(guest("g2")))
        await settle()
        assert (one.disk.checkpoints, one.disk.pages_due) == (1, 0)


@at_once
async def test_an_idle_hub_checkpoints_earlier() -> None:
    with pytest.MonkeyPatch.context() as patched:
        for module in (writing, appending):
            patched.setattr(module, "IDLE_S", 0)
        async with desk() as one:
            one.disk.pages_due = IDLE_CHECKPOINT_PAGES
            await outcome(one.submit(guest("g1")))
            while one.disk.checkpoints == 0:
                await asyncio.sleep(0)
            assert one.disk.pages_due == 0


@at_once
async def test_what_was_acknowledged_folds_to_the_floor() -> None:
    async with desk() as one:
        tasks = [one.submit(guest(f"g{n % 7}")) for n in range(20)] + [one.submit(note(f"g{n}", "x")) for n in range(9)]
        await outcomes(*tasks)
        assert fold({}, one.disk.entries) == held(one.floor)


@at_once
async def test_a_batch_is_one_commit_with_one_revision() -> None:
    async with desk() as one:
        batch = (guest("g1"), guest("g2"), Create(kind="guest", id="g3", fields=GuestFields(name="A B", party_size=1)))
        assert await outcome(one.submit(batch)) == "committed 1"
        assert [(entry.revision, entry.atomic, len(entry.changes)) for entry in one.disk.entries] == [(1, True, 3)]
