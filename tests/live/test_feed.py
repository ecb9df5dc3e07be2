"""The feed: one ring, many cursors, and no client who misses, repeats or delays anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from restohub.floor.commands import GuestFields
from restohub.floor.model import DIRECTORY_ID, Change, Entry, Floor, Guest
from restohub.live import feed as feeding
from restohub.wire.messages import Dialect, Pong, entry_messages, text_frame
from restohub.wire.socket_state import UNKNOWN_RESTAURANT, SendDelta, SendFullSync
from restohub.wire.times import time_text
from tests.floor.floor_harness import START
from tests.floor.strategies import Wish
from tests.live.feed_harness import FeedHarness, SlowLink, messages, settle
from tests.live.test_writer import at_once

PONG = Pong(time_text(START))


def noting(notes: str, guest_id: str = "g1") -> Wish:
    return Wish(kind="guest", action="update", id=guest_id, fields=GuestFields(notes=notes))


@asynccontextmanager
async def stage(seed: int = 0) -> AsyncIterator[FeedHarness]:
    one = FeedHarness(seed)
    yield one
    await one.close()


@at_once
async def test_ready_clients_of_a_dialect_get_the_same_bytes_in_one_write() -> None:
    async with stage() as one:
        links = [(await one.enter("sync"))[1] for _ in range(3)]
        named = [(await one.enter("realtime"))[1] for _ in range(2)]
        counts = [len(link.written) for link in (*links, *named)]
        entries = one.commit(noting("a"), noting("b"), noting("c"))
        assert [len(link.written) for link in (*links, *named)] == [count + 1 for count in counts]
        assert links[0].written[-1] is links[1].written[-1] is links[2].written[-1]
        assert named[0].written[-1] is named[1].written[-1]
        heard: list[tuple[SlowLink, Dialect]] = [(links[0], "sync"), (named[0], "realtime")]
        for link, dialect in heard:
            told = [text_frame(message) for entry in entries for message in entry_messages(entry, dialect)]
            assert link.written[-1] == b"".join(told)
        one.assert_agreed()


@at_once
async def test_a_client_who_is_written_to_needs_no_turn_of_the_loop() -> None:
    async with stage() as one:
        _, _, client = await one.enter("sync")
        one.commit(noting("a"))
        assert client.read_all().revision == one.floor.revision


@at_once
async def test_a_slow_client_is_written_nothing_and_delays_nobody() -> None:
    async with stage() as one:
        slow, link, _ = await one.enter("sync")
        _, _, quick = await one.enter("sync")
        link.fill()
        written = len(link.written)
        for n in range(500):
            one.commit(noting(f"note {n}"))
            await settle(1)
            assert quick.read_all().revision == one.floor.revision
        assert len(link.written) == written
        assert not slow.live
        link.drain()
        await settle()
        assert slow.live
        one.assert_agreed()


@at_once
async def test_a_slow_client_who_missed_little_gets_the_very_frames_that_the_others_got() -> None:
    async with stage() as one:
        _, link, _ = await one.enter("sync")
        _, other, _ = await one.enter("sync")
        one.commit(noting("before"))
        before = len(other.written)
        link.fill()
        for n in range(10):
            one.commit(noting(f"note {n}"))
        link.drain()
        await settle()
        assert link.written[-1] == b"".join(other.written[before:])
        one.assert_agreed()


@at_once
async def test_a_slow_client_who_missed_much_is_caught_up_by_one_delta() -> None:
    async with stage() as one:
        _, link, client = await one.enter("sync")
        link.fill()
        client.read_all()
        for n in range(300):
            one.commit(noting(f"{n}" + "x" * 1500), noting(f"{n}", "g2"))
        written, kinds = len(link.written), len(client.kinds)
        link.drain()
        await settle()
        assert len(link.written) == written + 1
        one.assert_agreed()
        assert client.kinds[kinds:] == ["delta_update"]
        [delta] = messages(link.written[-1])
        assert sorted(change["entity_id"] for change in delta["changes"]) == ["g1", "g2"]


@at_once
async def test_what_the_ring_has_let_go_is_told_from_the_floor() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feeding, "RING_BYTES_MAX", 4000)
        async with stage() as one:
            _, link, client = await one.enter("sync")
            client.read_all()
            link.fill()
            one.commit(noting("a", "g2"))
            one.commit(Wish(kind="guest", action="delete", id="g3", fields=GuestFields()))
            for n in range(30):
                one.commit(noting(f"{n}"))
            link.drain()
            await settle()
            kinds = len(client.kinds)
            one.assert_agreed()
            assert client.kinds[kinds:] == ["delta_update"]
            changes = [(c["entity_id"], c["action"]) for c in messages(link.written[-1])[0]["changes"]]
            assert changes == [("g2", "update"), ("g3", "delete"), ("g1", "update")]


@at_once
async def test_where_the_log_no_longer_reaches_the_whole_floor_is_sent() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feeding, "RING_BYTES_MAX", 4000)
        async with stage() as one:
            _, link, client = await one.enter("realtime")
            link.fill()
            for n in range(30):
                one.commit(noting(f"{n}"))
            one.past.first = one.floor.revision - 3
            link.drain()
            await settle()
            one.assert_agreed()
            assert client.kinds == ["full_sync"]


@at_once
async def test_the_ring_is_bounded_in_bytes_whatever_is_published() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feeding, "RING_BYTES_MAX", 100_000)
        async with stage() as one:
            await one.enter("sync")
            await one.enter("realtime")
            for n in range(500):
                one.commit(noting(f"{n}" + "x" * (n * 7 % 2000)))
            ring, order = one.feed._rings[1], one.feed._order
            assert list(ring) == list(order)
            size = sum(f.image_bytes + sum(map(len, f.frames.values())) for f in order)
            assert size == one.feed._bytes <= 100_000
            assert [framed.entry.revision for framed in ring] == list(
                range(one.floor.revision - len(ring) + 1, one.floor.revision + 1)
            )
            one.assert_agreed()


@at_once
async def test_a_commit_in_the_middle_of_catching_up_is_not_lost() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feeding, "RING_BYTES_MAX", 0)
        async with stage() as one:
            _, link, client = await one.enter("sync")
            client.read_all()
            link.fill()
            one.commit(noting("a"))
            one.past.hold()
            link.drain()
            await one.past.asked.wait()
            one.commit(noting("b"))
            one.commit(noting("c", "g2"))
            one.past.free.set()
            await settle()
            one.assert_agreed()
            assert one.cursors[0][0].live


@at_once
async def test_a_client_that_fills_up_again_while_it_is_caught_up_is_caught_up_again() -> None:
    async with stage() as one:
        cursor, link, _ = await one.enter("sync")
        for _ in range(5):
            link.fill()
            one.commit(noting("a"))
            one.commit(noting("b"))
            link.drain()
            await settle(3)
        link.fill()
        one.commit(noting("c"))
        await settle()
        assert not cursor.live
        link.drain()
        await settle()
        one.assert_agreed()


@at_once
async def test_a_client_that_asks_is_answered_in_order_with_the_commits() -> None:
    async with stage() as one:
        cursor, _, client = await one.enter("sync")
        since = one.floor.revision
        one.commit(noting("a"), noting("b"))
        client.read_all()
        kinds = len(client.kinds)
        cursor.request(SendDelta(1, since))
        cursor.request(SendFullSync(1))
        cursor.request(SendDelta(1, one.floor.revision))
        one.commit(noting("c"))
        await settle()
        one.assert_agreed()
        assert client.kinds[kinds:] == ["delta_update", "full_sync", "delta_update"]
        assert cursor.live


@at_once
async def test_a_client_that_asks_faster_than_it_reads_is_answered_once() -> None:
    async with stage() as one:
        cursor, link, client = await one.enter("sync")
        client.read_all()
        link.fill()
        for _ in range(1000):
            cursor.request(SendFullSync(1))
            cursor.request(SendDelta(1, one.floor.revision))
        link.drain()
        await settle()
        assert client.read_all().kinds == ["full_sync", "full_sync", "delta_update"]


@at_once
async def test_a_delta_from_the_future_is_answered_by_the_whole_floor() -> None:
    async with stage() as one:
        cursor, _, client = await one.enter("realtime")
        cursor.request(SendDelta(1, one.floor.revision + 5))
        await settle()
        one.assert_agreed()
        assert client.kinds == ["full_sync"]


@at_once
async def test_a_request_for_a_restaurant_that_is_gone_is_passed_over() -> None:
    async with stage() as one:
        cursor, _, client = await one.enter("realtime", None)
        cursor.request(SendFullSync(7))
        one.commit(noting("a"))
        await settle()
        one.assert_agreed()
        assert client.kinds == ["guest_updated"]


def large_floor(guests: int) -> Floor:
    return Floor(
        restaurant_id=1,
        revision=guests,
        time=START,
        guests={
            f"g{n}": Guest(id=f"g{n}", first_name="A", party_size=1, notes="x" * 2000, version=n + 1)
            for n in range(guests)
        },
    )


@at_once
async def test_the_parts_of_a_large_floor_come_as_the_client_takes_them_with_nothing_between() -> None:
    async with stage() as one:
        one.floors[1] = large_floor(400)
        one.story.floor = one.floors[1]
        cursor, link, client = await one.enter("sync")
        await settle(100)
        one.cursors.clear()
        client.read_all()
        sent, link.fills_up = len(link.written), True
        cursor.request(SendFullSync(1))
        await settle()
        assert len(link.written) == sent + 1, "a part, and no more before it is taken"
        cursor.send(PONG)
        guest = Guest(id="late", first_name="A", party_size=1, version=401)
        one.floors[1] = structs.replace(one.floors[1], revision=401, guests={**one.floors[1].guests, "late": guest})
        one.feed.publish([Entry(1, 401, START, "tx", False, (Change("guest", "late", "create", guest),))])
        for taken in range(2, 20):
            assert len(link.written) <= sent + taken, "a part each time that one is taken, until there are no more"
            link.drain()
            await settle()
        assert client.read_all().kinds == ["full_sync", "full_sync", "pong", "delta_update"]
        assert (client.revision, ("guest", "late") in client.held) == (401, True)


@at_once
async def test_the_sockets_of_a_deleted_restaurant_are_closed() -> None:
    async with stage() as one:
        _, link, _ = await one.enter("sync", 1)
        _, every, _ = await one.enter("realtime", None)
        del one.floors[1]
        gone = Change("restaurant", "1", "delete", None, 1)
        one.feed.publish([Entry(DIRECTORY_ID, 2, START, "tx", False, (gone,))])
        await settle()
        assert (link.closed, every.closed) == (UNKNOWN_RESTAURANT, None)
        assert not any(task.done() for task in one.tasks)


@at_once
async def test_a_client_of_every_restaurant_follows_a_new_one_from_its_beginning() -> None:
    async with stage() as one:
        cursor, link, _ = await one.enter("realtime", None)
        one.floors[2] = Floor(restaurant_id=2, time=START)
        guest = Guest(id="g1", first_name="A", party_size=1, version=1, created_revision=1)
        link.fill()
        one.floors[2] = structs.replace(one.floors[2], revision=1, guests={"g1": guest})
        one.feed.publish([Entry(2, 1, START, "tx", False, (Change("guest", "g1", "create", guest),))])
        one.commit(noting("a"))
        link.drain()
        await settle()
        told = [(m["restaurant_id"], m["revision"]) for m in messages(b"".join(link.written))]
        assert sorted(told) == [(1, one.floor.revision), (2, 1)]
        assert cursor.live


@at_once
async def test_a_client_who_left_is_written_nothing_more() -> None:
    async with stage() as one:
        cursor, link, _ = await one.enter("sync")
        one.feed.leave(cursor)
        one.cursors.clear()
        written = len(link.written)
        one.commit(noting("a"))
        assert len(link.written) == written
        assert one.feed._cursors == {}


@at_once
async def test_a_feed_without_an_audience_frames_nothing() -> None:
    async with stage() as one:
        one.commit(noting("a"), noting("b"))
        assert all(framed.frames == {} for framed in one.feed._order)


@at_once
async def test_the_whole_floor_is_encoded_once_a_revision() -> None:
    async with stage() as one:
        frame = one.snapshots.frame(one.floor)
        assert one.snapshots.frame(one.floor) is frame
        body = one.snapshots.body(one.floor)
        assert one.snapshots.body(one.floor) is body
        one.commit(noting("a"))
        assert one.snapshots.frame(one.floor) != frame
        assert one.snapshots.body(one.floor) != body
