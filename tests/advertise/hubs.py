"""This file is a hub on a machine of the test's network."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.advertise.network import Machine
from tests.advertise.pad import within

PORT = 8000


class AnnouncedHub:
    """One `restohub serve` of its own process on a machine of its own, announced unless told otherwise."""

    def __init__(
        self, machine: Machine, data: Path, *args: str, program: tuple[str, ...] = (sys.executable, "-m", "restohub")
    ) -> None:
        self.machine = machine
        self.log = data.with_suffix(".log")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RESTOHUB_")}
        command = [*machine.wrap, *program, "serve", "--data", str(data), *args]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )  # `ip netns exec` becomes the hub: it is its process id

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

    def until(self, state: str, wait_s: float = 10) -> dict[str, Any]:
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

    def stop(self) -> int:
        """Its exit status after SIGTERM, within 5 s."""
        self.ask_to_stop()
        return self.process.wait(5)
