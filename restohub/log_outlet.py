"""This file is how log lines leave: bounded in rate, and by a thread of their own, so that no log can stop the hub."""

from __future__ import annotations

import logging
import os
import queue
import threading

from restohub.live.clock import Clock
from restohub.log_words import event

# Ten sources at their bounds fill 20 MB a day (an SD card's share): a flapping iPad must not wear it out.
BURST_BYTES = 16 * 1024
BYTES_A_MINUTE = 1000
SUMMARY_EVERY_S = 60.0
# What waits for a terminal or a pipe that takes nothing; the rest is left out and counted.
WAITING_MAX = 1000
LAST_LINES_WAIT_S = 1.0
LIBRARIES = "library"
LEFT_OUT = {"restohub.ipads": "joined or left"}


class Budget:
    """How much one source may still say: a token bucket of bytes, and how many lines did not fit."""

    def __init__(self, now: float) -> None:
        self.left_out = 0
        self._bytes = float(BURST_BYTES)
        self._at = now

    def takes(self, size: int, now: float) -> bool:
        """Whether a line of this many bytes may leave; one that may not is counted."""
        self._bytes = min(BURST_BYTES, self._bytes + (now - self._at) * BYTES_A_MINUTE / 60)
        self._at = now
        if size > self._bytes:
            self.left_out += 1
            return False
        self._bytes -= size
        return True


class Outlet(logging.Handler):
    """Writes each line to a file descriptor, from a thread: a terminal that is full, gone or stuck stops nobody."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._clock = Clock()
        self._budgets: dict[str, Budget] = {}
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one line to the thread, unless its source has said enough."""
        line = (self.format(record) + "\n").encode("utf-8", "replace")
        source = record.name if record.name.startswith("restohub") else LIBRARIES
        now = self._clock.monotonic()
        budget = self._budgets.setdefault(source, Budget(now))
        if budget.takes(len(line), now):
            self._put(line, budget)

    def say_left_out(self) -> None:
        """One line for each source of which some were left out since this was last said."""
        self.acquire()
        for source, budget in self._budgets.items():
            if not budget.left_out:
                continue
            count, budget.left_out = budget.left_out, 0
            text = f"… {count} more {LEFT_OUT.get(source, 'such lines')} in the last minute."
            record = logging.LogRecord(source, logging.INFO, "", 0, text, None, None)
            vars(record).update(event("left_out", lines=count))
            self._put((self.format(record) + "\n").encode(), budget)
        self.release()

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

    def _put(self, line: bytes, budget: Budget) -> None:
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            budget.left_out += 1

    def _write_all(self) -> None:
        due = self._clock.monotonic() + SUMMARY_EVERY_S
        while True:
            try:
                line = self._waiting.get(timeout=max(0.0, due - self._clock.monotonic()))
            except queue.Empty:
                self.say_left_out()
                due = self._clock.monotonic() + SUMMARY_EVERY_S
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
