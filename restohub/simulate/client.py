"""A small HTTP client: one connection that is kept, JSON in and out."""

from __future__ import annotations

import asyncio
import time
from hashlib import sha256
from ssl import (
    PROTOCOL_TLS_CLIENT,
    VERIFY_X509_PARTIAL_CHAIN,
    PEM_cert_to_DER_cert,
    SSLContext,
    create_default_context,
    get_server_certificate,
)
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

ANSWER_WAIT_S = 30.0


class AwayError(Exception):
    """The hub cannot be reached, or it is no hub; the text is a sentence for people."""


class HubAnswer(Struct, frozen=True):
    """What the hub answered: header names in lower case, the body decoded (None where there is none)."""

    status: int
    headers: dict[str, str]
    body: Any
    took_s: float


class Client:
    """One connection to the hub at `url`, opened by the first request; one request at a time.

    `token` is that of a paired device, "" where none is shown. `tls`: for a hub at `https://`; None: as this machine
    trusts others.
    """

    def __init__(self, url: str, token: str = "", tls: SSLContext | None = None) -> None:
        try:
            parts = urlsplit(url if "//" in url else f"http://{url}")
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AwayError(f"{url!r} is not a hub's address: give one like http://127.0.0.1:8000.")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        secure = parts.scheme == "https"
        self.tls = (tls or create_default_context()) if secure else None
        self._host = parts.netloc
        self._address = (parts.hostname, port or (443 if secure else 80))
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None, key: str = "") -> HubAnswer:
        """Send one request and wait for its answer; AwayError where none comes. `key` makes a repeat harmless."""
        started = time.perf_counter()
        content = b"" if body is None else msgspec.json.encode(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(content)}\r\n"
        head += "Content-Type: application/json\r\n" if content else ""
        head += f"Idempotency-Key: {key}\r\n" if key else ""
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                status, headers, text = await self._exchange(f"{head}\r\n".encode() + content)
            decoded = msgspec.json.decode(text) if text else None
        except TimeoutError as error:
            raise AwayError(f"The hub at {self.url} did not answer within {ANSWER_WAIT_S:.0f} s.") from error
        except (OSError, EOFError) as error:
            raise AwayError(f"The hub at {self.url} cannot be reached: is it running there?") from error
        except (ValueError, LookupError, asyncio.LimitOverrunError) as error:
            raise AwayError(f"What answers at {self.url} is not a hub: it does not speak JSON over HTTP.") from error
        return HubAnswer(status, headers, decoded, time.perf_counter() - started)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Ask over the kept connection, and where that has ended, as one does that idled too long, over a new one."""
        if self._streams is not None:
            try:
                return await self._send(*self._streams, request)
            except (OSError, EOFError):
                self.close()
        self._streams = await asyncio.open_connection(*self._address, ssl=self.tls)
        return await self._send(*self._streams, request)

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        writer.write(request)
        await writer.drain()
        first, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


def pinned(url: str, fingerprint: str) -> SSLContext:
    """TLS with the one hub whose certificate has this SHA-256: no other is sent a byte. Raises AwayError."""
    try:
        parts = urlsplit(url)
        shown = PEM_cert_to_DER_cert(
            get_server_certificate((parts.hostname or "", parts.port or 443), timeout=ANSWER_WAIT_S)
        )
    except (OSError, ValueError) as error:
        raise AwayError(f"The hub at {url} cannot be reached over TLS: is it running there?") from error
    if sha256(shown).hexdigest() != fingerprint.strip().replace(":", "").lower():
        raise AwayError(f"What answers at {url} has another certificate: its SHA-256 is not {fingerprint}.")
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # it is known by the certificate itself
    context.verify_flags |= VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME: it is known by its SHA-256, not by its dates
    context.load_verify_locations(cadata=shown)
    return context


def refuse_closed(client: Client, status: int) -> None:
    """Raise AwayError where a hub answers paired devices alone, or not this one."""
    if status == 401 and client.headers:
        raise AwayError(f"The hub at {client.url} does not know this token: take that of a device that is paired.")
    if status == 401:
        raise AwayError(
            f"The hub at {client.url} is closed: it answers paired devices alone. Name a file with the token of a "
            "manager's device with --token, or open the hub with `restohub access open`."
        )
    if status == 403 and client.headers:
        raise AwayError(f"At {client.url} managers alone make restaurants: take the token of a manager's device.")
