"""A watcher of the fault tests: a shadow iPad that writes down what it is told, and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

from websockets.exceptions import WebSocketException

from tests.conftest import Hub
from tests.faults.history import Change, History, Json, Line, Told, digest_of_changes, digest_of_floor
from tests.tablet import REALTIME, SYNC, LostError, Message, Tablet

# How long a watcher that lost its connection is away at most.
AWAY_S = 0.3


class RecordingWatcher(Tablet):
    """A shadow iPad that writes down what it is told, and comes back whenever its connection is lost."""

    def __init__(self, hub: Hub, restaurant: int, name: str, chance: random.Random, history: History) -> None:
        super().__init__(hub.ws_url, restaurant, chance.choice((SYNC, REALTIME)))
        self.name, self.chance, self.history = name, chance, history
        self.line = Line(name, 0.0, None, 0, "")

    async def stay(self) -> None:
        """Be connected for as long as there is a hub, and again when it is back; ends where the hub broke its word."""
        while not self.faults:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):  # there is no hub at the moment
                if await self._came():
                    await asyncio.wait([self._reader])
            await asyncio.sleep(self.chance.uniform(0, AWAY_S))

    async def _came(self) -> bool:
        """Whether the floor is held; a connection that was lost on the way is no fault, but a wrong greeting is one."""
        try:
            await (self.resume() if self._whole else self.connect())
        except LostError:
            return False
        except AssertionError as fault:
            self.faults.append(repr(fault))
            return False
        return True

    async def _open(self, url: str, *, resuming: bool) -> int:
        held, opened = self.revision, time.monotonic()
        head = await super()._open(url, resuming=resuming)
        fresh = head if self.path == REALTIME and not resuming else None
        self.line = Line(self.name, opened, held if resuming and self.resumed else fresh, head, self.epoch)
        self.history.lines.append(self.line)
        return head

    def _replace(self, parts: list[Message]) -> None:
        super()._replace(parts)
        held = digest_of_floor(self.guests.values(), self.tables.values())
        self.line.told.append(Told(time.monotonic(), "snapshot", 0, self.revision, held))

    def _commit(self, message: Message, changes: list[Json]) -> None:
        super()._commit(message, changes)
        told = [Change(one["entity_type"], one["entity_id"], one["action"], one["data"]) for one in changes]
        span = message["previous_revision"], message["revision"]
        self.line.told.append(Told(time.monotonic(), message["type"], *span, digest_of_changes(told)))

    async def cut(self) -> None:
        """Lose the connection, where the hub's end has not been lost before."""
        with contextlib.suppress(OSError):
            await super().cut()

    async def ask_again(self) -> None:
        """Ask for all over again, where there is a connection to ask over."""
        with contextlib.suppress(WebSocketException):
            await self._socket.send('{"type": "request_full_sync"}')

    @property
    def connected(self) -> bool:
        """Whether it has a connection that it can lose."""
        return self._whole and not self._reader.done()

    def at(self, revision: int) -> bool:
        """Whether it holds the floor of this revision or a later one."""
        return self.connected and self.revision >= revision

    def held(self) -> str:
        """The digest of the floor that it holds."""
        return digest_of_floor(self.guests.values(), self.tables.values())
