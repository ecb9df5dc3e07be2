"""What the workloads ask of a program that is measured, whichever it is."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

GUESTS = 200
TABLES = 60
SERVER_CPU, CLIENT_CPU = 0, 1
START_WAIT_S = 30.0


class Subscriber(Protocol):
    """One subscriber. `heard` counts its deliveries; `disorder` those that came twice, too early or too late."""

    heard: int
    disorder: int

    def hold(self) -> None:
        """Stop reading, as an iPad that hangs."""

    def close(self) -> None:
        """Hang up."""


class Subject(Protocol):
    """A program under load: 200 guests, 60 tables, changes of one guest's status, subscribers of all changes."""

    name: str
    port: int

    def command(self, folder: Path) -> list[str]:
        """The command line that serves `folder` on the port."""

    def health(self) -> bytes:
        """The request whose first 2xx says that it is up."""

    async def fill(self) -> None:
        """Make the guests and tables."""

    def change(self, guest: int, number: int) -> bytes:
        """The request of the guest's change with this number (from 1, each once and in order)."""

    def full_sync(self) -> Sequence[bytes]:
        """The requests that bring the whole floor."""

    async def subscribe(self, on_delivery: Callable[[], None]) -> Subscriber:
        """A subscriber that hears every change from now on."""


class Running:
    """A subject's process, on the server's CPU."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        with (folder.parent / f"{subject.name}.log").open("ab") as log:
            self._started_at = time.perf_counter()
            self.process = subprocess.Popen(
                ["taskset", "-c", str(SERVER_CPU), *subject.command(folder)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.subject = subject

    def wait(self) -> float:
        """Wait for its first answer; the seconds since it was spawned."""
        while time.perf_counter() - self._started_at < START_WAIT_S:
            try:
                with socket.create_connection(("127.0.0.1", self.subject.port), timeout=5) as asking:
                    asking.sendall(self.subject.health())
                    if asking.recv(65536)[9:10] == b"2":
                        return time.perf_counter() - self._started_at
            except OSError:
                time.sleep(0.001)
        raise RuntimeError(f"{self.subject.name} does not answer")

    def memory_mib(self) -> float:
        """What it holds of the machine's memory (RSS)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_s(self) -> float:
        """The processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Stop it, within ten seconds."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A TCP port of the loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(held: Callable[[], bool], wait_s: float) -> bool:
    """Wait until something holds; whether it came to hold in time."""
    end = time.perf_counter() + wait_s
    while not held():
        if time.perf_counter() > end:
            return False
        await asyncio.sleep(0.001)
    return True
