"""This file is a small HTTP client: one connection that is kept, JSON in and out."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

ANSWER_WAIT_S = 30.0


class AwayError(Exception):
    """The hub cannot be reached, or it is no hub; the text is a sentence for people."""


class Answer(Struct, frozen=True):
    """What the hub answered: header names in lower case, the body decoded (None where there is none)."""

    status: int
    headers: dict[str, str]
    body: Any
    took_s: float


class Client:
    """One connection to the hub at `url`, opened by the first request; one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AwayError(f"{url} is no address of a hub: give one like http://127.0.0.1:8000.")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc.rpartition("@")[2]
        self._tls = parts.scheme == "https"
        try:
            self._address = (parts.hostname, parts.port or (443 if self._tls else 80))
        except ValueError as error:
            raise AwayError(f"{url} is no address of a hub: its port is no number from 1 to 65535.") from error
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request and wait for its answer; AwayError where none comes."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                status, headers, content = await self._exchange(method, path, body)
            decoded = msgspec.json.decode(content) if content else None
        except TimeoutError as error:
            raise AwayError(f"The hub at {self.url} did not answer within {ANSWER_WAIT_S:.0f} s.") from error
        except (OSError, EOFError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "the connection ended"
            raise AwayError(f"The hub at {self.url} cannot be reached ({why}): is it running?") from error
        except ValueError as error:
            raise AwayError(f"What answers at {self.url} is no hub: it does not speak JSON over HTTP.") from error
        return Answer(status, headers, decoded, time.perf_counter() - started)

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, ssl=self._tls or None)
        reader, writer = self._streams
        content = b"" if body is None else msgspec.json.encode(body)
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{kind}\r\n".encode() + content)
        await writer.drain()
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return int(status.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))
