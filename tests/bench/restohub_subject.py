"""Restohub under load, with its shipping settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.bench.lane import ask, request
from tests.bench.subject import GUESTS, TABLES, free_port

FLOOR = "/api/restaurants/1"
STATUSES = (b"arrived", b"notified", b"waitlist")
REVISION = b'"revision":'


class SocketSubscriber(WSListener):
    """A subscriber of the named messages: every commit's revision must be one more than the one before."""

    transport: WSTransport

    def __init__(self, on_delivery: Callable[[], None]) -> None:
        super().__init__()
        self.heard = 0
        self.disorder = 0
        self._revision = 0
        self._on_delivery = on_delivery

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the way out."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 (picows's own form)
        """Count what is a commit."""
        if frame.msg_type != WSMsgType.TEXT:
            return
        text = frame.get_payload_as_bytes()
        if text.startswith(b'{"type":"ping'):
            return
        at = text.find(REVISION) + len(REVISION)
        revision = int(text[at : text.find(b",", at)])
        if text.startswith(b'{"type":"connection_established'):
            self._revision = revision
            return
        self.heard += 1
        self.disorder += revision != self._revision + 1
        self._revision = revision
        self._on_delivery()

    def hold(self) -> None:
        """Stop reading, as an iPad that hangs."""
        self.transport.underlying_transport.pause_reading()

    def close(self) -> None:
        """Hang up."""
        self.transport.disconnect()


class Restohub:
    """The hub of this tree."""

    name = "restohub"
    module = "restohub"

    def __init__(self, *, preload: Path | None = None, environment: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self._preload = preload
        self._environment = environment or {}

    def command(self, folder: Path) -> list[str]:
        """`restohub serve`, on the loopback."""
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        preload = [f"LD_PRELOAD={self._preload}"] if self._preload else []
        env = ["env", f"PYTHONPATH={Path.cwd()}", *settings, *preload]
        serve = ["-m", self.module, "serve", "--no-advertise", "--host", "127.0.0.1"]
        return [*env, sys.executable, *serve, "--port", str(self.port), "--data", str(folder)]

    def health(self) -> bytes:
        """`GET /health`."""
        return request("GET", "/health")

    async def fill(self) -> None:
        """Make the guests and tables, unless the folder has them."""
        made: list[bytes] = []
        for number in range(TABLES):
            body = b'{"id":"t%d","tableNumber":"%d","capacity":4}' % (number, number)
            made.append(request("POST", FLOOR + "/tables", body))
        for number in range(GUESTS):
            body = b'{"id":"g%d","firstName":"Anna","lastName":"Rossi %d","partySize":4,"phone":"+39 055 %07d"}'
            made.append(request("POST", FLOOR + "/guests", body % (number, number, number)))
        await ask(self.port, *made)

    def change(self, guest: int, number: int) -> bytes:
        """Another status of a guest."""
        return request("PATCH", f"{FLOOR}/guests/g{guest}", b'{"status":"%s"}' % STATUSES[number % 3])

    def full_sync(self) -> Sequence[bytes]:
        """The whole floor in one answer."""
        return [request("GET", "/api/sync/full?restaurant_id=1")]

    async def subscribe(self, on_delivery: Callable[[], None], restaurant_id: int = 1) -> SocketSubscriber:
        """A socket of `/realtime`."""
        url = f"ws://127.0.0.1:{self.port}/realtime?restaurant_id={restaurant_id}"
        connected: Any = await ws_connect(lambda: SocketSubscriber(on_delivery), url)
        ear: SocketSubscriber = connected[1]
        return ear
