"""Sockets on a closed hub that do not say who they are: told nothing, ended soon, and few at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from tests.access.closed_hub import end_of, pair, shown_later
from tests.attack.stranger import ws
from tests.conftest import Hub, next_message

SYNC = "/ws/restaurant/sync"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A closed hub."""
    hub = Hub(tmp_path_factory.mktemp("closed") / "data", "--access", "closed").start()
    yield hub
    hub.stop()


@pytest.mark.parametrize(
    "said",
    [
        '{"type": "ping"}',
        '{"type": "request_full_sync"}',
        "{",
        b"\x00",
        '{"type": "auth"}',
        '{"type": "auth", "token": 5}',
    ],
)
def test_another_first_message_ends_it(closed: Hub, said: str | bytes) -> None:
    token = pair(closed, "view").token
    with closed.socket(SYNC) as socket:
        next_message(socket)
        socket.send(said)
        with contextlib.suppress(ConnectionClosed):  # the end may have come by then
            socket.send(json.dumps({"type": "auth", "token": token}))
        assert end_of(socket) == (4401, "token_required"), "the first message counts"


def test_silence_ends_it(closed: Hub) -> None:
    with closed.socket(SYNC) as socket:
        next_message(socket)
        assert next_message(socket, wait_s=20)["error_code"] == "token_required"


def test_it_does_not_learn_which_restaurants_there_are(closed: Hub) -> None:
    with closed.socket(f"{SYNC}?restaurant_id=404") as unknown, closed.socket(f"{SYNC}?restaurant_id=1") as known:
        first, second = next_message(unknown), next_message(known)
        assert {**first, "timestamp": "", "hub_started": ""} == {**second, "timestamp": "", "hub_started": ""}
        assert end_of(unknown) == end_of(known) == (4401, "token_required")


def test_an_address_has_four_places_and_others_find_room(closed: Hub) -> None:
    token = pair(closed, "view").token
    with ExitStack() as stack:
        waiting = []
        for number in range(1, 12):
            waiting += [stack.enter_context(ws(closed, SYNC, f"127.0.4.{number}")) for _ in range(4)]
            if number == 1:
                one_more = stack.enter_context(ws(closed, SYNC, "127.0.4.1"))
                assert end_of(one_more) == (1013, "busy")
        with shown_later(closed, SYNC, token) as socket:
            assert next_message(socket)["type"] == "connection_established"


def test_thirty_two_wait_and_the_newest_of_an_address_that_holds_more_gives_way(closed: Hub) -> None:
    with ExitStack() as stack:
        first = [stack.enter_context(ws(closed, SYNC, f"127.0.6.{number // 4 + 1}")) for number in range(32)]
        last = stack.enter_context(ws(closed, SYNC, "127.0.6.99"))
        ends = [end_of(socket) for socket in first]
        assert [number for number, end in enumerate(ends) if end[0] == 1013] == [3]
        assert end_of(last) == (4401, "token_required")
