"""Requests that offer to change the protocol, and WebSocket handshakes that are wrong."""

from __future__ import annotations

import json
import re
import socket
import time

import pytest

from tests.attack.raw_frames import HANDSHAKE, read_head, upgrade
from tests.attack.stranger import raw, read_to_end, status_of
from tests.conftest import Hub

# What is never to be answered: a body that reads like a request.
SMUGGLED = b"DELETE /restaurants/1/guests/nobody HTTP/1.1\r\nHost: hub\r\n\r\n"
# curl --http2, Java's HttpClient, and what nobody has heard of.
OFFERS = {
    "curl": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Java": b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
    b"Upgrade: h2c\r\n",
    "several": b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: TLS/1.0, IRC/6.9\r\nUpgrade: h2c\r\n",
    "a socket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
}


def request(method: bytes, path: bytes, more: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    """One request with a body of JSON."""
    head = b"%b %b HTTP/%b\r\nHost: hub\r\nContent-Type: application/json\r\n" % (method, path, version)
    return head + more + (b"Content-Length: %d\r\n" % len(body) if body else b"") + b"\r\n" + body


def statuses(said: bytes) -> list[int]:
    """The status of each answer in a stream of them."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def answered(hub: Hub, *pieces: bytes) -> bytes:
    """All that is answered to these segments, until the hub closes the connection."""
    with raw(hub) as sock:
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.02 if piece is not pieces[-1] else 0)
        return read_to_end(sock)


def whole_answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one answer with a length, whether the connection ends after it or not."""
    head, _, body = read_head(sock).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return head, body


CLOSE = b"GET /restaurants/1 HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("cut", ["whole", "the body apart", "in the head", "in the body"])
def test_an_upgrade_that_the_hub_does_not_do_is_passed_over_and_the_body_is_read(
    either: Hub, offer: str, cut: str
) -> None:
    guest = json.dumps({"name": "Rossi", "partySize": 2, "notes": SMUGGLED.decode()}).encode()
    path = b"/restaurants/%d/guests" % either.new_restaurant()
    sent = request(b"POST", path, OFFERS[offer], guest)
    body_at = len(sent) - len(guest)
    at = {"whole": len(sent), "the body apart": body_at, "in the head": 40, "in the body": body_at + 9}[cut]
    said = answered(either, *(piece for piece in (sent[:at], sent[at:], CLOSE) if piece))
    assert statuses(said) == [201, 200]
    assert b'"name":"Rossi"' in said


@pytest.mark.parametrize("offer", OFFERS)
def test_a_body_in_chunks_is_read_and_none_of_it_is_a_request(either: Hub, offer: str) -> None:
    guest = json.dumps({"name": "Rossi", "partySize": 2}).encode() + b" " * 40
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (guest[:9], guest[9:])) + b"0\r\n\r\n"
    path = b"/restaurants/%d/guests" % either.new_restaurant()
    head = request(b"POST", path, OFFERS[offer] + b"Transfer-Encoding: chunked\r\n")
    assert statuses(answered(either, head, chunks, CLOSE)) == [201, 200]
    assert statuses(answered(either, head + chunks + CLOSE)) == [201, 200]


@pytest.mark.parametrize("offer", OFFERS)
def test_requests_behind_one_another_are_answered_in_order_whatever_they_offer(either: Hub, offer: str) -> None:
    path = b"/restaurants/%d/guests" % either.new_restaurant()
    party = [json.dumps({"name": f"Party {number}", "partySize": 2}).encode() for number in range(5)]
    said = answered(either, b"".join(request(b"POST", path, OFFERS[offer], one) for one in party) + CLOSE)
    assert statuses(said) == [201] * 5 + [200]
    assert [int(number) for number in re.findall(rb'"name":"Party (\d+)"', said)] == list(range(5))


@pytest.mark.parametrize("offer", ["curl", "Java", "several"])
def test_a_request_without_a_body_is_answered_too(either: Hub, offer: str) -> None:
    assert statuses(answered(either, request(b"GET", b"/restaurants/1", OFFERS[offer]) + CLOSE)) == [200, 200]


def test_a_body_that_reads_like_a_request_is_none(either: Hub) -> None:
    """Neither behind an upgrade that is passed over, nor behind a handshake that has a body."""
    for offer in OFFERS.values():
        for method, path, status in (
            (b"POST", b"/restaurants/1/guests", 400),
            (b"GET", b"/restaurants/1", 200),
            (b"GET", b"/realtime", 426),
        ):
            head = request(method, path, offer + b"Content-Length: %d\r\n" % len(SMUGGLED))
            for pieces in ((head + SMUGGLED, CLOSE), (head, SMUGGLED, CLOSE)):
                assert statuses(answered(either, *pieces)) == [status, 200]


@pytest.mark.parametrize("offer", OFFERS)
def test_http_1_0_has_no_upgrades(either: Hub, offer: str) -> None:
    said = answered(either, request(b"GET", b"/restaurants/1", OFFERS[offer], version=b"1.0"))
    assert statuses(said) == [200]


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE"])
def test_a_handshake_with_another_method_is_an_ordinary_request(either: Hub, method: bytes) -> None:
    said = answered(either, request(method, b"/realtime", OFFERS["a socket"]) + CLOSE)
    assert statuses(said) == [405, 200]
    assert b"allow: GET\r" in said
    assert b'"error_code":"method_not_allowed"' in said


def test_a_hundred_and_one_headers_are_too_many_with_an_upgrade_too(either: Hub) -> None:
    more = OFFERS["curl"] + b"a:b\r\n" * 100
    assert statuses(answered(either, request(b"GET", b"/restaurants/1", more))) == [431]


def test_connect_is_refused(either: Hub, request: pytest.FixtureRequest) -> None:
    """httptools calls its target malformed, h11 a path that is not there."""
    for more in (b"", OFFERS["curl"]):
        (status,) = statuses(
            answered(either, b"CONNECT hub:80 HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n" + more + b"\r\n")
        )
        assert status == {"open": 400, "tls": 400, "h11": 404}[request.node.callspec.params["either"]]


# ---- Handshakes that are wrong.

KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
# Which lines a handshake has, and what it is answered.
WRONG: dict[str, tuple[bytes, int, str]] = {
    "an older version": (UPGRADE + KEY + b"Sec-WebSocket-Version: 8\r\n", 426, "upgrade_required"),
    "no number": (UPGRADE + KEY + b"Sec-WebSocket-Version: new\r\n", 426, "upgrade_required"),
    "two versions": (UPGRADE + KEY + VERSION + b"Sec-WebSocket-Version: 8\r\n", 426, "upgrade_required"),
    "no version": (UPGRADE + KEY, 426, "upgrade_required"),
    "a version from before there were keys": (UPGRADE + b"Sec-WebSocket-Key1: 1\r\n", 426, "upgrade_required"),
    "no key": (UPGRADE + VERSION, 400, "invalid_json"),
    "a key that is too short": (UPGRADE + VERSION + b"Sec-WebSocket-Key: AAAA\r\n", 400, "invalid_json"),
    "a key that is no base64": (UPGRADE + VERSION + b"Sec-WebSocket-Key: ?\r\n", 400, "invalid_json"),
    "two keys": (UPGRADE + VERSION + KEY + KEY, 400, "invalid_json"),
    "protocols that are none": (UPGRADE + VERSION + KEY + b"Sec-WebSocket-Protocol: ?/?\r\n", 400, "invalid_json"),
    "two origins": (UPGRADE + VERSION + KEY + b"Origin: http://hub\r\n" * 2, 403, "origin_not_allowed"),
    "no connection: upgrade": (b"Upgrade: websocket\r\n" + VERSION + KEY, 426, "upgrade_required"),
    "no upgrade": (b"Connection: upgrade\r\n" + VERSION + KEY, 426, "upgrade_required"),
    "another upgrade": (b"Connection: upgrade\r\nUpgrade: h2c\r\n", 426, "upgrade_required"),
    "none of it": (b"", 426, "upgrade_required"),
}


@pytest.mark.parametrize("path", [b"/realtime", b"/ws/restaurant/sync/?restaurant_id=1"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_handshake_is_refused_by_a_problem(either: Hub, wrong: str, path: bytes) -> None:
    lines, status, code = WRONG[wrong]
    with raw(either) as sock:
        sock.sendall(b"GET %b HTTP/1.1\r\nHost: hub\r\n%b\r\n" % (path, lines))
        head, body = whole_answer(sock)
    assert status_of(head) == status
    assert b"content-type: application/problem+json" in head.lower()
    assert b"cache-control: no-store" in head.lower()
    found = json.loads(body)
    assert (found["status"], found["error_code"]) == (status, code)
    headers = [line.lower() for line in head.split(b"\r\n")]
    assert (b"sec-websocket-version: 13" in headers) == (b"upgrade: websocket" in headers) == (status == 426)
    if status == 426:  # RFC 9110, section 7.8: whoever sends Upgrade says so in Connection
        assert any(line.startswith(b"connection:") and b"upgrade" in line for line in headers)


def test_what_is_wrong_with_a_handshake_is_named(either: Hub) -> None:
    for wrong, named in (
        ("no key", "Sec-WebSocket-Key"),
        ("two keys", "Sec-WebSocket-Key"),
        ("protocols that are none", "Sec-WebSocket-Protocol"),
        ("an older version", "Sec-WebSocket-Version: 13"),
        ("none of it", "WebSocket"),
    ):
        with raw(either) as sock:
            sock.sendall(b"GET /realtime HTTP/1.1\r\nHost: hub\r\n%b\r\n" % WRONG[wrong][0])
            assert named in json.loads(whole_answer(sock)[1])["hint"]


@pytest.mark.parametrize("more", [b"Sec-WebSocket-Protocol: chat, superchat\r\n", b"Connection: keep-alive\r\n"])
def test_a_handshake_that_asks_for_more_than_the_hub_does_opens_a_plain_socket(either: Hub, more: bytes) -> None:
    with upgrade(either, more=more) as sock:
        head = read_head(sock)
    assert status_of(head) == 101
    assert b"sec-websocket-protocol" not in head.lower()


def test_a_handshake_for_a_path_that_is_no_socket_is_404_even_where_it_is_wrong(either: Hub) -> None:
    assert statuses(answered(either, HANDSHAKE % (b"/restaurants/1", b""))) == [404]
