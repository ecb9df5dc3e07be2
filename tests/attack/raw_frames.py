"""WebSocket frames byte by byte, as no client library would send them."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from tests.attack.stranger import STRANGER, raw
from tests.conftest import Hub

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"mask"
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%b\r\n"
)


def frame(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """One masked frame of a client."""
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    else:
        size = struct.pack("!BH", 0xFE, length) if length < 65536 else struct.pack("!BQ", 0xFF, length)
    return bytes([opcode | 0x80 * last]) + size + MASK + masked


def upgrade(hub: Hub, address: str = STRANGER, path: bytes = b"/realtime", more: bytes = b"") -> socket.socket:
    """A connection that has asked to become a socket; the answer has not been read."""
    sock = raw(hub, address)
    sock.sendall(HANDSHAKE % (path, more))
    return sock


def read_head(sock: socket.socket) -> bytes:
    """The head of the next answer, and whatever came with it."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(65536)
        if not part:
            break
        head += part
    return head


class Ending(NamedTuple):
    """How the hub ended a socket: what it said as text before, its close code, its reason."""

    texts: list[bytes]
    code: int
    reason: str


def ending(received: bytes) -> Ending:
    """What the frames of a hub say, from the first byte after the handshake to the last."""
    texts: list[bytes] = []
    while len(received) >= 2:
        opcode, length, start = received[0] & 15, received[1], 2
        if length == 126:
            length, start = int.from_bytes(received[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(received[2:10], "big"), 10
        payload, received = received[start : start + length], received[start + length :]
        if opcode == TEXT:
            texts.append(payload)
        if opcode == CLOSE:
            return Ending(texts, int.from_bytes(payload[:2], "big"), payload[2:].decode())
    return Ending(texts, 0, "")
