"""TLS: its port, where a connection counts from its first moment, and HTTP on what the handshake made of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from restohub.limits import HANDSHAKES_A_SECOND, HANDSHAKES_BURST
from restohub.live.address_usage import Bucket, Caller

from .admission import Admission
from .http_protocol import HttpLink
from .secure_transport import SecureTransport

log = logging.getLogger("restohub")

# Where the system has no more files or memory to give.
ACCEPT_AGAIN_S = 1.0

MakeLink = Callable[[], HttpLink]


class TlsPort:
    """The port of TLS. Handshakes come before all that looks at requests, so they are counted here.

    asyncio's own servers begin one for whoever connects, before anyone knows from where.
    """

    def __init__(self, sock: socket.socket, context: Callable[[], ssl.SSLContext], admission: Admission) -> None:
        self.admission = admission
        self._sock = sock
        self._context = context
        self._shaking: set[SecureTransport] = set()
        self._begun: WeakKeyDictionary[Caller, Bucket] = WeakKeyDictionary()
        self._accepting: asyncio.Task[None] | None = None

    def open(self, **uvicorns: Any) -> None:
        """Take connections from now on, each for a link that is given what uvicorn gives to its own."""
        link = partial(HttpLink, self.admission, **uvicorns)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(link))

    def close(self) -> None:
        """Take no more, and end the handshakes that are under way."""
        if self._accepting is not None:
            self._accepting.cancel()
        self._sock.close()
        for handshake in tuple(self._shaking):
            handshake.give_way()

    async def _accept(self, make_link: MakeLink) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._sock)
            except ConnectionError:  # it left before it was taken
                continue
            except OSError as error:
                log.warning("No connection can be taken now: %s.", error.strerror)
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            caller = self.admission.callers.of(address[0])
            if not self._lets_begin(caller):
                sock.close()
                continue
            try:
                await self._begin(sock, caller, make_link)
            except (ssl.SSLError, MemoryError) as error:  # OpenSSL has no memory for another
                log.warning("A connection over TLS could not begin: %s.", error)
                sock.close()

    def _lets_begin(self, caller: Caller) -> bool:
        """Whether an address may have another handshake; there is no way yet to say why not."""
        if caller.shared:
            return True
        now = self.admission.callers.now()
        begun = self._begun.get(caller)
        if begun is None:
            begun = self._begun[caller] = Bucket(HANDSHAKES_A_SECOND, HANDSHAKES_BURST, now)
        return begun.takes(1, now)

    async def _begin(self, sock: socket.socket, caller: Caller, make_link: MakeLink) -> None:
        secure = SecureTransport(self._context(), self.admission.turns, make_link, partial(self._over, caller))
        if self.admission.connect(secure, caller, secure) is not None:
            sock.close()
            return
        self._shaking.add(secure)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: secure, sock)
        except OSError:  # it has left
            sock.close()
            self._over(caller, secure)

    def _over(self, caller: Caller, secure: SecureTransport) -> None:
        """A handshake is over: its place becomes that of the connection, or is free."""
        self._shaking.discard(secure)
        self.admission.leave(secure, caller)
