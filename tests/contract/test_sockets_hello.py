"""The contract of a socket's first messages: the hello, the snapshot, the resume and the refusals."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.conftest import Hub, next_message
from tests.contract.answers import WORDS, check_words
from tests.contract.requests import full_sync, new_guest, new_table, write_notes
from tests.contract.sockets import (
    REALTIME,
    SYNC,
    ManualSocket,
    Message,
    assert_quiet,
    by_id,
    listen,
    on_both_sockets,
    until_closed,
)
from tests.tablet import Tablet, agree

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HELLO_KEYS = {
    "type", "timestamp", "restaurant_id", "restaurant", "epoch", "revision", "server_version", "heartbeat_seconds",
    "resumed", "hub_started",
}  # fmt: skip


def since(path: str, restaurant: int, revision: int, epoch: str | None = None) -> str:
    """The address of a socket that resumes."""
    query = f"{path}?restaurant_id={restaurant}&since_revision={revision}"
    return query if epoch is None else f"{query}&epoch={epoch}"


@on_both_sockets
def test_the_first_message_is_connection_established(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    new_guest(api, restaurant)
    with hub.socket(f"{path}?restaurant_id={restaurant}") as sock:
        hello = next_message(sock)
    assert hello.keys() == HELLO_KEYS
    assert hello["type"] == "connection_established"
    assert TIME.fullmatch(hello["timestamp"])
    assert TIME.fullmatch(hello["hub_started"])
    assert hello["hub_started"] <= hello["timestamp"]
    assert (hello["restaurant_id"], hello["revision"]) == (restaurant, 1)
    assert hello["restaurant"] == api.get(f"/restaurants/{restaurant}").json()
    assert hello["epoch"] == full_sync(api, restaurant)["epoch"]
    assert hello["server_version"] == api.get("/health").json()["version"]
    assert hello["heartbeat_seconds"] == 30
    assert hello["resumed"] is False


@on_both_sockets
def test_a_hub_that_was_started_again_says_another_start_in_the_same_epoch(
    new_hub: Callable[..., Hub], path: str
) -> None:
    hub = new_hub().start()
    with hub.socket(path) as sock:
        before = next_message(sock)
    with hub.client() as api:
        while api.get("/health").json()["uptime_seconds"] < 1:  # the second in which it began is over
            time.sleep(0.05)
    with hub.socket(path) as sock:
        assert next_message(sock)["hub_started"] == before["hub_started"]
    hub.kill()
    hub.start()
    with hub.socket(path) as sock:
        after = next_message(sock)
    assert after["epoch"] == before["epoch"]
    assert after["hub_started"] > before["hub_started"]


@on_both_sockets
def test_a_trailing_slash_before_the_query_does_not_matter(hub: Hub, restaurant: int, path: str) -> None:
    with hub.socket(f"{path}/?restaurant_id={restaurant}") as sock:
        hello = next_message(sock)
    assert (hello["type"], hello["restaurant_id"]) == ("connection_established", restaurant)


@on_both_sockets
def test_what_is_offered_beside_is_not_chosen_and_the_socket_opens(hub: Hub, path: str) -> None:
    with connect(hub.ws_url + path, subprotocols=[Subprotocol("restohub")], compression="deflate") as sock:
        assert next_message(sock)["type"] == "connection_established"
        assert sock.subprotocol is None
        assert sock.response is not None
        chosen = ("sec-websocket-protocol", "sec-websocket-extensions")
        assert [name for name in chosen if name in sock.response.headers] == []


def test_a_sync_socket_without_a_restaurant_is_at_restaurant_1(hub: Hub) -> None:
    with hub.socket(SYNC) as sock:
        assert next_message(sock)["restaurant_id"] == 1
        assert next_message(sock)["restaurant_id"] == 1


@pytest.mark.parametrize("path", [REALTIME, REALTIME + "/"])
def test_a_realtime_without_a_restaurant_greets_with_every_restaurant(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    new_guest(api, restaurant)
    with hub.socket(path) as sock:
        hello = next_message(sock)
    assert hello.keys() == HELLO_KEYS | {"restaurants"}
    assert [hello[key] for key in ("restaurant_id", "restaurant", "revision")] == [None] * 3
    assert hello["resumed"] is False
    assert {"id": restaurant, "revision": 1} in hello["restaurants"]
    assert {told["id"] for told in hello["restaurants"]} == {one["id"] for one in api.get("/restaurants").json()}


def test_a_realtime_without_a_restaurant_hears_every_restaurant(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant)
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        new_guest(api, restaurant)
        heard = next_message(sock)
        assert (heard["restaurant_id"], heard["revision"], heard["previous_revision"]) == (restaurant, 2, 1)
        opened_later = hub.new_restaurant()
        new_guest(api, opened_later)
        heard = next_message(sock)
        assert (heard["restaurant_id"], heard["revision"], heard["previous_revision"]) == (opened_later, 1, 0)


def test_a_sync_socket_gets_the_snapshot_without_asking(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    guest, table = new_guest(api, restaurant, name="Bianchi"), new_table(api, restaurant)
    with hub.socket(f"{SYNC}?restaurant_id={restaurant}") as sock:
        hello, snapshot = next_message(sock), next_message(sock)
    assert TIME.fullmatch(snapshot.pop("timestamp"))
    assert snapshot == {
        "type": "full_sync",
        "restaurant_id": restaurant,
        "revision": 2,
        "data": {"guests": [guest], "tables": [table]},
        "part": 1,
        "parts": 1,
    }
    assert hello["revision"] == 2


def test_the_snapshot_of_an_empty_restaurant_has_empty_lists(hub: Hub, restaurant: int) -> None:
    with hub.socket(f"{SYNC}?restaurant_id={restaurant}") as sock:
        hello, snapshot = next_message(sock), next_message(sock)
    assert hello["revision"] == snapshot["revision"] == 0
    assert snapshot["data"] == {"guests": [], "tables": []}


def test_a_sync_socket_gets_each_later_commit_after_its_snapshot(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant)
    with listen(hub, SYNC, restaurant) as sock:
        new_guest(api, restaurant)
        new_guest(api, restaurant)
        heard = [next_message(sock), next_message(sock)]
    assert [(message["revision"], message["previous_revision"]) for message in heard] == [(2, 1), (3, 2)]


def test_a_realtime_that_does_not_resume_gets_nothing_of_the_past(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_guest(api, restaurant)
    with hub.socket(f"{REALTIME}?restaurant_id={restaurant}") as sock:
        next_message(sock)
        assert_quiet(api, restaurant, sock)


@on_both_sockets
@pytest.mark.parametrize("with_epoch", [True, False])
def test_a_resume_brings_what_was_missed_as_one_compacted_delta(
    hub: Hub, api: httpx.Client, restaurant: int, path: str, with_epoch: bool
) -> None:
    stays, goes = new_guest(api, restaurant), new_guest(api, restaurant)
    base = f"/restaurants/{restaurant}/guests"
    api.patch(f"{base}/{stays['id']}", json={"notes": "window"})
    present = api.patch(f"{base}/{stays['id']}", json={"notes": "terrace"}).json()
    api.delete(f"{base}/{goes['id']}")
    table = new_table(api, restaurant)
    head = full_sync(api, restaurant)
    with hub.socket(since(path, restaurant, 2, head["epoch"] if with_epoch else None)) as sock:
        hello, delta = next_message(sock), next_message(sock)
        assert (hello["resumed"], hello["revision"]) == (True, 6)
        changes = by_id(delta.pop("changes"))
        assert delta == {
            "type": "delta_update",
            "timestamp": head["timestamp"],
            "restaurant_id": restaurant,
            "revision": 6,
            "previous_revision": 2,
            "part": 1,
            "parts": 1,
        }
        assert changes == by_id(
            [
                {"entity_type": "guest", "entity_id": stays["id"], "action": "update", "data": present},
                {"entity_type": "guest", "entity_id": goes["id"], "action": "delete", "data": None},
                {"entity_type": "table", "entity_id": table["id"], "action": "create", "data": table},
            ]
        )
        new_guest(api, restaurant)
        assert next_message(sock)["previous_revision"] == 6


@on_both_sockets
def test_a_compacted_delta_has_guests_first_and_what_came_and_went_as_deleted(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="brief")
    api.delete(f"/restaurants/{restaurant}/guests/brief")
    new_table(api, restaurant, "2", id="t2")
    new_guest(api, restaurant, id="g1")
    with hub.socket(since(path, restaurant, 0)) as sock:
        next_message(sock)
        changes = [(change["entity_id"], change["action"]) for change in next_message(sock)["changes"]]
    assert sorted(changes[:2]) == [("brief", "delete"), ("g1", "create")]
    assert sorted(changes[2:]) == [("t1", "create"), ("t2", "create")]


@on_both_sockets
def test_the_hello_comes_before_the_answer_to_what_a_client_said_at_once(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    write_notes(api, restaurant, "create", "é")
    api.delete(f"/restaurants/{restaurant}/guests/g0")
    for _ in range(20):
        with ManualSocket(hub, since(path, restaurant, 1)) as wire:
            wire.say(b'{"type": "ping"}')
            heard = [json.loads(bytes(frame.data))["type"] for frame in itertools.islice(wire.frames(10), 3)]
            assert heard[0] == "connection_established"
            assert sorted(heard[1:]) == ["delta_update", "pong"]


@on_both_sockets
def test_a_resume_from_zero_brings_the_whole_history_in_one(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    guest = new_guest(api, restaurant)
    with hub.socket(since(path, restaurant, 0)) as sock:
        hello, delta = next_message(sock), next_message(sock)
    assert hello["resumed"] is True
    assert (delta["type"], delta["previous_revision"], delta["revision"]) == ("delta_update", 0, 1)
    assert delta["changes"] == [{"entity_type": "guest", "entity_id": guest["id"], "action": "create", "data": guest}]


@on_both_sockets
def test_a_resume_with_nothing_missed_is_told_nothing(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    new_guest(api, restaurant)
    with hub.socket(since(path, restaurant, 1, full_sync(api, restaurant)["epoch"])) as sock:
        hello = next_message(sock)
        assert (hello["resumed"], hello["revision"]) == (True, 1)
        assert_quiet(api, restaurant, sock)


def test_a_sync_socket_without_a_restaurant_resumes_at_restaurant_1(hub: Hub, api: httpx.Client) -> None:
    head = full_sync(api, 1)["revision"]
    new_guest(api, 1)
    with hub.socket(f"{SYNC}?since_revision={head}") as sock:
        assert next_message(sock)["resumed"] is True
        delta = next_message(sock)
    assert (delta["type"], delta["restaurant_id"], delta["previous_revision"]) == ("delta_update", 1, head)


def assert_starts_anew(hub: Hub, api: httpx.Client, restaurant: int, address: str) -> None:
    """Fail unless the socket says that it did not resume, and brings the full sync."""
    head = full_sync(api, restaurant)
    with hub.socket(address) as sock:
        hello, snapshot = next_message(sock), next_message(sock)
        assert (hello["resumed"], hello["revision"], hello["epoch"]) == (False, head["revision"], head["epoch"])
        assert (snapshot["type"], snapshot["revision"]) == ("full_sync", head["revision"])
        assert snapshot["data"] == {"guests": head["guests"], "tables": head["tables"]}
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_a_resume_from_the_future_gets_the_full_sync(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    new_guest(api, restaurant)
    assert_starts_anew(hub, api, restaurant, since(path, restaurant, 2))


@on_both_sockets
def test_a_resume_from_another_epoch_gets_the_full_sync(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    new_guest(api, restaurant)
    new_guest(api, restaurant)
    assert_starts_anew(hub, api, restaurant, since(path, restaurant, 1, "another"))


def refusal(hub: Hub, address: str) -> tuple[Message, int | None]:
    """The one `error` message before the hub closed, and the code."""
    with hub.socket(address) as sock:
        heard, code = until_closed(sock)
    assert [message["type"] for message in heard] == ["error"], heard
    assert heard[0].keys() == {"type", "timestamp", "error_code", *WORDS}
    assert TIME.fullmatch(heard[0]["timestamp"])
    check_words(heard[0])
    return heard[0], code


@on_both_sockets
@pytest.mark.parametrize("bad", ["abc", "0", "-1", "1.0", "", str(2**53)])
def test_a_bad_restaurant_id_closes_with_4400_after_an_error(hub: Hub, path: str, bad: str) -> None:
    error, code = refusal(hub, f"{path}?restaurant_id={bad}")
    assert (error["error_code"], code) == ("invalid_query", 4400)
    assert "restaurant_id" in error["hint"]


@on_both_sockets
@pytest.mark.parametrize("bad", ["abc", "-1", "1.0", ""])
def test_a_bad_since_revision_closes_with_4400_after_an_error(hub: Hub, restaurant: int, path: str, bad: str) -> None:
    error, code = refusal(hub, f"{path}?restaurant_id={restaurant}&since_revision={bad}")
    assert (error["error_code"], code) == ("invalid_query", 4400)
    assert "since_revision" in error["hint"]


def test_a_realtime_that_resumes_without_a_restaurant_closes_with_4400_after_an_error(hub: Hub) -> None:
    error, code = refusal(hub, f"{REALTIME}?since_revision=0")
    assert (error["error_code"], code) == ("invalid_query", 4400)


@on_both_sockets
@pytest.mark.parametrize("query", ["", "&since_revision=0"])
def test_an_unknown_restaurant_closes_with_4404_after_an_error(hub: Hub, path: str, query: str) -> None:
    error, code = refusal(hub, f"{path}?restaurant_id=999999999{query}")
    assert (error["error_code"], code) == ("restaurant_not_found", 4404)


def test_tablets_that_connect_and_resume_amid_changes_miss_none_and_repeat_none(hub: Hub, restaurant: int) -> None:
    numbers = itertools.count()

    async def change_until(done: asyncio.Event, client: httpx.AsyncClient) -> None:
        base = f"/restaurants/{restaurant}"
        while not done.is_set():
            table = {"id": f"t{next(numbers)}", "tableNumber": str(next(numbers)), "capacity": 4}
            guest = {"name": "Rossi", "partySize": 2, "tableId": table["id"]}
            for answer in (
                await client.post(f"{base}/tables/", json=table),
                await client.post(f"{base}/guests/", json=guest),
            ):
                assert answer.status_code == 201, answer.text

    async def come_and_go(path: str) -> Tablet:
        tablet = Tablet(hub.ws_url, restaurant, path)
        await tablet.connect()
        for _ in range(10):
            await tablet.wait_for(tablet.revision + 3)
            await tablet.cut()
            await tablet.resume()
            assert tablet.resumed
        return tablet

    async def evening() -> None:
        done = asyncio.Event()
        async with httpx.AsyncClient(base_url=hub.url, timeout=20, verify=False) as client:
            writers = [asyncio.create_task(change_until(done, client)) for _ in range(4)]
            tablets = await asyncio.gather(*(come_and_go(path) for path in (REALTIME, SYNC) for _ in range(10)))
            done.set()
            await asyncio.gather(*writers)
        await agree(tablets, hub, restaurant)
        for tablet in tablets:
            await tablet.leave()

    asyncio.run(evening())
