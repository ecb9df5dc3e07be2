"""What one address may add: counted once it is durable, refused before it is done, free again in time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from restohub.floor.commands import Create, CreateRestaurant, Delete, GuestFields, RestaurantFields, Update
from restohub.floor.model import DIRECTORY_ID, Floor
from restohub.floor.outcomes import Done, Result
from restohub.limits import CREATIONS_BURST, GROWTH_BYTES_BURST, HUB_REMOVALS_MAX
from restohub.live.address_usage import Bucket, Caller
from restohub.live.group_commit import HOLD_S, Group, Responder, Step, Submission
from restohub.live.key_index import KeyIndex
from restohub.live.ports import StorageFullError
from restohub.live.writer import GROUP_OPERATIONS_MAX
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer
from tests.live.writer_harness import Desk, StillClock, answering, desk, guest, settle

Test = Callable[[], Coroutine[Any, Any, None]]
HEAVY = "x" * 1999 + "🎂"


def at_once(test: Test) -> Callable[[], None]:
    """Run a test on a loop of its own."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


def ask(
    one: Desk, caller: Caller | None, *commands: Any, at: int = 1, answer: Responder = answering
) -> asyncio.Future[Any]:
    """Submit these commands for an address."""
    steps = [Step(command=command, transaction_id="tx") for command in commands]
    return one.writer.submit(at, steps, answer, caller)


def batch(first: int, count: int, **fields: Any) -> tuple[Create, ...]:
    return tuple(
        Create(kind="guest", id=f"g{number}", fields=GuestFields(first_name="A", party_size=1, **fields))
        for number in range(first, first + count)
    )


def made_it(results: Sequence[Result], floor: Floor) -> Answer:
    """The answer of whatever was done."""
    return Answer(201, [], b"")


async def refused(future: asyncio.Future[Any]) -> Problem:
    with pytest.raises(Problem) as found:
        await future
    return found.value


@at_once
async def test_beyond_its_allowance_an_address_waits_and_nobody_else_does() -> None:
    async with desk() as one:
        stranger, other = Caller("127.0.0.66", lambda: 0, shared=False), Caller("127.0.0.67", lambda: 0, shared=False)
        for first in range(0, CREATIONS_BURST, 500):
            await ask(one, stranger, batch(first, 500))
        fault = await refused(ask(one, stranger, guest("one-more")))
        assert fault.refused.code == "rate_limited"
        assert fault.headers == (("Retry-After", "8"),)
        assert len(one.floor.guests) == CREATIONS_BURST
        await ask(one, stranger, Update(kind="guest", id="g1", fields=GuestFields(status="finished")))
        await ask(one, stranger, Delete(kind="guest", id="g2"))
        await ask(one, other, guest("another"))
        one.clock.ticks += 8
        await ask(one, stranger, guest("one-more"))


@at_once
async def test_a_shared_address_and_the_hub_itself_have_no_allowance() -> None:
    async with desk() as one:
        for caller in (Caller("127.0.0.1", lambda: 0, shared=True), None):
            for first in range(0, CREATIONS_BURST + 500, 500):
                await ask(one, caller, batch(first + 5_000 * (caller is None), 500))
                await ask(one, caller, tuple(Delete(kind="guest", id=id_) for id_ in one.floor.guests))


@at_once
async def test_texts_count_by_what_they_weigh_and_restaurants_as_one_each() -> None:
    async with desk() as one:
        stranger = Caller("127.0.0.66", lambda: 0, shared=False)
        for first in range(0, 300, 100):
            await ask(one, stranger, batch(first, 100, notes=HEAVY))
        assert (await refused(ask(one, stranger, batch(300, 100, notes=HEAVY)))).refused.code == "rate_limited"
        assert GROWTH_BYTES_BURST - 1_100_000 < one.floor.size < GROWTH_BYTES_BURST
        made = stranger.creations.left(0)
        name = CreateRestaurant(RestaurantFields(name="New", timezone="UTC"))
        await ask(one, stranger, name, at=DIRECTORY_ID, answer=made_it)
        assert stranger.creations.left(0) == made - 1


@at_once
async def test_what_was_not_saved_is_not_counted() -> None:
    async with desk() as one:
        stranger = Caller("127.0.0.66", lambda: 0, shared=False)
        one.disk.faults.append(StorageFullError("the disk is full"))
        assert (await refused(ask(one, stranger, batch(0, 500)))).refused.code == "storage_full"
        await refused(ask(one, stranger, Update(kind="guest", id="nobody", fields=GuestFields(notes="x"))))
        assert stranger.creations.left(0) == CREATIONS_BURST
        assert stranger.growth.left(0) == GROWTH_BYTES_BURST


@at_once
async def test_what_waits_in_one_group_is_counted_together() -> None:
    async with desk() as one:
        stranger = Caller("127.0.0.66", lambda: 0, shared=False)
        stranger.creations.spend(CREATIONS_BURST - 3, 0)
        one.disk.hold()
        first = ask(one, None, guest("first"))
        await settle()
        asked = [ask(one, stranger, guest(f"s{number}")) for number in range(5)]
        one.disk.free.set()
        await first
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(one_done, Problem) for one_done in done] == [False] * 3 + [True] * 2


@at_once
async def test_of_a_queue_each_update_is_taken_or_left_by_itself() -> None:
    async with desk() as one:
        stranger = Caller("127.0.0.66", lambda: 0, shared=False)
        stranger.creations.spend(CREATIONS_BURST - 2, 0)
        answer = await ask(one, stranger, *(guest(f"s{number}") for number in range(3)))
        assert b'"steps":["committed 1","committed 2","rate_limited"]' in answer.body


@at_once
async def test_the_address_that_makes_something_is_kept_with_it() -> None:
    async with desk() as one:
        await ask(one, Caller("127.0.0.66", lambda: 0, shared=False), guest("g1"))
        await ask(
            one,
            Caller("127.0.0.67", lambda: 0, shared=False),
            Update(kind="guest", id="g1", fields=GuestFields(notes="x")),
        )
        await ask(one, None, guest("g2"))
        assert [one.floor.guests[name].created_from for name in ("g1", "g2")] == ["127.0.0.66", None]


def test_a_full_bucket_gives_more_than_it_holds_and_says_truly_how_long_the_next_waits() -> None:
    bucket = Bucket(2, 10, 0)
    assert bucket.wait_for(50, 0, 0) == 0
    assert bucket.wait_for(50, 1, 0) == 0.5
    bucket.spend(50, 0)
    assert bucket.wait_for(4, 0, 0) == 22
    assert bucket.wait_for(4, 0, 22) == 0


@at_once
async def test_a_group_is_bounded_by_operations() -> None:
    async with desk() as one:
        one.disk.hold()
        first = ask(one, None, guest("first"))
        await settle()
        asked = [ask(one, None, batch(500 * number, 500)) for number in range(5)]
        one.disk.free.set()
        await asyncio.gather(first, *asked)
        sizes = [sum(len(record.entry.changes) for record in records) for records in one.disk.appends]
        assert sizes == [1, GROUP_OPERATIONS_MAX, GROUP_OPERATIONS_MAX, 500]


class BusyClock(StillClock):
    """A clock by which the loop is held for long between any two looks."""

    def monotonic(self) -> float:
        """Later than the last time."""
        self.ticks += 2 * HOLD_S
        return self.ticks


@at_once
async def test_a_group_that_takes_long_lets_others_have_the_loop_between_its_steps() -> None:
    async with desk() as one:
        group = Group(one.writer.directory, one.writer.floors, KeyIndex(), BusyClock(), one.writer.holdings)
        steps = [Step(command=guest(f"g{number}"), transaction_id="tx") for number in range(10)]
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(others())
        await group.take(Submission(1, steps, answering, asyncio.Future(), 0))
        other.cancel()
        assert (len(group.records), turns >= 10) == (10, True)
        assert len(one.floor.guests) == 0


@at_once
async def test_the_steps_of_a_queue_hold_no_copies_of_their_floor() -> None:
    async with desk() as one:
        group = Group(one.writer.directory, one.writer.floors, KeyIndex(), StillClock(), one.writer.holdings)
        held: list[Result] = []

        def keeping(results: Sequence[Result], floor: Floor) -> Answer:
            held.extend(results)
            return answering(results, floor)

        steps = [Step(command=guest(f"g{number}"), transaction_id="tx") for number in range(3)]
        await group.take(Submission(1, steps, keeping, asyncio.Future(), 0))
        floors = [floor for one in held if isinstance(one, Done) for floor in (one.before, one.after)]
        assert [floor.guests for floor in floors] == [{}] * 6
        assert [one.after.revision for one in held if isinstance(one, Done)] == [1, 2, 3]


@at_once
async def test_the_hubs_size_and_removals_are_those_of_its_floors() -> None:
    async with desk() as one:
        for first in range(0, HUB_REMOVALS_MAX, 4_000):
            for part in range(0, 4_000, 500):
                await ask(one, None, batch(first + part, 500))
                await ask(one, None, tuple(Delete(kind="guest", id=id_) for id_ in one.floor.guests))
        await ask(one, None, batch(90_000, 10, notes=HEAVY))
        held = one.writer.holdings
        assert held.size == one.floor.size > 80_000
        assert held.removals == len(one.floor.removals) == 10_000
