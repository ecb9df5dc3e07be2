"""The probe of the long attacks: how long the hub's loop was held, and what that cost the house's iPads.

`python -m tests.attack.probe PORT PATH PID` is its process: the attackers' own threads must not delay its clock.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.attack.house_ipads import Friends
from tests.conftest import Hub

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.7.250"
# Half of the frames that one socket may send in a second.
EVERY_S = 0.01
ANSWER_WAIT_S = 120.0
# What was asked during an attack is answered after it, and belongs to it.
SETTLE_S = 2.0
PING, PONG = b"\x89\x80\x00\x00\x00\x00", 0x8A
HUB_CPU, OTHERS_CPU = 0, 1


class Probe:
    """What was found, once it has ended: seconds.

    `longest_s`: the longest that a WebSocket ping waited for its pong, less what hub and probe waited for a processor.
    `longest_cpu_s`: the most processor time that the hub's main thread took within one such wait.
    `waited_s`: the longest wait as it was, with the scheduler's part. `pings`: how many there were.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.longest_cpu_s = 0.0
        self.waited_s = 0.0
        self.pings = 0


@contextlib.contextmanager
def probed(hub: Hub) -> Iterator[Probe]:
    """Ping the hub a hundred times a second from an address of its own until this ends, then tell what was found."""
    assert hub.process is not None
    path = f"/realtime?restaurant_id={hub.new_restaurant('Probe')}"
    command = [sys.executable, "-m", "tests.attack.probe", str(hub.port), path, str(hub.process.pid)]
    found = Probe()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield found
        finally:
            told, _ = running.communicate(timeout=2 * ANSWER_WAIT_S)  # its stdin is closed: it ends
    assert running.returncode == 0, "the probe lost the hub"
    vars(found).update(json.loads(told))


@contextlib.contextmanager
def pinned(hub: Hub) -> Iterator[None]:
    """The hub has one processor for itself; this process, and all that it starts meanwhile, the other."""
    assert hub.process is not None
    before = os.sched_getaffinity(0)
    _pin(hub.process.pid, {HUB_CPU})
    _pin(os.getpid(), {OTHERS_CPU})
    try:
        yield
    finally:
        _pin(os.getpid(), before)
        with contextlib.suppress(FileNotFoundError):  # the hub has ended
            _pin(hub.process.pid, before)


def _pin(pid: int, processors: set[int]) -> None:
    """Affinity belongs to threads; those that they start later have it from them."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # one that has ended meanwhile
            os.sched_setaffinity(int(thread.name), processors)


class ChangeTimes(NamedTuple):
    """The 99th percentile of the house's changes, in seconds: around an attack, and during it."""

    quiet_s: float
    attacked_s: float

    @property
    def times(self) -> float:
        """How many times as long a change took."""
        return self.attacked_s / self.quiet_s


def compared(told: Friends, attack: Callable[[], object], quiet_s: float = 5.0) -> ChangeTimes:
    """What an attack costs the house's iPads, beside the same machine just before it and just after it."""
    first = len(told.took_s)
    time.sleep(quiet_s)
    before, began, began_at = told.slowest_percent_s(first), len(told.took_s), time.monotonic()
    attack()
    lasted_s = time.monotonic() - began_at
    time.sleep(SETTLE_S)
    ended = len(told.took_s)
    during = sorted(told.took_s[began:ended]) or [lasted_s]  # nothing came through
    time.sleep(quiet_s)
    after = told.slowest_percent_s(ended)
    return ChangeTimes((before + after) / 2, during[len(during) * 99 // 100])


class Thread:
    """What the system tells of a thread: how long it ran, and how long it waited for a processor (seconds)."""

    def __init__(self, pid: int, thread: int) -> None:
        self._path = f"/proc/{pid}/task/{thread}/schedstat"

    def read(self) -> tuple[float, float]:
        """Both, so far."""
        ran, waited, _ = Path(self._path).read_text("ascii").split()
        return int(ran) / 1e9, int(waited) / 1e9


def ping_until_told(port: int, path: str, pid: int) -> dict[str, Any]:
    """Ping until stdin is closed; what was found, under the names of Probe."""
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    hub, own = Thread(pid, pid), Thread(os.getpid(), threading.get_native_id())
    found = Probe()
    with _joined(port, path) as sock:
        print("ready", flush=True)
        while not stop.wait(EVERY_S):
            (ran, hub_waited), (_, own_waited) = hub.read(), own.read()
            began = time.monotonic()
            sock.sendall(PING)
            _wait_for_pong(sock)
            took = time.monotonic() - began
            (ran_now, hub_waited_now), (_, own_waited_now) = hub.read(), own.read()
            held = took - (hub_waited_now - hub_waited) - (own_waited_now - own_waited)
            found.longest_s = max(found.longest_s, held)
            found.longest_cpu_s = max(found.longest_cpu_s, min(took, ran_now - ran))
            found.waited_s = max(found.waited_s, took)
            found.pings += 1
    return vars(found)


def _joined(port: int, path: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), ANSWER_WAIT_S, (ADDRESS, 0))
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return sock


def _wait_for_pong(sock: socket.socket) -> None:
    """Read whole frames until a pong has come; the others are the hub's own pings."""
    while True:
        opcode, size = _exactly(sock, 2)
        if size >= 126:
            size = int.from_bytes(_exactly(sock, 2 if size == 126 else 8), "big")
        _exactly(sock, size)
        if opcode == PONG:
            return


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        assert part, "the hub closed the probe's socket"
        parts += part
    return parts


if __name__ == "__main__":
    print(json.dumps(ping_until_told(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
