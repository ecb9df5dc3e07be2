"""The socket that the simulation follows: messages counted, and the phase of each party."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException

from .client import AwayError, Client

MESSAGE_BYTES_MAX = 2**20
CATCH_UP_S = 10.0


class Watch:
    """One client of `/ws/restaurant/sync`, from the snapshot on."""

    def __init__(self, client: Client, restaurant_id: int) -> None:
        self.url = f"ws{client.url.removeprefix('http')}/ws/restaurant/sync?restaurant_id={restaurant_id}"
        self._headers, self._tls = client.headers, client.tls
        self.revision = 0
        self.messages = 0
        self.bytes = 0
        self.gaps = 0
        self._phases: dict[str, str] = {}
        self._moved = asyncio.Event()
        self._socket: ClientConnection | None = None

    async def open(self) -> None:
        """Connect, and take the greeting and the snapshot of a floor that is still empty."""
        try:
            self._socket = await connect(
                self.url, ssl=self._tls, additional_headers=self._headers, compression=None,
                max_size=MESSAGE_BYTES_MAX, proxy=None,
            )  # fmt: skip
            for _ in range(2):
                await self._socket.recv()
        except (OSError, EOFError, InvalidURI, WebSocketException) as error:
            raise AwayError(f"The socket {self.url} cannot be opened: is a hub running there?") from error

    async def follow(self) -> None:
        """Read until cancelled; AwayError where the hub ends the connection."""
        assert self._socket is not None, "opened before"
        try:
            async for text in self._socket:
                self._hear(msgspec.json.decode(text), len(text))
        except WebSocketException:
            pass
        raise AwayError(f"The hub closed the socket {self.url} in the middle of the evening.")

    async def caught_up(self, revision: int) -> bool:
        """Whether `revision` has arrived; waits a few seconds for it."""
        try:
            async with asyncio.timeout(CATCH_UP_S):
                while self.revision < revision:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Say goodbye to the hub."""
        if self._socket is not None:
            await self._socket.close()

    def parties(self) -> Counter[str]:
        """How many parties are expected, waiting, seated and done, as far as the socket has told."""
        return Counter(self._phases.values())

    def _hear(self, message: dict[str, Any], size_bytes: int) -> None:
        if "previous_revision" not in message:
            return
        self.messages += 1
        self.bytes += size_bytes
        self.gaps += message["previous_revision"] > self.revision
        self.revision = message["revision"]
        for change in message["changes"]:
            if change["entity_type"] == "guest" and change["data"] is not None:
                self._phases[change["entity_id"]] = change["data"]["phase"]
        self._moved.set()
