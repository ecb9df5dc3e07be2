"""Too many connections and sockets of one address, of all, and the house that comes back at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from restohub.limits import (
    CONNECTIONS_AN_ADDRESS,
    CONNECTIONS_MAX,
    HOLDS_FEW,
    SOCKETS_AN_ADDRESS,
    SOCKETS_BURST,
    SOCKETS_MAX,
)
from restohub.wire.socket_state import TRY_AGAIN_LATER
from tests.access.secure_socket import hello
from tests.access.tls_hub import TlsHub
from tests.attack.conftest import HUBS, attacked
from tests.attack.house_ipads import FRIENDS, friends
from tests.attack.loop_holds import holds
from tests.attack.raw_frames import HANDSHAKE, read_head, upgrade
from tests.attack.stranger import client, peak_rss_mb, raw, read_to_end, status_of
from tests.conftest import WAIT_S, Hub

ROUTER = "127.0.0.200"
IPADS = 50
TURNS = 3
ASK = b"GET /restaurants/1/guests HTTP/1.1\r\nHost: hub\r\n\r\n"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose iPads may be behind a router."""
    folder = tmp_path_factory.mktemp("crowded")
    env = {"RESTOHUB_SHARED_ADDRESSES": f"127.0.0.1,::1,{ROUTER}"}
    with attacked(Hub(folder / "data", env=env)) as hub:
        yield hub


def problem_of(answer: bytes) -> tuple[int, str, bool]:
    """The status, the error code and whether there is a Retry-After."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body.startswith(b"{"), f"no problem is told: {answer!r}"
    return status_of(answer), json.loads(body)["error_code"], b"retry-after: 1" in head


@contextlib.asynccontextmanager
async def ipad(port: int, address: str) -> AsyncIterator[None]:
    """One iPad as the app is: two sockets that have all of the floor, and six connections with a request on each."""
    async with contextlib.AsyncExitStack() as stack:
        for sent in [HANDSHAKE % (b"/realtime", b""), HANDSHAKE % (b"/ws/restaurant/sync", b"")] + [ASK] * 6:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            stack.callback(writer.transport.abort)
            writer.write(sent)
            status = status_of(await reader.readuntil(b"\r\n\r\n"))
            assert status == (200 if sent == ASK else 101)
        yield


def ipads_come_back(port: int, addresses: list[str]) -> None:
    async def all_at_once() -> None:
        everyone = asyncio.Barrier(len(addresses))

        async def one(address: str) -> None:
            async with ipad(port, address):
                await everyone.wait()  # nobody had to give way to another

        async with asyncio.timeout(30):
            await asyncio.gather(*map(one, addresses))

    asyncio.run(all_at_once())


def test_50_ipads_come_back_at_once(crowded: Hub) -> None:
    ipads_come_back(crowded.port, [f"127.0.8.{number + 1}" for number in range(IPADS)])


def test_50_ipads_behind_one_address_that_is_listed_come_back_at_once(crowded: Hub) -> None:
    ipads_come_back(crowded.port, [ROUTER] * IPADS)


def test_the_321st_connection_of_an_address_is_refused(crowded: Hub) -> None:
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(raw(crowded, "127.0.0.67")) for _ in range(CONNECTIONS_AN_ADDRESS)]
        with raw(crowded, "127.0.0.67") as one_more:
            assert problem_of(read_to_end(one_more)) == (503, "busy", True)
        socks[0].sendall(ASK)
        assert status_of(socks[0].recv(65536)) == 200
        with client(crowded, "127.0.0.68") as other:
            assert other.get("/health").status_code == 200


def test_the_129th_socket_of_an_address_is_refused_and_so_are_new_ones_that_come_too_fast(crowded: Hub) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(SOCKETS_AN_ADDRESS):
            assert status_of(read_head(stack.enter_context(upgrade(crowded, "127.0.0.69")))) == 101
        answers: Counter[tuple[int, str, bool]] = Counter()
        for _ in range(3 * SOCKETS_BURST):
            with upgrade(crowded, "127.0.0.69") as sock:
                answers[problem_of(read_to_end(sock))] += 1
            if len(answers) == 2:
                break
        assert set(answers) == {(503, "busy", True), (429, "rate_limited", True)}
        with upgrade(crowded, "127.0.0.68") as other:
            assert status_of(read_head(other)) == 101


def test_when_the_hub_is_full_the_newest_of_whoever_holds_most_gives_way(crowded: Hub) -> None:
    with contextlib.ExitStack() as stack:
        few = [stack.enter_context(raw(crowded, "127.0.0.70")) for _ in range(HOLDS_FEW)]
        many = {
            address: [stack.enter_context(raw(crowded, address)) for _ in range(count)]
            for address, count in (("127.0.0.71", 300), ("127.0.0.72", 310), ("127.0.0.73", 300))
        }
        rest = CONNECTIONS_MAX - HOLDS_FEW - 910
        many["127.0.0.74"] = [stack.enter_context(raw(crowded, "127.0.0.74")) for _ in range(rest)]
        with client(crowded, "127.0.0.75") as newcomer:
            assert newcomer.get("/restaurants/1").status_code == 200
        assert read_to_end(many["127.0.0.72"][-1]) == b""
        for sock in (*few, many["127.0.0.72"][-3], *(socks[-1] for socks in list(many.values())[2:])):
            sock.sendall(ASK)
            assert status_of(sock.recv(65536)) == 200


def test_when_the_hub_has_512_sockets_the_newest_of_whoever_holds_most_is_told_to_come_back(crowded: Hub) -> None:
    writers = []

    async def told(address: str) -> str:
        """Open a socket, and wait until it is told to try again later (1013)."""
        reader, writer = await asyncio.open_connection("127.0.0.1", crowded.port, local_addr=(address, 0))
        writers.append(writer)
        writer.write(HANDSHAKE % (b"/realtime", b""))
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 101
        opened.release()
        try:
            await reader.readuntil(TRY_AGAIN_LATER.to_bytes(2, "big"))
        except asyncio.IncompleteReadError as closed:
            raise AssertionError(f"{address} is told another code: {closed.partial[-60:]!r}") from None
        return address

    opened = asyncio.Semaphore(0)
    held = ["127.0.0.81"] * 127 + ["127.0.0.82"] * 128 + ["127.0.0.83"] * 127 + ["127.0.0.84"] * 127
    held += ["127.0.0.85"] * (SOCKETS_MAX - len(held))

    async def all_of_them() -> None:
        async with asyncio.timeout(60):
            sockets = [asyncio.create_task(told(address)) for address in held]
            for _ in held:
                await opened.acquire()
            sockets.append(asyncio.create_task(told("127.0.0.86")))
            done, others = await asyncio.wait(sockets, return_when=asyncio.FIRST_COMPLETED)
            assert [task.result() for task in done] == ["127.0.0.82"]
            for task in others:
                task.cancel()
            for writer in writers:
                writer.transport.abort()

    asyncio.run(all_of_them())


@pytest.mark.long
@pytest.mark.timeout(300)
def test_9000_sockets_of_one_address_leave_the_house_alone(besieged: Hub) -> None:
    with friends(besieged, besieged.new_restaurant()) as house:
        time.sleep(8)
        before, quiet_s = len(house.took_s), house.slowest_percent_s()
        with contextlib.ExitStack() as stack:
            answers: Counter[int] = Counter()
            for _ in range(9_000):
                try:
                    sock = upgrade(besieged)
                except OSError:  # over the rate of handshakes
                    answers[0] += 1
                    continue
                answers[status_of(read_head(sock))] += 1
                stack.enter_context(sock)
        attacked_s = house.slowest_percent_s(before)
        with besieged.client() as api:
            sockets = api.get("/health").json()["connections"]
    print(f"{answers}: p99 {quiet_s * 1e3:.0f} ms, then {attacked_s * 1e3:.0f}; {peak_rss_mb(besieged):.0f} MB")
    if "closed" in besieged.args:  # each of his is closed again
        assert sockets <= FRIENDS
    else:
        assert answers[101] <= SOCKETS_AN_ADDRESS + 1
    # Which of the limits each met, or (0) closed without a word, lies with the order in which they came.
    assert set(answers) <= {101, 429, 503, 0}
    assert house.faults == []
    assert attacked_s < max(10 * quiet_s, 0.5), (quiet_s, attacked_s)


@pytest.mark.long
def test_hundreds_of_handshakes_at_once_hold_nobody_up(tmp_path: Path) -> None:
    said = hello()
    with attacked(HUBS["tls"](tmp_path / "data")) as hub, holds(hub) as held_s:
        for turn in range(TURNS):
            with contextlib.ExitStack() as stack:
                socks = [stack.enter_context(socket.socket()) for _ in range(CONNECTIONS_AN_ADDRESS - 20)]
                for sock in socks:
                    sock.bind((f"127.0.9.{turn + 1}", 0))
                    sock.connect(("127.0.0.1", cast(TlsHub, hub).tls_port))
                time.sleep(0.5)  # the hub has taken them all
                for sock in socks:
                    sock.sendall(said)
                for sock in socks:
                    sock.settimeout(WAIT_S)
                    assert sock.recv(1)
            time.sleep(1)
    held = held_s[-TURNS]  # each turn is among the longest, and so is the asker's own handshake
    print(f"{TURNS * len(socks)} handshakes: held for {held * 1e3:.0f} ms")
    assert held < 0.1
