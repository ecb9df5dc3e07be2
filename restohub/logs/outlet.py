"""The log's outlet: limited in rate, and written by a thread of its own, so that no log can stop the hub."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Iterable
from time import monotonic

from restohub.limits import ADDRESSES_MAX, LINES_A_MINUTE

from .events import event

# A dozen sources at their bounds fill 20 MB a day (an SD card's share): a flapping iPad must not wear it out.
BURST_BYTES = 16 * 1024
BYTES_A_MINUTE = 500
SOURCES_BYTES_A_MINUTE = {"restohub.ipads": 4000}
SUMMARY_EVERY_S = 60.0
# An address that has more lines than this in a minute is given the upper half of its source's budget alone, in the next
# minute too: whoever floods the log leaves room for everybody else.
FEW_LINES = 4
SPARED_BYTES = BURST_BYTES // 2
# So many addresses get a sum of their own a minute: those with most.
SUMS_MAX = 5
# What waits for a terminal or a pipe that takes nothing; the rest is left out and counted.
WAITING_MAX = 1000
LAST_LINES_WAIT_S = 1.0
LIBRARIES = "library"
LEFT_OUT = {"restohub.ipads": "joined or left"}


class Budget:
    """How much one source may still say: a token bucket of bytes, and how many lines were left out."""

    def __init__(self, bytes_a_minute: int, now: float) -> None:
        self.left_out = 0
        self._rate = bytes_a_minute / 60
        self._bytes = float(BURST_BYTES)
        self._at = now

    def takes(self, size: int, now: float, spared: int = 0) -> bool:
        """Whether a line of this many bytes may leave, with so many bytes left over."""
        self._bytes = min(BURST_BYTES, self._bytes + (now - self._at) * self._rate)
        self._at = now
        if size > self._bytes - spared:
            return False
        self._bytes -= size
        return True


class SourceCounts:
    """What was said of one address since the last sums: by which source, how many lines, how many were left out."""

    __slots__ = ("left_out", "lines", "source", "was_busy")

    def __init__(self, source: str, *, was_busy: bool = False) -> None:
        self.source = source
        self.was_busy = was_busy
        self.lines = 0
        self.left_out = 0

    @property
    def busy(self) -> bool:
        """Whether there was more to say of it than of an iPad that comes and goes."""
        return self.lines + self.left_out >= FEW_LINES

    def takes(self, size: int, now: float, budget: Budget) -> bool:
        """Whether one more line about this address may leave."""
        spared = SPARED_BYTES if self.was_busy or self.busy else 0
        taken = self.lines < LINES_A_MINUTE and budget.takes(size, now, spared)
        self.lines += taken
        return taken


class Outlet(logging.Handler):
    """Writes each line to a file descriptor, from a thread: a terminal that is full, gone or stuck stops nobody.

    A record's field `address` says whom it is about. Addresses in `shared` stand for many devices, and have no limit
    but their source's.
    """

    def __init__(self, descriptor: int, shared: Iterable[str] = ()) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._shared = frozenset(shared)
        self._budgets: dict[str, Budget] = {}
        self._addresses: dict[str, SourceCounts] = {}
        self._busy: frozenset[str] = frozenset()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one line to the thread, unless its source, or the address that it is about, has said enough."""
        line = (self.format(record) + "\n").encode("utf-8", "replace")
        source = record.name if record.name.startswith("restohub") else LIBRARIES
        now = monotonic()
        budget = self._budgets.get(source)
        if budget is None:
            rate = SOURCES_BYTES_A_MINUTE.get(source, BYTES_A_MINUTE)
            budget = self._budgets[source] = Budget(rate, now)
        told = self._told_of(record, source)
        taken = told.takes(len(line), now, budget) if told else budget.takes(len(line), now)
        if not (taken and self._put(line)):
            (told or budget).left_out += 1

    def _told_of(self, record: logging.LogRecord, source: str) -> SourceCounts | None:
        """What was said of the address that a record is about; None where it is about none that is counted."""
        address = getattr(record, "fields", {}).get("address")
        if address is None or address in self._shared:
            return None
        if address not in self._addresses and len(self._addresses) < ADDRESSES_MAX:
            self._addresses[address] = SourceCounts(source, was_busy=address in self._busy)
        return self._addresses.get(address)

    def say_left_out(self) -> None:
        """One line for each address and source of which some were left out since this was last said."""
        self.acquire()
        flooding = sorted(self._addresses.items(), key=lambda item: item[1].left_out, reverse=True)
        self._busy = frozenset(address for address, told in flooding if told.busy)
        self._addresses = {}
        for number, (address, told) in enumerate(flooding):
            if told.left_out and number < SUMS_MAX:
                text = f"… {told.left_out:,} more from {address} in the last minute."
                self._say(told.source, text, address=address, lines=told.left_out)
            else:
                self._budgets[told.source].left_out += told.left_out
        for source, budget in self._budgets.items():
            count, budget.left_out = budget.left_out, 0
            if count:
                text = f"… {count:,} more {LEFT_OUT.get(source, 'such lines')} in the last minute."
                self._say(source, text, lines=count)
        self.release()

    def _say(self, source: str, text: str, **fields: object) -> None:
        record = logging.LogRecord(source, logging.INFO, "", 0, text, None, None)
        vars(record).update(event("left_out", **fields))
        if not self._put((self.format(record) + "\n").encode()):
            self._budgets[source].left_out += 1

    def close(self) -> None:
        """Let what waits be written, where it is taken in time."""
        self.say_left_out()
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            pass
        else:
            self._thread.join(LAST_LINES_WAIT_S)
        super().close()

    def _put(self, line: bytes) -> bool:
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return False
        return True

    def _write_all(self) -> None:
        due = monotonic() + SUMMARY_EVERY_S
        while True:
            try:
                line = self._waiting.get(timeout=max(0.0, due - monotonic()))
            except queue.Empty:
                self.say_left_out()
                due = monotonic() + SUMMARY_EVERY_S
                continue
            if line is None:
                return
            self._write(line)

    def _write(self, line: bytes) -> None:
        """A disk that is full or a reader that is gone loses the line: there is nowhere to say so."""
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            return
