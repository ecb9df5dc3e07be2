"""One socket's place in the feed: what it was sent, what it asked for, and the way to it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import suppress
from typing import Protocol

from restohub.floor.model import Restaurant
from restohub.limits import FULL_SYNC_EVERY_S
from restohub.wire.messages import Dialect
from restohub.wire.socket_state import SendDelta, SendFullSync

from .address_usage import Caller

ASKED_MAX = 50


class Link(Protocol):
    """The way to one client. What is written is sent in order; nothing waits but `drained`."""

    @property
    def ready(self) -> bool:
        """Whether the client has taken enough of what was written before (the high-water mark is not reached)."""

    def write(self, frames: bytes) -> None:
        """Send ready frames."""

    async def drained(self) -> None:
        """Return when `ready` holds, or the client is gone."""

    def let_wait(self, bytes_max: int) -> None:
        """How much may wait to be taken before `ready` no longer holds."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket; what was written before is still sent where the client takes it."""


class Cursor:
    """One socket's place in the feed: the revision it has of each restaurant, and the way to it.

    `live`: it is joined and gets each commit as it is published; else its task catches it up.
    """

    def __init__(self, link: Link, dialect: Dialect, restaurant_id: int | None, caller: Caller) -> None:
        self.link = link
        self.caller = caller
        self.dialect = dialect
        self.restaurant_id = restaurant_id
        self.revisions: dict[int, int] = {}
        # Of each restaurant whose change it was not told yet, the latest; of one that was deleted, when that was.
        self.untold: dict[int, Restaurant | int] = {}
        self.live = False
        self.wake = asyncio.Event()
        self.asked: deque[SendFullSync | SendDelta] = deque()
        self.full_sync_at = -math.inf
        self._held: list[bytes] | None = None

    def say(self, frame: bytes) -> None:
        """Send a frame that belongs to no commit: at once, or after the parts of a message that is being sent."""
        if self._held is None:
            self.link.write(frame)
        else:
            self._held.append(frame)

    def hold(self) -> None:
        """Keep back what belongs to no commit, until `release`."""
        self._held = self._held or []

    def release(self) -> None:
        """Send what was kept back."""
        held, self._held = self._held or [], None
        for frame in held:
            self.link.write(frame)

    def ask(self, wish: SendFullSync | SendDelta) -> None:
        """Have the sending task answer a request of the client, in order with the commits."""
        if len(self.asked) >= ASKED_MAX:  # it asks faster than it reads: the whole floor answers all of it
            wish = SendFullSync(wish.restaurant_id)
            self.asked = deque(asked for asked in self.asked if asked.restaurant_id != wish.restaurant_id)
        if wish not in self.asked:
            self.asked.append(wish)
        self.lag()

    def lag(self) -> None:
        """Take the cursor out of the published stream; its task catches it up."""
        self.live = False
        self.wake.set()

    def answer_due_s(self) -> float:
        """How long what it asked for first must wait: for units of its address, and not to repeat a floor just sent."""
        now = asyncio.get_running_loop().time()
        repeated = self.full_sync_at + FULL_SYNC_EVERY_S - now if isinstance(self.asked[0], SendFullSync) else 0.0
        return max(self.caller.owes_s(), repeated, 0.0)

    async def woken(self) -> None:
        """Return when it lags or asks, or what it asked for is due."""
        due_s = self.answer_due_s() if self.asked else None
        with suppress(TimeoutError):
            async with asyncio.timeout(due_s):
                await self.wake.wait()
