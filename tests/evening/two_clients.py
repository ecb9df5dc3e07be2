"""Two independent clients at one hub, asked the same: Python's `websockets` and Chromium's WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect

from tests.evening.chromium import Chromium, Page

WAIT_S = 10.0
Message = dict[str, Any]


class SocketClient(Protocol):
    """One socket, and what can be done with it."""

    async def next(self) -> Message:
        """The next message; AssertionError where none came in time."""

    async def say(self, message: Message | str) -> None:
        """Send a message, or any text."""

    async def hang_up(self) -> None:
        """End the connection."""


class PythonTalk:
    """A socket of the library `websockets`; it ends like one out of Wi-Fi, without a closing handshake."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def next(self) -> Message:
        async with asyncio.timeout(WAIT_S):
            message: Message = json.loads(await self._socket.recv())
            return message

    async def say(self, message: Message | str) -> None:
        await self._socket.send(message if isinstance(message, str) else json.dumps(message))

    async def hang_up(self) -> None:
        self._socket.transport.abort()
        await self._socket.wait_closed()


class ChromiumTalk:
    """A socket of a page; it ends like one of a tab that is closed."""

    def __init__(self, page: Page, number: int) -> None:
        self._page = page
        self._name = f"talks[{number}]"

    async def next(self) -> Message:
        message: Message | None = await self._page.run(f"{self._name}.next({WAIT_S * 1000})")
        assert message is not None, f"no message within {WAIT_S} s"
        return message

    async def say(self, message: Message | str) -> None:
        await self._page.run(f"{self._name}.say({json.dumps(message)})")

    async def hang_up(self) -> None:
        await self._page.run(f"{self._name}.hangUp()")


class Both:
    """The two sockets side by side."""

    def __init__(self, page: Page, root: str) -> None:
        self._page = page
        self._root = root
        self._talks: tuple[SocketClient, ...] = ()

    async def open(self, path: str) -> list[Message]:
        """Connect both to `path` (its query included); the greeting of each."""
        url = self._root + path
        python = PythonTalk(await connect(url, compression=None, ping_interval=None, proxy=None))
        number = await self._page.run(f"talks.push(new Talk({json.dumps(url)})) - 1")
        self._talks = (python, ChromiumTalk(self._page, number))
        return [await talk.next() for talk in self._talks]

    async def hear(self) -> Message:
        """The next message, asserted to be the same at both."""
        python, browser = [await talk.next() for talk in self._talks]
        assert python == browser
        return python

    async def answers(self, message: Message | str) -> list[Message]:
        """What each says next after it was told `message`."""
        for talk in self._talks:
            await talk.say(message)
        return [await talk.next() for talk in self._talks]

    async def silent(self) -> None:
        """Assert that neither has anything else to say before its pong."""
        assert [answer["type"] for answer in await self.answers({"type": "ping"})] == ["pong", "pong"]

    async def hang_up(self) -> None:
        """End both connections."""
        for talk in self._talks:
            await talk.hang_up()


@contextlib.asynccontextmanager
async def both_at(browser: Chromium, hub_url: str) -> AsyncIterator[Both]:
    """The two of them, not connected yet."""
    async with browser.page(f"{hub_url}/health") as page:
        yield Both(page, f"ws{hub_url.removeprefix('http')}")
