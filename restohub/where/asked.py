"""This file is one question to a hub, `GET /health`, whoever it may be that answers."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from restohub.wire.answers import Discovery

ANSWER_WAIT_S = 3.0
ANSWER_BYTES_MAX = 64 * 1024


class Told(Struct, frozen=True):
    """What counts here of a hub's answer; `id` is empty where the hub is an older one."""

    status: str
    version: str
    id: str = ""
    discovery: Discovery | None = None
    uptime_seconds: int = 0
    connections: int = 0
    reason: str = ""


async def health_at(host: str, port: int) -> Told | None:
    """What the hub there says of itself; None where no hub answers within 3 s."""
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            answer = await _answer(host, port)
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=Told)
    except (OSError, ValueError, RecursionError):  # the last two: what answers is no hub
        return None


async def _answer(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        named = f"[{host}]" if ":" in host else host
        # HTTP/1.0: the answer ends with the connection, and is never sent in chunks.
        writer.write(f"GET /health HTTP/1.0\r\nHost: {named}:{port}\r\n\r\n".encode())
        answer = b""
        while (more := await reader.read(ANSWER_BYTES_MAX)) and len(answer) < ANSWER_BYTES_MAX:
            answer += more
        return answer
    finally:
        writer.close()
