"""Hubs that speak TLS, and clients that know one by the SHA-256 of its certificate, as an app does."""

from __future__ import annotations

import contextlib
import http.client
import socket as network
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from websockets.sync.client import ClientConnection, connect

from restohub.net.own_certificate import make_own_certificate
from tests.access.secure_socket import SecureSocket, anyone
from tests.conftest import Hub, free_port

ROGUE_WAIT_S = 20.0
TcpSocket = network.socket


class TlsHub(Hub):
    """A hub with TLS beside plain HTTP, or (`--no-http`) alone; `url` and `ws_url` are those of TLS."""

    def __init__(self, data: Path, *args: str, **options: Any) -> None:
        self.tls_port = free_port()
        super().__init__(data, "--tls-port", str(self.tls_port), *args, **options)
        self.plain_url = f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The root of the hub's routes over TLS."""
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def ws_url(self) -> str:
        """The root of the hub's sockets over TLS."""
        return f"wss://127.0.0.1:{self.tls_port}"

    def start(self) -> TlsHub:
        """Start the process and return when it answers `GET /health` over TLS."""
        super().start()
        return self

    def probe(self) -> http.client.HTTPConnection:
        """A connection that asks whether it is there."""
        return http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=2, context=anyone())

    def socket(self, path: str, address: str = "127.0.0.1", **options: Any) -> ClientConnection:
        """A WebSocket to `path` over TLS."""
        url = f"ws://127.0.0.1:{self.tls_port}{path}"  # TLS is what it is given to speak on
        on = cast(TcpSocket, SecureSocket(self.raw(address)))
        connection: ClientConnection = connect(url, sock=on, max_size=None, compression=None, **options).__enter__()
        return connection

    def secure(self, address: str = "127.0.0.1") -> ssl.SSLSocket:
        """A connection over TLS, from an address."""
        return anyone().wrap_socket(self.raw(address))

    def raw(self, address: str = "127.0.0.1") -> TcpSocket:
        """A connection to the port of TLS on which nothing is said yet."""
        sock = TcpSocket()
        sock.settimeout(ROGUE_WAIT_S)
        sock.bind((address, 0))
        sock.connect(("127.0.0.1", self.tls_port))
        return sock

    def fingerprint(self) -> str:
        """The SHA-256 of the certificate that it shows."""
        with self.secure() as shown:
            return sha256(shown.getpeercert(binary_form=True) or b"").hexdigest()


class Rogue:
    """What another machine does that took the hub's address and name: TLS with a key of its own, and it takes notes."""

    def __init__(self, folder: Path) -> None:
        own = make_own_certificate(folder, "0197ac3e-5c10-7d21-b4a8-60f3279e44d2")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own)
        self.fingerprint = sha256(
            ssl.PEM_cert_to_DER_cert(own.read_text().partition("-----END PRIVATE KEY-----\n")[2])
        ).hexdigest()
        self._listening = network.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.heard = b""
        self.met = threading.Event()

    def run(self) -> None:
        """Take one connection, and all that is said on it."""
        sock, _ = self._listening.accept()
        sock.settimeout(ROGUE_WAIT_S)
        with sock, contextlib.suppress(OSError):  # whoever sees its certificate goes without a word
            secure = self._context.wrap_socket(sock, server_side=True)
            self.met.set()
            while more := secure.recv(4096):
                self.heard += more
                if b"\r\n\r\n" in self.heard:
                    secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    @contextmanager
    def listening(self) -> Iterator[Rogue]:
        """It stands there, for one connection."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        yield self
        thread.join(ROGUE_WAIT_S)
        assert not thread.is_alive()
        self._listening.close()
