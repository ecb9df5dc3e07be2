"""The notifications to systemd (sd_notify(3)): listening, alive, stopping."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger("restohub.watchdog")

FEEDS_AN_INTERVAL = 3
# systemd reads its socket at once; a full one must not block the loop.
SEND_WAIT_S = 0.5


class Watchdog:
    """Notifies systemd where `NOTIFY_SOCKET` names its socket; elsewhere every method does nothing.

    `confirm_alive` returns when the writer has answered. A hub whose loop or whose writer hangs is no longer fed for,
    and systemd starts it anew after `WATCHDOG_USEC`. A full disk is no reason: the hub refuses changes and serves
    reads.
    """

    def __init__(
        self, confirm_alive: Callable[[], Awaitable[None]], environment: Mapping[str, str] | None = None
    ) -> None:
        environ = os.environ if environment is None else environment
        self._confirm_alive = confirm_alive
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._interval_s = _interval_s(environ)
        self._listening = asyncio.Event()
        self._failed = False

    def ready(self, status: str) -> None:
        """Report that the port is open; `status` is the line that `systemctl status` shows."""
        self._tell(f"READY=1\nSTATUS={status}")
        self._listening.set()

    def stopping(self) -> None:
        """Report that the stop has begun."""
        self._tell("STOPPING=1\nSTATUS=Stopping")

    async def feed(self) -> None:
        """From `ready` on, three times an interval: ask the writer, and once it answers report that all is well."""
        if not self._address or self._interval_s is None:
            return
        await self._listening.wait()
        while True:
            await self._confirm_alive()
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._interval_s / FEEDS_AN_INTERVAL)

    def _tell(self, state: str) -> None:
        """Send one datagram; a failure is logged once, and does not stop the hub."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.settimeout(SEND_WAIT_S)
                way.sendto(state.encode(), _unix(self._address))
        except OSError as error:
            if not self._failed:
                log.warning("The init system at %s does not hear the hub: %s", self._address, error)
            self._failed = True


def _interval_s(environ: Mapping[str, str]) -> float | None:
    """How often systemd wants a sign of life from this process, in seconds; None where it wants none."""
    text, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdecimal()) or int(text) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1_000_000


def _unix(address: str) -> str:
    """A path as it is; `@name` is a name of Linux's abstract namespace, which begins with NUL."""
    return "\0" + address[1:] if address.startswith("@") else address
