"""The probe of a hub: one `GET /health`, whoever may answer."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import msgspec
from msgspec import Struct

from restohub.limits import HEALTH_BYTES_MAX, RIVAL_WAIT_S
from restohub.wire.responses import Discovery, TlsHealth

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
    tls: TlsHealth | None = None


async def identify_hub(host: str, port: int) -> tuple[str, str]:
    """The id of the hub that answers there within 2 s, and that of its run; both "" where none does."""
    told = await health_at(host, port, RIVAL_WAIT_S)
    return (told.id, told.run) if told and told.service == "sync" else ("", "")


async def health_at(host: str, port: int, wait_s: float = ANSWER_WAIT_S) -> HubHealth | None:
    """What the hub there says of itself; None where no hub answers within so many seconds."""
    try:
        async with asyncio.timeout(wait_s):
            answer = await _answer(host, port, None)
            if not answer.startswith(b"HTTP/"):  # a hub that serves TLS alone
                answer = await _answer(host, port, _anyone())
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=HubHealth)
    except (OSError, ValueError, RecursionError):  # the last two: what answers is no hub
        return None


def _anyone() -> ssl.SSLContext:
    """TLS with whoever answers: what is asked is no secret, and what is told proves nothing by itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _answer(host: str, port: int, context: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        named = f"[{host.partition('%')[0]}]" if ":" in host else host
        # HTTP/1.0: the answer ends with the connection, and is never sent in chunks.
        writer.write(f"GET /health HTTP/1.0\r\nHost: {named}:{port}\r\n\r\n".encode())
        answer = b""
        with suppress(ConnectionResetError):
            while (left := HEALTH_BYTES_MAX - len(answer)) and (more := await reader.read(left)):
                answer += more
        return answer
    finally:
        writer.close()
