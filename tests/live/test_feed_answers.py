"""What a feed answers: large floors in time and in parts, repeated requests once, and for units."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import pytest

from restohub.limits import UNITS_A_SECOND, UNITS_BURST
from restohub.live import cursor as placing
from restohub.live import feed as feeding
from restohub.live.address_usage import Caller
from restohub.wire.socket_state import GONE_SILENT, SendDelta, SendFullSync
from tests.live.feed_harness import messages, settle
from tests.live.test_address_units import SetClock
from tests.live.test_feed import large_floor, noting, stage
from tests.live.test_writer import at_once


async def until(holds: Callable[[], bool]) -> None:
    """Return when something holds; AssertionError where it does not."""
    deadline = asyncio.get_running_loop().time() + 20
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it does not come to hold"
        await asyncio.sleep(0)


@at_once
async def test_who_does_not_take_the_whole_floor_in_time_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "ANSWER_WAIT_S", 0.5)  # measuring the floor counts as well
    async with stage() as one:
        one.floors[1] = one.story.floor = large_floor(400)
        cursor, link, client = await one.enter("sync")
        await settle(100)
        client.read_all()
        one.cursors.clear()
        sent, link.fills_up = len(link.written), True
        cursor.request(SendFullSync(1))
        await until(lambda: link.closed is not None)
        assert (len(link.written), link.closed) == (sent + 1, GONE_SILENT)
        await until(lambda: cursor.live or not one.snapshots._alive)


@at_once
async def test_a_large_delta_comes_in_parts_as_it_is_taken() -> None:
    async with stage() as one:
        one.floors[1] = one.story.floor = large_floor(400)
        cursor, link, client = await one.enter("sync")
        await settle(100)
        client.read_all()
        kinds, sent, link.fills_up = len(client.kinds), len(link.written), True
        cursor.request(SendDelta(1, 100))
        await settle()
        assert len(link.written) == sent + 1
        for _ in range(20):
            link.drain()
            await settle()
        assert len(link.written) > sent + 5
        one.assert_agreed()
        assert client.kinds[kinds:] == ["delta_update"]


@at_once
async def test_commits_too_heavy_to_be_written_at_once_are_told_as_a_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "PUSHED_BYTES_MAX", 5_000)
    async with stage() as one:
        clients = [(await one.enter("sync"))[2], (await one.enter("realtime"))[2]]
        for client in clients:
            client.read_all().kinds.clear()
        written = [len(client.link.written) for client in clients]
        one.commit(noting("x" * 2000), noting("y" * 2000, "g2"), noting("z" * 2000, "g3"))
        assert [len(client.link.written) for client in clients] == written, "nothing is written at once"
        await settle()
        one.assert_agreed()
        assert [client.kinds for client in clients] == [["delta_update"]] * 2
        assert all(cursor.live for cursor, _ in one.cursors)


@at_once
async def test_floors_asked_for_within_a_second_are_one_and_commits_go_on_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(placing, "FULL_SYNC_EVERY_S", 0.2)
    async with stage() as one:
        cursor, _, client = await one.enter("sync")
        client.read_all().kinds.clear()
        for _ in range(5):
            cursor.request(SendFullSync(1))
            await settle()
        one.commit(noting("a"))
        await settle()
        assert client.read_all().kinds == ["full_sync", "delta_update"]
        await until(lambda: len(client.read_all().kinds) > 2)
        await settle()
        one.assert_agreed()
        assert (client.kinds, cursor.requests) == (["full_sync", "delta_update", "full_sync"], deque()), (
            "several by one"
        )


@at_once
async def test_a_socket_whose_address_owes_units_waits_with_answers_and_not_with_commits() -> None:
    async with stage() as one:
        cursor, _, client = await one.enter("sync")
        client.read_all().kinds.clear()
        watch = SetClock()
        cursor.caller = Caller("10.0.0.66", watch, shared=False)
        cursor.caller.spend(UNITS_BURST + 1)
        cursor.request(SendDelta(1, one.floor.revision))
        one.commit(noting("a"))
        await settle()
        one.commit(noting("b"))
        await settle()
        assert client.read_all().kinds == ["delta_update", "delta_update"], "the commits"
        watch.now_s = 1 / UNITS_A_SECOND
        await until(lambda: len(client.read_all().kinds) > 2)
        one.assert_agreed()
        assert round(cursor.caller.owes_s() * UNITS_A_SECOND) == 1, "for the request, and nothing for the commits"


@at_once
async def test_a_commit_that_is_made_while_parts_are_sent_comes_by_itself_after_the_last() -> None:
    async with stage() as one:
        one.floors[1] = one.story.floor = large_floor(400)
        cursor, link, client = await one.enter("sync")
        await settle(100)
        client.read_all()
        kinds, sent = len(client.kinds), len(link.written)
        cursor.request(SendFullSync(1))
        await until(lambda: len(link.written) == sent + 1)  # the client takes all that comes: the others are to follow
        one.commit(noting("meanwhile"))
        await settle(100)
        told = [message for frames in link.written[sent:] for message in messages(frames)]
        parts = told[0]["parts"]
        assert parts > 1
        assert [message["type"] for message in told] == ["full_sync"] * parts + ["delta_update"]
        assert {message["revision"] for message in told[:parts]} == {one.floor.revision - 1}
        assert [change["data"]["notes"] for change in told[-1]["changes"]] == ["meanwhile"]
        one.assert_agreed()
        assert client.kinds[kinds:] == ["full_sync", "delta_update"]
