"""The contract of those who are slow or silent: caught up, pinged, in the end closed, never in the way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.frames import Close, Frame, Opcode

from tests.conftest import Hub, next_message
from tests.contract.requests import full_sync, new_guest, write_notes
from tests.contract.sockets import REALTIME, SYNC, ManualSocket, answers_pings, listen, on_both_sockets
from tests.tablet import Tablet, agree

NewHub = Callable[..., Hub]


def flood(api: httpx.Client, restaurant: int, rounds: int) -> None:
    """Change 200 guests' notes so many times over: about 1 MiB each on a sync socket, twice that on `/realtime`."""
    for number in range(rounds):
        write_notes(api, restaurant, "update", "èàùôöé"[number % 6])


@on_both_sockets
def test_a_client_that_stopped_reading_is_caught_up_by_a_compacted_delta(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    async def evening() -> None:
        async with Tablet(hub.ws_url, restaurant, path) as tablet:
            tablet.pause()
            await asyncio.to_thread(flood, api, restaurant, 30)
            head = full_sync(api, restaurant)["revision"]
            tablet.read_on()
            await tablet.wait_for(head)
            assert tablet.applied[-1][-1] == head
            assert len(tablet.applied[-1]) < 30, "each revision was kept for it"
            new_guest(api, restaurant)
            await tablet.wait_for(head + 1)
            assert tablet.applied[-1][-2:] == [head, head + 1]
            await agree([tablet], hub, restaurant)

    write_notes(api, restaurant, "create", "é")
    asyncio.run(evening())


def test_a_client_that_stopped_reading_delays_no_one_and_takes_nothing_from_the_others(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    async def evening() -> None:
        slow = [await Tablet(hub.ws_url, restaurant, path).connect() for path in (REALTIME, SYNC)]
        quick = [await Tablet(hub.ws_url, restaurant, path).connect() for path in (REALTIME, SYNC)]
        for tablet in slow:
            tablet.pause()
        await asyncio.to_thread(flood, api, restaurant, 20)
        await agree(quick, hub, restaurant)
        head = quick[0].revision
        for _ in range(50):
            await asyncio.to_thread(new_guest, api, restaurant)
        await agree(quick, hub, restaurant)
        for tablet in quick:
            assert tablet.applied[-1][-50:] == list(range(head + 1, head + 51))
        for tablet in slow:
            assert tablet.revision < head
            tablet.read_on()
        await agree([*slow, *quick], hub, restaurant)
        for tablet in [*slow, *quick]:
            await tablet.leave()

    write_notes(api, restaurant, "create", "é")
    asyncio.run(evening())


@on_both_sockets
def test_a_client_that_was_away_for_20_mib_of_changes_resumes_with_one_delta(
    hub: Hub, api: httpx.Client, restaurant: int, path: str
) -> None:
    async def evening() -> None:
        async with Tablet(hub.ws_url, restaurant, path) as tablet:
            await tablet.cut()
            await asyncio.to_thread(flood, api, restaurant, 20)
            await tablet.resume()
            assert tablet.resumed
            assert tablet.applied == [[], [21]]
            await agree([tablet], hub, restaurant)

    write_notes(api, restaurant, "create", "é")
    asyncio.run(evening())


def memory_mib(hub: Hub) -> float:
    """The resident memory of the hub's process."""
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_clients_that_stopped_reading_cost_bounded_memory(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        write_notes(api, 1, "create", "é")
        wires = [ManualSocket(hub, f"{path}?restaurant_id=1", receive_bytes=4096) for path in (REALTIME, SYNC) * 5]
        flood(api, 1, 20)
        settled = memory_mib(hub)
        flood(api, 1, 40)
        assert memory_mib(hub) - settled < 24, "40 MiB of changes more, and ten clients that read none of them"
    for wire in wires:
        wire.tcp.close()


def connections(api: httpx.Client) -> int:
    """How many sockets the hub holds."""
    return int(api.get("/health").json()["connections"])


def await_connections(api: httpx.Client, count: int, wait_s: float) -> None:
    """Return when the hub holds `count` sockets."""
    deadline = time.monotonic() + wait_s
    while connections(api) != count:
        assert time.monotonic() < deadline, f"{connections(api)} connections, not {count}"
        time.sleep(0.2)


@pytest.mark.long
@pytest.mark.timeout(180)
@on_both_sockets
def test_a_client_that_takes_nothing_for_30_seconds_is_closed_and_can_resume(new_hub: NewHub, path: str) -> None:
    hub = new_hub().start()

    async def evening(api: httpx.Client) -> None:
        stuck = await Tablet(hub.ws_url, 1, path).connect()
        quick = [await Tablet(hub.ws_url, 1, other).connect() for other in (REALTIME, SYNC)]
        stuck.pause()
        await asyncio.to_thread(flood, api, 1, 30)
        assert connections(api) == 3
        await asyncio.to_thread(await_connections, api, 2, 60)
        stuck.read_on()
        assert await stuck.closed() in (4408, 1006), "1006: the close frame was behind what it did not take"
        await stuck.resume()
        await agree([stuck, *quick], hub, 1)
        for tablet in [stuck, *quick]:
            await tablet.leave()

    with hub.client() as api:
        write_notes(api, 1, "create", "é")
        asyncio.run(evening(api))


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_client_that_takes_a_little_now_and_then_is_not_closed(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api, ThreadPoolExecutor(1) as pool:
        write_notes(api, 1, "create", "é")
        with ManualSocket(hub, f"{SYNC}?restaurant_id=1", receive_bytes=65536) as wire:
            for _ in range(50):
                changing = pool.submit(flood, api, 1, 2)
                assert wire.take(512 * 1024) == 512 * 1024
                time.sleep(1)
                changing.result()
            assert connections(api) == 1


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_heartbeat_tells_each_socket_the_revision_that_it_was_sent(
    hub: Hub, api: httpx.Client, restaurant: int
) -> None:
    new_guest(api, restaurant)
    with (
        listen(hub, REALTIME, restaurant) as realtime,
        listen(hub, SYNC, restaurant) as sync,
        hub.socket(f"{SYNC}?restaurant_id={restaurant}&since_revision=1") as resumed,
    ):
        next_message(resumed)
        for sock in (realtime, sync, resumed):
            ping = next_message(sock, 45)
            assert ping.keys() == {"type", "timestamp", "revision"}
            assert (ping["type"], ping["revision"]) == ("ping", 1)
        new_guest(api, restaurant)
        for sock in (realtime, sync, resumed):
            next_message(sock)
            ping = next_message(sock, 45)
            assert (ping["type"], ping["revision"]) == ("ping", 2)
            assert answers_pings(sock)


@pytest.mark.long
@pytest.mark.timeout(180)
def test_the_heartbeat_of_a_socket_for_all_restaurants_has_no_revision(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.socket(REALTIME) as sock:
        next_message(sock)
        ping = next_message(sock, 45)
    assert (ping["type"], ping["revision"]) == ("ping", None)


def to_the_end(wire: ManualSocket) -> list[Frame]:
    """All frames until the hub has gone; nothing is ever answered."""
    return list(wire.frames(90))


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_peer_from_which_nothing_comes_is_pinged_and_then_closed_with_4408_and_forgotten(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with (
        hub.client() as api,
        ThreadPoolExecutor(2) as pool,
        ManualSocket(hub, REALTIME) as realtime,
        ManualSocket(hub, SYNC) as sync,
    ):
        assert connections(api) == 2
        for frames in pool.map(to_the_end, (realtime, sync)):
            assert Opcode.PING in {frame.opcode for frame in frames}
            texts = [json.loads(bytes(frame.data)) for frame in frames if frame.opcode is Opcode.TEXT]
            assert "ping" in {message["type"] for message in texts}
            assert frames[-1].opcode is Opcode.CLOSE
            assert Close.parse(frames[-1].data).code == 4408
        await_connections(api, 0, 20)


@pytest.mark.long
@pytest.mark.timeout(180)
@on_both_sockets
def test_a_quiet_client_whose_protocol_answers_is_kept(hub: Hub, restaurant: int, path: str) -> None:
    with listen(hub, path, restaurant) as sock:
        assert [next_message(sock, 45)["type"] for _ in range(3)] == ["ping"] * 3
        assert answers_pings(sock)
