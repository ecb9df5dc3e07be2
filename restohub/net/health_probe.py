"""The probe of a hub: one `GET /health`, whoever may answer."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from restohub.limits import HEALTH_BYTES_MAX, RIVAL_WAIT_S
from restohub.wire.responses import Discovery

ANSWER_WAIT_S = 3.0


class HubHealth(Struct, frozen=True):
    """What counts here of a hub's answer; `id` and `run` are empty where the hub is an older one."""

    status: str
    version: str
    service: str = ""
    id: str = ""
    run: str = ""
    discovery: Discovery | None = None
    uptime_seconds: int = 0
    connections: int = 0
    access: str = "open"
    reason: str = ""


async def identify_hub(host: str, port: int) -> tuple[str, str]:
    """The id of the hub that answers there within 2 s, and that of its run; both "" where none does."""
    told = await health_at(host, port, RIVAL_WAIT_S)
    return (told.id, told.run) if told and told.service == "sync" else ("", "")


async def health_at(host: str, port: int, wait_s: float = ANSWER_WAIT_S) -> HubHealth | None:
    """What the hub there says of itself; None where no hub answers within so many seconds."""
    try:
        async with asyncio.timeout(wait_s):
            answer = await _answer(host, port)
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=HubHealth)
    except (OSError, ValueError, RecursionError):  # the last two: what answers is no hub
        return None


async def _answer(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        named = f"[{host.partition('%')[0]}]" if ":" in host else host
        # HTTP/1.0: the answer ends with the connection, and is never sent in chunks.
        writer.write(f"GET /health HTTP/1.0\r\nHost: {named}:{port}\r\n\r\n".encode())
        answer = b""
        while (left := HEALTH_BYTES_MAX - len(answer)) and (more := await reader.read(left)):
            answer += more
        return answer
    finally:
        writer.close()
