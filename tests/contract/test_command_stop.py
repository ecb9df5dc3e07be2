"""The contract of how the hub ends: a stop in good order, a kill, and what the next start finds."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable

import httpx
import pytest
from websockets.frames import Close, Opcode
from websockets.sync.client import ClientConnection

from tests.conftest import Hub, next_message
from tests.contract.answers import revision_of
from tests.contract.requests import commit_batch, new_guest, new_table, op, write_notes
from tests.contract.sockets import REALTIME, SYNC, ManualSocket, listen, until_closed
from tests.tablet import Tablet, agree, full_sync

NewHub = Callable[..., Hub]
STOP_WAIT_S = 5.0
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
BOTH_SIGNALS = pytest.mark.parametrize("sig", SIGNALS[:2], ids=["SIGTERM", "SIGINT"])


def crowd_of(hub: Hub, count: int) -> list[ClientConnection]:
    """Sockets that are up to date, half of them of each kind."""
    return [listen(hub, (REALTIME, SYNC)[number % 2], 1) for number in range(count)]


@pytest.mark.parametrize("sig", SIGNALS, ids=["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_stop_closes_20_sockets_with_1001_and_ends_with_status_0(new_hub: NewHub, sig: signal.Signals) -> None:
    hub = new_hub().start()
    socks = [*crowd_of(hub, 19), hub.socket(REALTIME)]
    next_message(socks[-1])
    assert hub.stop(sig, STOP_WAIT_S) == 0
    assert [until_closed(sock) for sock in socks] == [([], 1001)] * 20
    assert "Traceback" not in hub.said()
    assert hub.said().endswith("The hub has stopped; everything it answered is saved.\n"), "its last line"
    assert not (hub.data / "restohub.db-wal").exists(), "`restohub.db` has all then"


@BOTH_SIGNALS
def test_a_client_that_does_not_read_does_not_hold_up_a_stop(new_hub: NewHub, sig: signal.Signals) -> None:
    hub = new_hub().start()
    with hub.client() as api, ManualSocket(hub, REALTIME, 4096), ManualSocket(hub, SYNC, 4096):
        write_notes(api, 1, "create", "é")
        for note in "éèàùôöéèàù":
            write_notes(api, 1, "update", note)
        reading = crowd_of(hub, 20)
        assert hub.stop(sig, STOP_WAIT_S) == 0
        assert {until_closed(sock)[1] for sock in reading} == {1001}


def test_a_client_that_is_behind_but_reads_is_closed_with_1001_too(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api, ManualSocket(hub, f"{SYNC}?restaurant_id=1", 4096) as behind:
        write_notes(api, 1, "create", "é")
        for note in "èàùôöéèàùô":
            write_notes(api, 1, "update", note)
        assert hub.process is not None
        hub.process.terminate()
        with contextlib.suppress(OSError):
            while True:  # until nobody listens any more: the stop has reached the sockets
                socket.create_connection(("127.0.0.1", hub.port)).close()
        last = list(behind.frames(STOP_WAIT_S))[-1]
        assert last.opcode is Opcode.CLOSE
        assert Close.parse(last.data).code == 1001
        assert hub.process.wait(STOP_WAIT_S) == 0


@BOTH_SIGNALS
def test_an_idle_connection_and_a_half_sent_request_do_not_hold_up_a_stop(new_hub: NewHub, sig: signal.Signals) -> None:
    hub = new_hub().start()
    head = b"POST /restaurants/1/guests/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with hub.client() as api, socket.create_connection(("127.0.0.1", hub.port)) as half:
        api.get("/health")
        half.sendall(head + b"Content-Length: 100\r\n\r\n{")
        assert hub.stop(sig, STOP_WAIT_S) == 0


def test_a_hub_that_is_to_outlive_its_terminal_does(new_hub: NewHub) -> None:
    hub = new_hub(wrap=("nohup",)).start()
    assert hub.process is not None
    hub.process.send_signal(signal.SIGHUP)
    assert httpx.get(hub.url + "/health").status_code == 200
    assert hub.stop(signal.SIGTERM, STOP_WAIT_S) == 0


def test_a_hub_at_rest_ends_with_status_0(new_hub: NewHub) -> None:
    assert new_hub().start().stop(signal.SIGTERM, STOP_WAIT_S) == 0


@BOTH_SIGNALS
def test_what_a_stop_finds_in_flight_is_committed_answered_and_shown_or_not_done_at_all(
    new_hub: NewHub, sig: signal.Signals
) -> None:
    hub = new_hub().start()
    acknowledged: dict[str, int] = {}

    async def change_until_refused(client: httpx.AsyncClient, writer: int) -> None:
        for number in range(100_000):
            guest_id = f"g{writer}-{number}"
            try:
                body = {"id": guest_id, "name": "Rossi", "partySize": 2}
                answer = await client.post("/restaurants/1/guests/", json=body)
            except httpx.TransportError:
                return
            if answer.status_code != 201:
                assert (answer.status_code, answer.json()["error_code"]) == (503, "shutting_down")
                return
            acknowledged[guest_id] = revision_of(answer)
            if len(acknowledged) == 200:
                assert hub.process is not None
                hub.process.send_signal(sig)

    async def evening() -> None:
        tablets = [await Tablet(hub.ws_url, 1, path).connect() for path in (REALTIME, SYNC) for _ in range(10)]
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=hub.url, timeout=20, limits=limits, trust_env=False, verify=False
        ) as client:
            await asyncio.gather(*(change_until_refused(client, writer) for writer in range(40)))
        assert hub.process is not None
        assert await asyncio.to_thread(hub.process.wait, STOP_WAIT_S) == 0
        assert {await tablet.closed() for tablet in tablets} == {1001}
        await asyncio.to_thread(hub.start)
        floor = full_sync(hub.url, 1)
        assert {guest["id"]: guest["version"] for guest in floor["guests"]} == acknowledged
        for tablet in tablets:
            assert tablet.revision == floor["revision"], "a commit was not shown before the socket was closed"
        await asyncio.gather(*(tablet.resume() for tablet in tablets))
        assert all(tablet.resumed for tablet in tablets)
        await agree(tablets, hub, 1)
        for tablet in tablets:
            await tablet.leave()

    asyncio.run(evening())


@pytest.mark.parametrize("gently", [True, False], ids=["SIGTERM", "SIGKILL"])
def test_a_restart_serves_the_same_floor_and_goes_on_without_a_gap(new_hub: NewHub, gently: bool) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        new_table(api, 1, id="t1")
        new_guest(api, 1, id="g1", tableId="t1")
        for number in range(20):
            new_guest(api, 1, id=f"more{number}")
        api.delete("/restaurants/1/guests/more0")
        commit_batch(api, 1, [op("guest", "update", f"more{number}", notes="window") for number in range(1, 20)])
        before = full_sync(hub.url, 1)
        assert before["revision"] == 24
    if gently:
        assert hub.stop() == 0
    else:
        hub.kill()
    hub.start()
    with hub.client() as api:
        assert full_sync(hub.url, 1) == before
        answer = api.patch("/restaurants/1/guests/g1", json={"notes": "birthday"})
        assert revision_of(answer) == before["revision"] + 1
        query = {"restaurant_id": 1, "since_revision": 0, "epoch": before["epoch"]}
        delta = api.get("/api/sync/delta", params=query).json()
        assert (delta["revision"], delta["has_more"]) == (25, False)
        assert [change["revision"] for change in delta["changes"]] == [2, 23, *[24] * 19, 25]


def test_the_data_folder_is_free_again_after_a_stop_and_after_a_kill(new_hub: NewHub) -> None:
    first = new_hub().start()
    assert first.stop() == 0
    second = new_hub(first.data).start()
    second.kill()
    assert new_hub(first.data).start().stop() == 0
