"""An evening with six apps that cannot pair: nobody loses a request or a socket while the hub is closed and opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from restohub.access.tokens import new_token
from tests.access.adopting import jwt
from tests.access.closed_hub import ask_to_pair, bearer, machine_token
from tests.conftest import Hub
from tests.contract.answers import ok
from tests.tablet import REALTIME, SYNC, Tablet, agree

NewHub = Callable[..., Hub]
# What each app sends of its former sign-in: stale, fresh, constant, empty, or nothing. Their sockets send none of it.
SENT: list[dict[str, str]] = [
    jwt(1, "first"),
    jwt(1, "second"),
    jwt(int(time.time()) + 1800),
    {"Authorization": "Bearer " + "k" * 40},
    {"Authorization": "Bearer null"},
    {},
]
# What each takes in: the hub has a limit of new guests of one address.
PARTIES = 20


class App:
    """An app that is not changed for the hub: a socket without a header, and requests with what it has."""

    def __init__(self, hub: Hub, number: int, headers: dict[str, str]) -> None:
        self.address = f"127.0.30.{number + 1}"
        self.tablet = Tablet(hub.ws_url, 1, (SYNC, REALTIME)[number % 2])
        self.tablet.source = (self.address, 0)
        transport = httpx.AsyncHTTPTransport(local_address=self.address, verify=False)
        self.http = httpx.AsyncClient(base_url=hub.url, headers=headers, transport=transport, timeout=20)
        self.refused: list[str] = []
        self.made: list[str] = []
        self.turns = 0

    async def work(self, ended: asyncio.Event) -> None:
        """Take in some parties, and change them until the evening ends."""
        while not ended.is_set():
            if len(self.made) < PARTIES:
                party = await self._ask("POST", "/restaurants/1/guests", {"name": "Rossi", "partySize": 2})
                self.made += [party["id"]] if party else []
            if self.made:
                change = {"quotedWait": self.turns % 60}
                await self._ask("PATCH", f"/restaurants/1/guests/{self.made[self.turns % len(self.made)]}", change)
            await self._ask("GET", "/restaurants/1")
            self.turns += 1
            await asyncio.sleep(0.02)

    async def lose_wifi(self) -> None:
        """Lose the socket, and come back."""
        await self.tablet.cut()
        await self.tablet.resume()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, path, json=body)
        if answer.status_code >= 300:
            self.refused.append(f"{self.address} {method} {path}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer.json()


class Manager:
    """The owner, who closes the door while the evening goes on."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.http = httpx.AsyncClient(base_url=hub.url, headers=bearer(machine_token(hub)), timeout=20, verify=False)

    async def adopt_all(self) -> list[str]:
        """Adopt whoever is here; what each is known by, by its address."""
        found = ok(await self.http.get("/api/access"))["unpaired"]
        for one in found:
            body = {"visitor": one["id"], "name": one["address"], "role": "host"}
            ok(await self.http.post("/api/adoptions", json=body), 201)
        return [one["known_by"] for one in sorted(found, key=lambda one: str(one["address"]))]

    async def pair_one(self) -> None:
        """Let in a device with a token beside the others."""
        with self._hub.client() as api:
            code = ask_to_pair(api, new_token())
        ok(await self.http.post("/api/devices", json={"code": code, "name": "Board", "role": "view"}), 201)

    async def turn(self, access: str) -> None:
        """Close the hub or open it, not `anyway`."""
        ok(await self.http.put("/api/access", json={"access": access}))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=pytest.mark.long)])
def test_no_app_loses_a_request_or_its_socket(new_hub: NewHub, rounds: int) -> None:
    asyncio.run(evening(new_hub().start(), rounds))


async def evening(hub: Hub, rounds: int) -> None:
    """Six apps at work, while they are adopted, a device is paired, and the hub is closed and opened so many times."""
    apps, trusted, ended = (
        [App(hub, number, headers) for number, headers in enumerate(SENT)],
        Manager(hub),
        asyncio.Event(),
    )
    async with AsyncExitStack() as stack:
        for one in apps:
            await stack.enter_async_context(one.http)
            await stack.enter_async_context(one.tablet)
        await stack.enter_async_context(trusted.http)
        working = [asyncio.create_task(one.work(ended)) for one in apps]
        await worked(apps)
        assert await trusted.adopt_all() == ["header", "header", "address", "address", "address", "address"]
        for number in range(rounds):
            await trusted.turn("closed")
            await worked(apps)
            await asyncio.gather(*(one.lose_wifi() for one in apps[number % 2 :: 2]))
            if number == 1:
                await trusted.pair_one()
            await trusted.turn("open" if number % 2 else "closed")
            await worked(apps)
        await trusted.turn("open")
        ended.set()
        await asyncio.gather(*working)
        assert [refused for one in apps for refused in one.refused] == []
        await agree([one.tablet for one in apps], hub, 1)
        assert [one.tablet.close_code for one in apps] == [None] * 6
        assert set(apps[0].tablet.guests) == {made for one in apps for made in one.made}


async def worked(apps: list[App]) -> None:
    """Return when each has changed something twice."""
    before = [one.turns for one in apps]
    async with asyncio.timeout(60):
        while any(one.turns < turns + 2 and not one.refused for one, turns in zip(apps, before, strict=True)):
            await asyncio.sleep(0.01)
