"""A stranger on the Wi-Fi: clients at an address that the hub does not take for its own machine."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.access.secure_socket import SecureSocket
from tests.access.tls_hub import TlsHub
from tests.conftest import Hub

# Each of these is a device of its own to the hub: 127.0.0.1 alone is in `shared_addresses`.
STRANGER = "127.0.0.66"
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
UNIT_BYTES_MAX = 512 * 1024 * 1024  # MemoryMax of the hub's own unit
RSS_MB_MAX = 300
RECEIVE_BYTES_MAX = 64 * 1024 * 1024


def raw(hub: Hub, address: str = STRANGER, *, receive_bytes: int = 0, wait_s: float = 30.0) -> socket.socket:
    """A connection to the hub from an address, over TLS where it has that.

    `receive_bytes` makes its kernel take little.
    """
    sock = socket.socket()
    sock.settimeout(wait_s)
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.bind((address, 0))
    sock.connect(("127.0.0.1", hub.tls_port if isinstance(hub, TlsHub) else hub.port))
    return cast(socket.socket, SecureSocket(sock)) if isinstance(hub, TlsHub) else sock


def client(hub: Hub, address: str = STRANGER, **options: Any) -> httpx.Client:
    """An HTTP client at an address; paths begin at the root."""
    transport = httpx.HTTPTransport(local_address=address, verify=False)
    return httpx.Client(base_url=hub.url, transport=transport, timeout=options.pop("timeout", 30), **options)


def ws(hub: Hub, path: str, address: str = STRANGER, **options: Any) -> ClientConnection:
    """A WebSocket from an address."""
    if isinstance(hub, TlsHub):
        return hub.socket(path, address, **options)
    connection: ClientConnection = connect(
        hub.ws_url + path, sock=raw(hub, address), max_size=None, compression=None, **options
    ).__enter__()
    return connection


def read_to_end(sock: socket.socket) -> bytes:
    """All that comes until the hub closes the connection; raises AssertionError where it does not."""
    parts = bytearray()
    try:
        while (part := sock.recv(65536)) and len(parts) < RECEIVE_BYTES_MAX:
            parts += part
    except ConnectionResetError:  # closed, with something of it left unread
        pass
    except TimeoutError:
        raise AssertionError(f"the connection stays open after {bytes(parts[-500:])!r}") from None
    return bytes(parts)


def status_of(answer: bytes) -> int:
    """The status of a raw HTTP answer; 0 where there is none."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0


def peak_rss_mb(hub: Hub) -> float:
    """The most memory that the hub's process ever held, in MB."""
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1_000_000


@contextlib.contextmanager
def confined(hub: Hub) -> Iterator[Hub]:
    """A running hub under the memory limit of its own unit, where this machine has memory groups (cgroup v1)."""
    assert hub.process is not None
    group = MEMORY_GROUPS / f"restohub-test-{hub.process.pid}"
    try:
        group.mkdir()
    except OSError:  # no such controller, or not ours to use: the peak of its memory is asserted all the same
        yield hub
        return
    try:
        (group / "memory.limit_in_bytes").write_text(str(UNIT_BYTES_MAX), "ascii")
        (group / "cgroup.procs").write_text(str(hub.process.pid), "ascii")
        yield hub
    finally:
        if hub.process.poll() is None:
            (MEMORY_GROUPS / "cgroup.procs").write_text(str(hub.process.pid), "ascii")
        group.rmdir()
