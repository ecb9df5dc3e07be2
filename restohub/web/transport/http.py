"""This file is one HTTP connection on uvicorn's protocol: whole requests in time, answers in one write."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from restohub.floor.verdicts import Refused
from restohub.limits import ANSWER_WAIT_S, KEEP_ALIVE_S, REQUEST_WAIT_S
from restohub.web.replies import WHOLE_ANSWER
from restohub.wire.answers import Sent, Streamed, sent_headers

from .refusal import STATUS_LINES, refusal

# What is written as one piece. A whole floor is not: it would be in memory once for each who is slow to take it.
JOINED_BYTES_MAX = 16 * 1024

MALFORMED = Refused("invalid_json", "The request is not HTTP/1.1 that the hub can read.")
TOO_SLOW = Refused("request_timeout", f"The request was not whole after {REQUEST_WAIT_S:.0f} s. Nothing was changed.")


class HttpLink(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One HTTP connection: a request must be whole in time, and what is not HTTP is refused as a problem document.

    `begun_at` is when the request that is not whole yet began (before the first one: the connection), None where none
    is under way. httptools says itself where one begins and ends; h11 (Windows) is asked after all that it has read.
    `idle_since` is when the last answer was given.
    """

    begun_at: float | None
    silent: bool
    idle_since = math.inf

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
        """A request's head is whole (httptools): `replies` finds in the scope how to answer in one."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            if self.url[:1] != b"/":  # as with h11: the whole target, whose authority httptools drops
                self.scope["raw_path"] = self.url.partition(b"?")[0]
            self.scope["extensions"] = {WHOLE_ANSWER: partial(self.answer, self.cycle)}

    async def answer(self, cycle: Any, answer: Sent) -> None:
        """Answer a request of this connection: head and body in one write, or the body in pieces as they are taken.

        uvicorn's `send` looks through each header with two regular expressions, for servers that pass on what others
        wrote, and writes head and body apart: together a tenth of what a change costs.
        """
        cycle.scope["extensions"].clear()  # it would hold on to itself; and whoever answers twice meets uvicorn's fault
        if isinstance(answer, Streamed):
            await self._stream(cycle, answer)
            return
        if self.flow.write_paused and not cycle.disconnected:
            await self._taken(cycle)
        if cycle.disconnected:
            return
        head = self._head(cycle, sent_headers(answer), answer.status)
        body = b"" if cycle.scope["method"] == "HEAD" else answer.body
        if len(body) <= JOINED_BYTES_MAX:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self._answered(cycle)

    async def _taken(self, cycle: Any) -> None:
        """Return when the client took enough, or is gone; who takes nothing for ANSWER_WAIT_S is cut off."""
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                await self.flow.drain()
        except TimeoutError:
            self._cut(cycle)

    def _cut(self, cycle: Any) -> None:
        cycle.disconnected = True
        self.transport.abort()

    def _head(self, cycle: Any, sent: list[tuple[bytes, bytes]], status: int) -> bytes:
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        headers = [*self.server_state.default_headers, *sent]
        if not cycle.keep_alive:
            headers.append((b"connection", b"close"))
        return b"%b%b\r\n\r\n" % (STATUS_LINES[status], b"\r\n".join(map(b": ".join, headers)))

    def _answered(self, cycle: Any) -> None:
        cycle.response_complete = True
        cycle.message_event.set()
        self.idle_since = self.loop.time()
        if not cycle.keep_alive:
            self.transport.close()
        if self.pipeline or self.transport.is_closing():
            cycle.on_response()
        else:
            self.flow.resume_reading()

    async def _stream(self, cycle: Any, answer: Streamed) -> None:
        """Write the pieces as they are taken; who has not taken them all within ANSWER_WAIT_S is cut off."""
        chunked = answer.size is None and cycle.scope["http_version"] != "1.0"
        headers = [*sent_headers(answer), (b"transfer-encoding", b"chunked")] if chunked else sent_headers(answer)
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                if self.flow.write_paused:
                    await self.flow.drain()
                self.transport.write(self._head(cycle, headers, answer.status))
                for piece in answer.pieces if cycle.scope["method"] != "HEAD" else ():
                    self.transport.writelines((b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,))
                    await asyncio.sleep(0)  # others have their turn, however fast this one takes it
                    await self.flow.drain()
                    if cycle.disconnected or self.transport.is_closing():
                        return
                if chunked and cycle.scope["method"] != "HEAD":
                    self.transport.write(b"0\r\n\r\n")
            self._answered(cycle)
        except (TimeoutError, asyncio.CancelledError):  # cancelled when the hub stops
            self._cut(cycle)
        finally:
            answer.release()

    def look(self, now: float) -> None:
        """Close the connection of a request that is not whole in time; say so where that is not one answer too many.

        One that is asked for nothing for long is closed here, too: uvicorn's timer would be set and cancelled at each
        request.
        """
        cycle = self.cycle
        answered = cycle is not None and cycle.response_complete
        if answered and now - self.idle_since >= ANSWER_WAIT_S and self.transport.get_write_buffer_size() > 0:
            self.transport.abort()  # it asked, and never took the answer
            return
        if self.begun_at is None:
            if answered and now - self.idle_since >= KEEP_ALIVE_S:
                self.transport.close()
            return
        if now - self.begun_at < REQUEST_WAIT_S or self.transport.is_closing():
            return
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
