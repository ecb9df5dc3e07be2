"""What the feed tells of restaurants themselves: the latest, after their commits, however slow one is."""

from __future__ import annotations

from typing import Any

import pytest

from restohub.floor.model import DIRECTORY_ID, Change, Entry, Floor, Restaurant
from restohub.wire.messages import Dialect
from restohub.wire.socket_state import SendFullSync
from tests.live.feed_harness import FeedHarness, SlowLink, messages, settle
from tests.live.test_feed import large_floor, noting, stage
from tests.live.test_writer import at_once


def rename(one: FeedHarness, name: str, restaurant_id: int = 1) -> Entry:
    """A restaurant gets another name: the commit of it, published."""
    restaurant = Restaurant(id=str(restaurant_id), name=name, timezone="UTC", last_updated=one.story.now, version=2)
    change = Change("restaurant", restaurant.id, "update", restaurant)
    entry = Entry(DIRECTORY_ID, 2, one.story.now, "tx", False, (change,))
    one.feed.publish([entry])
    return entry


def delete(one: FeedHarness, restaurant_id: int) -> None:
    """A restaurant goes: the commit of it, published."""
    change = Change("restaurant", str(restaurant_id), "delete", None)
    one.feed.publish([Entry(DIRECTORY_ID, 3, one.story.now, "tx", False, (change,))])


def told(link: SlowLink, since: int = 0) -> list[Any]:
    """What a link was told of restaurants, as (name, revision), and the revisions of commits between."""
    found: list[Any] = []
    for message in messages(b"".join(link.written[since:])):
        if message["type"] == "restaurant_updated":
            found.append((message["restaurant"]["name"], message["restaurant"]["revision"]))
        elif "previous_revision" in message:
            found.append(message["revision"])
    return found


@pytest.mark.parametrize("dialect", ["sync", "realtime"])
@at_once
async def test_a_ready_client_is_told_at_once_and_in_order(dialect: Dialect) -> None:
    async with stage() as one:
        _, link, _ = await one.enter(dialect)
        begun = len(link.written)
        one.commit(noting("a"))
        first = one.floor.revision
        rename(one, "Osteria")
        one.commit(noting("b"))
        assert told(link, begun) == [first, ("Osteria", first), first + 1]
        one.assert_agreed()


@at_once
async def test_a_commit_of_the_same_group_comes_first_wherever_it_stands() -> None:
    async with stage() as one:
        _, link, _ = await one.enter("sync")
        begun, before = len(link.written), len(one.story.log)
        restaurant = Restaurant(id="1", name="Osteria", timezone="UTC")
        renamed = Entry(DIRECTORY_ID, 2, 0, "tx", False, (Change("restaurant", "1", "update", restaurant),))
        one.story.wish(noting("a"))
        one.floors[1] = one.story.floor
        one.feed.publish([renamed, *one.story.log[before:]])
        assert told(link, begun) == [one.floor.revision, ("Osteria", one.floor.revision)]


@at_once
async def test_a_slow_client_is_told_the_latest_once_after_all_that_it_missed() -> None:
    async with stage() as one:
        cursor, link, _ = await one.enter("sync")
        link.fill()
        begun = len(link.written)
        for n in range(50):
            rename(one, f"Osteria {n}")
            one.commit(noting(f"note {n}"))
            await settle(1)
        assert len(link.written) == begun
        assert len(cursor.notices) == 1
        link.drain()
        await settle()
        assert told(link, begun)[-2:] == [one.floor.revision, ("Osteria 49", one.floor.revision)]
        assert [name for name in told(link, begun) if isinstance(name, tuple)] == [("Osteria 49", one.floor.revision)]
        assert (cursor.live, cursor.notices) == (True, {})
        one.assert_agreed()


@at_once
async def test_a_slow_client_is_told_once_it_takes_more_where_nothing_else_happens() -> None:
    async with stage() as one:
        _, link, _ = await one.enter("sync")
        link.fill()
        begun = len(link.written)
        rename(one, "Osteria")
        await settle()
        assert len(link.written) == begun
        link.drain()
        await settle()
        assert told(link, begun) == [("Osteria", one.floor.revision)]


@at_once
async def test_a_change_between_two_parts_of_a_floor_is_told_after_the_last() -> None:
    async with stage() as one:
        one.floors[1] = one.story.floor = large_floor(400)
        cursor, link, client = await one.enter("sync")
        await settle(100)
        client.read_all()
        sent, link.fills_up = len(link.written), True
        cursor.request(SendFullSync(1))
        await settle()
        assert len(link.written) == sent + 1, "a part, and no more before it is taken"
        rename(one, "Osteria")
        for _ in range(20):
            link.drain()
            await settle()
        kinds = [message["type"] for message in messages(b"".join(link.written[sent:]))]
        assert kinds == [*["full_sync"] * (len(kinds) - 1), "restaurant_updated"]
        assert len(kinds) > 2
        one.assert_agreed()


@at_once
async def test_a_client_of_all_restaurants_is_told_of_each_and_of_none_that_is_gone() -> None:
    async with stage() as one:
        one.floors[2] = Floor(restaurant_id=2)
        cursor, link, _ = await one.enter("realtime", None)
        _, other, _ = await one.enter("realtime", 1)
        rename(one, "Second", 2)
        link.fill()
        rename(one, "First")
        rename(one, "Second again", 2)
        del one.floors[2]
        delete(one, 2)
        link.drain()
        await settle()
        assert told(link) == [("Second", 0), ("First", one.floor.revision)]
        assert told(other) == [("First", one.floor.revision)]
        assert cursor.live


@at_once
async def test_a_slow_client_of_all_restaurants_is_told_of_one_that_is_gone_once_it_takes_more() -> None:
    async with stage() as one:
        one.floors[2] = Floor(restaurant_id=2)
        cursor, link, _ = await one.enter("realtime", None)
        await settle()
        begun = len(link.written)
        link.fill()
        rename(one, "Osteria", 2)
        del one.floors[2]
        delete(one, 2)
        await settle()
        assert len(link.written) == begun
        link.drain()
        await settle()
        (message,) = messages(b"".join(link.written[begun:]))
        assert (message["type"], message["restaurant_id"]) == ("restaurant_deleted", 2)
        assert (cursor.live, cursor.notices) == (True, {})
