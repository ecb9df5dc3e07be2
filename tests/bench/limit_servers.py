"""The least that an HTTP server and a fan-out can be, to be measured beside the hub."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys
from typing import Any, ClassVar, cast

import msgspec
import uvicorn
import uvloop
from litestar import Litestar, put

GUEST_BYTES = 560
ANSWER = b'{"guest":"' + b"x" * GUEST_BYTES + b'"}'
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# A text frame of an unmasked payload as large as a hub's `guest_updated`.
PAYLOAD = b'{"type":"guest_updated","revision":1,' + b'"x":"' + b"x" * 700 + b'"}'
FRAME = b"\x81\x7e" + len(PAYLOAD).to_bytes(2, "big") + PAYLOAD


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Reads a body and answers a guest's worth of bytes."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


class ChangeBody(msgspec.Struct):
    """What a minimal handler is sent."""

    status: str


class Guest(msgspec.Struct):
    """What a minimal handler answers."""

    guest: str


@put("/{guest_id:str}")
async def minimal(guest_id: str, data: ChangeBody) -> Guest:
    """A litestar handler with a typed body and a typed answer, and nothing behind it."""
    return Guest("x" * GUEST_BYTES)


class FanOut(asyncio.Protocol):
    """A WebSocket that hears one text, `1` or `10`: from then on every client gets so many frames a write."""

    clients: ClassVar[set[asyncio.Transport]] = set()
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Shake hands; then a request starts the stream, another ends it."""
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)
        if key:
            accept = base64.b64encode(hashlib.sha1(key[1] + MAGIC, usedforsecurity=False).digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            self.transport.write(head + b"sec-websocket-accept: " + accept + b"\r\n\r\n")
            self.clients.add(self.transport)
        elif data.startswith(b"GET /"):
            asyncio.get_running_loop().create_task(stream(FRAME * int(data[5 : data.index(b" ", 5)])))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's own form)
        """Forget it."""
        self.clients.discard(self.transport)


async def stream(frames: bytes) -> None:
    """Write to every client in turn, as fast as they take it, until they are gone."""
    while FanOut.clients:
        for client in tuple(FanOut.clients):
            if client.get_write_buffer_size() < 256 * 1024:
                client.write(frames)
        await asyncio.sleep(0)


async def fan_out(port: int) -> None:
    """Serve it."""
    server = await asyncio.get_running_loop().create_server(FanOut, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main(which: str, port: int) -> None:
    """Run one of them."""
    if which == "fanout":
        uvloop.run(fan_out(port))
        return
    app: Any = bare if which == "bare" else Litestar([minimal], openapi_config=None, logging_config=None)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False, backlog=2048)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
