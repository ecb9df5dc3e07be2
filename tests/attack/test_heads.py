"""Heads without an end, too many headers, and requests that are sent without waiting for an answer."""

from __future__ import annotations

import json
import re
import socket
import threading
import time

import pytest

from restohub.limits import HEAD_BYTES_MAX, HEADERS_MAX, PIPELINED_MAX
from tests.attack.house_ipads import friends
from tests.attack.raw_frames import HANDSHAKE, read_head
from tests.attack.stranger import peak_rss_mb, raw, read_to_end, status_of
from tests.conftest import Hub

GET = b"GET /restaurants/1 HTTP/1.1\r\nHost: hub\r\n"
CHUNKED = (
    b"POST /restaurants/1/guests HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
LONG = b"a" * 1_000_000
# What is no body and does not end: its beginning, and what goes on and on.
ENDLESS = {
    "a path": (b"GET /", LONG),
    "a header": (GET + b"X-Long: ", LONG),
    "a header's name": (GET, LONG),
    "headers": (GET, b"a:b\r\n" * 100_000),
    "a handshake's header": (HANDSHAKE[:-4] % b"/realtime" + b"X-Long: ", LONG),
    "a chunk's extension": (CHUNKED + b"2;", LONG),
    "a trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nX-Long: ", LONG),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"a:b\r\n" * 100_000),
    "a second request's header": (GET + b"\r\n" + GET + b"X-Long: ", LONG),
}


def answered(hub: Hub, sent: bytes) -> bytes:
    """All that the hub answers to this, until it closes the connection."""
    with raw(hub) as sock:
        sock.sendall(sent)
        return read_to_end(sock)


def statuses(said: bytes) -> list[int]:
    """The status of each answer in a stream of them."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def endless(hub: Hub, first: bytes, more: bytes, times: int = 1) -> bytes:
    """What the hub answers to one who sends on and on."""
    with raw(hub) as sock:
        sock.sendall(first)
        try:
            for _ in range(times):
                sock.sendall(more)
        except OSError:  # it reads no more of it
            pass
        return read_to_end(sock)


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_is_no_body_ends_after_16_kib(either: Hub, kind: str) -> None:
    said = endless(either, *ENDLESS[kind])
    assert statuses(said) == ([200, 431] if kind == "a second request's header" else [431])
    head, _, body = said[said.index(b"HTTP/1.1 431") :].partition(b"\r\n\r\n")
    assert json.loads(body)["error_code"] == "head_too_large"
    assert b"application/problem+json" in head
    assert b"connection: close" in head


@pytest.mark.parametrize("pieces", [(), (1,), (100, 5000)], ids=str)
def test_a_head_of_16_kib_is_read_and_one_byte_more_is_not(either: Hub, pieces: tuple[int, ...]) -> None:
    for size, status in ((HEAD_BYTES_MAX, 200), (HEAD_BYTES_MAX + 1, 431)):
        head = GET + b"Connection: close\r\nX-Long: "
        head += b"a" * (size - len(head) - 4) + b"\r\n\r\n"
        with raw(either) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start, end in zip((0, *pieces), (*pieces, size), strict=True):
                sock.sendall(head[start:end])
                time.sleep(0.02 if end < size else 0)
            assert statuses(read_to_end(sock)) == [status]


@pytest.mark.parametrize(
    ("first", "status"), [(GET, 200), (HANDSHAKE[:-4] % b"/nowhere", 404)], ids=["a request", "a handshake"]
)
def test_100_headers_are_read_and_101_are_not(either: Hub, first: bytes, status: int) -> None:
    has = first.count(b":")
    with raw(either) as sock:
        sock.sendall(first + b"a:b\r\n" * (HEADERS_MAX - has) + b"\r\n")
        assert status_of(read_head(sock)) == status
    assert statuses(answered(either, first + b"a:b\r\n" * (HEADERS_MAX + 1 - has) + b"\r\n")) == [431]


def test_a_line_of_a_handshake_over_8_kib_is_refused_like_a_head(either: Hub) -> None:
    long = HANDSHAKE % (b"/realtime", b"X-Long: " + b"a" * 9000 + b"\r\n")
    assert statuses(answered(either, long)) == [431]


def pipelined(count: int) -> bytes:
    """So many creates, sent without waiting for an answer; the last one closes the connection."""
    requests = []
    for number in range(count):
        body = json.dumps({"name": f"Party {number}", "partySize": 2}).encode()
        close = b"Connection: close\r\n" if number == count - 1 else b""
        head = b"POST /restaurants/%d/guests HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        requests.append(head + close + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return b"".join(requests)


@pytest.mark.parametrize("count", [PIPELINED_MAX, 40])
def test_pipelined_requests_are_answered_in_order_and_none_is_lost(either: Hub, count: int) -> None:
    restaurant = either.new_restaurant()
    said = answered(either, pipelined(count).replace(b"/%d/", b"/%d/" % restaurant))
    assert statuses(said) == [201] * count
    assert [int(number) for number in re.findall(rb'"name":"Party (\d+)"', said)] == list(range(count))


def test_a_bad_request_behind_a_good_one_is_refused_after_its_answer(either: Hub) -> None:
    said = answered(either, GET + b"\r\n" + b"NONSENSE\r\n\r\n")
    assert statuses(said) == [200, 400]


def test_trailers_are_no_headers(either: Hub) -> None:
    body = b'{"name": "Rossi", "partySize": 2}'
    sent = CHUNKED + b"%x\r\n%b\r\n0\r\nIdempotency-Key: from-a-trailer\r\n\r\n" % (len(body), body)
    for _ in range(2):
        with raw(either) as sock:
            sock.sendall(sent)
            head = read_head(sock)
        assert status_of(head) == 201
        assert b"idempotency-replayed" not in head.lower()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_endless_heads_and_requests_cost_the_house_nothing_it_would_notice(besieged_either: Hub) -> None:
    hub = besieged_either
    kinds = [
        (GET + b"X-Long: ", LONG, 69),
        (GET, b"a:b\r\n" * 100_000, 47),
        ((GET + b"\r\n") * 9_399 + GET + b"Connection: close\r\n\r\n", b"", 1),
    ]
    with friends(hub, hub.new_restaurant()) as house:
        time.sleep(8)
        before, quiet_s = len(house.took_s), house.slowest_percent_s()
        end = time.monotonic() + 20

        def attack(number: int) -> None:
            while time.monotonic() < end:
                try:
                    endless(hub, *kinds[number % len(kinds)])
                except OSError:  # over the rate of handshakes
                    time.sleep(0.1)

        attackers = [threading.Thread(target=attack, args=(number,), daemon=True) for number in range(8)]
        for attacker in attackers:
            attacker.start()
        for attacker in attackers:
            attacker.join(90)
        attacked_s = house.slowest_percent_s(before)
    print(f"p99 {quiet_s * 1e3:.0f} ms, then {attacked_s * 1e3:.0f}; {peak_rss_mb(hub):.0f} MB")
    assert house.faults == []
    assert attacked_s < max(10 * quiet_s, 0.5), (quiet_s, attacked_s)
