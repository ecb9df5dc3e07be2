"""Large floors for attacks on what reads them, and readers that take little."""

from __future__ import annotations

import socket
from typing import Any

import httpx

from tests.attack.stranger import STRANGER, raw
from tests.conftest import Hub
from tests.contract.requests import BATCH

# Four bytes a character in memory and on the wire: what weighs most of all that a note may hold.
HEAVY = "🍝"
GUESTS_A_BATCH = 100
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def write(api: httpx.Client, restaurant: int, action: str, guests: int, characters: int, mark: str = HEAVY) -> int:
    """Create or rewrite so many guests with notes of so many characters; the revision after it."""
    revision = 0
    for first in range(0, guests, GUESTS_A_BATCH):
        numbers = range(first, min(guests, first + GUESTS_A_BATCH))
        ops = [_operation(action, number, mark * characters) for number in numbers]
        answer = api.post(BATCH, json={"restaurant_id": restaurant, "operations": ops})
        assert answer.status_code == 200, answer.text[:500]
        revision = answer.json()["revision"]
    return revision


def _operation(action: str, number: int, notes: str) -> dict[str, Any]:
    made = {"firstName": "Ada", "partySize": 2} if action == "create" else {}
    return {"entity_type": "guest", "action": action, "entity_id": f"g{number}", "data": {**made, "notes": notes}}


def new_restaurant(api: httpx.Client) -> int:
    """A restaurant of its own for one attack."""
    return int(api.post("/restaurants", json={"name": "Carlo"}).json()["id"])


def slow_http(hub: Hub, path: str, address: str = STRANGER) -> socket.socket:
    """A request whose answer is not read."""
    sock = raw(hub, address, receive_bytes=4096)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\n\r\n".encode())
    return sock


def slow_socket(hub: Hub, path: str, address: str = STRANGER) -> socket.socket:
    """A WebSocket of which only the handshake is read."""
    sock = raw(hub, address, receive_bytes=4096)
    sock.sendall(UPGRADE.format(path=path, port=hub.port).encode())
    assert sock.recv(12) == b"HTTP/1.1 101"
    return sock
