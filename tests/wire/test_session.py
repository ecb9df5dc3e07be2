"""The facts of one socket's session: what each message asks for, and how many are too many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from restohub.wire.socket_state import Close, SayError, SayPong, SendDelta, SendFullSync, Session, Wish


def heard(message: dict[str, Any], restaurant_id: int | None = 1) -> list[Wish]:
    """What a fresh session of a restaurant makes of a message."""
    return Session(restaurant_id).heard(json.dumps(message), 0.0)


def test_a_ping_asks_for_a_pong_and_a_pong_for_nothing() -> None:
    assert heard({"type": "ping", "timestamp": "x"}) == [SayPong()]
    assert heard({"type": "pong"}) == []


def test_requests_are_of_the_sockets_own_restaurant() -> None:
    assert heard({"type": "request_full_sync"}) == [SendFullSync(1)]
    assert heard({"type": "request_delta", "since_revision": 7}) == [SendDelta(1, 7)]
    assert heard({"type": "request_delta", "since_revision": 7, "restaurant_id": 2}, None) == [SendDelta(2, 7)]


@pytest.mark.parametrize(
    ("message", "restaurant_id"),
    [
        ({"type": "request_full_sync"}, None),
        ({"type": "request_full_sync", "restaurant_id": 2}, 1),
        ({"type": "request_full_sync", "restaurant_id": "1"}, 1),
        ({"type": "request_delta"}, 1),
        ({"type": "request_delta", "since_revision": -1}, 1),
        ({"type": "request_delta", "since_revision": True}, 1),
        ({"type": "request_delta", "since_revision": 7}, None),
        ({"type": "shout"}, 1),
        ({"type": 5}, 1),
        ({}, 1),
    ],
)
def test_what_cannot_be_followed_is_said(message: dict[str, Any], restaurant_id: int | None) -> None:
    (wish,) = heard(message, restaurant_id)
    assert isinstance(wish, SayError)
    assert wish.refused.code == "invalid_message"


def test_fifty_messages_a_second_are_heard_and_one_more_closes() -> None:
    session = Session(1)
    for second in (0.0, 1.0, 2.0):
        assert all(session.heard('{"type": "ping"}', second) == [SayPong()] for _ in range(50))
    said, closed = session.heard('{"type": "ping"}', 2.5)
    assert isinstance(said, SayError)
    assert said.refused.code == "too_many_messages"
    assert isinstance(closed, Close)
    assert closed.code == 1008
