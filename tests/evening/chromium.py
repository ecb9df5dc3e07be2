"""A headless Chromium, and a page of it whose JavaScript is driven through the DevTools protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]
# The engine without a browser's own windows first: with them a page takes twice as long.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
START_WAIT_S, ANSWER_WAIT_S, END_WAIT_S = 30.0, 30.0, 5.0
SCRIPT = Path(__file__).with_name("shadow.js")


def installed_chromium() -> str:
    """The program; without one installed the test skips, or fails where it is required."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        reason = "Chromium is not installed, so nothing is tried in a browser."
        if os.environ.get("RESTOHUB_REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@contextlib.contextmanager
def chromium(folder: Path, *flags: str) -> Iterator[Chromium]:
    """A browser with `folder` as its profile and more flags.

    Without one installed the test skips, or fails where it is required.
    """
    program = installed_chromium()
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        command = [program, *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"]
        # Where the program is a script that starts the browser, the browser must end with it.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield Chromium(_port(folder, process))
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(END_WAIT_S)


def _port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the browser chose, which it writes into its profile."""
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        with contextlib.suppress(FileNotFoundError):  # not yet
            first, *rest = (folder / "DevToolsActivePort").read_text().split("\n")
            if rest:
                return int(first)
        time.sleep(0.02)
    raise AssertionError(f"Chromium opened no DevTools port within {START_WAIT_S} s")


class Chromium:
    """A running browser."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    @contextlib.asynccontextmanager
    async def page(self, url: str) -> AsyncIterator[Page]:
        """A new page at `url`, a page of the hub so that its sockets are of the same origin, with `shadow.js` in it."""
        async with httpx.AsyncClient(trust_env=False, timeout=START_WAIT_S) as client:
            made = (await client.put(f"{self.url}/json/new?about:blank")).json()
        async with connect(
            made["webSocketDebuggerUrl"], max_size=None, compression=None, ping_interval=None, proxy=None
        ) as talk:
            page = Page(talk)
            await page.visit(url)
            await page.run(SCRIPT.read_text())
            yield page
            await page.ask("Page.close")


class Page:
    """One page: JavaScript in, JSON out, one expression at a time."""

    def __init__(self, talk: ClientConnection) -> None:
        self._talk = talk
        self._asked = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol; events between are passed over."""
        self._asked += 1
        await self._talk.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            message = await self._hear()
            if message.get("id") == self._asked:
                assert "error" not in message, f"{method}: {message}"
                result: dict[str, Any] = message["result"]
                return result

    async def visit(self, url: str) -> None:
        """Open `url` and return when it is loaded."""
        await self.ask("Page.enable")
        # What a test puts into a page stands for an app's own script: the policy of the hub's answers forbids any.
        await self.ask("Page.setBypassCSP", enabled=True)
        await self.ask("Page.navigate", url=url)
        while (await self._hear()).get("method") != "Page.loadEventFired":
            pass

    async def run(self, expression: str) -> Any:
        """The value of an expression, awaited where it is a promise; AssertionError where it throws."""
        told = await self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def _hear(self) -> dict[str, Any]:
        async with asyncio.timeout(ANSWER_WAIT_S):
            message: dict[str, Any] = json.loads(await self._talk.recv())
            return message
