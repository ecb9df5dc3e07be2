"""The contract of heartbeats, and of the end of those who are silent or take nothing, on a hub whose clock runs fast.

What is held here is that it happens, and in this order; at which second is held by `wire/test_socket_state.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import jsonschema_rs
import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.sync.client import ClientConnection

from tests.conftest import Hub, next_message
from tests.contract.quick_hub import SPEED, clock, needs_quick_clock, running
from tests.contract.requests import new_guest, write_notes
from tests.contract.sockets import REALTIME, SYNC, ManualSocket, Message, listen, say

pytestmark = needs_quick_clock
# By the machine's clock; on the hub's ten minutes.
WAIT_S = 30.0
PIECE_BYTES = 32 * 1024
REQUEST = b'{"type": "request_full_sync"}'
TOOK_NOTHING = "(nothing was taken for half a minute)"
# Two thirds of the half minute within which a client has to take something, by the machine's clock.
LATE_S = 20 / SPEED
TRIES = 5


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """The hub of this module."""
    with running(clock()) as hub:
        yield hub


def next_of(kind: str, sock: ClientConnection) -> Message:
    """The next message of this type."""
    while (message := next_message(sock, WAIT_S))["type"] != kind:
        assert message["type"] != "error", message
    return message


def connections(api: httpx.Client) -> int:
    """How many sockets the hub holds."""
    return int(api.get("/health").json()["connections"])


def await_connections(api: httpx.Client, count: int) -> None:
    """Return when the hub holds so many sockets."""
    deadline = time.monotonic() + WAIT_S
    while (held := connections(api)) != count:
        assert time.monotonic() < deadline, f"{held} connections, not {count}"
        time.sleep(0.02)


def test_a_heartbeat_tells_each_socket_the_revision_that_it_was_sent(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    document = api.get("/schema/asyncapi.json").json()
    schema = {**document["components"]["messages"]["ping"]["payload"], "components": document["components"]}
    new_guest(api, restaurant)
    with (
        listen(hub, REALTIME, restaurant) as realtime,
        listen(hub, SYNC, restaurant) as sync,
        hub.socket(f"{SYNC}?restaurant_id={restaurant}&since_revision=1") as resumed,
        hub.socket(REALTIME) as everything,
    ):
        for revision in (1, 2):
            for sock in (realtime, sync, resumed):
                ping = next_of("ping", sock)
                assert ping == {"type": "ping", "timestamp": ping["timestamp"], "revision": revision}
                jsonschema_rs.Draft7Validator(schema).validate(ping)
            if revision == 1:
                new_guest(api, restaurant)
                next_of("guest_created", realtime)
                for sock in (sync, resumed):
                    next_of("delta_update", sock)
        assert next_of("ping", everything)["revision"] is None


def to_the_end(wire: ManualSocket) -> list[Frame]:
    """All frames until the hub has gone; nothing is ever answered."""
    return list(wire.frames(WAIT_S))


def test_a_peer_from_which_nothing_comes_is_pinged_and_then_closed_with_4408_and_forgotten(
    hub: Hub, api: httpx.Client
) -> None:
    await_connections(api, 0)  # those of the test before
    with ThreadPoolExecutor(2) as pool, ManualSocket(hub, REALTIME) as realtime, ManualSocket(hub, SYNC) as sync:
        assert connections(api) == 2
        for frames, first in zip(pool.map(to_the_end, (realtime, sync)), (1, 2), strict=True):
            said = [json.loads(bytes(frame.data))["type"] for frame in frames if frame.opcode is Opcode.TEXT]
            assert said == [*["connection_established", "full_sync"][:first], "ping"]
            assert [frame.opcode for frame in frames[first:]] == [Opcode.TEXT, Opcode.PING, Opcode.CLOSE]
            assert Close.parse(frames[-1].data).code == 4408
        await_connections(api, 0)


def keeps_on(hub: Hub, path: str) -> None:
    """A client that says nothing by itself, whose library answers the protocol's pings."""
    with hub.socket(path) as sock:
        for _ in range(3):
            next_of("ping", sock)
        say(sock, type="ping")
        next_of("pong", sock)


def answers_by_messages(hub: Hub, path: str) -> None:
    """A client whose library answers no ping of the protocol, and that itself answers the messages."""
    pings = 0
    with ManualSocket(hub, path) as wire:
        for frame in wire.frames(WAIT_S):
            if frame.opcode is not Opcode.TEXT or b'"ping"' not in bytes(frame.data):
                assert frame.opcode is not Opcode.CLOSE, frame.data
                continue
            wire.say(b'{"type": "pong"}')
            pings += 1
            if pings == 3:
                return
    raise AssertionError(f"closed after {pings} pings")


def test_a_peer_from_which_anything_comes_is_kept(hub: Hub) -> None:
    with ThreadPoolExecutor(4) as pool:
        ways = [pool.submit(way, hub, path) for way in (keeps_on, answers_by_messages) for path in (REALTIME, SYNC)]
        for way in ways:
            way.result()


def test_who_takes_nothing_for_half_a_minute_is_closed_and_who_takes_a_little_is_not(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    write_notes(api, restaurant, "create", "é")
    for _ in range(TRIES):
        before = hub.said().count(TOOK_NOTHING)
        if outlasts(hub, api, restaurant):
            hub.says(TOOK_NOTHING, before + 2)
            return
        await_connections(api, 0)
    pytest.fail(f"this machine stopped the test for a second, {TRIES} times")


def outlasts(hub: Hub, api: httpx.Client, restaurant: int) -> bool:
    """See one that takes a little be there for a minute, and two that take nothing go.

    False where the machine did not let it take in time, which is no fault of the hub's.
    """
    paths = [f"{path}?restaurant_id={restaurant}" for path in (REALTIME, SYNC, SYNC)]
    first, second, reading = (ManualSocket(hub, path, 4096) for path in paths)
    deadline = time.monotonic() + WAIT_S
    with first, second, reading:
        taken = begun = time.monotonic()
        rounds = 0
        while (held := connections(api)) != 1 or taken - begun < 60 / SPEED:
            assert time.monotonic() < deadline, f"{held} connections, not 1"
            went_on = takes(reading)
            if time.monotonic() - taken > LATE_S:
                return False
            assert went_on, "the one that reads was closed"
            taken = time.monotonic()
            rounds += 1
            if rounds <= 10:  # more than the network between takes, answered once in a second of the hub
                for wire in (first, second):
                    wire.say(REQUEST)
                time.sleep(1.5 / SPEED)
    return True


def takes(wire: ManualSocket) -> bool:
    """Ask for more and take a little; whether it came."""
    try:
        wire.say(REQUEST)
        return wire.take(PIECE_BYTES) == PIECE_BYTES
    except ConnectionError:
        return False
