"""The facts of one socket's state: what each message asks for, how many are too many, and what is due at a moment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Struct

from restohub.wire.socket_state import (
    Close,
    SendDelta,
    SendError,
    SendFullSync,
    SendPing,
    SendPong,
    SocketAction,
    SocketState,
)


def heard(message: dict[str, Any], restaurant_id: int | None = 1) -> list[SocketAction]:
    """What a fresh socket of a restaurant makes of a message."""
    return SocketState(restaurant_id, 0.0).on_message(json.dumps(message), 0.0)


def test_a_ping_asks_for_a_pong_and_a_pong_for_nothing() -> None:
    assert heard({"type": "ping", "timestamp": "x"}) == [SendPong()]
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
    (action,) = heard(message, restaurant_id)
    assert isinstance(action, SendError)
    assert action.refused.code == "invalid_message"


def test_fifty_messages_a_second_are_heard_and_one_more_closes() -> None:
    state = SocketState(1, 0.0)
    for second in (0.0, 1.0, 2.0):
        assert all(state.on_message('{"type": "ping"}', second) == [SendPong()] for _ in range(50))
    said, closed = state.on_message('{"type": "ping"}', 2.5)
    assert isinstance(said, SendError)
    assert said.refused.code == "too_many_messages"
    assert isinstance(closed, Close)
    assert closed.code == 1008


class Moment(Struct):
    """A tick at a second, what the link says then, and what is due: pings' revisions, close codes."""

    now: float
    due: list[int | str | None] = []
    heard_at: float | None = None  # None: just now
    taken: int = 0
    waiting: bool = False
    revision: int | None = 7


SILENT, STUCK = "4408 nothing was heard for a minute", "4408 nothing was taken for half a minute"
TICKS = {
    "a ping each half minute, with what the socket was sent by then": [
        Moment(29),
        Moment(30, [7]),
        Moment(31),
        Moment(59, revision=8),
        Moment(60, [8], revision=8),
    ],
    "a late tick puts the next ping off": [Moment(45, [7]), Moment(60), Moment(74), Moment(75, [7])],
    "a socket for all restaurants has no revision to say": [Moment(30, [None], revision=None)],
    "a minute of silence": [Moment(30, [7], heard_at=0), Moment(59.5, heard_at=0), Moment(60, [SILENT], heard_at=0)],
    "a sign of life in time": [Moment(30, [7], heard_at=0), Moment(60, [7], heard_at=59), Moment(89, heard_at=59)],
    "half a minute in which nothing of what waits was taken": [
        Moment(1, taken=100),
        Moment(2, taken=100, waiting=True),
        Moment(30, [7], taken=100, waiting=True),
        Moment(30.9, taken=100, waiting=True),
        Moment(31, [STUCK], taken=100, waiting=True),
    ],
    "a byte was taken": [
        Moment(1, taken=100, waiting=True),
        Moment(29, taken=101, waiting=True),
        Moment(31, [7], taken=101, waiting=True),
        Moment(58, taken=101, waiting=True),
        Moment(59, [STUCK], taken=101, waiting=True),
    ],
    "nothing waits, so nothing is stuck": [Moment(1, taken=100), Moment(40, [7], taken=100), Moment(69, taken=100)],
    "it begins to wait late": [
        Moment(28, taken=100),
        Moment(30, [7], taken=100, waiting=True),
        Moment(57, taken=100, waiting=True),
        Moment(58, [STUCK], taken=100, waiting=True),
    ],
    "silent and stuck": [Moment(70, [SILENT], heard_at=0, waiting=True)],
}


@pytest.mark.parametrize("moments", TICKS.values(), ids=TICKS)
def test_what_is_due_at_a_moment(moments: list[Moment]) -> None:
    state = SocketState(1, 0.0)
    for one in moments:
        heard_at = one.now if one.heard_at is None else one.heard_at
        actions = state.tick(one.now, heard_at=heard_at, taken=one.taken, waiting=one.waiting, revision=one.revision)
        assert [plain(action) for action in actions] == one.due, f"at {one.now} s"


def plain(action: SocketAction) -> int | str | None:
    """A ping as its revision, a close as its code and reason."""
    match action:
        case SendPing(revision):
            return revision
        case Close(code, reason):
            return f"{code} {reason}"
        case _:
            raise AssertionError(action)
