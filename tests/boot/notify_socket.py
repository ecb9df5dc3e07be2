"""Systemd's end of the notify socket: it hears what a hub says, in order."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NotifySocket:
    """A bound datagram socket at a path or, with a leading `@`, in Linux's abstract namespace."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hear(self, wait_s: float = 20.0) -> str:
        """The next message; raises TimeoutError where none comes."""
        self.socket.settimeout(wait_s)
        return self.socket.recv(4096).decode()

    def within(self, wait_s: float) -> list[str]:
        """All that is said during so many seconds, what waited already included."""
        until = time.monotonic() + wait_s
        said: list[str] = []
        while True:
            try:
                said.append(self.hear(max(0.0, until - time.monotonic())))
            except (TimeoutError, BlockingIOError):  # the latter where the time is over, and nothing waits
                return said


@contextmanager
def ear_at(place: Path | str) -> Iterator[NotifySocket]:
    """An ear that is closed at the end."""
    ear = NotifySocket(str(place))
    try:
        yield ear
    finally:
        ear.socket.close()
