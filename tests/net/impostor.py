"""A stranger who announces another hub's name: by a faked record, or with something that answers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

from zeroconf import DNSOutgoing, DNSPointer, DNSService

from tests.net.avahi import CLASS_IN, GROUP, TYPE_PTR
from tests.net.network import Machine, udp_socket

TYPE_SRV, UNIQUE, ANSWER = 33, 0x8000, 0x8400
PORT = 8066
EVERY_S = 0.5
# A host name of a hub follows from its id; this one sorts before every other.
FIRST_ID, FIRST_HOST = "01a20459-96ae-7fe3-ae8b-9b68f5000000", "restohub-000000.local."


def claim(name: str, host: str = FIRST_HOST, port: int = PORT) -> bytes:
    """A packet that says that a hub of this name is at a host and port."""
    out = DNSOutgoing(ANSWER)
    for service in ("_restohub._tcp.local.", "_http._tcp.local."):
        full = f"{name}.{service}"
        out.add_answer_at_time(DNSPointer(service, TYPE_PTR, CLASS_IN, 4500, full), 0)
        out.add_answer_at_time(DNSService(full, TYPE_SRV, CLASS_IN | UNIQUE, 120, 0, 0, port, host), 0)
    return out.packets()[0]


class Impostor:
    """Announces a name twice a second from a machine; each who connects to its port gets the next of its answers."""

    def __init__(self, packet: bytes, answers: list[bytes]) -> None:
        self.asked_at: list[float] = []
        self._packet = packet
        self._answers = answers
        self._stop = threading.Event()

    def announce(self) -> None:
        """Until it is told to stop."""
        with udp_socket() as sock:
            while not self._stop.wait(EVERY_S):
                sock.sendto(self._packet, GROUP)

    def answer(self) -> None:
        """Until it is told to stop; when its answers are used up it hangs up on everybody."""
        with socket.create_server(("0.0.0.0", PORT)) as listening:
            listening.settimeout(EVERY_S)
            while not self._stop.is_set():
                # Nobody asked, or who did is gone.
                with contextlib.suppress(OSError), listening.accept()[0] as asking:
                    self.asked_at.append(time.monotonic())
                    asking.settimeout(2)
                    asking.recv(4096)
                    if len(self.asked_at) <= len(self._answers):
                        asking.sendall(self._answers[len(self.asked_at) - 1])

    def stop(self) -> None:
        """Be silent from now on."""
        self._stop.set()


def health(hub_id: str = FIRST_ID, run: str = "") -> bytes:
    """The answer of a hub with that id, and of that run where one is named."""
    body = {"status": "healthy", "service": "sync", "version": "1", "id": hub_id} | ({"run": run} if run else {})
    return b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(body).encode()


@contextlib.contextmanager
def impostor(machine: Machine, packet: bytes, *answers: bytes) -> Iterator[Impostor]:
    """One on this machine until the end."""
    made = Impostor(packet, list(answers))
    acts: list[Callable[[], None]] = [made.announce, made.answer]
    with machine.entered():
        threads = [threading.Thread(target=act, daemon=True) for act in acts]
        for thread in threads:
            thread.start()
    try:
        yield made
    finally:
        made.stop()
        for thread in threads:
            thread.join(10)
