"""A cursor: one socket's connection, its state, its requests and its place in the feed."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Container
from contextlib import suppress
from typing import Protocol

from restohub.access.devices import Access
from restohub.floor.model import Restaurant
from restohub.floor.outcomes import Refused, restaurant_not_found
from restohub.limits import FULL_SYNC_EVERY_S
from restohub.wire.messages import Dialect, Ping, Pong, encode, text_frame
from restohub.wire.problems import error_message
from restohub.wire.socket_state import (
    TOKEN_REFUSED,
    Close,
    Identify,
    SendDelta,
    SendError,
    SendFullSync,
    SendPing,
    SendPong,
    SocketAction,
    SocketState,
)
from restohub.wire.times import time_text

from .address_usage import Caller

REQUESTS_MAX = 50


class Link(Protocol):
    """The way to one client. What is written is sent in order; nothing waits but `drained`."""

    heard_at: float

    @property
    def taken(self) -> int:
        """How many bytes the network has taken."""

    @property
    def waiting(self) -> bool:
        """Whether something written has not been taken yet."""

    @property
    def ready(self) -> bool:
        """Whether the client has taken enough of what was written before (the high-water mark is not reached)."""

    def write(self, frames: bytes) -> None:
        """Send ready frames."""

    async def drained(self) -> None:
        """Return when `ready` holds, or the client is gone."""

    def let_wait(self, bytes_max: int) -> None:
        """How much may wait to be taken before `ready` no longer holds."""

    def ping(self) -> None:
        """Send a protocol-level ping."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket; what was written before is still sent where the client takes it."""


class Cursor:
    """One socket in the feed: the way to it, its state, and the revision that it has of each restaurant.

    `live`: it is joined and gets each commit as it is published; else its task catches it up. `now` gives the hub's
    time, in UTC seconds. `device` is the id of the one that showed its token here, None where none did.
    """

    def __init__(
        self, link: Link, dialect: Dialect, restaurant_id: int | None, caller: Caller, now: Callable[[], int]
    ) -> None:
        self.link = link
        self.caller = caller
        self.dialect = dialect
        self.restaurant_id = restaurant_id
        self.revisions: dict[int, int] = {}
        # Of each restaurant whose change it was not told yet, the latest; of one that was deleted, when that was.
        self.notices: dict[int, Restaurant | int] = {}
        self.live = False
        # A socket may wait for its floor longer than for a heartbeat, and the greeting comes first.
        self.greeted = False
        self.wake = asyncio.Event()
        self.requests: deque[SendFullSync | SendDelta] = deque()
        self.full_sync_at = -math.inf
        self.device: str | None = None
        # What the handshake sent to say who it is.
        self.authorization: bytes | None = None
        self._now = now
        self._state = SocketState(restaurant_id, asyncio.get_running_loop().time())
        self._held: list[bytes] | None = None

    def receive(self, message: str | bytes, restaurants: Container[int], access: Access | None = None) -> None:
        """Do what a message of the client asks for; `restaurants` are those that there are."""
        for action in self._state.on_message(message, asyncio.get_running_loop().time()):
            if isinstance(action, Identify):
                if access is not None:
                    self.identify(action.token, access)
            elif not isinstance(action, SendFullSync | SendDelta):
                self._perform(action)
            elif action.restaurant_id in restaurants:
                self.request(action)
            else:
                self.send_error(restaurant_not_found(action.restaurant_id))

    def identify(self, token: str, access: Access) -> None:
        """Note which device it is; a token that is nobody's says nothing."""
        device = access.holder(token.encode())
        self.device = device.id if device else self.device

    def tick(self, now: float) -> None:
        """Do what is due, once a second; `now` is the loop's time."""
        link, restaurant_id = self.link, self.restaurant_id
        revision = None if restaurant_id is None else self.revisions.get(restaurant_id, 0)
        for action in self._state.tick(
            now, heard_at=link.heard_at, taken=link.taken, waiting=link.waiting, revision=revision
        ):
            self._perform(action)

    def _perform(self, action: SocketAction) -> None:
        match action:
            case SendPong():
                self.send(Pong(time_text(self._now())))
            case SendError(refused):
                self.send_error(refused)
            case SendPing(revision):
                if self.link.ready and self.greeted:
                    self.link.write(text_frame(encode(Ping(time_text(self._now()), revision))))
                self.link.ping()
            case Close(code, reason):
                self.link.close(code, reason)

    def send_error(self, refused: Refused) -> None:
        """Say what is wrong."""
        self.send(error_message(refused, self._now()))

    def turn_away(self, refused: Refused) -> None:
        """Close it, since its device does not belong to the hub; nothing that is kept back comes before."""
        self.link.write(text_frame(encode(error_message(refused, self._now()))))
        self.link.close(TOKEN_REFUSED, refused.code)

    def send(self, message: object) -> None:
        """Send a message that belongs to no commit: at once, or after the parts of one that is being sent."""
        frame = text_frame(encode(message))
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

    def request(self, wanted: SendFullSync | SendDelta) -> None:
        """Have the sending task answer a request of the client, in order with the commits."""
        if len(self.requests) >= REQUESTS_MAX:  # it asks faster than it reads: the whole floor answers all of it
            wanted = SendFullSync(wanted.restaurant_id)
            self.requests = deque(one for one in self.requests if one.restaurant_id != wanted.restaurant_id)
        if wanted not in self.requests:
            self.requests.append(wanted)
        self.lag()

    def lag(self) -> None:
        """Take the cursor out of the published stream; its task catches it up."""
        self.live = False
        self.wake.set()

    def answer_due_s(self) -> float:
        """How long what it asked for first must wait: for units of its address, and not to repeat a floor just sent."""
        now = asyncio.get_running_loop().time()
        repeated = self.full_sync_at + FULL_SYNC_EVERY_S - now if isinstance(self.requests[0], SendFullSync) else 0.0
        return max(self.caller.owes_s(), repeated, 0.0)

    async def wait_for_work(self) -> None:
        """Return when it lags or asks, or what it asked for is due."""
        due_s = self.answer_due_s() if self.requests else None
        with suppress(TimeoutError):
            async with asyncio.timeout(due_s):
                await self.wake.wait()
