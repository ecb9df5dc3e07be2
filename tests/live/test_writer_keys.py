"""Idempotency keys in the writer: one key is one effect, in one group as across many."""

from __future__ import annotations

from restohub.floor.commands import CreateRestaurant, Delete, DeleteRestaurant, RestaurantFields, Update
from restohub.floor.model import DIRECTORY_ID
from restohub.live.group_commit import Step
from restohub.wire.responses import unpacked
from tests.live.test_writer import at_once
from tests.live.writer_harness import answering, desk, guest, keys, note, outcome, outcomes, said, settle


@at_once
async def test_two_equal_keys_in_one_group_are_one_effect() -> None:
    async with desk() as one:
        first = one.submit(guest("g1"), keys=["k"], digest=b"d")
        again = one.submit(guest("g2"), keys=["k"], digest=b"d")
        other = one.submit(guest("g3"), keys=["l"], digest=b"d")
        assert await outcomes(first, again, other) == ["committed 1", "repeated 1", "committed 2"]
        assert sorted(one.floor.guests) == ["g1", "g3"]
        assert len(one.disk.appends) == 1


@at_once
async def test_a_key_that_was_committed_is_repeated_later() -> None:
    async with desk() as one:
        assert await outcome(one.submit(guest("g1"), keys=["k"], digest=b"d")) == "committed 1"
        assert await outcome(one.submit(guest("g2"), keys=["k"], digest=b"other")) == "repeated 1"
        assert one.writer.keys == keys((1, "k", 1))


@at_once
async def test_equal_mutation_ids_in_one_queue_are_one_effect() -> None:
    async with desk() as one:
        task = one.submit(guest("g1"), note("g1", "a"), note("g1", "b"), keys=["m1", "m2", "m2"])
        assert said(await task)["steps"] == ["committed 1", "committed 2", "repeated 2"]
        assert one.floor.guests["g1"].notes == "a"


@at_once
async def test_a_key_is_one_restaurants_own() -> None:
    async with desk() as one:
        new = CreateRestaurant(RestaurantFields(name="B", timezone="UTC"))
        await outcome(one.submit(new, at=DIRECTORY_ID))
        first = one.submit(guest("g1"), keys=["k"], digest=b"d")
        other = one.submit(guest("g1"), keys=["k"], digest=b"d", at=2)
        assert await outcomes(first, other) == ["committed 1", "committed 1"]


@at_once
async def test_the_key_of_what_was_refused_or_changed_nothing_is_free() -> None:
    async with desk() as one:
        await outcomes(one.submit(guest("g1")), one.submit(note("g1", "a")))
        refused = one.submit(note("g2", "x"), keys=["k"], digest=b"d")
        unchanged = one.submit(note("g1", "a"), keys=["l"], digest=b"d")
        assert await outcomes(refused, unchanged) == ["guest_not_found", "unchanged"]
        again = [one.submit(guest(f"g-{key}"), keys=[key], digest=b"d") for key in ("k", "l")]
        assert await outcomes(*again) == ["committed 3", "committed 4"]


@at_once
async def test_the_answer_is_written_beside_the_commit_that_it_tells_of() -> None:
    async with desk() as one:
        answer = await one.submit(guest("g1"), keys=["k"], digest=b"d")
        await one.submit(guest("g2"), keys=["l"])
        kept, bare = (record for group in one.disk.appends for record in group)
        assert kept.answer is not None
        assert unpacked(kept.answer) == answer
        assert (kept.key, kept.digest) == ("k", b"d")
        assert (bare.key, bare.digest, bare.answer) == ("l", None, None)


@at_once
async def test_the_keys_of_a_deleted_restaurant_are_let_go() -> None:
    async with desk() as one:
        await outcome(one.submit(CreateRestaurant(RestaurantFields(name="B", timezone="UTC")), at=DIRECTORY_ID))
        await outcome(one.submit(guest("g1"), keys=["k"], digest=b"d", at=2))
        await outcome(one.submit(guest("g1"), keys=["k"], digest=b"d"))
        await outcome(one.submit(Delete(kind="guest", id="g1"), at=2))
        assert one.writer.keys == keys((1, "k", 1), (2, "k", 1))
        await outcome(one.submit(DeleteRestaurant(2), at=DIRECTORY_ID))
        assert one.writer.keys == keys((1, "k", 1))


@at_once
async def test_a_queue_that_an_earlier_try_overtook_is_to_be_read_anew() -> None:
    """In the same group and in a later one; nothing of it is done."""
    async with desk() as one:
        await outcome(one.submit(guest("g1")))
        one.disk.hold()
        blocking = one.submit(guest("g2"))
        await one.disk.asked.wait()
        first = one.submit(note("g1", "a"), keys=["m1"])
        queue = [queued(note("g1", "b")), queued(note("g1", "a"), "m1")]
        same_group = one.ask(1, queue, answering)
        await settle()
        one.disk.free.set()
        assert await outcomes(blocking, first, same_group) == ["committed 2", "committed 3", "repeated 3"]
        assert await outcome(one.ask(1, queue, answering)) == "repeated 3"
        assert one.floor.guests["g1"].notes == "a"
        read_anew = [queued(note("g1", "b")), queued(note("g1", "a"), "m1", used=3)]
        assert said(await one.ask(1, read_anew, answering))["steps"] == ["committed 4", "repeated 3"]
        one.writer.keys.forget(1, "m1", 3)
        assert await outcome(one.ask(1, read_anew, answering)) == "repeated 0"


def queued(command: Update, key: str | None = None, used: int | None = None) -> Step:
    """An update of an off-line queue that was read when its key had been used by this revision."""
    return Step(command=command, transaction_id="tx", key=key, own=(), used=used)
