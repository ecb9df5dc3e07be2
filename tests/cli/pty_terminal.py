"""A terminal: a command run on a pty, and what it showed as a person and as a camera would read it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence

from tests.commands import environment as hub_environment
from tests.commands import run_command, start_command

SAYS_WAIT_S = 60.0
CODE_LINE = re.compile(r"^  \x1b\[97(?:;40)?m([█▀▄ ]+)\x1b\[0m$")
# Upper and lower half: 1 is dark. The blocks are white, on a ground that is said to be black.
HALVES = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}


def environment(**more: str) -> dict[str, str]:
    """Our environment without any setting of the hub, as a terminal's, and `more`."""
    ours = hub_environment(TERM="xterm-256color", PYTHONIOENCODING="utf-8")
    for gone in ("NO_COLOR", "COLUMNS"):
        ours.pop(gone, None)
    return {**ours, **more}


class Terminal:
    """A command of restohub on a terminal of so many columns; `said` is all that it wrote."""

    def __init__(self, *args: str, columns: int = 100, wrap: Sequence[str] = (), **env: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = start_command(*args, out=theirs, stdin=theirs, wrap=wrap, env=environment(**env), session=True)
        os.close(theirs)
        self._read = bytearray()
        self._reader = threading.Thread(target=self._keep_reading, daemon=True)
        self._reader.start()

    def _keep_reading(self) -> None:
        while True:
            try:
                more = os.read(self._ours, 65536)
            except OSError:  # the last one who had it open has gone
                return
            if not more:
                return
            self._read += more

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return bytes(self._read).decode(errors="replace").replace("\r\n", "\n")

    def until(self, there: Callable[[str], object]) -> str:
        """What it wrote, once that is true of it."""
        deadline = time.monotonic() + SAYS_WAIT_S
        while not there(self.said):
            assert self.process.poll() is None or self._reader.is_alive() or there(self.said), self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        return self.said

    def type(self, text: str) -> None:
        """A person types this."""
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Its exit status, after SIGTERM where it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(SAYS_WAIT_S)
        self._reader.join(SAYS_WAIT_S)
        os.close(self._ours)
        return status

    def result(self) -> tuple[int, str]:
        """The exit status of a command that ends by itself, and what it wrote."""
        self.process.wait(SAYS_WAIT_S)
        return self.end(), self.said


def code_of(said: str) -> list[list[int]]:
    """The modules of the QR code in a text, without its margin: 1 is dark."""
    rows: list[list[int]] = []
    for line in said.splitlines():
        if drawn := CODE_LINE.match(line):
            halves = [HALVES[one] for one in drawn[1]]
            rows += [[upper for upper, _ in halves], [lower for _, lower in halves]]
    assert all(row.count(0) == len(row) for row in (*rows[:2], *rows[-3:-1])), "the margin is light"
    return [row[2:-2] for row in rows[2:-3]]


def printed(*args: str, wrap: Sequence[str] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """The end of a command that writes to no terminal."""
    return run_command(*args, wrap=wrap, env=environment(**env))
