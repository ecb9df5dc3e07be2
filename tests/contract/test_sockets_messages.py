"""The contract of what a commit says on the sockets: which message, to whom, when, and when none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import revision_of
from tests.contract.requests import commit_batch, full_sync, new_guest, new_table, op
from tests.contract.sockets import (
    REALTIME,
    SYNC,
    assert_quiet,
    assert_told_plainly,
    both_sockets,
    change,
    listen,
    on_both_sockets,
    until_closed,
)


def test_a_new_guest_is_guest_created(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.post(f"/restaurants/{restaurant}/guests/", json={"name": "Rossi", "partySize": 2})
        guest = answer.json()
        said = change("guest", "create", guest["id"], guest)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_changed_guest_is_guest_updated(hub: Hub, api: httpx.Client, restaurant: int, method: str) -> None:
    guest_id = new_guest(api, restaurant)["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.request(method, f"/restaurants/{restaurant}/guests/{guest_id}", json={"notes": "window"})
        guest = answer.json()
        said = change("guest", "update", guest_id, guest)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_removed_guest_is_guest_deleted(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    guest_id = new_guest(api, restaurant, id="7")["id"]  # a string, whatever it looks like
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.delete(f"/restaurants/{restaurant}/guests/{guest_id}")
        said = change("guest", "delete", guest_id, None)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_new_table_is_table_created(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.post(f"/restaurants/{restaurant}/tables/", json={"tableNumber": "7", "capacity": 4})
        table = answer.json()
        said = change("table", "create", table["id"], table)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_changed_table_is_table_updated(hub: Hub, api: httpx.Client, restaurant: int, method: str) -> None:
    table_id = new_table(api, restaurant)["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.request(method, f"/restaurants/{restaurant}/tables/{table_id}", json={"status": "dirty"})
        table = answer.json()
        said = change("table", "update", table_id, table)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_removed_table_is_table_deleted(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    table_id = new_table(api, restaurant)["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.delete(f"/restaurants/{restaurant}/tables/{table_id}")
        said = change("table", "delete", table_id, None)
        assert_told_plainly(realtime, sync, restaurant, answer, said)
        assert_quiet(api, restaurant, realtime, sync)


def test_a_change_to_a_seated_guest_alone_is_a_plain_guest_updated(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    table = new_table(api, restaurant)
    guest_id = new_guest(api, restaurant, tableId=table["id"])["id"]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.patch(f"/restaurants/{restaurant}/guests/{guest_id}", json={"notes": "birthday"})
        said = change("guest", "update", guest_id, answer.json())
        assert_told_plainly(realtime, sync, restaurant, answer, said)


def test_each_update_of_an_offline_queue_is_a_message_of_its_own(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    updates: list[dict[str, Any]] = [
        {"entity_type": "guest", "entity_id": "g1", "action": "create", "data": {"name": "Rossi", "partySize": 2}},
        {"entity_type": "guest", "entity_id": "unknown", "data": {"notes": "lost"}},
        {"entity_type": "guest", "entity_id": "g1", "data": {"notes": "window"}},
        {"entity_type": "guest", "entity_id": "g1", "action": "delete", "data": None},
    ]
    with both_sockets(hub, restaurant) as (realtime, sync):
        answer = api.post("/api/sync/batch", params={"restaurant_id": restaurant}, json={"updates": updates})
        assert answer.status_code == 200, answer.text
        assert revision_of(answer) == 3
        names = [(message["type"], message["revision"]) for message in (next_message(realtime) for _ in range(3))]
        assert names == [("guest_created", 1), ("guest_updated", 2), ("guest_deleted", 3)]
        deltas = [(message["type"], message["revision"]) for message in (next_message(sync) for _ in range(3))]
        assert deltas == [("delta_update", 1), ("delta_update", 2), ("delta_update", 3)]
        assert_quiet(api, restaurant, realtime, sync)


@on_both_sockets
def test_commits_come_in_the_order_of_revisions_one_message_each(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    with listen(hub, path, restaurant) as sock:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: new_guest(api, restaurant, id=f"g{number}"), range(60)))
        heard = [next_message(sock) for _ in range(60)]
        assert [(one["previous_revision"], one["revision"]) for one in heard] == [(n, n + 1) for n in range(60)]
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_every_client_hears_a_commit_alike(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as first, listen(hub, path, restaurant) as second:
        new_guest(api, restaurant)
        heard = next_message(first)
        assert heard["revision"] == 1
        assert next_message(second) == heard


@on_both_sockets
def test_a_commit_is_not_heard_at_another_restaurant(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        new_guest(api, hub.new_restaurant())
        assert_quiet(api, restaurant, sock)


def test_a_request_that_changes_nothing_sends_nothing(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="g1", notes="window", tableId="t1")
    guest = f"/restaurants/{restaurant}/guests/g1"
    with both_sockets(hub, restaurant) as (realtime, sync):
        answers = [
            api.patch(guest, json={"notes": "window"}),
            api.put(f"{guest}/status/atomic", json={"status": "seated"}),
            api.patch(f"/restaurants/{restaurant}/tables/t1", json={"currentGuestId": "g1"}),
            commit_batch(api, restaurant, [op("guest", "update", "g1", notes="window")]),
        ]
        assert [(answer.status_code, revision_of(answer)) for answer in answers] == [(200, 2)] * 4
        assert_quiet(api, restaurant, realtime, sync)
        assert full_sync(api, restaurant)["revision"] == 3


def test_a_refused_request_sends_nothing_and_uses_no_revision(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    new_table(api, restaurant, id="t1")
    new_guest(api, restaurant, id="sits", tableId="t1")
    new_guest(api, restaurant, id="waits")
    with both_sockets(hub, restaurant) as (realtime, sync):
        failing = [
            op("guest", "update", "sits", notes="rolled back"),
            op("guest", "update", "waits", tableId="t1"),
        ]
        refused = [
            api.patch(f"/restaurants/{restaurant}/guests/waits", json={"tableId": "t1"}),
            api.patch(f"/restaurants/{restaurant}/guests/waits", json={"partySize": 0}),
            api.post("/api/v1/atomic/batch", json={"restaurant_id": restaurant, "operations": failing}),
        ]
        assert [answer.status_code for answer in refused] == [409, 422, 409]
        assert_quiet(api, restaurant, realtime, sync)
        assert full_sync(api, restaurant)["revision"] == 4


def test_a_replayed_request_sends_nothing(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    request: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}, "json": {"name": "Rossi", "partySize": 2}}
    api.post(f"/restaurants/{restaurant}/guests/", **request)
    with both_sockets(hub, restaurant) as (realtime, sync):
        again = api.post(f"/restaurants/{restaurant}/guests/", **request)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert_quiet(api, restaurant, realtime, sync)


@on_both_sockets
def test_the_sockets_of_a_deleted_restaurant_close_with_4404(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    with listen(hub, path, restaurant) as sock:
        assert api.delete(f"/restaurants/{restaurant}").status_code == 204
        assert until_closed(sock)[1] == 4404


def test_a_socket_for_all_restaurants_outlives_a_deleted_one(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        api.delete(f"/restaurants/{restaurant}")
        assert next_message(sock)["type"] == "restaurant_deleted"
        assert_quiet(api, hub.new_restaurant(), sock)


def test_a_sync_socket_speaks_no_named_messages(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    with listen(hub, SYNC, restaurant) as sock:
        new_table(api, restaurant, id="t1")
        new_guest(api, restaurant, tableId="t1")
        new_guest(api, restaurant)
        types = [next_message(sock)["type"] for _ in range(3)]
    assert types == ["delta_update", "atomic_transaction_complete", "delta_update"]
