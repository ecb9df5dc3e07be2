"""Requests that never end: half sent or dripping, they are closed in time and are in nobody's way."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attack.parsers import without_httptools
from tests.conftest import Hub

NewHub = Callable[..., Hub]
LIMIT_S = 10.0
# What a slow machine may add to it: the point is that the connection does not stay.
PATIENCE_S = 40.0
# For how long a connection may rest between two requests.
IDLE_S = 75.0
DRIP_S = 0.25

POST = b"POST /api/restaurants/1/guests/ HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
BATCH = POST.replace(b"/api/restaurants/1/guests/", b"/api/v1/atomic/batch")
WHOLE = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"
UPGRADE = (
    b"GET /realtime HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
)
KEY = b"\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="

# What is sent at once, what is dripped from then on, and the statuses of the answers before the connection ends.
SLOW: dict[str, Any] = {
    "nothing": (b"", b"", []),
    "half a head": (b"GET /health HTTP/1.1\r\nHo", b"", [408]),
    "a dripping head": (b"GET /health HTTP/1.1\r\nX-Long: ", b"a", [408]),
    "one byte": (b"G", b"", [408]),
    "no body at all": (POST + b"Content-Length: 100\r\n\r\n", b"", [408]),
    "half a body": (POST + b'Content-Length: 100\r\n\r\n{"name": ', b"", [408]),
    "a dripping body": (POST + b'Content-Length: 1000\r\n\r\n{"name": "', b"a", [408]),
    "dripping chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", [408]),
    "half a chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n100\r\n{", b"", [408]),
    "no body after a 100": (POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", b"", [100, 408]),
    "the rest of a refused body": (POST + b"Content-Length: 900000\r\n\r\n", b"a", [413]),
    "a quick start, then a drip": (BATCH + b"Content-Length: 1000000\r\n\r\n" + b" " * 100_000, b"a", [408]),
    "half a second request": (WHOLE + b"GET /hea", b"", [200, 408]),
    "half a handshake": (UPGRADE + KEY + b"\r\nX-", b"", [408]),
    "a dripping handshake": (UPGRADE + KEY + b"\r\nX-Long: ", b"a", [408]),
}
# The parsers judge these by themselves: httptools takes empty lines for a wrong request, h11 for the beginning of one.
ODD: dict[str, Any] = {
    "empty lines": (b"", b"\r\n", [400], [408]),
    "a handshake with a body": (UPGRADE + KEY + b"\r\nContent-Length: 9\r\n\r\n", b"", [426]),
    "a handshake that is none": (UPGRADE + b"\r\n\r\n", b"", [400]),
    "a long handshake": (UPGRADE + KEY + b"\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n", b"", [431]),
}


async def told(port: int, first: bytes, drop: bytes) -> tuple[bytes, float]:
    """What the hub says until it closes the connection, and after how many seconds that was."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip() -> None:
        while drop and not writer.is_closing():
            await asyncio.sleep(DRIP_S)
            writer.write(drop)

    writer.write(first)
    dripping = asyncio.create_task(drip())
    said = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while more := await reader.read(65536):
                said += more
    except ConnectionError:  # closed while something is still dripping in
        pass
    except TimeoutError:
        raise AssertionError(f"still open after {PATIENCE_S:.0f} s: {first[:80]!r}") from None
    dripping.cancel()
    writer.transport.abort()
    return said, time.monotonic() - began


def statuses(said: bytes) -> list[int]:
    """The status of each answer in a stream of them."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


async def slow_ones_end(port: int) -> None:
    sent = SLOW | ODD
    ends = await asyncio.gather(*(told(port, one[0], one[1]) for one in sent.values()))
    for name, (said, after_s) in zip(sent, ends, strict=True):
        assert statuses(said) in sent[name][2:], (name, said)
        if name in SLOW:
            assert after_s >= LIMIT_S - 0.1, name
        if statuses(said)[-1:] == [408]:
            head, _, body = said.rpartition(b"\r\n\r\n")
            found = json.loads(body)
            assert b"application/problem+json" in head, name
            assert (found["status"], found["error_code"]) == (408, "request_timeout"), name


async def honest_upload(port: int, size: int = 529 * 1024, bytes_a_second: int = 45_000) -> None:
    """A batch over weak Wi-Fi, 12 s long unless told: longer than a request may take that does not go on."""
    guests = [
        {"entity_type": "guest", "action": "create", "data": {"name": f"G{n}", "partySize": 2, "notes": "n" * 1900}}
        for n in range(min(500, size // 2000))
    ]
    body = json.dumps({"operations": guests}).encode().ljust(size)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(BATCH + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    began, sent = time.monotonic(), 0
    while sent < len(body):
        await asyncio.sleep(DRIP_S)
        due = min(len(body), int(bytes_a_second * (time.monotonic() - began)))
        writer.write(body[sent:due])
        sent = due
    async with asyncio.timeout(PATIENCE_S):
        assert statuses(await reader.read())[:1] == [200]
    writer.close()


async def idle_between_two(port: int) -> None:
    """A connection that rests for longer than a request may take is still good for the next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for rest_s in (LIMIT_S + 1.5, 0):
        writer.write(WHOLE)
        async with asyncio.timeout(PATIENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
            assert statuses(head) == [200]
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))
        await asyncio.sleep(rest_s)
    writer.close()


def test_a_request_that_does_not_go_on_is_closed_after_ten_seconds_and_a_slow_one_is_read(
    new_hub: NewHub, tmp_path: Path
) -> None:
    hubs = [new_hub().start(), new_hub(env=without_httptools(tmp_path)).start()]

    async def all_at_once() -> None:
        scenes = (slow_ones_end, honest_upload, idle_between_two)
        await asyncio.gather(*(scene(hub.port) for hub in hubs for scene in scenes))

    asyncio.run(all_at_once())
    for hub in hubs:
        assert httpx.get(hub.url + "/restaurants/1/guests", verify=False).headers["content-type"] == "application/json"
        assert hub.stop() == 0
        assert "Traceback" not in hub.said()
        assert "fault" not in hub.said()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_largest_body_is_read_at_little_more_than_the_least_pace(new_hub: NewHub, tmp_path: Path) -> None:
    hubs = [new_hub().start(), new_hub(env=without_httptools(tmp_path)).start()]

    async def all_at_once() -> None:
        await asyncio.gather(*(honest_upload(hub.port, 1024 * 1024, 16_500) for hub in hubs))

    asyncio.run(all_at_once())


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_connection_that_is_asked_for_nothing_is_closed_after_75_s_and_not_before(
    new_hub: NewHub, tmp_path: Path
) -> None:
    hubs = [new_hub().start(), new_hub(env=without_httptools(tmp_path)).start()]

    async def idle(port: int, rest_s: float) -> float:
        """For how long the hub keeps a connection after its second answer, so many seconds after the first."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for wait_s in (rest_s, 0):
            writer.write(WHOLE)
            head = await reader.readuntil(b"\r\n\r\n")
            assert statuses(head) == [200]
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))
            await asyncio.sleep(wait_s)
        began = time.monotonic()
        async with asyncio.timeout(IDLE_S + PATIENCE_S):
            assert await reader.read() == b""
        writer.close()
        return time.monotonic() - began

    async def all_at_once() -> list[float]:
        return await asyncio.gather(*(idle(hub.port, rest_s) for hub in hubs for rest_s in (0, 40, IDLE_S - 5)))

    assert all(IDLE_S - 1 <= kept_s <= IDLE_S + 10 for kept_s in asyncio.run(all_at_once()))
    for hub in hubs:
        assert hub.stop() == 0
        assert "Traceback" not in hub.said()


@pytest.mark.long
def test_five_hundred_slow_connections_end_and_others_are_served(new_hub: NewHub) -> None:
    hub = new_hub().start()
    kinds = list(SLOW.values())

    async def all_at_once() -> list[tuple[bytes, float]]:
        slow = asyncio.gather(*(told(hub.port, *kinds[n % len(kinds)][:2]) for n in range(500)))
        async with httpx.AsyncClient(base_url=hub.url, timeout=PATIENCE_S, verify=False) as busy:
            served = 0
            while not slow.done():
                guest = {"name": f"G{served}", "partySize": 2}
                answer = await busy.post("/api/restaurants/1/guests/", json=guest)
                assert answer.status_code == 201
                served += 1
        assert served > 100
        return await slow

    ends = asyncio.run(all_at_once())
    assert all(statuses(said) == kinds[n % len(kinds)][2] for n, (said, _) in enumerate(ends))
    assert hub.stop() == 0
