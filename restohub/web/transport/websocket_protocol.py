"""One WebSocket on uvicorn's protocol: ready frames out, heartbeats, and every way to end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from restohub.floor.outcomes import Refused
from restohub.limits import FRAGMENTS_MAX, FRAMES_A_SECOND_MAX, HIGH_WATER_BYTES, SLICE_BYTES
from restohub.live.address_usage import Caller
from restohub.live.clock import Clock
from restohub.wire.messages import encode, text_frame
from restohub.wire.problems import error_message
from restohub.wire.socket_state import GOING_AWAY, TOO_MANY, TRY_AGAIN_LATER

from .admission import Admission
from .http_protocol import HEAD_TOO_LARGE
from .refusal import refusal
from .upgrades import NO_HANDSHAKE, Handshakes

# How long a closed socket may take to read what was written before it is cut.
LINGER_S = 2.0
# One who sends too much is not read from any more, and has this long to read why.
FLOOD_LINGER_S = 1.0
# The library reads no longer line of a handshake.
LINE_BYTES_MAX = 8192

# Why a socket ended, for the log, where it was not the hub that closed it.
CLOSED_BY_IT = "it closed the connection"
LOST = "the network lost it"
GONE = "its connection ended without a goodbye"
NOT_SPOKEN = "it sent what no socket may send"


class WebSocketLink(WebSocketsSansIOProtocol):
    """One WebSocket: uvicorn's protocol for what comes in and for the handshake, ready frames straight out.

    A server's frames are unmasked and hold no state, so they may be written beside uvicorn's own.
    """

    transport: asyncio.Transport
    caller: Caller

    def __init__(self, admission: Admission, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.conn = Handshakes(max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error"))
        self.admission = admission
        self.deaf = False
        self.frames_counted = 0
        self.counting_since = self.loop.time()
        self.heard_at = self.loop.time()
        self.written = 0
        self.ended = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set how much may wait to be taken before the client counts as slow."""
        super().connection_made(transport)
        self.let_wait(HIGH_WATER_BYTES)
        self.caller = self.admission.callers.of(self.client[0] if self.client else "")
        self.caller.connections[transport] = self  # in the place of the HTTP connection that it was

    def handle_connect(self, event: Any) -> None:
        """Hand this link to the application: `scope["extensions"]["restohub.link"]`."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"])["restohub.link"] = self

    def data_received(self, data: bytes) -> None:
        """Anything at all from the peer is a sign of life. Frames are read slice by slice, until they are too many."""
        self.heard_at = self.loop.time()
        if not self.handshake_initiated:
            self._shake_hands(data)
            return
        for start in range(0, len(data), SLICE_BYTES):
            if self.deaf:
                return
            self._read_slice(data[start : start + SLICE_BYTES])

    def _shake_hands(self, head: bytes) -> None:
        super().data_received(head)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            too_long = max(map(len, head.split(b"\n"))) >= LINE_BYTES_MAX
            self.transport.write(refusal(HEAD_TOO_LARGE if too_long else NO_HANDSHAKE))  # uvicorn would say nothing
            self.transport.close()

    def _read_slice(self, piece: bytes) -> None:
        self.conn.receive_data(piece)
        if self.heard_at - self.counting_since >= 1:
            self.counting_since, self.frames_counted = self.heard_at, 0
        self.frames_counted += len(self.conn.events)
        if self.frames_counted > FRAMES_A_SECOND_MAX:
            self._end_flood(f"More than {FRAMES_A_SECOND_MAX} frames in a second")
        elif self.conn.parser_exc is not None:
            self.handle_parser_exception()
        else:
            self.handle_events()

    def _end_flood(self, what: str) -> None:
        """Say why, close, and read nothing more of what comes, not even the client's own close frame."""
        self.deaf = True
        self.conn.events_received()
        self.conn.data_to_send()  # pongs
        if self.conn.state is State.OPEN:
            flood = Refused("too_many_messages", hint=f"{what}. Connect again and send less.")
            self.write(text_frame(encode(error_message(flood, Clock().now()))))
        self.close(TOO_MANY, what.lower())
        if not self.transport.is_closing():
            self.transport.pause_reading()
        self.loop.call_later(FLOOD_LINGER_S, self.transport.abort)

    def handle_cont(self, event: Any) -> None:
        """One more fragment of a message, of which it may have many but not any number."""
        if len(self.frames) < FRAGMENTS_MAX:
            super().handle_cont(event)
        elif not self.deaf:
            self._end_flood(f"More than {FRAGMENTS_MAX} fragments in a message")

    def send_receive_event_to_app(self) -> None:
        """Hand on a whole message: not one that came before the handshake's answer, or in one read with a goodbye.

        There uvicorn would want to close for text that is no UTF-8, where nothing can be closed.
        """
        if self.conn.state is State.OPEN:
            super().send_receive_event_to_app()
        else:
            self.frames = []

    def give_way(self) -> None:
        """End: another connection needs the place."""
        if self.open and self.conn.state is State.OPEN:
            self.close(TRY_AGAIN_LATER, "the hub is full: others need the place")
        else:
            self.transport.abort()

    def handle_close(self, event: Any) -> None:
        """The client says goodbye, or answers ours."""
        self.ended = self.ended or CLOSED_BY_IT
        super().handle_close(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, with or without a goodbye."""
        unreachable = exc is not None and not isinstance(exc, ConnectionError)
        self.ended = self.ended or (LOST if unreachable else GONE)
        super().connection_lost(exc)
        self.admission.leave(self.transport, self.caller)

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

    def let_wait(self, bytes_max: int) -> None:
        """Set how much may wait to be taken before the client counts as slow."""
        if not self.transport.is_closing():
            self.transport.set_write_buffer_limits(high=bytes_max)

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
        if self.conn.close_sent is None:  # before the handshake's answer there is nothing to close
            self.transport.abort()
            return
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
