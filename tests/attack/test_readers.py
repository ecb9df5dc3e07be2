"""Readers that take little or nothing: what they cost the hub, and whose floor they hold up."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.attack.house_ipads import friends
from tests.attack.large_floors import new_restaurant, slow_http, slow_socket, write
from tests.attack.stranger import client, peak_rss_mb, status_of, ws
from tests.conftest import Hub
from tests.contract.sockets import until_closed

SYNC = "/ws/restaurant/sync?restaurant_id={}"
FULL = "/api/sync/full?restaurant_id={}"
LIST = "/restaurants/{}/guests/"
DELTA = "/api/sync/delta?restaurant_id={}&since_revision=0"

GUESTS, CHARACTERS = 300, 2000  # 2.4 MB of notes


def nothing_came(sock: socket.socket) -> bool:
    """Whether not a byte of an answer came."""
    sock.setblocking(False)
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(30)


def begun(sock: socket.socket) -> None:
    """Return when an answer has begun: from here on the hub holds its revision."""
    assert sock.recv(1, socket.MSG_PEEK)


def whole(sock: ClientConnection) -> dict[str, Any]:
    """What a socket holds once it has read until the head: the greeting's revision, the last one, and the guests."""
    hello = json.loads(sock.recv(30))
    held: dict[str, Any] = {}
    revision = 0
    parts: list[Any] = []
    while revision < hello["revision"] or parts:
        message = json.loads(sock.recv(30))
        parts.append(message)
        if message["part"] == message["parts"]:
            held |= {guest["id"]: guest for part in parts for guest in part["data"]["guests"]}
            revision, parts = message["revision"], []
    return {"greeted": hello["revision"], "revision": revision, "guests": held}


def test_sixty_readers_that_take_nothing_cost_no_copy_each(target: Hub) -> None:
    with target.client() as api, contextlib.ExitStack() as stack:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", GUESTS, CHARACTERS)
        before = peak_rss_mb(target)
        for path in (FULL, LIST, DELTA):
            for _ in range(20):
                sock = stack.enter_context(slow_http(target, path.format(restaurant)))
                assert sock.recv(12) == b"HTTP/1.1 200"
        for _ in range(20):
            stack.enter_context(slow_socket(target, SYNC.format(restaurant)))
        assert len(api.get(LIST.format(restaurant)).json()) == GUESTS
        assert peak_rss_mb(target) - before < 40, "80 copies would be 200 MB"


def test_a_socket_that_stays_holds_no_floor_of_the_past(target: Hub) -> None:
    with target.client() as api, contextlib.ExitStack() as stack:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", GUESTS, CHARACTERS)
        for turn in range(14):
            if turn == 4:  # by then the hub has what it works with
                before = peak_rss_mb(target)
            begun(stack.enter_context(slow_socket(target, f"/realtime?restaurant_id={restaurant}")))
            write(api, restaurant, "update", GUESTS, CHARACTERS, "🍷🍝"[turn % 2])
        # What ten sockets have not taken yet was 22 MB; with a floor each it was 67.
        assert peak_rss_mb(target) - before < 40
    target.delete_restaurant(restaurant)  # or the hub has no room for the banquet


def test_a_stranger_holds_two_revisions_and_waits_with_the_next_while_the_house_reads_on(target: Hub) -> None:
    with target.client() as api, contextlib.ExitStack() as stack:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", GUESTS, CHARACTERS)
        readers: list[socket.socket] = []
        for character in "abcdef":
            readers.append(stack.enter_context(slow_http(target, FULL.format(restaurant))))
            if len(readers) <= 2:
                begun(readers[-1])
            write(api, restaurant, "update", 1, CHARACTERS, character)
        assert [nothing_came(sock) for sock in readers] == [False, False, True, True, True, True]
        for path in (FULL, LIST, DELTA):
            assert api.get(path.format(restaurant)).status_code == 200
        readers[0].close()
        assert status_of(readers[2].recv(12) + b" ") == 200, "the next one had its turn"


def test_a_stranger_whose_sockets_would_wait_gets_the_older_floor_and_what_changed_since(target: Hub) -> None:
    with target.client() as api, contextlib.ExitStack() as stack:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", GUESTS, CHARACTERS)
        for character in "ab":
            begun(stack.enter_context(slow_http(target, FULL.format(restaurant))))
            head = write(api, restaurant, "update", 1, CHARACTERS, character)
        with ws(target, SYNC.format(restaurant)) as sock:
            held = whole(sock)
            assert held["greeted"] == held["revision"] == head - 1
            assert len(held["guests"]) == GUESTS
            missed = json.loads(sock.recv(30))
            assert (missed["previous_revision"], missed["revision"]) == (head - 1, head)
            assert missed["changes"][0]["data"]["notes"] == "b" * CHARACTERS


def test_many_requests_for_the_whole_floor_are_answered_by_few(target: Hub) -> None:
    with target.client() as api:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", 20, 10)
    with ws(target, SYNC.format(restaurant)) as sock:
        assert [json.loads(sock.recv(30))["type"] for _ in range(2)] == ["connection_established", "full_sync"]
        told: list[str] = []
        began = time.monotonic()
        for _ in range(20):
            sock.send('{"type": "request_full_sync"}')
            sock.send('{"type": "ping"}')
            while (kind := json.loads(sock.recv(30))["type"]) != "pong":
                told.append(kind)
        sock.send('{"type": "request_delta", "since_revision": 0}')  # asked last, answered last
        while not told or told[-1] != "delta_update":
            told.append(json.loads(sock.recv(30))["type"])
        assert 1 <= told.count("full_sync") <= 2 + (time.monotonic() - began), "one a second"


# ---- The whole of it: a floor of 5,000 guests and 16 MB, 200 readers of it, and those who are closed after a minute.

MANY, EACH = 5_000, 300


@pytest.fixture(scope="module")
def banquet(target: Hub) -> int:
    """A restaurant as large as one may be."""
    with target.client(timeout=120) as api:
        restaurant = new_restaurant(api)
        write(api, restaurant, "create", MANY, EACH)
    return restaurant


@contextlib.contextmanager
def sipped(socks: list[socket.socket]) -> Iterator[None]:
    """Read a little of each now and then, so that no one counts as stuck."""
    stop = threading.Event()

    def sip() -> None:
        while not stop.wait(2):
            for sock in socks:
                with contextlib.suppress(OSError):  # nothing has come, or it is closed
                    sock.setblocking(False)
                    sock.recv(2048)

    thread = threading.Thread(target=sip, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_slow_readers_of_the_largest_floor(target: Hub, banquet: int) -> None:
    with contextlib.ExitStack() as stack:
        with friends(target, 1) as alone:
            time.sleep(10)
        readers: list[socket.socket] = []
        with friends(target, 1) as told, sipped(readers):
            for number in range(200):
                open_one, path = (slow_socket, SYNC) if number < 100 else (slow_http, (FULL, LIST, DELTA)[number % 3])
                readers.append(stack.enter_context(open_one(target, path.format(banquet))))
                time.sleep(0.05)
            time.sleep(20)
        assert not told.faults
        print(
            f"200 slow readers: {peak_rss_mb(target):.0f} MB, p99 of friends "
            f"{alone.slowest_percent_s() * 1e3:.0f} ms alone, {told.slowest_percent_s() * 1e3:.0f} ms beside"
        )
        assert told.slowest_percent_s() < 10 * alone.slowest_percent_s()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_twenty_four_readers_with_a_revision_each_of_a_floor_that_is_rewritten(target: Hub, banquet: int) -> None:
    with target.client(timeout=120) as api, contextlib.ExitStack() as stack:
        readers: list[socket.socket] = []
        with sipped(readers):
            for number in range(24):
                open_one, path = (slow_socket, SYNC) if number % 2 else (slow_http, FULL)
                address = f"127.0.0.{70 + number % 6}"
                readers.append(stack.enter_context(open_one(target, path.format(banquet), address)))
                write(api, banquet, "update", MANY, EACH, "🍷🍝"[number % 2])
        print(f"24 readers with a revision each: {peak_rss_mb(target):.0f} MB")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_who_has_not_taken_the_floor_within_a_minute_is_closed(target: Hub, banquet: int) -> None:
    readers = [slow_http(target, path.format(banquet)) for path in (FULL, LIST, DELTA)]
    sock = ws(target, SYNC.format(banquet), max_queue=1, ping_interval=None)
    began = time.monotonic()
    with sipped(readers):
        while time.monotonic() - began < 58:
            json.loads(sock.recv(10))
            time.sleep(2)  # a part of 64 KiB every two seconds: the floor takes ten minutes
        time.sleep(10)
    until_closed(sock, 10)
    assert sock.close_code in (4408, 1006), "1006: the close frame was behind what it did not take"
    target.says("(the floor was not taken within a minute)")
    for reader in readers:
        reader.settimeout(5)
        taken = bytearray()
        with contextlib.suppress(ConnectionResetError):  # closed as well
            while part := reader.recv(65536):
                taken += part
        assert not taken.endswith(b"0\r\n\r\n")
        reader.close()
    with client(target) as api:
        assert api.get(FULL.format(banquet)).json()["total_guests"] == MANY
