"""Whether the sample client that the hub serves stays in step: cuts, parts, 410, an off-line queue."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import httpx
import pytest

from tests.access.closed_hub import pair
from tests.access.tls_hub import Rogue, TlsHub
from tests.conftest import Hub
from tests.contract.requests import full_sync, new_guest, new_table, write_notes
from tests.net.test_certificate import DAY
from tests.net.test_certificate import pair as files

PARTS_BYTES = 300_000  # of a snapshot of 900 KB: after its first part and before its last
WAIT_S = 20.0


@pytest.fixture(scope="module")
def sample(hub: Hub) -> ModuleType:
    """The module that the hub serves."""
    served = httpx.get(hub.url + "/docs/sync_client.py")
    assert served.headers["content-type"] == "text/plain; charset=utf-8"
    module = ModuleType("sync_client")
    exec(compile(served.text, "sync_client.py", "exec"), module.__dict__)
    return module


class CuttableProxy:
    """The way to a hub, that can be cut: at once, or each next connection once so many bytes came from the hub."""

    def __init__(self, port: int, *cut_after: int) -> None:
        self.port = port
        self.cut_after = list(cut_after)
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> CuttableProxy:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """End every connection without a word."""
        for writer in self._open:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # no hub, or an end that is lost: what the client is to live with
            from_hub, to_hub = await asyncio.open_connection("127.0.0.1", self.port)
            room = self.cut_after.pop(0) if self.cut_after else sys.maxsize
            self.connections += 1
            self._open |= {writer, to_hub}
            await asyncio.gather(self._copy(reader, to_hub, sys.maxsize), self._copy(from_hub, writer, room))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: int) -> None:
        with contextlib.suppress(OSError):  # the other end is gone
            while room > 0 and (chunk := await reader.read(min(room, 65536))):
                room -= len(chunk)
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort() if room <= 0 else writer.close()


def canonical(client: Any) -> tuple[list[Any], ...]:
    """What a client holds."""
    return tuple(sorted(held.values(), key=lambda one: one["id"]) for held in client.floor.values())


def held_by(api: httpx.Client, restaurant: int) -> tuple[list[Any], ...]:
    """What the hub holds."""
    whole = full_sync(api, restaurant)
    return tuple(sorted(whole[name], key=lambda one: one["id"]) for name in ("guests", "tables"))


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.02)


def play(
    scene: Callable[[CuttableProxy, Any], Awaitable[None]], sample: ModuleType, restaurant: int, line_to: CuttableProxy
) -> Any:
    """A scene with a client that follows a restaurant over a line that can be cut; the client."""

    async def played() -> Any:
        async with line_to as line:
            client = sample.SyncClient(line.host, restaurant)
            following = asyncio.create_task(client.follow())
            try:
                await scene(line, client)
            finally:
                following.cancel()
                await asyncio.wait([following])
            return client

    return asyncio.run(played())


def test_it_follows_a_floor_through_cuts_and_resumes(
    hub: Hub, api: httpx.Client, restaurant: int, sample: ModuleType
) -> None:
    new_table(api, restaurant, id="t1")

    async def scene(line: CuttableProxy, client: Any) -> None:
        await until(lambda: client.revision == 1, "the floor")
        new_guest(api, restaurant, id="g1", tableId="t1")
        await until(lambda: client.revision == 2, "the change")
        line.cut()
        new_guest(api, restaurant, id="g2")
        assert api.delete(f"/restaurants/{restaurant}/guests/g1").status_code == 204
        await until(lambda: client.revision == 4, "what was missed")
        assert line.connections == 2

    client = play(scene, sample, restaurant, CuttableProxy(hub.port))
    assert canonical(client) == held_by(api, restaurant)


def test_it_drops_half_gathered_parts(hub: Hub, api: httpx.Client, restaurant: int, sample: ModuleType) -> None:
    """Cut twice within a snapshot in parts, once within a delta in parts: nothing half is ever shown."""
    write_notes(api, restaurant, "create", "é")

    async def scene(line: CuttableProxy, client: Any) -> None:
        shown: list[int] = []
        client.show = lambda: shown.append(len(client.floor["guest"]))
        await until(lambda: client.revision == 1, "the floor")
        assert line.connections == 3
        line.cut_after = [PARTS_BYTES]
        line.cut()
        write_notes(api, restaurant, "update", "ü")
        await until(lambda: client.revision == 2, "the delta")
        assert line.connections == 5
        assert shown == [200, 200]

    client = play(scene, sample, restaurant, CuttableProxy(hub.port, PARTS_BYTES, PARTS_BYTES))
    assert canonical(client) == held_by(api, restaurant)


@pytest.fixture
def restored(new_hub: Callable[..., Hub], tmp_path: Path) -> Iterator[tuple[Hub, Callable[[], None]]]:
    """A hub of its own, and what puts back a copy of its data that was made at the start."""
    hub = new_hub().start()
    with hub.client() as api:
        write_notes(api, 1, "create", "é")
    hub.stop()
    copy = shutil.copytree(hub.data, tmp_path / "copy")
    hub.start()

    def put_back() -> None:
        hub.stop()
        shutil.rmtree(hub.data)
        shutil.copytree(copy, hub.data)
        hub.start()

    yield hub, put_back
    hub.stop()


def test_it_takes_the_whole_floor_where_the_history_began_anew(
    restored: tuple[Hub, Callable[[], None]], sample: ModuleType
) -> None:
    """Cut within that floor, too: it has the revision that it held of the old history, and must not resume from it."""
    hub, put_back = restored

    async def scene(line: CuttableProxy, client: Any) -> None:
        with hub.client() as api:
            new_guest(api, 1, id="lost")
            await until(lambda: "lost" in client.floor["guest"], "the guest")
            line.cut_after = [PARTS_BYTES]
            await asyncio.to_thread(put_back)
            new_guest(api, 1, id="new")
            await until(lambda: "new" in client.floor["guest"], "the new history")
            assert line.connections == 3
            assert canonical(client) == held_by(api, 1)

    play(scene, sample, 1, CuttableProxy(hub.port))


def test_without_a_socket_it_catches_up_by_pages_and_takes_a_410(
    restored: tuple[Hub, Callable[[], None]], sample: ModuleType
) -> None:
    hub, put_back = restored
    client = sample.SyncClient(f"127.0.0.1:{hub.port}")
    asked: list[str] = []
    ask = client._ask

    def noted(path: str) -> Any:
        asked.append(path.partition("?")[0])
        return ask(path)

    client._ask = noted
    client.catch_up()
    with hub.client() as api:
        for _ in range(4):  # a page is 1,000 changes and the rest of the commit that passes them
            operations = [
                {"entity_type": "guest", "action": "create", "data": {"name": "Rossi", "partySize": 2}}
                for _ in range(400)
            ]
            assert api.post("/api/v1/atomic/batch", json={"operations": operations}).status_code == 200
        client.catch_up()
        assert asked == ["/sync/full", "/sync/delta", "/sync/delta"]
        assert canonical(client) == held_by(api, 1)
        put_back()
        for _ in range(6):  # past the revision that the client holds of the old history: only the epoch tells
            new_guest(api, 1)
        asked.clear()
        client.catch_up()
        assert asked == ["/sync/delta", "/sync/full"]
        assert canonical(client) == held_by(api, 1)


def test_its_queue_stands_until_an_answer_came_and_shows_what_was_refused(
    hub: Hub, api: httpx.Client, restaurant: int, sample: ModuleType
) -> None:
    new_guest(api, restaurant, id="g1")
    client = sample.SyncClient(f"127.0.0.1:{hub.port}", restaurant)
    client.catch_up()
    client.change("guest", "g1", partySize=3)
    client.change("guest", "g2", "create", name="Martin", partySize=2)
    client.change("table", "t9", "delete")
    assert api.patch(f"/restaurants/{restaurant}/guests/g1", json={"partySize": 5}).status_code == 200
    client.host, there = "127.0.0.1:9", client.host
    with pytest.raises(URLError):
        client.send_queue()
    assert len(client.queue) == 3
    client.host = there
    sent = list(client.queue)
    to_show = client.send_queue()
    assert [(one["entity_id"], one["status"]) for one in to_show] == [("g1", "conflict"), ("t9", "rejected")]
    assert client.queue == []
    client.queue = sent  # as after an answer that was lost
    assert [one["status"] for one in client.send_queue()] == ["conflict", "rejected"]
    client.catch_up()
    assert canonical(client) == held_by(api, restaurant)


def test_what_it_sent_before_is_no_conflict_with_what_it_sends_now(
    hub: Hub, api: httpx.Client, restaurant: int, sample: ModuleType
) -> None:
    new_guest(api, restaurant, id="g1")
    client = sample.SyncClient(f"127.0.0.1:{hub.port}", restaurant)
    client.catch_up()
    for many in range(600):  # two requests
        client.change("guest", "g1", quotedWait=many)
    assert client.send_queue() == []
    client.change("guest", "g1", quotedWait=1)  # before the client has heard of what it did
    assert client.send_queue() == []
    client.catch_up()
    assert client.applied == []
    assert canonical(client) == held_by(api, restaurant)


def test_it_does_not_ask_again_for_a_restaurant_that_is_not_there(hub: Hub, sample: ModuleType) -> None:
    client = sample.SyncClient(f"127.0.0.1:{hub.port}", 999_999_999)
    asyncio.run(asyncio.wait_for(client.follow(), WAIT_S))


def test_on_a_closed_hub_it_follows_with_a_token_and_ends_without_one(
    new_hub: Callable[..., Hub], sample: ModuleType
) -> None:
    closed = new_hub(None, "--access", "closed").start()
    client = sample.SyncClient(f"127.0.0.1:{closed.port}", token=pair(closed, "host").token)

    async def follow() -> None:
        following = asyncio.create_task(client.follow())
        try:
            await until(lambda: client.revision is not None, "the whole floor")
        finally:
            following.cancel()

    asyncio.run(follow())
    client.catch_up()
    assert (client.floor, client.restaurant["id"]) == ({"guest": {}, "table": {}}, 1)
    stranger = sample.SyncClient(f"127.0.0.1:{closed.port}")
    asyncio.run(asyncio.wait_for(stranger.follow(), 2 * WAIT_S))
    assert stranger.revision is None


def test_over_tls_it_takes_an_expired_certificate_an_address_of_ipv6_and_a_sha256_with_colons(
    sample: ModuleType, tmp_path: Path
) -> None:
    certificate, key = files(tmp_path, -2 * DAY, -DAY)
    hub = TlsHub(tmp_path / "data", "--tls-cert", str(certificate), "--tls-key", str(key), "--host", "0.0.0.0")
    try:
        hub.start()
        with_colons = ":".join(re.findall("..", hub.fingerprint().upper()))
        client = sample.SyncClient(f"[::1]:{hub.tls_port}", pin=with_colons)
        client.catch_up()
        assert client.revision is not None
    finally:
        hub.stop()


def test_over_tls_it_sends_another_hub_nothing_says_so_and_does_not_ask_again(
    sample: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Rogue(tmp_path).listening() as rogue:
        client = sample.SyncClient(f"127.0.0.1:{rogue.port}", token="secret", pin="0" * 64)
        asyncio.run(asyncio.wait_for(client.follow(), WAIT_S))
        assert rogue.met.wait(WAIT_S)
    assert "is another hub" in capsys.readouterr().err
    assert rogue.heard == b""
