"""One keep-alive HTTP connection of the load client: as little Python a request as can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast


class Lane(asyncio.Protocol):
    """Sends one request at a time; `answered` is called with the lane when its answer is whole."""

    transport: asyncio.Transport

    def __init__(self, answered: Callable[[Lane], None]) -> None:
        self.answered = answered
        self.sent_at = 0.0
        self.status = b""
        self.body = b""
        self.whole_bytes = 0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes) -> None:
        """Send a request, and note when."""
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Gather the answer: by its length, or to its last chunk."""
        got = self._got = self._got + data if self._got else data
        head = got.find(b"\r\n\r\n")
        if head < 0:
            return
        if self.whole_bytes == 0:
            self.whole_bytes = self._length(got[: head + 2].lower(), head)
        if self.whole_bytes < 0 and not got.endswith(b"0\r\n\r\n"):
            return
        if len(got) < self.whole_bytes:
            return
        self.status, self.body = got[9:12], got[head + 4 :]
        self._got, self.whole_bytes = b"", 0
        self.answered(self)

    @staticmethod
    def _length(headers: bytes, head: int) -> int:
        """How many bytes the whole answer has; -1 where it comes in chunks."""
        if headers[9:12] == b"204":
            return head + 4
        at = headers.find(b"content-length: ")
        if at < 0:
            return -1
        return head + 4 + int(headers[at + 16 : headers.find(b"\r", at)])


def request(method: str, path: str, body: bytes | None = None, headers: str = "") -> bytes:
    """The bytes of a request."""
    sent = body or b""
    typed = "content-type: application/json\r\n" if body is not None else ""
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{typed}{headers}content-length: {len(sent)}\r\n\r\n"
    return head.encode() + sent


async def lanes(port: int, count: int, answered: Callable[[Lane], None]) -> list[Lane]:
    """So many connections to the loopback's port."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Lane(answered), "127.0.0.1", port) for _ in range(count)]
    return [lane for _, lane in made]


async def ask(port: int, *requests: bytes) -> list[bytes]:
    """The bodies of the answers to these requests, sent one after the other on one connection; each must be a 2xx."""
    loop = asyncio.get_running_loop()
    bodies: list[bytes] = []
    answer: asyncio.Future[None] = loop.create_future()
    (lane,) = await lanes(port, 1, lambda _: answer.set_result(None))
    for sent in requests:
        answer = loop.create_future()
        lane.send(sent)
        await asyncio.wait_for(answer, 60)
        if not lane.status.startswith(b"2"):
            raise RuntimeError(f"{sent[:200]!r} was answered {lane.status!r}: {lane.body[:500]!r}")
        bodies.append(lane.body)
    lane.transport.close()
    return bodies
