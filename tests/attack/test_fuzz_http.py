"""Bytes that are nearly HTTP: whatever comes, the hub answers 4xx or nothing, in time, and goes on."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.attack.stranger import peak_rss_mb, raw, read_to_end
from tests.conftest import Hub

SEED = 20261127
TALKERS = 4
GROWTH_MB_MAX = 30
ENDED_WITHIN_S = 8.0

# What the grammar has, and what it has not.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ODD_METHODS = ("CONNECT", "TRACE", "PRI", "get", "G ET", "", "\x00")
TARGETS = (
    "/", "/health", "/restaurants/1", "/restaurants/1/guests?limit=1", "/restaurants/1/guests", "/api/v1/atomic/batch",
    "/realtime", "/ws/restaurant/sync?since_revision=x", "http://hub/health", "/%zz%00", "/?" + "a=b&" * 50,
)  # fmt: skip
ODD_TARGETS = ("*", "hub:80", "//", "/%", "/..;/", "/\xe9", "?", "#", "/#a", "h://[::1", "", "/" + "a" * 17_000)
VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0")
ODD_VERSIONS = ("HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 ", "http/1.1", "HTTP/1.", "ICE/1.0", "")
HEADERS = (
    "Connection: close", "Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Key: short", "Sec-WebSocket-Protocol: ,,,", "Sec-WebSocket-Extensions: permessage-deflate; x=",
    "Expect: 100-continue", "Expect: x", "Content-Type: application/json", "Content-Type: \xff", 'If-Match: "1", *',
    "Idempotency-Key: k", "Accept-Encoding: *", "Range: bytes=0-", "X-Long: " + "x" * 9000, "Authorization: x",
)  # fmt: skip
ODD_HEADERS = (
    "Host: ", "Host: a, b", "Content-Length: 5", "Content-Length: -1", "Content-Length: +5", "Content-Length: 5, 5",
    "Content-Length: " + "9" * 30, "Content-Length: " + "1" * 5000, "Content-Length: 0x5", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked", "Transfer-Encoding: chunked, chunked", "X-Longer: " + "x" * 20_000, "No colon",
    ": no name", "A b: c", " folded", "X: a\x00b", "X:\x0b", "X: \r y", "Connection: upgrade, close", "Origin: null",
    "a:b\r\n" * 100 + "a:b",
)  # fmt: skip
BODIES = (b"", b"{}", b'{"name": "F", "partySize": 2}', b"\x00" * 50, b"[" * 3000, b"\r\n" * 100, b"a" * 70_000)
ODD_CHUNKS = (
    b"5;x=y\r\nhello\r\n0\r\nT: t\r\n\r\n", b"fffffffffffffffff\r\n", b"-1\r\n", b"5\r\nhel", b"1\r\na\r\n" * 500,
    b"1;" + b"x" * 20_000, b"0\r\n" + b"t:t\r\n" * 5_000, b"00000000000000000005\r\nhello\r\n0\r\n\r\n", b"\r\n",
)  # fmt: skip
ODD_ENDS = (b"\n", b"\r", b"", b"\r\r\n")
ODDS = 0.06


def request(chance: random.Random) -> bytes:
    """One request as the grammar has it, but for a part of it now and then."""

    def part(plain: tuple[Any, ...], odd: tuple[Any, ...]) -> Any:
        return chance.choice(odd if chance.random() < ODDS else plain)

    lines = [f"{part(METHODS, ODD_METHODS)} {part(TARGETS, ODD_TARGETS)} {part(VERSIONS, ODD_VERSIONS)}", "Host: hub"]
    lines += [part(HEADERS, ODD_HEADERS) for _ in range(chance.choice((0, 1, 2, 3, 5)))]
    body = chance.choice(BODIES)
    match chance.randrange(3):
        case 0:
            body = b""
        case 1:
            lines.append(f"Content-Length: {len(body)}")
        case 2:
            lines.append("Transfer-Encoding: chunked")
            body = part((b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n",), ODD_CHUNKS)
    end = part((b"\r\n",), ODD_ENDS)
    return bytes(end.join(line.encode("latin-1") for line in lines) + end + end + body)


def case(seed: str) -> bytes:
    """What one connection sends: one to twelve requests, some of them damaged."""
    chance = random.Random(seed)
    sent = bytearray(b"".join(request(chance) for _ in range(chance.choice((1, 1, 1, 2, 3, 12)))))
    for _ in range(chance.choice((0, 0, 0, 0, 1, 5, 40))):
        at = chance.randrange(len(sent) + 1)
        match chance.randrange(3):
            case 0:
                sent[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 1:
                del sent[at : at + chance.randrange(1, 30)]
            case _:
                sent[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(sent)


def converse(hub: Hub, seed: str, address: str) -> list[int]:
    """The statuses that one case is answered with; the connection must end soon after its client has said all."""
    chance = random.Random(seed + "cut")
    sent = case(seed)
    with raw(hub, address, wait_s=ENDED_WITHIN_S) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            cut = chance.randrange(len(sent) + 1)
            sock.sendall(sent[:cut])
            if chance.random() < 0.1:
                time.sleep(0.002)
            sock.sendall(sent[cut:])
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # refused while it still speaks
            pass
        said = read_to_end(sock)
    return [int(status) for status in re.findall(rb"(?:^|\n|\})HTTP/1\.1 (\d{3}) ", said)]


def fuzz(hub: Hub, cases: int) -> Counter[int]:
    """How often each status was the answer."""
    found: Counter[int] = Counter()
    lock = threading.Lock()

    def one(number: int) -> None:
        seed = f"{SEED}/{number}"
        try:
            # From others after a while: an address may not begin handshakes without end.
            statuses = converse(hub, seed, f"127.{10 + number // 250}.0.{number % TALKERS + 1}")
        except TimeoutError:
            raise AssertionError(f"case {seed} hangs: {case(seed)[:500]!r}") from None
        assert not [status for status in statuses if status >= 500], f"case {seed}: {statuses} {case(seed)[:500]!r}"
        with lock:
            found.update(statuses)

    with ThreadPoolExecutor(TALKERS) as talkers:
        list(talkers.map(one, range(cases)))
    return found


def test_300_cases_of_nearly_http_are_answered_or_refused(either: Hub) -> None:
    found = fuzz(either, 300)
    assert {200, 400, 404, 405, 415, 431} <= set(found), found


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_10000_cases_of_nearly_http_are_answered_or_refused_and_leave_nothing_behind(either: Hub) -> None:
    fuzz(either, 1_000)
    before_mb = peak_rss_mb(either)
    fuzz(either, 10_000)
    assert peak_rss_mb(either) - before_mb < GROWTH_MB_MAX
