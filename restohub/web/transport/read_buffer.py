"""The read buffer of an HTTP connection: bytes that have come but are not parsed yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sized
from time import perf_counter
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from restohub.limits import HEAD_BYTES_MAX, PIPELINED_MAX, SLICE_BYTES

HEAD_END = b"\r\n\r\n"
# How long input that waited is parsed in one turn of the loop.
STEP_S = 0.005


class Parser(Protocol):
    """A connection, as far as its input is concerned. `pipeline` is what is parsed and not yet being answered."""

    pipeline: Sized

    def parse(self, piece: bytes) -> None:
        """Parse what comes next."""

    def weigh(self) -> None:
        """What is held has become more or less."""

    def refuse_head(self) -> None:
        """The head is too large."""


class Waiting(Protocol):
    """Input that waits to be parsed."""

    def parse_slice(self) -> None:
        """Parse 4 KiB of it or so."""


class Turns:
    """The connections whose input waits: a slice of each in turn, so that many large bodies delay no small one."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._scheduled = False

    def wait(self, intake: Waiting) -> None:
        """Parse a slice of this one's input when it is its turn."""
        self._waiting.append(intake)
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        end = perf_counter() + STEP_S
        try:
            while self._waiting and perf_counter() < end:
                self._waiting.popleft().parse_slice()
        finally:
            self._schedule()


class Intake(FlowControl):
    """uvicorn's flow control, and the bytes that wait while it has paused.

    No parser can be stopped within what it was given, and one read may hold thousands of requests or one endless
    header. So it is given slices that end where a head ends, and none while uvicorn has paused: while one request waits
    for the answer to another, or a large body for a handler that wants it.

    `framing` is how many bytes were parsed in a row that are no body: of a head, of a chunk's first line, of trailers.
    """

    def __init__(self, transport: asyncio.Transport, parser: Parser, turns: Turns) -> None:
        super().__init__(transport)
        self.unparsed = bytearray()
        self.framing = 0
        self._parser = parser
        self._turns = turns
        self._in_turn = False

    def take(self, data: bytes) -> None:
        """Have what came parsed, behind what came before it; until then, read no more."""
        self.unparsed += data
        self._transport.pause_reading()
        self._go_on()

    def resume_reading(self) -> None:
        """Parse what waits, and read on once nothing does."""
        if self.read_paused and len(self._parser.pipeline) < PIPELINED_MAX:
            self.read_paused = False
            self._go_on()

    def forget(self) -> None:
        """Drop what waits, and read on: what comes now is not for a parser."""
        self.unparsed.clear()
        self.read_paused = False
        self._go_on()

    def parse_slice(self) -> None:
        """Parse up to the end of a head, or 4 KiB."""
        self._in_turn = False
        if not self.unparsed or self.read_paused:
            return
        room = HEAD_BYTES_MAX - self.framing
        if room <= 0:
            self._parser.refuse_head()
            return
        length = min(SLICE_BYTES, room)
        head = self.unparsed.find(HEAD_END, 0, length)
        piece = bytes(self.unparsed[: length if head < 0 else head + len(HEAD_END)])
        del self.unparsed[: len(piece)]
        self._parser.parse(piece)
        self._parser.weigh()
        self._go_on()

    def _go_on(self) -> None:
        if self.read_paused or self._transport.is_closing():
            return
        if not self.unparsed:
            self._transport.resume_reading()
        elif not self._in_turn:
            self._in_turn = True
            self._turns.wait(self)
