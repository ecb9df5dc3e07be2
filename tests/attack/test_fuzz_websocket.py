"""Frames that are nearly WebSocket: each is answered or its socket closed, and the hub goes on."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attack.raw_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, ending, frame, read_head, upgrade
from tests.attack.stranger import peak_rss_mb, status_of
from tests.conftest import Hub

SEED = 20261127
# Ten new sockets a second are one address's: so each has many addresses.
TALKERS = 8
ADDRESSES = 200
GROWTH_MB_MAX = 30

PATHS = (b"/realtime", b"/realtime?restaurant_id=1", b"/ws/restaurant/sync", b"/ws/restaurant/sync?since_revision=0")
OPCODES = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
MESSAGES = (
    b'{"type":"ping"}', b'{"type":"pong"}', b'{"type":"request_full_sync"}',
    b'{"type":"request_delta","since_revision":0}', b'{"type":"request_delta","since_revision":-1}',
    b'{"type":"request_full_sync","restaurant_id":9}', b"{}", b"", b"[" * 3000,
    b'{"type":"ping","type":"ping"}', b'"', b"\xff\xfe", b"\xed\xa0\x80", b"\x00", b'{"type":1}', b"x" * 65_537,
)  # fmt: skip
CLOSINGS = (
    b"",
    b"\x03",
    b"\x03\xe8",
    b"\x03\xe8bye",
    b"\x03\xed",
    b"\x00\x00",
    b"\xff\xff",
    b"\x03\xe8\xff",
    b"\x0b\xb8" + b"x" * 123,
)


def frames(chance: random.Random) -> bytes:
    """One message as the grammar has it (whole, in fragments, with a ping between them), or a frame that it has not."""
    message = chance.choice(MESSAGES)
    match chance.randrange(10):
        case 0 | 1 | 2 | 3:
            return frame(TEXT, message)
        case 4:
            middle = len(message) // 2
            ping = frame(PING, b"p") if chance.random() < 0.5 else b""
            return frame(TEXT, message[:middle], last=False) + ping + frame(CONTINUATION, message[middle:])
        case 5:
            return frame(chance.choice((PING, PONG)), message[: chance.choice((0, 5, 125, 126))])
        case 6:
            return frame(CLOSE, chance.choice(CLOSINGS))
        case 7:
            return frame(chance.choice(OPCODES), message[:100], last=chance.random() < 0.5)
        case 8:  # reserved bits and opcodes, no mask, a length that lies
            first, second = chance.randrange(256), chance.randrange(256)
            return bytes([first, second]) + chance.randbytes(chance.randrange(16))
        case _:
            return frame(TEXT, last=False) + frame(CONTINUATION, b" ", last=False) * chance.choice((1, 63, 64, 300))


def case(seed: str) -> bytes:
    """What one socket sends: one to thirty messages, some of them damaged."""
    chance = random.Random(seed)
    sent = bytearray(b"".join(frames(chance) for _ in range(chance.choice((1, 1, 2, 5, 30)))))
    for _ in range(chance.choice((0, 0, 0, 0, 1, 4))):
        if sent:
            sent[chance.randrange(len(sent))] = chance.randrange(256)
    return bytes(sent)


def converse(hub: Hub, seed: str, number: int) -> int:
    """The code that one case is closed with: 0 where the client left first."""
    chance = random.Random(seed + "cut")
    sent = case(seed)
    with upgrade(hub, f"127.0.11.{number % ADDRESSES + 1}", chance.choice(PATHS)) as sock:
        head, _, said = read_head(sock).partition(b"\r\n\r\n")
        assert status_of(head) == 101, f"case {seed}: {head!r}"
        try:
            cut = chance.randrange(len(sent) + 1)
            sock.sendall(sent[:cut])
            sock.sendall(sent[cut:])
            sock.sendall(frame(CLOSE, b"\x03\xe8"))
        except OSError:  # closed while it still speaks
            pass
        # A frame that lies about its length swallows the goodbye: then nothing is wrong until the client goes.
        sock.settimeout(0.1)
        try:
            while part := sock.recv(65536):
                said += part
                if ending(said).code:
                    break
        except (TimeoutError, ConnectionError):
            pass
    return ending(said).code


def fuzz(hub: Hub, cases: int, first: int = 0) -> Counter[int]:
    """How often each code was the end."""
    found: Counter[int] = Counter()
    lock = threading.Lock()

    def one(number: int) -> None:
        code = converse(hub, f"{SEED}/{number}", number)
        with lock:
            found[code] += 1

    with ThreadPoolExecutor(TALKERS) as talkers:
        list(talkers.map(one, range(first, first + cases)))
    with upgrade(hub, "127.0.12.1") as sock:  # and the hub is well
        answer = read_head(sock)
        sock.sendall(frame(TEXT, b'{"type":"ping"}'))
        while b'"type":"pong"' not in answer:
            answer += sock.recv(65536)
    return found


def test_200_cases_of_nearly_websocket_are_answered_or_closed(target: Hub) -> None:
    found = fuzz(target, 200)
    assert {1000, 1002, 1007, 1009} <= set(found), found
    assert 1011 not in found
    assert "fault" not in target.said()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_10000_cases_of_nearly_websocket_are_answered_or_closed_and_leave_nothing_behind(target: Hub) -> None:
    fuzz(target, 1_000)
    before_mb = peak_rss_mb(target)
    assert 1011 not in fuzz(target, 10_000)
    assert peak_rss_mb(target) - before_mb < GROWTH_MB_MAX
    assert "fault" not in target.said()
