"""That the write-ahead log, the log and the file stay bounded, and what a client from below gets."""

from __future__ import annotations

import bisect
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem
from tests.contract.requests import SYNC_BATCH

NewHub = Callable[..., Hub]

WAL_BYTES_MAX = 16 * 1024 * 1024
REVISIONS = 1000
# Retention goes in steps of 500, so that an SD card sees few of them.
STEP = 500
EACH = 250
WAIT_S = 30.0


@pytest.fixture
def hub(new_hub: NewHub) -> Hub:
    """A hub that keeps 1,000 changes."""
    return new_hub(None, "--log-revisions", str(REVISIONS)).start()


def heavy_floor(api: httpx.Client) -> None:
    """400 guests of 16 KiB: a snapshot that no buffer of the machine swallows."""
    for first in range(0, 400, 50):
        data = {"firstName": "Ada", "partySize": 2, "notes": "🍝" * 2000, "specialRequests": "🍷" * 2000}
        create(api, [f"heavy{number}" for number in range(first, first + 50)], data)


def create(api: httpx.Client, ids: list[str], data: dict[str, object]) -> None:
    updates = [{"entity_type": "guest", "action": "create", "entity_id": one, "data": data} for one in ids]
    assert ok(api.post(SYNC_BATCH, json={"updates": updates}))["success"]


def change(api: httpx.Client, rounds: Iterator[int]) -> int:
    """250 commits without a key; the last one's revision."""
    number = next(rounds)
    updates = [
        {"entity_type": "guest", "entity_id": f"g{at % 50}", "data": {"notes": f"{number}.{at} " + "x" * 1900}}
        for at in range(EACH)
    ]
    body = ok(api.post(SYNC_BATCH, json={"updates": updates}))
    assert body["success"]
    return int(body["revision"])


@contextmanager
def who_never_reads(hub: Hub, path: str) -> Iterator[None]:
    """A client that asks for the floor and then takes nothing of it."""
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", hub.port))
        stuck.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert stuck.recv(12) == b"HTTP/1.1 101"
        yield


@contextmanager
def watched_wal(hub: Hub) -> Iterator[list[int]]:
    """The largest size that the write-ahead log has had, looked at without a pause."""
    largest, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            largest[0] = max(largest[0], wal_bytes(hub))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield largest
    finally:
        done.set()
        watching.join()


def wal_bytes(hub: Hub) -> int:
    try:
        return (hub.data / "restohub.db-wal").stat().st_size
    except FileNotFoundError:
        return 0


def reaches_back(api: httpx.Client, since: int) -> bool:
    """Whether the log reaches back to a revision."""
    answer = api.get(f"/api/sync/delta?since_revision={since}")
    if answer.status_code == 200:
        return True
    problem(answer, 410, "revision_expired")
    return False


def wait_until_pruned(api: httpx.Client, head: int) -> None:
    """Return when the log is within its horizon and one step; it never reaches back less than its horizon."""
    deadline = time.monotonic() + WAIT_S
    while reaches_back(api, head - REVISIONS - STEP):
        assert time.monotonic() < deadline, "the log is longer than its horizon"
        time.sleep(0.1)
    assert reaches_back(api, head - REVISIONS)


def test_the_wal_stays_small_beside_a_client_that_never_finishes_its_download(hub: Hub) -> None:
    with hub.client() as api, watched_wal(hub) as largest:
        heavy_floor(api)
        create(api, [f"g{number}" for number in range(50)], {"firstName": "Ada", "partySize": 2})
        rounds = itertools.count()
        with who_never_reads(hub, "/ws/restaurant/sync?restaurant_id=1"):
            for _ in range(60):
                change(api, rounds)
    assert 0 < largest[0] <= WAL_BYTES_MAX


def test_the_log_stays_within_its_horizon_and_the_file_within_its_size(hub: Hub) -> None:
    sizes: list[int] = []
    rounds = itertools.count()
    with hub.client() as api:
        create(api, [f"g{number}" for number in range(50)], {"firstName": "Ada", "partySize": 2})
        for _ in range(5):
            for _ in range(8):
                head = change(api, rounds)
            wait_until_pruned(api, head)
            sizes.append((hub.data / "restohub.db").stat().st_size)
    assert max(sizes) <= 1.5 * sizes[1], f"the pages of what was pruned are not used again: {sizes}"


def test_who_comes_from_below_the_horizon_is_told_so_and_gets_the_whole_floor(hub: Hub) -> None:
    rounds = itertools.count()
    with hub.client() as api:
        create(api, [f"g{number}" for number in range(50)], {"firstName": "Ada", "partySize": 2})
        for _ in range(8):
            head = change(api, rounds)
        wait_until_pruned(api, head)
        first = bisect.bisect_left(range(head), True, key=lambda since: reaches_back(api, since))
        problem(api.get(f"/api/sync/delta?since_revision={first - 1}"), 410, "revision_expired")
        problem(api.get("/api/sync/delta?since=2020-01-01T00:00:00Z"), 410, "revision_expired")
        floor = ok(api.get("/api/sync/full"))["guests"]
    for since, resumed in ((first - 1, False), (first, True)):
        with hub.socket(f"/ws/restaurant/sync?since_revision={since}") as sock:
            hello, message = next_message(sock), next_message(sock)
        assert (hello["resumed"], message["type"]) == (resumed, "delta_update" if resumed else "full_sync")
        held = [change["data"] for change in message["changes"]] if resumed else message["data"]["guests"]
        assert sorted(held, key=lambda guest: str(guest["id"])) == sorted(floor, key=lambda guest: str(guest["id"]))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_million_changes_leave_the_files_as_small_as_a_hundred_thousand(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-revisions", "10000").start()
    rounds = itertools.count()
    sizes: list[int] = []
    with hub.client(timeout=60) as api, watched_wal(hub) as largest:
        heavy_floor(api)
        create(api, [f"g{number}" for number in range(50)], {"firstName": "Ada", "partySize": 2})
        for _ in range(10):
            with who_never_reads(hub, "/ws/restaurant/sync?restaurant_id=1"):
                for _ in range(100_000 // EACH):
                    head = change(api, rounds)
            sizes.append((hub.data / "restohub.db").stat().st_size)
        assert head > 1_000_000
        deadline = time.monotonic() + WAIT_S
        while reaches_back(api, head - 10_000 - STEP):
            assert time.monotonic() < deadline, "the log is longer than its horizon"
            time.sleep(0.1)
    assert largest[0] <= WAL_BYTES_MAX
    assert max(sizes) <= 1.5 * sizes[0], sizes
