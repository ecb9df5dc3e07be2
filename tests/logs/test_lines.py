"""The log of a real hub as its owner reads it: who came and went, what is wrong, and no guest in it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import Hub, next_message

NewHub = Callable[..., Hub]
WAIT_S = 20.0
UPGRADE = (
    b"GET %s HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nUser-Agent: %s\r\n\r\n"
)
GOODBYE = b"\x88\x80\x00\x00\x00\x00"


def call(hub: Hub, agent: bytes, path: bytes = b"/realtime") -> socket.socket:
    """A raw WebSocket that was accepted, with any bytes as its agent."""
    one = socket.create_connection(("127.0.0.1", hub.port), timeout=WAIT_S)
    one.sendall(UPGRADE % (path, agent))
    assert one.recv(12) == b"HTTP/1.1 101"
    return one


def test_an_ipad_that_joins_and_leaves_is_one_line_each(new_hub: NewHub) -> None:
    hub = new_hub().start()
    iPad = hub.socket("/realtime", user_agent_header="Resto/3.1 (iPad)")  # noqa: N806 (its name)
    next_message(iPad)
    assert 'An iPad joined: 127.0.0.1 "Resto/3.1 (iPad)".\n' in hub.says("joined")
    iPad.close()
    assert '(it closed the connection): 127.0.0.1 "Resto/3.1 (iPad)".\n' in hub.says("An iPad left after")
    assert hub.stop() == 0
    told = [line[21:] for line in hub.said().splitlines()]
    assert [line.split(" ")[:3] for line in told[-2:]] == [["The", "hub", "is"], ["The", "hub", "has"]]


@pytest.fixture(scope="module")
def logging_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Hub]]:
    """The one hub of this module that logs in a format: each test's client has a name of its own there."""
    made: dict[str, Hub] = {}

    def hub(log_format: str) -> Hub:
        if log_format not in made:
            made[log_format] = Hub(tmp_path_factory.mktemp(log_format) / "data", "--log-format", log_format).start()
        return made[log_format]

    yield hub
    for one in made.values():
        one.stop()


LEAVING: dict[str, Callable[[Hub, socket.socket], object]] = {
    "it closed the connection": lambda _, one: one.sendall(GOODBYE),
    "its connection ended without a goodbye": lambda _, one: one.close(),
    "too many messages": lambda _, one: one.sendall(b"\x81\x80\x00\x00\x00\x00" * 60),
    "it sent what no socket may send": lambda _, one: one.sendall(b"\xff" * 20),
    "the hub is stopping": lambda hub, _: hub.stop(),
}


@pytest.mark.parametrize("why", LEAVING)
def test_the_log_says_why_an_ipad_left(new_hub: NewHub, logging_in: Callable[[str], Hub], why: str) -> None:
    stops = why == "the hub is stopping"
    hub = new_hub(None, "--log-format", "json").start() if stops else logging_in("json")
    agent = f"Resto/{list(LEAVING).index(why)}"
    one = call(hub, agent.encode())
    hub.says(agent)
    LEAVING[why](hub, one)
    said = hub.says(agent, 4)  # twice in each of its lines
    line: dict[str, Any] = json.loads([line for line in said.splitlines() if agent in line][1])
    told = [line[key] for key in ("source", "event", "address", "agent", "why")]
    assert told == ["restohub.ipads", "ipad_left", "127.0.0.1", agent, why]
    assert 0 <= line["seconds"] < WAIT_S
    assert why in line["message"]


def test_an_ipad_at_a_dual_stack_socket_has_its_ipv4_address(new_hub: NewHub) -> None:
    hub = new_hub(None, "--host", "0.0.0.0").start()  # the last --host counts
    call(hub, b"Resto")
    assert "joined: 127.0.0.1 " in hub.says("joined")


def test_an_ipad_that_asks_for_what_is_not_there_is_said_to_be_turned_away(new_hub: NewHub) -> None:
    hub = new_hub().start()
    call(hub, b"Resto", b"/realtime?restaurant_id=77")
    assert 'turned away (restaurant_not_found): 127.0.0.1 "Resto".' in hub.says("turned away")


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "agent",
    [
        b"\x9b31m",
        "\u009b31m".encode(),
        b"x\tx\x85x\xff",
        "x\u0085x\u2028x\u2029x".encode(),
        "x\u202ex\u2066x\u200bx".encode(),
        b'x".  2026-01-01 00:00:00  The disk is full "',
        b"x" * 7000,
        "Brücke 🍝".encode(),
    ],
    ids=["an escape", "an escape in UTF-8", "bytes", "breaks", "directions", "quotes", "long", "unicode"],
)
def test_no_agent_can_steer_a_terminal_or_make_a_line_of_its_own(
    logging_in: Callable[[str], Hub], log_format: str, agent: bytes
) -> None:
    hub = logging_in(log_format)
    ready = hub.says("keeps its data")  # the last line of a start
    last = f"last{len(ready)}."
    call(hub, agent).close()
    call(hub, last.encode()).close()
    lines = hub.says(last, 2 if log_format == "text" else 4).removeprefix(ready).splitlines()
    assert len(lines) == 4, "two joined and left"
    assert all(line.isprintable() and len(line) < 500 for line in lines), lines
    assert all(isinstance(json.loads(line), dict) for line in lines if log_format == "json")


@pytest.mark.parametrize("control", [b"\x1b", b"\x07", b"\x0b", b"\x00", b"\x7f"])
def test_an_agent_with_a_control_character_is_refused_and_not_in_the_log(
    logging_in: Callable[[str], Hub], control: bytes
) -> None:
    hub = logging_in("text")
    with socket.create_connection(("127.0.0.1", hub.port), timeout=WAIT_S) as one:
        one.sendall(UPGRADE % (b"/realtime", b"owned" + control))
        assert one.recv(12) == b"HTTP/1.1 400"
    last = f"after {control.hex()}."
    call(hub, last.encode()).close()
    assert "owned" not in hub.says(last, 2)


def test_a_thousand_connects_in_a_row_do_not_fill_the_card(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-format", "json").start()
    began = time.monotonic()
    for _ in range(1000):
        call(hub, b"Resto").close()
    assert hub.stop() == 0
    said = [json.loads(line) for line in hub.said().splitlines()]
    of_ipads = [line for line in said if line["source"] == "restohub.ipads"]
    told = [line for line in of_ipads if line["event"] != "left_out"]
    left_out = [line for line in of_ipads if line["event"] == "left_out"]
    assert len(told) + sum(line["lines"] for line in left_out) == 2000
    assert "more joined or left in the last minute." in left_out[-1]["message"]
    minutes = (time.monotonic() - began) / 60
    assert len(json.dumps(told)) <= 16 * 1024 + 4000 * (minutes + 1)
    assert any(line["message"].startswith("The hub has stopped") for line in said), "the flood cost no other line"


def test_no_source_of_lines_can_fill_more_than_its_share_of_20_mb_a_day() -> None:
    import re

    from restohub.logs.outlet import BURST_BYTES, BYTES_A_MINUTE, SOURCES_BYTES_A_MINUTE, SUMS_MAX

    package = Path(__file__).parents[2] / "restohub"
    texts = [path.read_text("utf-8") for path in package.rglob("*.py")]
    sources = {name for text in texts for name in re.findall(r'getLogger\("(restohub[\w.]*)"\)', text)}
    summary = 200
    rates = [SOURCES_BYTES_A_MINUTE.get(source, BYTES_A_MINUTE) for source in (*sources, "library")]
    a_day = sum(BURST_BYTES + 1440 * (rate + summary) for rate in rates) + 1440 * SUMS_MAX * summary
    print(f"{len(rates)} sources: {a_day / 1e6:.1f} MB a day")
    assert len(sources) >= 9
    assert a_day <= 20_000_000, sorted(sources)


# A log that cannot be written

MAKE_LINES = 300


def serves_and_stops(hub: Hub) -> None:
    """The hub answers and stops well, however much it has to say."""
    for _ in range(MAKE_LINES):
        call(hub, b"Resto").close()
    with hub.client() as api:
        assert api.get("/health").status_code == 200
        assert api.post("/api/restaurants/1/guests/", json={"name": "A", "partySize": 2}).status_code == 201
    assert hub.stop() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_under_the_log_stops_nothing(new_hub: NewHub) -> None:
    hub = new_hub(wrap=("sh", "-c", 'exec "$@" 2>/dev/full', "sh")).start()
    serves_and_stops(hub)


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_a_closed_stderr_stops_nothing(new_hub: NewHub, closed: str) -> None:
    hub = new_hub(wrap=("sh", "-c", f'exec "$@" {closed}', "sh")).start()
    serves_and_stops(hub)


def into_a_pipe(new_hub: NewHub, tmp_path: Path) -> tuple[Hub, int]:
    """A hub that logs into a pipe of one page, and the pipe's reading end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    return new_hub(wrap=("sh", "-c", f'exec "$@" 2>"{pipe}"', "sh")).start(), reading


def test_a_reader_of_the_log_that_is_gone_stops_nothing(new_hub: NewHub, tmp_path: Path) -> None:
    hub, reading = into_a_pipe(new_hub, tmp_path)
    os.close(reading)
    serves_and_stops(hub)


def test_a_reader_of_the_log_that_reads_nothing_stops_nothing(new_hub: NewHub, tmp_path: Path) -> None:
    hub, reading = into_a_pipe(new_hub, tmp_path)
    serves_and_stops(hub)
    os.close(reading)


# No guest in the log

SECRETS = ("Xyzzyname", "0199887766", "allergicplugh", "plover@quux")
ROSSI = {"name": f"{SECRETS[0]} R", "phone": SECRETS[1], "notes": SECRETS[2], "email": SECRETS[3], "partySize": 2}
ANY = "/".join(SECRETS)
BODIES: list[Any] = [
    ROSSI,
    {**ROSSI, "id": "g1"},
    {**ROSSI, "status": ANY, "partySize": SECRETS[1]},
    {SECRETS[0]: 1, "id": ANY},
    {"status": "seated", "tableId": ANY},
    {"tableNumber": SECRETS[0], "capacity": 2, "notes": SECRETS[2], "currentGuestId": SECRETS[1]},
    {"operations": [{"entity_type": "guest", "action": "create", "data": ROSSI}, {"entity_type": ANY, "data": ROSSI}]},
    {"operations": [{"entity_type": "guest", "action": "create", "data": ROSSI}]},
    {"updates": [{"entity_type": "guest", "entity_id": "g1", "data": ROSSI, "base_version": 1}]},
    [SECRETS],
    ANY,
]
PATHS = {
    "restaurant_id": "1",
    "guest_id": "g1",
    "table_id": SECRETS[1],
    "date": SECRETS[1],
    "erasure_id": SECRETS[1],
    "device_id": SECRETS[1],
    "person_id": SECRETS[1],
}


def everything(hub: Hub) -> list[tuple[int, str]]:
    """Guests' data sent over every route, in path, query, headers and body; the status of each answer."""
    answers = []
    headers = {"If-Match": ANY, "X-Guest": ANY}
    of_json = {**headers, "Content-Type": "application/json"}
    # Not by httpx for the many, which takes longer over each than the hub.
    with hub.client() as api, closing(HTTPConnection("127.0.0.1", hub.port, timeout=WAIT_S)) as asked:
        document = api.get("/schema/openapi.json").json()
        base = urlsplit(document["servers"][0]["url"]).path
        for path, methods in document["paths"].items():
            for method in methods.keys() & {"get", "post", "put", "patch"}:
                for body in [None, *BODIES]:
                    for query in ("", f"?q={SECRETS[1]}&status={SECRETS[0]}", f"?{SECRETS[0]}=1&restaurant_id={ANY}"):
                        url = base + path.format(**PATHS) + query
                        sent = None if body is None else json.dumps(body)
                        asked.request(method.upper(), url, sent, of_json if sent else headers)
                        answer = asked.getresponse()
                        answer.read()
                        answers.append((answer.status, path))
        answers.append((api.post("/restaurants/1/guests", content=json.dumps(ROSSI)[:-1]).status_code, "not JSON"))
        answers.append((api.get("/" + ANY).status_code, "no route"))
    for path in (f"/realtime?restaurant_id={ANY}", f"/realtime?restaurant_id=1&epoch={ANY}", "/ws/restaurant/sync"):
        one = hub.socket(path)
        with suppress(ConnectionClosed):  # the hub refuses some of it, and says why: what it logs of that is the point
            for text in (json.dumps(ROSSI), json.dumps({"type": ANY}), ANY, ANY.encode(), '{"type": "ping"}'):
                one.send(text)
            for _ in range(5):
                next_message(one)
        one.close()
    return answers


def test_no_guest_is_in_the_log_whatever_is_asked(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-level", "debug").start()
    statuses = {status for status, _ in everything(hub)}
    assert {200, 201, 400, 404, 415, 422} <= statuses, "the data were taken, and refused for many reasons"
    assert max(statuses) < 500, "refused or done, and no fault of the hub"
    with hub.client() as api:
        assert SECRETS[0] in api.get("/restaurants/1/guests").text
    assert hub.stop() == 0
    assert "An iPad left" in hub.said()
    assert [secret for secret in SECRETS if secret in hub.said()] == []


FAULTS = """
import asyncio, logging, sys, threading, warnings
from restohub.logs.lines import on_loop_fault, start_log
start_log(sys.argv[1], "debug")
log = logging.getLogger("restohub.web")
name, phone, allergy = sys.argv[2:]  # not in the program: newer Pythons show its lines, as they do of every file
def fail(): raise ValueError(f"guest {name} {phone}")
async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_loop_fault)
    try:
        try:
            fail()
        except ValueError as fault:
            raise KeyError(allergy) from fault
    except KeyError:
        log.exception("A request failed")
    loop.call_soon(lambda guest: fail(), name)
    waiting = loop.create_future()
    waiting.set_exception(ValueError(name))
    del waiting
    await asyncio.sleep(0.05)
    class Odd:
        def __del__(self): fail()
    Odd()
    logging.getLogger("asyncio").error(f"An odd thing\\nfuture: <{name}>")
asyncio.run(main())
threads = [threading.Thread(target=fail)]
threads[0].start(); threads[0].join()
fail()
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_fault_of_the_hub_is_told_by_its_place_and_not_by_its_text(log_format: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FAULTS, log_format, *SECRETS[:3]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("ValueError") >= 6, ended.stderr
    assert "KeyError" in ended.stderr
    assert "in fail" in ended.stderr
    assert "An odd thing" in ended.stderr
    assert [secret for secret in SECRETS if secret in ended.stderr] == [], ended.stderr
