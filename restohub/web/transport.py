"""This file is all that the hub takes from uvicorn's inside: its sockets' transport, its refusals, its stop."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from restohub.floor.verdicts import Refused
from restohub.live.clock import Clock
from restohub.wire.answers import encode
from restohub.wire.problems import document
from restohub.wire.session import GOING_AWAY, MESSAGE_IN_BYTES_MAX

from .replies import WHOLE_ANSWER

HIGH_WATER_BYTES = 256 * 1024
# How long a closed socket may take to read what was written before it is cut.
LINGER_S = 2.0
STOP_WAIT_S = 2
KEEP_ALIVE_S = 75
# From a request's first byte to its last, and from a connection to its first byte. 256 KiB need 0.2 Mbit/s for it.
REQUEST_WAIT_S = 10.0
LOOK_EVERY_TICKS = 5
PEER_LOST_MS = 60_000
# Linux's BBR takes a Wi-Fi that lost packets for a while for a line that somebody throttles, and then sends 6 KB a
# second for up to 48 round trips: an iPad was 23 s behind after the air was clear. Every Linux has Reno, for any user.
CONGESTION = b"reno"
# After a cut of 7 s TCP would next try after 13, and an iPad hear nothing until then. Linux 6.15 and later.
TCP_RTO_MAX_MS, TRIES_EVERY_MS = 44, 2_000
# What the kernel may hold that is not under way yet: it would take megabytes for an iPad that reads nothing, all stale
# when it reads again. What waits with the hub becomes one delta instead.
UNSENT_BYTES_MAX = 128 * 1024
BACKLOG = 2048

# Why a socket ended, for the log, where it was not the hub that closed it.
CLOSED_BY_IT = "it closed the connection"
LOST = "the network lost it"
GONE = "its connection ended without a goodbye"
NOT_SPOKEN = "it sent what no socket may send"

STATUS_LINES = {status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus}
REFUSAL = (
    b"%bcontent-type: application/problem+json\r\n"
    b"cache-control: no-store\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
)
MALFORMED = Refused("invalid_json", "The request is not HTTP/1.1 that the hub can read.")
NO_HANDSHAKE = Refused("invalid_json", "The WebSocket's handshake is too long, or has a body.")
TOO_SLOW = Refused("request_timeout", f"The request was not whole after {REQUEST_WAIT_S:.0f} s. Nothing was changed.")


class WebSocketLink(WebSocketsSansIOProtocol):
    """One WebSocket: uvicorn's protocol for what comes in and for the handshake, ready frames straight out.

    A server's frames are unmasked and hold no state, so they may be written beside uvicorn's own.
    """

    transport: asyncio.Transport

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.heard_at = self.loop.time()
        self.written = 0
        self.ended = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set how much may wait to be taken before the client counts as slow."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def handle_connect(self, event: Any) -> None:
        """Hand this link to the application: `scope["extensions"]["restohub.link"]`."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"])["restohub.link"] = self

    def data_received(self, data: bytes) -> None:
        """Anything at all from the peer is a sign of life."""
        self.heard_at = self.loop.time()
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(refusal(NO_HANDSHAKE))  # uvicorn would leave it waiting for an answer
            self.transport.close()

    def handle_close(self, event: Any) -> None:
        """The client says goodbye, or answers ours."""
        self.ended = self.ended or CLOSED_BY_IT
        super().handle_close(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, with or without a goodbye."""
        unreachable = exc is not None and not isinstance(exc, ConnectionError)
        self.ended = self.ended or (LOST if unreachable else GONE)
        super().connection_lost(exc)

    @property
    def open(self) -> bool:
        """Whether frames can still be sent."""
        return not (self.close_sent or self.disconnected or self.transport.is_closing())

    @property
    def ready(self) -> bool:
        """Whether the client took enough for more to be sent."""
        return self.writable.is_set()

    async def drained(self) -> None:
        """Return when the client took enough, or is gone."""
        await self.writable.wait()

    @property
    def taken(self) -> int:
        """How many bytes the network has taken: standing still means that the client reads nothing."""
        return self.written - self.transport.get_write_buffer_size()

    @property
    def waiting(self) -> bool:
        """Whether something written has not been taken yet."""
        return self.transport.get_write_buffer_size() > 0

    def write(self, frames: bytes) -> None:
        """Send ready frames."""
        if self.open:
            self.written += len(frames)
            self.transport.write(frames)

    def ping(self) -> None:
        """Send a protocol-level ping."""
        if self.open and self.conn.state is State.OPEN:
            self.conn.send_ping(b"restohub")
            self.write(b"".join(self.conn.data_to_send()))

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after all that was written; cut the connection where the client does not take it."""
        if not self.open or self.conn.state is not State.OPEN:
            return
        self.ended = self.ended or reason
        self.conn.send_close(code, reason)
        self.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        if self.read_paused:  # else the client's own close frame would never be read
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def handle_ping(self) -> None:
        """Answer a protocol-level ping, but not one who takes nothing: RFC 6455 lets the latest be answered alone."""
        pong = b"".join(self.conn.data_to_send())
        if self.ready:
            self.write(pong)

    def handle_parser_exception(self) -> None:
        """Say why (a message too large, bad UTF-8), then read on and drop it: unread input would reset the close."""
        if self.close_sent:
            return
        assert self.conn.close_sent is not None
        self.ended = self.ended or NOT_SPOKEN
        self.queue.put_nowait({"type": "websocket.disconnect", "code": self.conn.close_sent.code})
        self.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def shutdown(self) -> None:
        """The hub stops: say so, after what was written before."""
        self.stop_keepalive()
        if not self.handshake_complete:
            super().shutdown()
            return
        self.close(GOING_AWAY, "the hub is stopping")


class HttpLink(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One HTTP connection: a request must be whole in time, and what is not HTTP is refused as a problem document.

    `begun_at` is when the request that is not whole yet began (before the first one: the connection), None where none
    is under way. httptools says itself where one begins and ends; h11 (Windows) is asked after all that it has read.
    """

    begun_at: float | None
    silent: bool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From here on something must come."""
        super().connection_made(transport)
        self.begun_at = self.loop.time()
        self.silent = True

    def data_received(self, data: bytes) -> None:
        """The first byte begins a request, even one that no parser would call so yet (an empty line)."""
        if self.silent or self.begun_at is None:
            self.silent, self.begun_at = False, self.loop.time()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins (httptools); after another in one packet, too."""
        if self.begun_at is None:
            self.begun_at = self.loop.time()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request is whole (httptools)."""
        self.begun_at = None
        super().on_message_complete()

    def handle_events(self) -> None:
        """All is read that there is to read for now (h11)."""
        super().handle_events()
        between = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        if between or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self.begun_at = None
        elif self.begun_at is None:
            self.begun_at = self.loop.time()

    def on_headers_complete(self) -> None:
        """A request's head is whole (httptools): its answer may be given in one, by what `Reply` finds in the scope."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.scope["extensions"] = {WHOLE_ANSWER: partial(self.answer, self.cycle)}

    async def answer(self, cycle: Any, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer a request of this connection: head and body in one write, with nothing between them.

        uvicorn's `send` looks through each header with two regular expressions, for servers that pass on what others
        wrote, and writes head and body apart: together a tenth of what a change costs.
        """
        cycle.scope["extensions"].clear()  # it would hold on to itself; and whoever answers twice meets uvicorn's fault
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        head = STATUS_LINES[status] + b"".join(lines) + b"\r\n"
        self.transport.writelines((head, b"" if cycle.scope["method"] == "HEAD" else body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def look(self, now: float) -> None:
        """Close the connection of a request that is not whole in time; say so where that is not one answer too many."""
        if self.begun_at is None or now - self.begun_at < REQUEST_WAIT_S or self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            late = not self.silent
        elif not cycle.more_body:
            return  # the request before it is being answered
        else:
            late = not cycle.response_started
        if late:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's own signature)
        """Answer 400 in the form of every other refusal."""
        self._refuse(MALFORMED)

    def _refuse(self, why: Refused) -> None:
        self.transport.write(refusal(why))
        self.transport.close()


def refusal(why: Refused) -> bytes:
    """The last answer of a connection: a problem document, with its head."""
    found = document(why, Clock().now())
    body = encode(found)
    return REFUSAL % (STATUS_LINES[found.status], len(body)) + body


class HubServer(uvicorn.Server):
    """uvicorn, with a stop that first commits and publishes what was accepted, and signals that only stop it."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], before_stop: Callable[[], Awaitable[None]]
    ):
        super().__init__(config)
        self._on_ready = on_ready
        self._before_stop = before_stop

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn does, but without raising the signal again: the exit status of a stop is 0."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times in a second: uvicorn's own work, and now and then a look after each request that is not whole."""
        if counter % LOOK_EVERY_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for link in tuple(self.server_state.connections):
                if isinstance(link, HttpLink):
                    link.look(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Commit, publish and answer what was accepted; then close."""
        await self._before_stop()
        await super().shutdown(sockets)


def server_config(app: Any) -> uvicorn.Config:
    """uvicorn's settings, each said where its default would do harm."""
    return uvicorn.Config(
        app,
        http=HttpLink,
        ws=WebSocketLink,
        ws_max_size=MESSAGE_IN_BYTES_MAX,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        # On every answer, uvicorn's own refusals included: URLSession otherwise caches by guess.
        headers=[("cache-control", "no-store")],
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WAIT_S,
        backlog=BACKLOG,
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket: both address families where `host` is every address. Raises OSError."""
    everywhere = host in ("0.0.0.0", "::", "")
    if everywhere and socket.has_dualstack_ipv6():
        try:
            bound = _bound(socket.AF_INET6, "::", port)
        except OSError:
            bound = _bound(socket.AF_INET, "0.0.0.0", port)
    else:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = _bound(family, str(address[0]), port)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_LOST_MS)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
    if sys.platform == "linux":
        with suppress(OSError):  # an older kernel, or none that is Linux inside
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
            bound.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, TRIES_EVERY_MS)
    return bound


def _bound(family: int, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
        # Bound is not yet taken: two hubs could both be told so. Listening is.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
