"""Bodies that never end: what they may hold together, and whose is closed when it is too much."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import select
import socket
import time
from collections import Counter

import pytest

from restohub.limits import BODIES_BYTES_AN_ADDRESS, BODIES_BYTES_MAX, SMALL_BODY_BYTES
from tests.attack.loop_holds import holds
from tests.attack.raw_frames import read_head
from tests.attack.stranger import STRANGER, client, peak_rss_mb, raw, read_to_end, status_of
from tests.conftest import Hub

POST = b"POST /api/v1/atomic/batch HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
HEAD = POST + b"Content-Length: 1048000\r\n\r\n"
LARGEST, LARGE = 1_040_000, 980_000
OWN_MACHINE = "127.0.0.1"


def unfinished(hub: Hub, size: int, address: str = STRANGER) -> socket.socket:
    """A request of which so much has been sent, and the rest never will be."""
    sock = raw(hub, address)
    with contextlib.suppress(ConnectionError):  # its answer is there already
        sock.sendall(HEAD + b" " * size)
    return sock


def test_the_largest_body_of_an_address_that_holds_too_much_is_refused(either: Hub) -> None:
    socks = [unfinished(either, LARGEST)]
    socks += [unfinished(either, LARGE) for _ in range(BODIES_BYTES_AN_ADDRESS // LARGE)]
    said = read_to_end(socks[0])
    assert status_of(said) == 503
    assert b"retry-after: 1\r\n" in said
    found = json.loads(said.partition(b"\r\n\r\n")[2])
    assert (found["error_code"], "16 MB" in found["hint"]) == ("busy", True)
    for sock in socks[1:]:
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
    with client(either) as api:  # one that is small passes all the same
        notes = "n" * 2000
        batch = [
            {"entity_type": "guest", "action": "create", "data": {"name": "N", "partySize": 2, "notes": notes}}
        ] * 30
        assert SMALL_BODY_BYTES - 4096 < len(json.dumps(batch)) < SMALL_BODY_BYTES
        assert api.post("/api/v1/atomic/batch", json={"operations": batch}).status_code == 200
    for sock in socks:
        sock.close()


def test_a_shared_address_may_hold_more(either: Hub) -> None:
    socks = [unfinished(either, LARGE, OWN_MACHINE) for _ in range(BODIES_BYTES_AN_ADDRESS // LARGE + 2)]
    assert BODIES_BYTES_AN_ADDRESS < LARGE * len(socks) < BODIES_BYTES_MAX - BODIES_BYTES_AN_ADDRESS
    with client(either, OWN_MACHINE) as api:
        assert api.get("/restaurants/1").status_code == 200
    for sock in socks:
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        sock.close()


def test_a_body_in_chunks_of_one_byte_is_read(either: Hub) -> None:
    body = b'{"name": "Rossi", "partySize": 2}' + b" " * 8_000
    sent = b"POST /restaurants/1/guests HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
    sent += b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with raw(either) as sock:
        sock.sendall(sent)
        assert status_of(read_head(sock)) == 201


def send_500_unfinished(hub: Hub, told: multiprocessing.Queue[list[int]]) -> None:
    """Send 500 bodies of a MiB that lack their ends, for half a minute; tell the statuses of the answers."""
    socks: dict[socket.socket, memoryview] = {}
    for number in range(500):
        sock = raw(hub, f"127.0.9.{number % 50 + 1}")
        sock.setblocking(False)
        socks[sock] = memoryview(HEAD + b" " * 1_000_000)
    end, answers = time.monotonic() + 30, []
    while socks and time.monotonic() < end:
        readable, writable, _ = select.select(list(socks), [sock for sock, rest in socks.items() if rest], [], 0.1)
        for sock in readable:
            try:
                answers.append(status_of(sock.recv(65536)))
            except BlockingIOError:  # not a whole record of TLS, or one of its own
                continue
            except ConnectionError:  # refused, and the reset came before the answer was read
                pass
            del socks[sock]
        for sock in set(writable) & socks.keys():
            with contextlib.suppress(ConnectionError, BlockingIOError):  # the answer, or its loss, is read above
                socks[sock] = socks[sock][sock.send(socks[sock][:65536]) :]
    told.put(answers)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_500_unfinished_bodies_of_a_mib_are_held_to_48_mb(besieged_either: Hub) -> None:
    hub = besieged_either
    told: multiprocessing.Queue[list[int]] = multiprocessing.Queue()
    rss_mb = peak_rss_mb(hub)
    with holds(hub) as held_s:
        attack = multiprocessing.Process(target=send_500_unfinished, args=(hub, told))
        attack.start()
        answers = told.get(timeout=90)
        attack.join(10)
    print(f"{Counter(answers)}, {peak_rss_mb(hub):.0f} MB")
    if "closed" in hub.args:  # nobody waits for the rest of it
        assert set(answers) <= {401, 0}, "0: a reset took the answer with it"
    else:
        assert set(answers) <= {503, 408}, "408: held until it was too slow"
        assert answers.count(503) > 100
    assert peak_rss_mb(hub) - rss_mb < 150
    assert held_s[len(held_s) * 99 // 100] < 0.1, held_s[-20:]
