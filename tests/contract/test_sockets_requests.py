"""The contract of what a client may say on a socket, and of what becomes of it where it says else."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import Hub, next_message
from tests.contract.answers import WORDS, check_words
from tests.contract.requests import full_sync, new_guest, new_table
from tests.contract.sockets import (
    REALTIME,
    SYNC,
    answers_pings,
    assert_quiet,
    listen,
    on_both_sockets,
    say,
    until_closed,
)

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MESSAGE_BYTES_MAX = 64 * 1024


@on_both_sockets
@pytest.mark.parametrize("beside", [{}, {"timestamp": "2024-01-15T10:30:00Z", "device": {"name": "iPad"}}])
def test_a_ping_is_answered_by_a_pong(hub: Hub, restaurant: int, path: str, beside: dict[str, Any]) -> None:
    with listen(hub, path, restaurant) as sock:
        say(sock, type="ping", **beside)
        pong = next_message(sock)
    assert pong.keys() == {"type", "timestamp"}
    assert pong["type"] == "pong"
    assert TIME.fullmatch(pong["timestamp"])


@on_both_sockets
def test_a_protocol_level_ping_is_answered(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        assert sock.ping().wait(5)


@on_both_sockets
def test_a_pong_is_taken_without_an_answer(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        say(sock, type="pong", timestamp="2024-01-15T10:30:00Z")
        say(sock, type="hello")
        assert next_message(sock)["type"] == "error", "and no answer to the pong before it"
        assert answers_pings(sock)


@on_both_sockets
@pytest.mark.parametrize("beside", [{}, {"timestamp": "2024-01-15T10:30:00Z"}])
def test_request_full_sync_brings_the_full_sync(
    hub: Hub, api: httpx.Client, restaurant: int, path: str, beside: dict[str, Any]
) -> None:
    with listen(hub, path, restaurant) as sock:
        guest, table = new_guest(api, restaurant), new_table(api, restaurant)
        next_message(sock)
        next_message(sock)
        say(sock, type="request_full_sync", **beside)
        snapshot = next_message(sock)
        assert snapshot == {
            "type": "full_sync",
            "timestamp": snapshot["timestamp"],
            "restaurant_id": restaurant,
            "revision": 2,
            "data": {"guests": [guest], "tables": [table]},
            "part": 1,
            "parts": 1,
        }
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_request_delta_brings_what_was_missed(hub: Hub, api: httpx.Client, restaurant: int, path: str) -> None:
    new_guest(api, restaurant)
    known = new_guest(api, restaurant)
    present = api.patch(f"/restaurants/{restaurant}/guests/{known['id']}", json={"notes": "window"}).json()
    with listen(hub, path, restaurant) as sock:
        say(sock, type="request_delta", since_revision=2, timestamp="2024-01-15T10:30:00Z")
        delta = next_message(sock)
        assert delta == {
            "type": "delta_update",
            "timestamp": delta["timestamp"],
            "restaurant_id": restaurant,
            "revision": 3,
            "previous_revision": 2,
            "part": 1,
            "parts": 1,
            "changes": [{"entity_type": "guest", "entity_id": known["id"], "action": "update", "data": present}],
        }
        say(sock, type="request_delta", sinceRevision=2)
        assert next_message(sock) == delta
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_request_delta_is_answered_by_an_empty_delta_where_nothing_was_missed(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    new_guest(api, restaurant)
    with listen(hub, path, restaurant) as sock:
        say(sock, type="request_delta", since_revision=1)
        delta = next_message(sock)
        assert (delta["type"], delta["changes"], delta["part"], delta["parts"]) == ("delta_update", [], 1, 1)
        assert (delta["revision"], delta["previous_revision"]) == (1, 1)
        assert_quiet(api, restaurant, sock)


@on_both_sockets
def test_request_delta_from_the_future_brings_the_full_sync(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    guest = new_guest(api, restaurant)
    with listen(hub, path, restaurant) as sock:
        say(sock, type="request_delta", since_revision=99)
        snapshot = next_message(sock)
    assert (snapshot["type"], snapshot["revision"]) == ("full_sync", 1)
    assert snapshot["data"] == {"guests": [guest], "tables": []}


def test_a_realtime_for_all_restaurants_answers_requests_for_one(hub: Hub, api: httpx.Client, restaurant: int) -> None:
    guest = new_guest(api, restaurant)
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        say(sock, type="request_full_sync", restaurant_id=restaurant)
        snapshot = next_message(sock)
        assert (snapshot["type"], snapshot["restaurant_id"]) == ("full_sync", restaurant)
        assert snapshot["data"] == {"guests": [guest], "tables": []}
        say(sock, type="request_delta", restaurant_id=restaurant, since_revision=0)
        delta = next_message(sock)
        assert (delta["type"], delta["restaurant_id"]) == ("delta_update", restaurant)
        assert [change["data"] for change in delta["changes"]] == [guest]


@pytest.mark.parametrize("request_", [{"type": "request_full_sync"}, {"type": "request_delta", "since_revision": 0}])
@pytest.mark.parametrize(
    ("which", "code"),
    [
        ({}, "invalid_message"),
        ({"restaurant_id": "1"}, "invalid_message"),
        ({"restaurant_id": 999999}, "restaurant_not_found"),
    ],
)
def test_a_realtime_for_all_restaurants_needs_to_know_which_one_is_requested(
    hub: Hub, request_: dict[str, Any], which: dict[str, Any], code: str
) -> None:
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        say(sock, **request_, **which)
        error = next_message(sock)
        assert (error["type"], error["error_code"]) == ("error", code)
        assert answers_pings(sock)


NOT_JSON = [
    "",
    "ping",
    "{",
    '{"type": "ping", "type": "pong"}',
    '{"type": "ping", "note": "\\u0000"}',
    '{"type": "ping", "note": "\\ud800"}',
    "[" * 30000,
]
NOT_MEANT: list[str | bytes] = [
    "[]",
    "null",
    '"ping"',
    "{}",
    '{"type": null}',
    '{"type": 5}',
    '{"type": "subscribe"}',
    '{"type": "Ping"}',
    '{"type": "guest_updated", "guest": {}}',
    '{"type": "request_delta"}',
    '{"type": "request_delta", "since_revision": null}',
    '{"type": "request_delta", "since_revision": "1"}',
    '{"type": "request_delta", "since_revision": true}',
    '{"type": "request_delta", "since_revision": 1.0}',
    '{"type": "request_delta", "since_revision": -1}',
    '{"type": "request_delta", "since_revision": 9007199254740992}',
    b'{"type": "ping"}',
    b"\x00\xff",
]
INVALID = [("invalid_json", text) for text in NOT_JSON] + [("invalid_message", text) for text in NOT_MEANT]


@on_both_sockets
@pytest.mark.parametrize(("error_code", "invalid"), INVALID, ids=[repr(invalid)[:60] for _, invalid in INVALID])
def test_anything_else_is_answered_by_an_error_and_the_connection_stays(
    hub: Hub, api: httpx.Client, restaurant: int, path: str, error_code: str, invalid: str | bytes
) -> None:
    with listen(hub, path, restaurant) as sock:
        sock.send(invalid)
        error = next_message(sock)
        assert error.keys() == {"type", "timestamp", "error_code", *WORDS}
        assert (error["type"], error["error_code"]) == ("error", error_code)
        assert TIME.fullmatch(error["timestamp"])
        check_words(error)
        assert answers_pings(sock)
        assert_quiet(api, restaurant, sock)


def ping_of(size: int) -> str:
    """A ping that is exactly so many bytes long in UTF-8."""
    bare = len(json.dumps({"type": "ping", "pad": ""}))
    return json.dumps({"type": "ping", "pad": "x" * (size - bare)})


@on_both_sockets
def test_a_message_of_64_kib_is_taken(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        sock.send(ping_of(MESSAGE_BYTES_MAX))
        assert next_message(sock)["type"] == "pong"


@on_both_sockets
@pytest.mark.parametrize("size", [MESSAGE_BYTES_MAX + 1, 2 * 1024 * 1024])
@pytest.mark.parametrize("binary", [False, True])
def test_a_message_over_64_kib_closes_with_1009(hub: Hub, restaurant: int, path: str, size: int, binary: bool) -> None:
    with listen(hub, path, restaurant) as sock:
        with contextlib.suppress(ConnectionClosed):  # while it is still being sent
            sock.send(ping_of(size).encode() if binary else ping_of(size))
        assert until_closed(sock)[1] == 1009


@on_both_sockets
def test_a_message_over_64_kib_in_fragments_closes_with_1009(hub: Hub, restaurant: int, path: str) -> None:
    text = ping_of(MESSAGE_BYTES_MAX + 1)
    with listen(hub, path, restaurant) as sock:
        with contextlib.suppress(ConnectionClosed):  # while it is still being sent
            sock.send([text[:40000], text[40000:]])
        assert until_closed(sock)[1] == 1009


@on_both_sockets
def test_50_messages_at_once_are_all_answered(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        for _ in range(50):
            say(sock, type="ping")
        assert [next_message(sock)["type"] for _ in range(50)] == ["pong"] * 50


@on_both_sockets
@pytest.mark.parametrize("text", ['{"type": "ping"}', '{"type": "pong"}', "nonsense"])
def test_more_than_50_messages_in_a_second_close_with_1008_after_an_error(
    hub: Hub, restaurant: int, path: str, text: str
) -> None:
    with listen(hub, path, restaurant, max_queue=None) as sock:
        with contextlib.suppress(ConnectionClosed):  # while it is still being sent
            for _ in range(500):
                sock.send(text)
        heard, code = until_closed(sock)
    assert code == 1008
    assert (heard[-1]["type"], heard[-1]["error_code"]) == ("error", "too_many_messages")


@on_both_sockets
def test_a_client_that_says_too_much_takes_nobody_with_it(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    with listen(hub, REALTIME, restaurant) as realtime, listen(hub, SYNC, restaurant) as sync:
        # It is closed before it has said all.
        with listen(hub, path, restaurant, max_queue=None) as loud, contextlib.suppress(ConnectionClosed):
            for _ in range(500):
                say(loud, type="request_full_sync")
        assert_quiet(api, restaurant, realtime, sync)
        assert full_sync(api, restaurant)["revision"] == 1
