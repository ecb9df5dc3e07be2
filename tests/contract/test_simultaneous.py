"""The contract under a crowd: a hundred changes at once, fifty clients, and a power switch."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.answers import revision_of
from tests.contract.requests import op
from tests.contract.sockets import listen
from tests.tablet import REALTIME, SYNC, Tablet, agree, full_sync

CHANGES = 100
TABLETS = 50
NewHub = Callable[..., Hub]


def crowd(hub: Hub) -> httpx.AsyncClient:
    """A client with a connection for every request."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=CHANGES)
    return httpx.AsyncClient(base_url=hub.url, timeout=20, limits=limits, trust_env=False, verify=False)


async def set_up(client: httpx.AsyncClient, restaurant: int) -> None:
    """As many waiting parties of two, and free tables, as there will be changes."""
    guests = [op("guest", "create", f"g{n}", name=f"Party {n}", partySize=2) for n in range(CHANGES)]
    tables = [op("table", "create", f"t{n}", tableNumber=str(n), capacity=4) for n in range(CHANGES)]
    body = {"restaurant_id": restaurant, "operations": guests + tables}
    answer = await client.post("/api/v1/atomic/batch", json=body)
    assert answer.status_code == 200, answer.text


async def come_in(hub: Hub, restaurant: int) -> list[Tablet]:
    """Fifty tablets, half of them on each socket."""
    tablets = [Tablet(hub.ws_url, restaurant, (REALTIME, SYNC)[number % 2]) for number in range(TABLETS)]
    await asyncio.gather(*(tablet.connect() for tablet in tablets))
    return tablets


async def go_home(tablets: list[Tablet]) -> None:
    await asyncio.gather(*(tablet.leave() for tablet in tablets))


def set_status(client: httpx.AsyncClient, restaurant: int, guest: int, **body: Any) -> Any:
    """One atomic change, to be awaited."""
    return client.put(f"/restaurants/{restaurant}/guests/g{guest}/status/atomic", json=body)


def test_100_simultaneous_atomic_changes_are_all_acknowledged_and_delivered_to_50_clients_in_order(
    hub: Hub, restaurant: int
) -> None:
    async def evening() -> None:
        async with crowd(hub) as client:
            await set_up(client, restaurant)
            tablets = await come_in(hub, restaurant)
            seating = (
                set_status(client, restaurant, number, status="seated", tableId=f"t{number}")
                for number in range(CHANGES)
            )
            answers = await asyncio.gather(*seating)
        assert [answer.status_code for answer in answers] == [200] * CHANGES
        assert sorted(revision_of(answer) for answer in answers) == list(range(2, 102))
        await agree(tablets, hub, restaurant)
        for tablet in tablets:
            assert tablet.applied[-1] == list(range(2, 102))
            for number in range(CHANGES):
                assert tablet.tables[f"t{number}"]["currentGuestId"] == f"g{number}"
        await go_home(tablets)

    asyncio.run(evening())


def test_of_100_parties_that_are_given_10_tables_at_once_ten_sit_and_the_others_are_told_who_does(
    hub: Hub, restaurant: int
) -> None:
    async def evening() -> None:
        async with crowd(hub) as client:
            await set_up(client, restaurant)
            tablets = await come_in(hub, restaurant)
            seating = (
                set_status(client, restaurant, number, status="seated", tableId=f"t{number % 10}")
                for number in range(CHANGES)
            )
            answers = await asyncio.gather(*seating)
        await agree(tablets, hub, restaurant)
        seated = [number for number, answer in enumerate(answers) if answer.status_code == 200]
        assert sorted(number % 10 for number in seated) == list(range(10))
        sitting = {number % 10: f"g{number}" for number in seated}
        for number, answer in enumerate(answers):
            if number not in seated:
                assert (answer.status_code, answer.json()["error_code"]) == (409, "table_occupied")
                assert answer.json()["current"]["guest"]["id"] == sitting[number % 10]
        assert tablets[0].applied[-1] == list(range(2, 12))
        await go_home(tablets)

    asyncio.run(evening())


async def change_until_killed(
    hub: Hub, restaurant: int, night: int, acknowledged_before_kill: int
) -> list[dict[str, Any]]:
    """Send a hundred changes at once, kill the hub at the n-th answer, and return every answer that came."""
    answered: list[dict[str, Any]] = []

    async def change(client: httpx.AsyncClient, number: int) -> None:
        body = {"status": "seated", "tableId": f"t{number}"} if night % 2 == 0 else {"status": "waitlist"}
        try:
            answer = await set_status(client, restaurant, number, **body)
        except httpx.TransportError:
            return
        assert answer.status_code == 200, answer.text
        answered.append(answer.json())
        if len(answered) == acknowledged_before_kill:
            hub.kill()

    async with crowd(hub) as client:
        await asyncio.gather(*(change(client, number) for number in range(CHANGES)))
    return answered


def assert_nothing_is_lost(hub: Hub, restaurant: int, before: int, answered: list[dict[str, Any]]) -> int:
    """Fail unless all that was acknowledged is there, and the log goes on without a gap; the head's revision."""
    floor = full_sync(hub.url, restaurant)
    guests = {guest["id"]: guest for guest in floor["guests"]}
    for answer in answered:
        assert answer["revision"] <= floor["revision"]
        assert guests[answer["guest"]["id"]] == answer["guest"], "an acknowledged change was lost"
    query: dict[str, Any] = {"restaurant_id": restaurant, "since_revision": before, "epoch": floor["epoch"]}
    delta = httpx.get(f"{hub.url}/api/sync/delta", params=query, timeout=20, trust_env=False, verify=False).json()
    assert {change["revision"] for change in delta["changes"]} == set(range(before + 1, floor["revision"] + 1))
    assert not delta["has_more"]
    return int(floor["revision"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.long)])
def test_sigkill_amid_100_changes_loses_no_acknowledged_one_many_times_in_a_row(new_hub: NewHub, kills: int) -> None:
    hub = new_hub().start()
    restaurant = hub.new_restaurant()

    async def year() -> None:
        async with crowd(hub) as client:
            await set_up(client, restaurant)
        tablets = await come_in(hub, restaurant)
        head = 1
        for night in range(kills):
            answered = await change_until_killed(hub, restaurant, night, acknowledged_before_kill=1 + night * 5)
            assert len(answered) > night * 5
            await asyncio.gather(*(tablet.closed() for tablet in tablets))
            shown = max(tablet.revision for tablet in tablets)
            await asyncio.to_thread(hub.start)
            head = await asyncio.to_thread(assert_nothing_is_lost, hub, restaurant, head, answered)
            assert shown <= head, "a client was shown what was not on disk"
            await asyncio.gather(*(tablet.resume() for tablet in tablets))
            assert all(tablet.resumed for tablet in tablets)
            await agree(tablets, hub, restaurant)
        await go_home(tablets)

    asyncio.run(year())


def kill_at_once(hub: Hub) -> None:
    """SIGKILL without a thought in between."""
    assert hub.process is not None
    os.kill(hub.process.pid, signal.SIGKILL)


def test_a_change_that_was_answered_an_instant_before_sigkill_is_there_after(new_hub: NewHub) -> None:
    hub = new_hub().start()
    body = b'{"name": "Rossi", "partySize": 2}'
    head = b"POST /restaurants/1/guests/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    for night in range(1, 5):
        with socket.create_connection(("127.0.0.1", hub.port)) as client:
            client.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            assert client.recv(65536).startswith(b"HTTP/1.1 201 ")
            kill_at_once(hub)
        hub.kill()
        hub.start()
        assert full_sync(hub.url, 1)["revision"] == night


@pytest.mark.parametrize("path", [REALTIME, SYNC])
def test_a_change_that_was_shown_an_instant_before_sigkill_is_there_after(new_hub: NewHub, path: str) -> None:
    hub = new_hub().start()
    for night in range(1, 6):
        with listen(hub, path, 1) as sock, ThreadPoolExecutor(1) as pool, hub.client() as api:
            asking = pool.submit(api.post, "/restaurants/1/guests/", json={"name": "Rossi", "partySize": 2})
            sock.recv(timeout=20)
            kill_at_once(hub)
            # The answer and the message travel on two connections: it may have been under way, or not.
            assert asking.exception() is None or isinstance(asking.exception(), httpx.TransportError)
        hub.kill()
        hub.start()
        assert full_sync(hub.url, 1)["revision"] == night
