"""The contract of large messages: parts of at most 256 KiB, numbered, with nothing but pings between."""

from __future__ import annotations

import asyncio
import itertools
import json

import httpx

from tests.conftest import Hub, next_message
from tests.contract.requests import full_sync, new_guest, new_table, write_notes
from tests.contract.sockets import (
    REALTIME,
    SYNC,
    Entity,
    ManualSocket,
    Message,
    assert_quiet,
    both_sockets,
    by_id,
    changes_of,
    listen,
    on_both_sockets,
    say,
    take_parts,
)
from tests.tablet import Tablet, agree


def floor_of(parts: list[Message]) -> tuple[list[Entity], list[Entity]]:
    """The guests and tables of a snapshot that came in parts."""
    guests = [guest for part in parts for guest in part["data"]["guests"]]
    return guests, [table for part in parts for table in part["data"]["tables"]]


def assert_snapshot(api: httpx.Client, restaurant: int, parts: list[Message]) -> None:
    """Fail unless the parts are one snapshot in at least four messages, and the present floor."""
    head = full_sync(api, restaurant)
    assert len(parts) >= 4
    for part in parts:
        assert part.keys() == {"type", "timestamp", "restaurant_id", "revision", "data", "part", "parts"}
        assert part["data"].keys() == {"guests", "tables"}
        assert (part["type"], part["revision"]) == ("full_sync", head["revision"])
    guests, tables = floor_of(parts)
    assert by_id(guests) == by_id(head["guests"])
    assert by_id(tables) == by_id(head["tables"])


def test_a_large_snapshot_comes_in_parts_to_a_new_sync_socket(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    write_notes(api, restaurant, "create", "é")
    new_table(api, restaurant)
    for resume in ("", "&since_revision=9"):  # from the future
        with hub.socket(f"{SYNC}?restaurant_id={restaurant}{resume}") as sock:
            hello = next_message(sock)
            assert (hello["revision"], hello["resumed"]) == (full_sync(api, restaurant)["revision"], False)
            assert_snapshot(api, restaurant, take_parts(sock))
            assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_a_large_snapshot_comes_in_parts_on_request(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    write_notes(api, restaurant, "create", "é")
    with listen(hub, path, restaurant) as sock:
        say(sock, type="request_full_sync")
        assert_snapshot(api, restaurant, take_parts(sock))


@on_both_sockets
def test_a_large_missed_delta_comes_in_parts_to_one_that_resumes(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    new_guest(api, restaurant)
    write_notes(api, restaurant, "create", "é")
    write_notes(api, restaurant, "update", "è")
    with hub.socket(f"{path}?restaurant_id={restaurant}&since_revision=1") as sock:
        assert next_message(sock)["resumed"] is True
        parts = take_parts(sock)
        assert len(parts) >= 4
        assert {(part["type"], part["previous_revision"], part["revision"]) for part in parts} == {
            ("delta_update", 1, 3)
        }
        changed = {change["entity_id"]: change["data"] for change in changes_of(parts)}
        assert len(changed) == len(changes_of(parts)) == 200
        assert changed == {
            guest["id"]: guest for guest in full_sync(api, restaurant)["guests"] if guest["id"] in changed
        }
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_a_large_requested_delta_comes_in_parts(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    write_notes(api, restaurant, "create", "é")
    with listen(hub, path, restaurant) as sock:
        say(sock, type="request_delta", since_revision=0)
        parts = take_parts(sock)
    assert len(parts) >= 4
    assert {part["type"] for part in parts} == {"delta_update"}
    assert by_id(change["data"] for change in changes_of(parts)) == by_id(full_sync(api, restaurant)["guests"])


def test_a_large_transaction_comes_in_parts_on_both_sockets_and_its_echoes_after(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    with both_sockets(hub, restaurant) as (realtime, sync):
        body = write_notes(api, restaurant, "create", "é").json()
        parts = take_parts(sync)
        assert len(parts) >= 4
        for part in parts:
            assert part["type"] == "atomic_transaction_complete"
            assert part["transaction_id"] == body["transaction_id"]
            assert (part["previous_revision"], part["revision"]) == (0, 1)
        assert changes_of(parts) == body["changes"]
        assert take_parts(realtime) == parts
        for change in body["changes"]:
            echo = next_message(realtime)
            assert (echo["type"], echo["guest"], echo["echo"]) == ("guest_created", change["data"], True)
        assert_quiet(api, restaurant, realtime, sync)


@on_both_sockets
def test_no_pong_comes_between_two_parts(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    write_notes(api, restaurant, "create", "é")
    for note in "èêëēėęě":
        write_notes(api, restaurant, "update", note)
    heard: list[Message] = []
    with ManualSocket(hub, f"{path}?restaurant_id={restaurant}", receive_bytes=4096) as wire:
        messages = (json.loads(bytes(frame.data)) for frame in wire.frames(10))
        for since in range(8):  # more than the system takes for us: the hub waits with parts in hand, and is asked then
            wire.say(b'{"type": "request_delta", "since_revision": %d}' % since)
        for _ in range(20):
            heard.append(next(messages))
            wire.say(b'{"type": "ping"}')
            api.get("/health")
        while sum(message["type"] == "pong" for message in heard) < 20:
            heard.append(next(messages))
    for before, message in itertools.pairwise(heard):
        within = before.get("part", 1) < before.get("parts", 1)
        assert not within or message.get("part") == before["part"] + 1, f"{message['type']} between two parts"


def test_no_commit_comes_between_two_parts(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    write_notes(api, restaurant, "create", "é")

    async def change_until(done: asyncio.Event, client: httpx.AsyncClient) -> None:
        while not done.is_set():
            answer = await client.post(f"/restaurants/{restaurant}/guests/", json={"name": "Rossi", "partySize": 2})
            assert answer.status_code == 201, answer.text

    async def evening() -> None:
        done = asyncio.Event()
        async with httpx.AsyncClient(base_url=hub.url, timeout=20, verify=False) as client:
            writers = [asyncio.create_task(change_until(done, client)) for _ in range(4)]
            tablets = [Tablet(hub.ws_url, restaurant, path) for path in (REALTIME, SYNC) for _ in range(4)]
            for _ in range(3):
                await asyncio.gather(*(tablet.connect() for tablet in tablets))
                await asyncio.gather(*(tablet.cut() for tablet in tablets))
            await asyncio.gather(*(tablet.resume() for tablet in tablets))
            for note in "àèì":
                await asyncio.to_thread(write_notes, api, restaurant, "update", note)
            done.set()
            await asyncio.gather(*writers)
        await agree(tablets, hub, restaurant)
        for tablet in tablets:
            await tablet.leave()

    asyncio.run(evening())
