"""One HTTP connection on uvicorn's protocol: whole requests in time, answers in one write."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sized
from functools import partial
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from restohub.floor.outcomes import Refused
from restohub.limits import ANSWER_WAIT_S, HEAD_BYTES_MAX, HEADERS_MAX, KEEP_ALIVE_S, SLICE_BYTES
from restohub.live.address_usage import Caller
from restohub.web.error_handlers import CALLER, WHOLE_ANSWER
from restohub.wire.responses import POLICY, OwnPolicy, Sent, Streamed, sent_headers

from .admission import Admission
from .minimum_rate import TOO_SLOW, is_too_slow
from .read_buffer import HEAD_END, Intake
from .refusal import STATUS_LINES, refusal
from .upgrades import asks_for_socket, head_without_upgrade, httptools_parser, with_path

# What is written as one piece. A whole floor is not: it would be in memory once for each who is slow to take it.
JOINED_BYTES_MAX = 16 * 1024
# For how long, and how much of it, what still comes is read and dropped: a connection that is closed on it is reset,
# and the last answer would be lost with it.
LINGER_S = 1.0
LINGER_BYTES_MAX = 1024 * 1024

MALFORMED = Refused("invalid_json", hint="The request is not HTTP/1.1 that the hub can read.")
HEAD_TOO_LARGE = Refused(
    "head_too_large",
    hint=f"The request has more than {HEAD_BYTES_MAX // 1024} KiB of head or more than {HEADERS_MAX} headers.",
)


class TooManyHeadersError(Exception):
    """Raised out of a parser, which cannot be stopped otherwise."""


class StandingHeaders:
    """The headers that every answer has, ready to be sent: uvicorn rebuilds the list once a second, for the date."""

    def __init__(self) -> None:
        self._made_of: list[tuple[bytes, bytes]] = []
        self._lines = self._bare = b""

    def lines(self, headers: list[tuple[bytes, bytes]], answer: Sent) -> bytes:
        """Them, each with the end of its line: with the policy of all answers where this one has none of its own."""
        if headers is not self._made_of:
            self._made_of = headers
            self._bare = b"".join(b"%b: %b\r\n" % header for header in headers)
            self._lines = self._bare + b"".join(b"%b: %b\r\n" % header for header in POLICY)
        return self._bare if isinstance(answer, OwnPolicy) else self._lines


class HttpLink(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn chooses one of two classes
    """One HTTP connection: a request must be whole in time, and what is not HTTP is refused as a problem document.

    `begun_at` is when the request that is not whole yet began (before the first one: the connection), None where none
    is under way, and `held_bytes` what came of it. httptools says itself where one begins and ends; h11 (Windows) is
    asked after all that it has read. `idle_since` is when the last answer was given. Once `ended`, nothing
    more is parsed.
    """

    begun_at: float | None
    silent: bool
    caller: Caller
    standing = StandingHeaders()
    flow: Intake
    headers: list[tuple[bytes, bytes]]
    url: bytes
    idle_since = math.inf
    held_bytes = 0
    weighed = False
    ended = False
    dropped_bytes = 0
    last_word: bytes | None = None
    passed_over = b""
    head_end = 0
    pipeline: Sized = ()  # h11 has none: it keeps what comes after a request unparsed

    def __init__(self, admission: Admission, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.admission = admission

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From here on something must come."""
        super().connection_made(transport)
        self.flow = Intake(self.transport, self, self.admission.turns)
        self.begun_at = self.loop.time()
        self.silent = True
        self.caller = self.admission.callers.of(self.client[0] if self.client else "")
        refused = self.admission.connect(transport, self.caller, self)
        if refused is not None:  # with no time to linger, or those who are refused would be held all the same
            self.ended = True
            self.transport.write(refusal(refused))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its place is free."""
        self._stop()
        super().connection_lost(exc)
        self.admission.leave(self.transport, self.caller)

    def data_received(self, data: bytes) -> None:
        """Parse a small request at once, as nearly every one is; more than that in slices."""
        if self.ended:
            self._drop(data)
            return
        if len(data) > SLICE_BYTES or self.flow.unparsed or self.flow.framing or data.count(HEAD_END) > 1:
            self.flow.take(data)
            self.weigh()
            return
        self.parse(data)
        if self.begun_at is not None or self.weighed:
            self.weigh()

    def parse(self, piece: bytes) -> None:
        """The first byte begins a request, even one that no parser would call so yet (an empty line)."""
        if self.silent or self.begun_at is None:
            self.silent, self.begun_at = False, self.loop.time()
        self.flow.framing += len(piece)
        super().data_received(piece)
        if self.passed_over:
            self._read_on(piece)
        if self.begun_at is not None:
            self.held_bytes += len(piece)

    def weigh(self) -> None:
        """Count what is held of a request that is not whole; nothing is once it is answered, whatever still comes."""
        answered = self.cycle is not None and self.cycle.response_complete and self.cycle.more_body
        held = 0 if self.begun_at is None or answered else self.held_bytes
        self.weighed = self.admission.bodies.weigh(self, held + len(self.flow.unparsed))

    def on_message_begin(self) -> None:
        """A request begins (httptools); after another in one packet, too."""
        if self.begun_at is None:
            self.begun_at = self.loop.time()
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A part of a body (httptools)."""
        self.flow.framing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole (httptools)."""
        if self.passed_over:
            return
        self.begun_at = None
        self.held_bytes = self.flow.framing = 0
        super().on_message_complete()

    def handle_events(self) -> None:
        """All is read that there is to read for now (h11)."""
        import h11  # where httptools reads, a start does without it

        try:
            super().handle_events()
        except TooManyHeadersError:
            self._refuse(HEAD_TOO_LARGE)
            return
        unread = len(self.conn.trailing_data[0])
        between = self.conn.their_state is h11.IDLE and not unread
        if between or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self.begun_at = None
            self.held_bytes = 0
        elif self.begun_at is None:
            self.begun_at = self.loop.time()
        self.flow.framing = unread

    def on_headers_complete(self) -> None:
        """A request's head is whole (httptools): `replies` finds in the scope how to answer in one."""
        if len(self.headers) > HEADERS_MAX:
            raise TooManyHeadersError
        self.flow.framing = 0
        if self.parser.should_upgrade() and self._passes_over():
            return
        if self.url[:1] != b"/":
            self.url = with_path(self.url)
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            if self.url[:1] != b"/":  # as with h11: the whole target, whose authority httptools drops
                self.scope["raw_path"] = self.url.partition(b"?")[0]
            self.scope[CALLER] = self.caller
            self.scope["extensions"] = {WHOLE_ANSWER: partial(self.answer, self.cycle)}
            self.headers = []  # what follows the body (trailers) is no part of the head

    def _passes_over(self) -> bool:
        """Whether a request offers to change to a protocol that the hub does not change to (httptools)."""
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = self.parser.get_http_version()
        if self._should_upgrade() or all(name != b"upgrade" for name, _ in self.headers):
            return False
        self.passed_over = head_without_upgrade(self.scope, self.url, self.headers)
        return True

    def _unsupported_upgrade_warning(self) -> None:
        """Note where the head of a request ends whose offer to upgrade is passed over (httptools has raised it)."""
        found = sys.exception()
        self.head_end = found.args[0] if found is not None else 0

    def _read_on(self, piece: bytes) -> None:
        """Have such a request read as if it had offered nothing.

        httptools has skipped its body, and would take what follows the head for another request, or for nothing.
        """
        while self.passed_over:
            self.parser = httptools_parser(self)
            piece, self.passed_over = self.passed_over + piece[self.head_end :], b""
            super().data_received(piece)

    def _should_upgrade(self) -> bool:
        if len(self.headers) > HEADERS_MAX:  # here h11 has read a head, and done nothing about it yet
            raise TooManyHeadersError
        return asks_for_socket(self.scope, self.headers)

    def handle_websocket_upgrade(self, *event: Any) -> None:
        """Become a socket, where the address may have one more."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse(MALFORMED)
            return
        refused = self.admission.open_socket(self.transport, self.caller)
        if refused is not None:
            self._refuse(refused)
            return
        self._stop()
        super().handle_websocket_upgrade(*event)

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
        head = self._head(cycle, sent_headers(answer), answer)
        body = b"" if cycle.scope["method"] == "HEAD" else answer.body
        if len(body) <= JOINED_BYTES_MAX:
            self.transport.write(head + body)
        else:
            for part in (head, body):  # asyncio pauses nobody by `writelines` before Python 3.12.9 and 3.13.2
                self.transport.write(part)
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

    def _head(self, cycle: Any, sent: list[tuple[bytes, bytes]], answer: Sent) -> bytes:
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        headers = sent if cycle.keep_alive else [*sent, (b"connection", b"close")]
        lines = b"\r\n".join((*map(b": ".join, headers), b""))
        standing = self.standing.lines(self.server_state.default_headers, answer)
        return b"%b%b%b\r\n" % (STATUS_LINES[answer.status], standing, lines)

    def _answered(self, cycle: Any) -> None:
        cycle.response_complete = True
        cycle.message_event.set()
        self.idle_since = self.loop.time()
        if not cycle.keep_alive:
            self.transport.close()
        if self.pipeline or self.last_word is not None or self.transport.is_closing():
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
                self.transport.write(self._head(cycle, headers, answer))
                for piece in answer.pieces if cycle.scope["method"] != "HEAD" else ():
                    for part in (b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,):
                        self.transport.write(part)
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

    def on_response_complete(self) -> None:
        """Go on with the next request; after the last one, say why no more are taken."""
        last = not self.pipeline
        super().on_response_complete()
        if last and self.last_word is not None:
            self._end(self.last_word)

    def check_pace(self, now: float) -> None:
        """Close the connection of a request that comes too slowly; say so where that is not one answer too many.

        One that is asked for nothing for long is closed here, too: uvicorn's timer would be set and cancelled at each
        request.
        """
        cycle = self.cycle
        answered = cycle is not None and cycle.response_complete
        if answered and now - self.idle_since >= ANSWER_WAIT_S and self.transport.get_write_buffer_size() > 0:
            self.transport.abort()  # it asked, and never took the answer
            return
        if self.ended:
            return
        if self.begun_at is None:
            if answered and now - self.idle_since >= KEEP_ALIVE_S:
                self.transport.close()
        elif (
            is_too_slow(0 if answered else self.held_bytes + len(self.flow.unparsed), now - self.begun_at)
            and (cycle is None or answered or cycle.more_body)  # else the one before it is answered
            and not self.transport.is_closing()
        ):
            self._refuse(TOO_SLOW)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's own signature)
        """Answer 400 in the form of every other refusal."""
        self._refuse(HEAD_TOO_LARGE if len(self.headers or ()) > HEADERS_MAX else MALFORMED)

    def refuse_head(self) -> None:
        """What is no body does not end."""
        self._refuse(HEAD_TOO_LARGE)

    def give_up(self, why: Refused) -> None:
        """Refuse the request that is under way: others need what it holds."""
        self._refuse(why)

    def give_way(self) -> None:
        """End: another connection needs the place."""
        self._stop()
        self.transport.abort()

    def _refuse(self, why: Refused) -> None:
        """Take no more. Say why: as the answer to the request under way, after those to the ones before it."""
        if self.ended:
            return
        self._stop()
        cycle = self.cycle
        word = b"" if self.silent else refusal(why)
        if cycle is None or cycle.response_complete:
            answered = cycle is not None and cycle.more_body
            self._end(b"" if answered else word)
        elif not cycle.more_body:
            self.last_word = word
        elif self.pipeline:
            self.pipeline.popleft()  # type: ignore[attr-defined]  # the class for httptools alone has it
            self.last_word = word
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._end(b"" if cycle.response_started else word)

    def _stop(self) -> None:
        """Parse nothing more, and let go of what is held."""
        self.ended = True
        self.begun_at = None
        if self.weighed:
            self.weighed = self.admission.bodies.weigh(self, 0)
        self.flow.forget()

    def _drop(self, data: bytes) -> None:
        self.dropped_bytes += len(data)
        if self.dropped_bytes > LINGER_BYTES_MAX and not self.transport.is_closing():
            self.transport.pause_reading()

    def _end(self, word: bytes) -> None:
        if not word:
            self.transport.close()
            return
        self.transport.write(word)
        if self.transport.can_write_eof():  # TLS cannot
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)
