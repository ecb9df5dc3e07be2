"""The promise that everybody who comes back at once after a start is served, and the hub stays small."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.requests import BATCH
from tests.contract.sockets import ManualSocket
from tests.faults.crowd import until
from tests.random_seed import size
from tests.tablet import REALTIME, SYNC, Tablet, agree

Take = Callable[[Hub], contextlib.AbstractContextManager[object]]

GUESTS, TABLES = 200, 40
RSS_MAX_MIB = 150
CONVERGED_S = 30.0
FILES_WANTED = 4096
SLOW_READERS = 40
# A floor of 3 MiB: forty copies of it would not go unseen.
LONG_NOTE = "n" * 2000


def furnish(api: httpx.Client, guests: int, **fields: str) -> None:
    """A floor of so many guests, and the usual tables."""
    tables = [{"id": f"t{n}", "tableNumber": str(n), "capacity": 4} for n in range(TABLES)]
    parties = [{"id": f"g{n}", "name": f"Party {n}", "partySize": 2, **fields} for n in range(guests)]
    made = [("table", one) for one in tables] + [("guest", one) for one in parties]
    for start in range(0, len(made), 200):
        ops = [{"entity_type": kind, "action": "create", "data": data} for kind, data in made[start : start + 200]]
        answer = api.post(BATCH, json={"operations": ops})
        assert answer.status_code == 200, answer.text


def peak_mib(hub: Hub) -> int:
    """The largest resident size that the process ever had."""
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


async def come_back(hub: Hub, tablets: list[Tablet]) -> list[httpx.Response]:
    """Everybody connects again and asks for the floor over HTTP too, all at the same moment."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=hub.url, verify=False, trust_env=False, timeout=60, limits=limits) as api:
        asked = [api.get("/api/sync/full", params={"restaurant_id": 1}) for _ in tablets]
        answers, _ = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*(one.resume() for one in tablets)))
        return answers


async def stampede(hub: Hub, count: int) -> float:
    """So many clients come back at once after a kill; how long until all had come to the head (s)."""
    tablets = [Tablet(hub.ws_url, 1, (SYNC, REALTIME)[number % 2]) for number in range(count)]
    for tablet in tablets:
        await tablet.connect()
    await asyncio.to_thread(hub.kill)
    await asyncio.gather(*(tablet.closed() for tablet in tablets))
    for tablet in tablets[::2]:  # every second one has lost its floor as well
        tablet.revision, tablet.epoch = 0, "lost"
    await asyncio.to_thread(hub.start)
    begun = time.monotonic()
    answers = await come_back(hub, tablets)
    took = time.monotonic() - begun
    # Each is served, or told when to come again; how many are depends on the machine.
    assert {(answer.status_code, "retry-after" in answer.headers) for answer in answers} <= {(200, False), (503, True)}
    await agree(tablets, hub, 1)
    await asyncio.gather(*(tablet.leave() for tablet in tablets))
    return took


def stampeded(folder: Path, count: int) -> None:
    """A stampede of so many, measured."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES_WANTED, limit[1]), limit[1]))
    hub = Hub(folder / "data").start()
    try:
        with hub.client() as api:
            furnish(api, GUESTS)
        took = asyncio.run(stampede(hub, count))
        print(f"stampedes: {count} clients back in {took:.1f} s, the hub had {peak_mib(hub)} MiB at most")
        assert took <= CONVERGED_S
        assert peak_mib(hub) <= RSS_MAX_MIB
    finally:
        hub.kill()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def test_fifty_who_come_back_at_once_are_served(tmp_path: Path) -> None:
    stampeded(tmp_path, 50)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_five_hundred_who_come_back_at_once_are_served(tmp_path: Path) -> None:
    stampeded(tmp_path, size("CLIENTS", 500))


def by_socket(hub: Hub) -> contextlib.AbstractContextManager[object]:
    """A socket that reads little of its first message."""
    return ManualSocket(hub, SYNC, 4096)


@contextlib.contextmanager
def over_http(hub: Hub) -> Iterator[None]:
    """A full sync of which little is read."""
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(20)
        reader.connect(("127.0.0.1", hub.port))
        reader.sendall(b"GET /api/sync/full HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert reader.recv(12) == b"HTTP/1.1 200"
        yield


@pytest.mark.parametrize(("take", "sockets"), [(by_socket, SLOW_READERS), (over_http, 0)], ids=["socket", "HTTP"])
def test_the_floor_is_held_once_for_all_who_take_it_slowly(tmp_path: Path, take: Take, sockets: int) -> None:
    hub = Hub(tmp_path / "data").start()
    try:
        with hub.client() as api, contextlib.ExitStack() as stack:
            furnish(api, 700, notes=LONG_NOTE, specialRequests=LONG_NOTE)
            before = peak_mib(hub)
            for _ in range(SLOW_READERS):
                stack.enter_context(take(hub))
            # One that was accepted is counted a moment later.
            asyncio.run(until(lambda: api.get("/health").json()["connections"] == sockets))
            assert api.get("/api/sync/full").status_code == 200
            grown = peak_mib(hub) - before
        print(f"stampedes: {SLOW_READERS} slow readers of 3 MiB cost {grown} MiB")
        assert grown <= SLOW_READERS
    finally:
        hub.kill()


def test_the_hub_takes_more_connections_than_a_terminal_allows_by_default(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "data", wrap=("prlimit", "--nofile=64:256")).start()
    try:
        assert [status(one) for one in ask_all(hub, 100)] == [b"HTTP/1.1 200"] * 100
    finally:
        hub.kill()


@pytest.mark.long
def test_a_hub_out_of_connections_serves_those_it_has_and_recovers(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "data", wrap=("prlimit", "--nofile=64:64")).start()
    try:
        with hub.client() as api:
            assert api.get("/health").status_code == 200
            asking = ask_all(hub, 100)
            assert {status(one) for one in asking} == {b"HTTP/1.1 200", b""}
            assert api.post("/restaurants/1/guests/", json={"name": "Ada", "partySize": 2}).status_code == 201
            for one in asking:
                one.close()
        asyncio.run(until(lambda: [status(one) for one in ask_all(hub, 1)] == [b"HTTP/1.1 200"]))
        assert len(hub.said()) < 10_000
    finally:
        hub.kill()


def ask_all(hub: Hub, count: int) -> list[socket.socket]:
    """So many connections, all open at once, each with a request on it."""
    asking = [socket.create_connection(("127.0.0.1", hub.port), timeout=20) for _ in range(count)]
    for one in asking:
        with contextlib.suppress(OSError):  # refused already: `status` tells
            one.sendall(b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
    return asking


def status(asking: socket.socket) -> bytes:
    """How an answer begins; nothing where the connection was closed."""
    try:
        return asking.recv(12)
    except OSError:
        return b""
