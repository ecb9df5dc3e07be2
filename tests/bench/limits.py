"""The physical limits, measured beside the hub: SQLite alone, HTTP alone, a fan-out alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from picows import WSFrame, WSListener, WSTransport, ws_connect

from tests.bench.lane import Lane, lanes, request
from tests.bench.subject import SERVER_CPU, free_port
from tests.bench.workloads import HAMMER_S, Figures

SCHEMA = """
CREATE TABLE entity (restaurant_id, kind, id, version, checksum, image, PRIMARY KEY (restaurant_id, kind, id))
  WITHOUT ROWID;
CREATE TABLE log (position INTEGER PRIMARY KEY, time, checksum, key, digest, changes, answer);
"""
UPSERT = "INSERT OR REPLACE INTO entity VALUES (1, 'guest', ?, 1, 1, ?)"
LOG = "INSERT INTO log (time, checksum, changes) VALUES (1, 1, ?)"


def sqlite_alone(folder: Path) -> Figures:
    """Changes a second that SQLite commits with `synchronous=FULL`, an entity and a log row each."""
    figures: Figures = {}
    image = b"x" * 420
    for many in (1, 10, 100):
        path = folder / f"{many}.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA page_size=1024")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(SCHEMA)
            made, end = 0, time.perf_counter() + 1.5
            started = time.perf_counter()
            while time.perf_counter() < end:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(UPSERT, [(f"g{(made + n) % 200}", image) for n in range(many)])
                connection.executemany(LOG, [(image,)] * many)
                connection.execute("COMMIT")
                made += many
            figures[f"SQLite FULL, {many} a commit, changes/s"] = made / (time.perf_counter() - started)
    return figures


async def http(which: str, sent: bytes) -> float:
    """Requests a second of 100 keep-alive clients."""
    port = free_port()
    with serving(which, port):
        answers = 0
        end = 0.0

        def answered(lane: Lane) -> None:
            nonlocal answers
            answers += 1
            if time.perf_counter() < end:
                lane.send(sent)

        connected = await lanes(port, 100, answered)
        started = time.perf_counter()
        end = started + HAMMER_S
        for lane in connected:
            lane.send(sent)
        await asyncio.sleep(HAMMER_S)
        rate = answers / (time.perf_counter() - started)
        for lane in connected:
            lane.transport.close()
        return rate


class Counter(WSListener):
    """A subscriber that only counts."""

    heard = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 (picows's own form)
        """Count, after the same look at the text as a real subscriber's."""
        text = frame.get_payload_as_bytes()
        Counter.heard += text.find(b'"revision":') > 0


async def fan_out(frames_a_write: int) -> float:
    """Deliveries a second to 50 clients."""
    port = free_port()
    with serving("fanout", port):
        made: list[Any] = [await ws_connect(Counter, f"ws://127.0.0.1:{port}/") for _ in range(50)]
        (lane,) = await lanes(port, 1, lambda _: None)
        lane.send(request("GET", f"/{frames_a_write}"))
        await asyncio.sleep(0.5)
        before, started = Counter.heard, time.perf_counter()
        await asyncio.sleep(HAMMER_S)
        rate = (Counter.heard - before) / (time.perf_counter() - started)
        for transport, _ in made:
            transport.disconnect()
        return rate


async def all_limits(say: Callable[[str], None]) -> Figures:
    """Every limit once."""
    say("SQLite alone")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        code = "import sys, json; from pathlib import Path; from tests.bench.limits import sqlite_alone;"
        code += "print(json.dumps(sqlite_alone(Path(sys.argv[1]))))"
        alone = await asyncio.create_subprocess_exec(
            *_on_server_cpu("-c", code, folder), stdout=asyncio.subprocess.PIPE
        )
        told, _ = await alone.communicate()
    figures: Figures = json.loads(told)
    say("HTTP alone")
    change = b'{"status":"arrived"}'
    figures["bare ASGI, requests/s"] = await http("bare", request("PUT", "/g1", change))
    figures["minimal litestar PUT, requests/s"] = await http("litestar", request("PUT", "/g1", change))
    say("fan-out alone")
    figures["raw fan-out, one frame a write, deliveries/s"] = await fan_out(1)
    figures["raw fan-out, ten frames a write, deliveries/s"] = await fan_out(10)
    return figures


class serving:  # noqa: N801 (a context manager, read as a word)
    """One of the least servers, while it is needed."""

    def __init__(self, which: str, port: int) -> None:
        self._command = _on_server_cpu("-m", "tests.bench.limit_servers", which, str(port))
        self._port = port

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        end = time.perf_counter() + 20
        while time.perf_counter() < end:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f"{self._command} does not listen")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def _on_server_cpu(*args: str) -> Sequence[str]:
    return ["taskset", "-c", str(SERVER_CPU), sys.executable, *args]
