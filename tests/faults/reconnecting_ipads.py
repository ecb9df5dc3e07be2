"""IPads on a bad Wi-Fi: they ask whether the hub is still there, ask again, and come back."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed

from tests.conftest import Hub
from tests.faults.crowd import Crowd
from tests.faults.history import Asked
from tests.faults.recording_client import ANSWER_WAIT_S, RecordingClient
from tests.faults.recording_watcher import RecordingWatcher

# An app would take ten times as long: what is tried here takes seconds, not minutes.
PING_S, PATIENCE_S = 1.0, 3.0
ANSWER_PATIENCE_S, ENDURANCE_S = 0.7, 60.0
# What the hub may take for a request that it has received.
SETTLED_S = 1.0


class RoamingWatcher(RecordingWatcher):
    """A watcher that pings, and gives a connection up over which nothing came for a while."""

    def __init__(self, address: str, *made: Any) -> None:
        super().__init__(*made)
        self.source = (address, 0)
        self.ping_s, self.patience_s = PING_S, PATIENCE_S
        self.heard_at = 0.0
        self.gave_up_at: list[float] = []

    async def _open(self, url: str, *, resuming: bool) -> int:
        try:
            async with asyncio.timeout(self.patience_s):
                head = await super()._open(url, resuming=resuming)
        except TimeoutError:
            if "_socket" in vars(self):
                self._socket.transport.abort()
            raise
        self.heard_at = time.monotonic()
        self._heart = asyncio.create_task(self._beat())
        return head

    async def _hear(self, text: str | bytes) -> None:
        self.heard_at = time.monotonic()
        if not (isinstance(text, str) and text.startswith('{"type":"pong"')):
            await super()._hear(text)

    async def _beat(self) -> None:
        reader = self._reader
        while not reader.done():
            await asyncio.wait([reader], timeout=self.ping_s)
            if reader.done():
                return
            if time.monotonic() - self.heard_at > self.patience_s:
                self.gave_up_at.append(time.monotonic())
                await self.cut()
                return
            with contextlib.suppress(ConnectionClosed):  # the reader finds it too, and is done
                await self._socket.send('{"type": "ping"}')


class RoamingHost(RecordingClient):
    """A host who asks again with the same key until the answer comes through."""

    def __init__(self, address: str, *made: Any) -> None:
        super().__init__(*made)
        self.patience_s, self.endurance_s = ANSWER_PATIENCE_S, ENDURANCE_S
        options: Any = {"timeout": ANSWER_WAIT_S, "trust_env": False}
        self._steady = httpx.AsyncClient(transport=_by(address, 5), **options)
        self._fresh = httpx.AsyncClient(transport=_by(address, 0), **options)

    async def read(self, path: str) -> Asked | None:
        """Ask until an answer comes."""
        until = time.monotonic() + self.endurance_s
        while (asked := await super().read(path)) is None and time.monotonic() < until:
            pass
        return asked


def _by(address: str, kept: int) -> httpx.AsyncHTTPTransport:
    """The way from this address, with so many connections kept for the next request."""
    limits = httpx.Limits(max_keepalive_connections=kept)
    return httpx.AsyncHTTPTransport(verify=False, local_address=address, limits=limits)


class RoamingCrowd(Crowd):
    """A watcher and a host at each address."""

    def __init__(self, hub: Hub, chance: random.Random, addresses: list[str]) -> None:
        super().__init__(hub, 1, chance, 0, 0)
        self.roaming: list[RoamingWatcher] = []
        for number, address in enumerate(addresses):
            dice = random.Random(chance.random()), self.history
            self.hosts.append(RoamingHost(address, hub, 1, f"h{number}", *dice))
            self.roaming.append(RoamingWatcher(address, hub, 1, f"w{number}", *dice))
        self.watchers += self.roaming

    async def settle(self) -> None:
        """Return when the hub is through with all that it was sent: while nobody asked, no commit came for a while."""
        head = None
        while head != (head := (await self.converge()).revision):
            await asyncio.sleep(SETTLED_S)

    @property
    def repeated(self) -> int:
        """How many requests were asked again since no answer had come."""
        lost = {asked.keys for asked in self.history.asked if asked.keys and asked.returned is None}
        return sum(asked.keys in lost and asked.returned is not None for asked in self.history.asked)
