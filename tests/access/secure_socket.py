"""A client's socket over TLS that may be read and written by two threads, and that can send what no library would."""

from __future__ import annotations

import hmac
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import Any

HANDSHAKE, DATA = 22, 23
UPDATE_REQUESTED = bytes([24, 0, 0, 1, 1])


def anyone() -> ssl.SSLContext:
    """TLS with whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def hello() -> bytes:
    """With what a client begins its handshake."""
    said = ssl.MemoryBIO()
    try:
        anyone().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    except ssl.SSLWantReadError:
        return said.read()
    raise AssertionError("it waits for an answer")


class SecureSocket:
    """A socket as far as the attacks need one. Python's own may be used by one thread at a time until 3.13."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self.sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or anyone()).wrap_bio(self._incoming, self._outgoing)
        self._lock = threading.Lock()
        self._read = b""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(self._outgoing.read())
                self._feed()
        sock.sendall(self._outgoing.read())

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        for start in range(0, len(data), 65536):
            with self._lock:
                self.tls.write(data[start : start + 65536])
                encrypted = self._outgoing.read()
            self.sock.sendall(encrypted)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What comes next, b"" at the end; with MSG_PEEK it stays. All that has come is decrypted at once.

        So nothing waits here while who asks the system whether there is something waits for more.
        """
        while not self._read and self._decrypted() and self._feed():
            pass
        found = self._read[:size]
        if not flags & socket.MSG_PEEK:
            self._read = self._read[size:]
        return found

    def _decrypted(self) -> bool:
        """Take what was decrypted; whether more is to be fed: neither there was anything, nor a goodbye."""
        with self._lock:
            try:
                while more := self.tls.read(65536):
                    self._read += more
            except ssl.SSLWantReadError:
                return not self._read
        return False

    def close(self) -> None:
        """End without a goodbye."""
        self.sock.close()

    def __enter__(self) -> SecureSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)

    def _feed(self) -> int:
        received = self.sock.recv(65536)
        with self._lock:
            return self._incoming.write(received)


class NewKeys(SecureSocket):
    """A client of TLS 1.3 that takes a new key as often as it likes, which no library does when it is told to.

    RFC 8446, sections 4.6.3 and 7.2. Its own TLS reads on, but sends nothing any more.
    """

    def __init__(self, sock: socket.socket, folder: Path) -> None:
        context = anyone()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(folder / f"keys-{sock.getsockname()[1]}")
        super().__init__(sock, context)
        said = Path(context.keylog_filename).read_text("ascii").partition("CLIENT_TRAFFIC_SECRET_0 ")[2]
        self._secret = bytes.fromhex(said.split()[1])
        self._name = self.tls.cipher()[0]  # type: ignore[index]  # the handshake is over

    def key_updates(self, count: int) -> bytes:
        """Records that say it so many times."""
        records = []
        for _ in range(count):
            records.append(self.first_record(HANDSHAKE, UPDATE_REQUESTED))
            self._secret = self._expanded(b"traffic upd", len(self._secret))
        return b"".join(records)

    def first_record(self, kind: int, content: bytes) -> bytes:
        """The first record under the present key, whose number is therefore 0."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

        cipher: Any = ChaCha20Poly1305 if "CHACHA20" in self._name else AESGCM
        key = self._expanded(b"key", 16 if "128" in self._name else 32)
        head = struct.pack("!BHH", DATA, 0x303, len(content) + 1 + 16)
        return bytes(head + cipher(key).encrypt(self._expanded(b"iv", 12), content + bytes([kind]), head))

    def _expanded(self, label: bytes, size: int) -> bytes:
        """HKDF-Expand-Label (section 7.1) of no more than one block, without a context."""
        label = b"tls13 " + label
        info = struct.pack("!HB", size, len(label)) + label + b"\0"
        return hmac.new(self._secret, info + b"\1", "sha384" if self._name.endswith("384") else "sha256").digest()[
            :size
        ]
