"""A hub on a machine of the test's network."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.commands import RESTOHUB, environment, start_command
from tests.net.avahi import PATIENCE_S, within
from tests.net.network import Machine

PORT = 8000
STOPS_S = 5.0


class AnnouncedHub:
    """One `restohub serve` of its own process on a machine of its own, announced unless told otherwise."""

    def __init__(self, machine: Machine, data: Path, *args: str, program: tuple[str, ...] = RESTOHUB) -> None:
        self.machine = machine
        self._starved_ns: dict[Path, int] = {}
        self.log = data.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = start_command(
                "serve", "--data", str(data), *args,
                out=log.fileno(), program=program, wrap=machine.wrap, env=environment(),
            )  # fmt: skip # `ip netns exec` becomes the hub: it is its process id

    def health(self) -> dict[str, Any]:
        """What `GET /health` answers within 2 s on the machine itself; nothing where it does not answer."""
        with self.machine.inside(socket.socket) as sock:
            sock.settimeout(2)
            try:
                sock.connect(("127.0.0.1", PORT))
                asking = http.client.HTTPConnection("127.0.0.1")
                asking.sock = sock
                asking.request("GET", "/health")
                body: dict[str, Any] = json.loads(asking.getresponse().read())
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                return {}
            return body

    def discovery(self) -> dict[str, Any]:
        """What it says of its discovery."""
        found: dict[str, Any] = self.health().get("discovery", {})
        return found

    def until(self, state: str, wait_s: float = PATIENCE_S) -> dict[str, Any]:
        """Its discovery once it is in that state."""

        def there() -> dict[str, Any] | None:
            found = self.discovery()
            return found if found.get("state") == state else None

        return within(wait_s, there)[0]

    def memory_bytes(self) -> int:
        """What it holds in memory (resident)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def ask_to_stop(self) -> None:
        """SIGTERM, where it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def clock(self) -> float:
        """Seconds, but for those in which a thread of the hub, or the asking one, waited for a processor (Linux).

        So what is measured is the hub's doing, on a machine with nothing else to do as on one with too much.
        """
        asker = Path(f"/proc/self/task/{threading.get_native_id()}")
        for thread in (*Path(f"/proc/{self.process.pid}/task").glob("*"), asker):
            with contextlib.suppress(OSError):  # it has ended: what it waited so far stays counted
                self._starved_ns[thread] = int((thread / "schedstat").read_text().split()[1])
        return time.monotonic() - sum(self._starved_ns.values()) / 1e9

    def stop(self) -> int:
        """Its exit status after SIGTERM, within 5 s by its own clock."""
        began = self.clock()
        self.ask_to_stop()
        while (status := self.process.poll()) is None:
            assert self.clock() - began < STOPS_S, "it does not stop"
            time.sleep(0.02)
        return status


def hubs_on_machines(folder: Path) -> Iterator[Callable[..., AnnouncedHub]]:
    """Starts hubs on machines, their data in `folder`; each is stopped at the end."""
    made: list[AnnouncedHub] = []

    def start(machine: Machine, *args: str) -> AnnouncedHub:
        made.append(AnnouncedHub(machine, folder / f"data{len(made)}", *args))
        return made[-1]

    yield start
    for hub in made:
        hub.stop()
