"""A stranger who makes the hub talk: his lines are few and hide nobody's, and a delete is no fault."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restohub.limits import LINES_A_MINUTE
from tests.attack.stranger import STRANGER, raw, ws
from tests.conftest import WAIT_S, Hub
from tests.contract.sockets import until_closed
from tests.preload.libraries import preloaded

NewHub = Callable[..., Hub]
NEIGHBOUR = "127.0.0.67"
UPGRADE = (
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CONNECTS, RESUMING = 60, 60


def come_and_go(hub: Hub, address: str) -> None:
    """Join and leave: two lines in the log."""
    with raw(hub, address) as one:
        one.sendall((UPGRADE % "/realtime").encode())
        assert one.recv(12) == b"HTTP/1.1 101"


def lines_of(hub: Hub, address: str) -> list[dict[str, Any]]:
    """What the log, as JSON, says of an address, sums included."""
    told = [json.loads(line) for line in hub.said().splitlines()]
    return [line for line in told if line.get("address") == address]


def test_the_log_has_few_lines_of_one_who_floods_it_and_all_of_the_others(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-format", "json").start()
    for n in range(CONNECTS):
        come_and_go(hub, STRANGER)
        if n % (CONNECTS // 4) == 0:
            come_and_go(hub, NEIGHBOUR)
    assert hub.stop() == 0
    *told, last = lines_of(hub, STRANGER)
    assert {line["event"] for line in told} == {"ipad_joined", "ipad_left"}
    assert len(told) == LINES_A_MINUTE
    count = 2 * CONNECTS - LINES_A_MINUTE
    assert (last["event"], last["source"], last["lines"]) == ("left_out", "restohub.ipads", count)
    assert last["message"] == f"… {count} more from {STRANGER} in the last minute."
    assert len(lines_of(hub, NEIGHBOUR)) == 8


def test_an_address_that_is_shared_has_no_limit_of_its_own(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-format", "json", "--shared-addresses", f"127.0.0.1,{STRANGER}").start()
    for _ in range(LINES_A_MINUTE):
        come_and_go(hub, STRANGER)
    assert hub.stop() == 0
    assert Counter(line["event"] for line in lines_of(hub, STRANGER)) == {
        "ipad_joined": LINES_A_MINUTE,
        "ipad_left": LINES_A_MINUTE,
    }


def test_a_restaurant_that_is_deleted_while_sockets_resume_is_no_fault(new_hub: NewHub, tmp_path: Path) -> None:
    """The commit of the delete ends while the handshakes are read: some sockets join before it and are sent after."""
    hanging = tmp_path / "hanging"
    hub = new_hub(env={"LD_PRELOAD": preloaded("slow_sync"), "HANG_WHILE": str(hanging)}).start()
    assert hub.process is not None
    codes: Counter[int | None] = Counter()
    for _ in range(3):
        restaurant = hub.new_restaurant()
        queries = ["", "&since_revision=0", "&since_revision=3"]
        routes = ("/realtime", "/ws/restaurant/sync")
        paths = [f"{route}?restaurant_id={restaurant}{more}" for route in routes for more in queries]
        sockets = [socket.create_connection(("127.0.0.1", hub.port), WAIT_S) for _ in range(RESUMING + 1)]
        deleting = sockets.pop()
        hanging.touch()
        deleting.sendall(b"DELETE /restaurants/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % restaurant)
        time.sleep(0.1)
        hub.process.send_signal(signal.SIGSTOP)
        hanging.unlink()
        for number, one in enumerate(sockets):
            one.sendall((UPGRADE % paths[number % len(paths)]).encode())
        time.sleep(0.05)
        hub.process.send_signal(signal.SIGCONT)
        codes.update(close_code(one) for one in sockets)
        assert deleting.recv(13) == b"HTTP/1.1 204 "
        deleting.close()
    assert codes == {4404: 3 * RESUMING}
    assert hub.stop() == 0
    assert "fault" not in hub.said(), hub.said()[-3000:]
    assert "Traceback" not in hub.said()


def close_code(sock: socket.socket) -> int | None:
    """The code of the close frame that ends what comes; None where there is none."""
    with sock:
        came = b""
        while part := sock.recv(65536):
            came += part
            at = came.rfind(b"\x88")
            if at >= 0 and len(came) >= at + 4:
                return int.from_bytes(came[at + 2 : at + 4], "big")
    return None


def test_who_follows_all_restaurants_goes_on_when_one_is_deleted(target: Hub) -> None:
    restaurant = target.new_restaurant()
    with ws(target, "/realtime") as sock, ws(target, f"/realtime?restaurant_id={restaurant}") as gone:
        assert json.loads(sock.recv(WAIT_S))["type"] == "connection_established"
        with target.client() as api:
            assert api.delete(f"/restaurants/{restaurant}").status_code == 204
        assert json.loads(sock.recv(WAIT_S))["type"] == "restaurant_deleted"
        for wish in ("request_full_sync", "request_delta"):
            sock.send(json.dumps({"type": wish, "restaurant_id": restaurant, "since_revision": 0}))
            assert json.loads(sock.recv(WAIT_S))["error_code"] == "restaurant_not_found"
        assert until_closed(gone)[1] == 4404


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_connect_loop_of_five_minutes_writes_less_than_20_mb_a_day(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-format", "json").start()
    began = time.monotonic()
    count = 0
    while (passed := time.monotonic() - began) < 300:
        come_and_go(hub, STRANGER)
        count += 1
        time.sleep(0.12)
    written = len(hub.said())
    print(f"{count} connects in {passed:.0f} s: {written} bytes, {written / passed * 86_400 / 1e6:.1f} MB a day")
    assert written <= (passed / 60 + 1) * (LINES_A_MINUTE + 1) * 250
