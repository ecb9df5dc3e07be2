"""The contract of a restaurant's own changes on the sockets: told to its screens, and no commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection

from tests.conftest import Hub, next_message
from tests.contract.answers import Json, ok
from tests.contract.requests import new_guest
from tests.contract.sockets import REALTIME, Message, assert_quiet, both_sockets, on_both_sockets
from tests.tablet import Tablet, agree


@contextlib.contextmanager
def all_restaurants(hub: Hub) -> Iterator[ClientConnection]:
    """A listener on the `/realtime` of all restaurants."""
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        yield sock


def change(api: httpx.Client, restaurant: int, **fields: Any) -> Json:
    """A restaurant after its own fields were changed."""
    return ok(api.patch(f"/restaurants/{restaurant}", json=fields))


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("fields", [{"name": "Osteria"}, {"timezone": "Asia/Tokyo"}])
def test_a_changed_restaurant_is_told_whole_to_every_socket_that_follows_it(
    hub: Hub, api: httpx.Client, restaurant: int, fields: Json, method: str
) -> None:
    new_guest(api, restaurant)
    with both_sockets(hub, restaurant) as (realtime, sync), all_restaurants(hub) as everyone:
        answer = api.request(method, f"/restaurants/{restaurant}", json=fields)
        assert not {"restohub-revision", "etag"} & set(answer.headers)
        changed = ok(answer)
        assert changed == ok(api.get(f"/restaurants/{restaurant}"))
        for sock in (realtime, sync, everyone):
            assert next_message(sock) == {
                "type": "restaurant_updated",
                "timestamp": changed["lastUpdated"],
                "restaurant_id": restaurant,
                "restaurant": changed,
            }
        assert_quiet(api, restaurant, realtime, sync, everyone)


def test_it_is_no_commit_and_stands_in_order_with_those(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with both_sockets(hub, restaurant) as socks:
        for n in range(3):
            new_guest(api, restaurant)
            change(api, restaurant, name=f"Osteria {n}")
        for sock in socks:
            heard = [next_message(sock) for _ in range(6)]
            for n, (commit, told) in enumerate(zip(heard[::2], heard[1::2], strict=True)):
                assert (commit["revision"], commit["previous_revision"]) == (n + 1, n)
                assert told["restaurant"]["name"] == f"Osteria {n}"
                assert told["restaurant"]["revision"] == n + 1
                assert not {"revision", "previous_revision"} & told.keys()


def test_what_changes_nothing_and_what_is_refused_is_not_told(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    present = ok(api.get(f"/restaurants/{restaurant}"))
    with both_sockets(hub, restaurant) as socks:
        assert change(api, restaurant, name=present["name"]) == present
        assert api.patch(f"/restaurants/{restaurant}", json={"name": ""}).status_code == 422
        assert_quiet(api, restaurant, *socks)


def test_the_sockets_of_another_restaurant_are_not_told(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    other = hub.new_restaurant()
    with both_sockets(hub, restaurant) as socks:
        change(api, other, name="Osteria")
        assert_quiet(api, restaurant, *socks)


@on_both_sockets
def test_one_that_was_away_learns_it_from_the_greeting(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    guest = new_guest(api, restaurant)
    assert guest["version"] == 1
    changed = change(api, restaurant, name="Osteria")
    for query in ("", "&since_revision=1", "&since_revision=0", "&since_revision=9"):
        with hub.socket(f"{path}?restaurant_id={restaurant}{query}") as sock:
            assert next_message(sock)["restaurant"] == changed
    with all_restaurants(hub), hub.socket(REALTIME) as everyone:
        assert next_message(everyone)["restaurant"] is None


@pytest.mark.parametrize("whole", ["", "?with=guests,tables&name=Osteria"])
def test_a_deleted_restaurant_is_told_to_those_who_follow_all(hub: Hub, api: httpx.Client, whole: str) -> None:
    made = ok(api.post("/restaurants", json={"name": "Osteria"}), 201)
    gone = made["id"]
    if whole:
        new_guest(api, gone)
    with all_restaurants(hub) as everyone:
        assert api.delete(f"/restaurants/{gone}{whole}").status_code == 204
        told = next_message(everyone)
        assert told == {"type": "restaurant_deleted", "timestamp": told["timestamp"], "restaurant_id": gone}
        assert made["createdAt"] <= told["timestamp"] <= ok(api.get("/health"))["timestamp"]


def told_in_order(heard: list[Message]) -> None:
    """Fail unless each `restaurant_updated` comes after the commits of its revision and before any later one."""
    at = 0
    for message in heard:
        if message["type"] == "restaurant_updated":
            assert message["restaurant"]["revision"] == at
        else:
            at = max(at, message["revision"])


def test_among_many_simultaneous_changes_it_comes_after_the_commits_that_it_names(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    with both_sockets(hub, restaurant) as socks:
        with ThreadPoolExecutor(8) as pool:
            for n in range(40):
                pool.submit(new_guest, api, restaurant)
                pool.submit(change, api, restaurant, name=f"Osteria {n}")
        for sock in socks:
            heard = [next_message(sock) for _ in range(80)]
            told_in_order(heard)
            names = [one["restaurant"]["name"] for one in heard if one["type"] == "restaurant_updated"]
            assert len(names) == 40
            assert names[-1] == ok(api.get(f"/restaurants/{restaurant}"))["name"]


@on_both_sockets
def test_an_ipad_that_keeps_a_floor_is_not_disturbed(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    async def evening() -> None:
        async with Tablet(hub.ws_url, restaurant, path) as tablet:
            for n in range(5):
                await asyncio.to_thread(new_guest, api, restaurant)
                await asyncio.to_thread(change, api, restaurant, name=f"Osteria {n}")
            await agree([tablet], hub, restaurant)
            tablet.pause()
            await asyncio.to_thread(change, api, restaurant, name="Osteria")
            tablet.read_on()
            await asyncio.to_thread(new_guest, api, restaurant)
            await agree([tablet], hub, restaurant)
            assert tablet.restaurant["name"] == "Osteria"

    asyncio.run(evening())
