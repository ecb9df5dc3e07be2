"""The contract of those who are slow or silent: caught up, pinged, in the end closed, never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.requests import full_sync, new_guest, write_notes
from tests.contract.sockets import REALTIME, SYNC, ManualSocket, on_both_sockets
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
