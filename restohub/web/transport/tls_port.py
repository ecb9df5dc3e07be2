"""TLS: its port, where a connection counts from its first moment, and HTTP on what the handshake made of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from restohub.limits import ANSWER_WAIT_S, HANDSHAKES_A_SECOND, HANDSHAKES_BURST, TLS_BUFFER_BYTES, TLS_HANDSHAKE_S
from restohub.live.address_usage import Bucket, Caller

from .admission import Admission
from .http_protocol import HttpLink

log = logging.getLogger("restohub")

# Where the system has no more files or memory to give.
ACCEPT_AGAIN_S = 1.0


class Handshake:
    """A connection whose handshake is not over: it has a place like any other, and may have to give way."""

    def __init__(self, sock: socket.socket, caller: Caller) -> None:
        self.sock = sock
        self.caller = caller

    def give_way(self) -> None:
        """End: another connection needs the place."""
        with suppress(OSError):  # it is gone already
            self.sock.shutdown(socket.SHUT_RDWR)


class SecureHttpLink(HttpLink):
    """HTTP over TLS: the place of its handshake becomes that of the connection."""

    def __init__(self, admission: Admission, handshake: Handshake, **named: Any) -> None:
        super().__init__(admission, **named)
        self._handshake = handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over. What may wait is as much as without TLS: the loops would keep eight times that."""
        self.admission.leave(self._handshake, self._handshake.caller)
        secure: Any = transport
        secure.set_write_buffer_limits(high=TLS_BUFFER_BYTES)
        secure.set_read_buffer_limits(high=TLS_BUFFER_BYTES)
        super().connection_made(transport)


MakeLink = Callable[[Handshake], SecureHttpLink]


class TlsPort:
    """The port of TLS. Handshakes come before all that looks at requests, so they are counted here.

    asyncio's own servers begin one for whoever connects, before anyone knows from where.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, admission: Admission) -> None:
        self.admission = admission
        self._sock = sock
        self._context = context
        self._handshakes: dict[asyncio.Task[None], Handshake] = {}
        self._begun: WeakKeyDictionary[Caller, Bucket] = WeakKeyDictionary()
        self._accepting: asyncio.Task[None] | None = None

    def open(self, **uvicorns: Any) -> None:
        """Take connections from now on, each for a link that is given what uvicorn gives to its own."""
        link = partial(SecureHttpLink, self.admission, **uvicorns)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(link))

    def close(self) -> None:
        """Take no more, and end the handshakes that are under way."""
        if self._accepting is not None:
            self._accepting.cancel()
        self._sock.close()
        for handshake in self._handshakes.values():
            handshake.give_way()

    async def _accept(self, link: MakeLink) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._sock)
            except OSError as error:
                log.warning("No connection can be taken now: %s.", error.strerror)
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            handshake = Handshake(sock, self.admission.callers.of(address[0]))
            if not self._lets_begin(handshake):
                sock.close()
                continue
            task = loop.create_task(self._shake_hands(handshake, link))
            self._handshakes[task] = handshake
            task.add_done_callback(self._handshakes.pop)

    def _lets_begin(self, handshake: Handshake) -> bool:
        """Whether an address may have another handshake; there is no way yet to say why not."""
        caller, now = handshake.caller, self.admission.callers.now()
        if not caller.shared:
            begun = self._begun.get(caller)
            if begun is None:
                begun = self._begun[caller] = Bucket(HANDSHAKES_A_SECOND, HANDSHAKES_BURST, now)
            if not begun.takes(1, now):
                return False
        return self.admission.connect(handshake, caller, handshake) is None

    async def _shake_hands(self, handshake: Handshake, link: MakeLink) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: link(handshake),
                handshake.sock,
                ssl=self._context,
                ssl_handshake_timeout=TLS_HANDSHAKE_S,
                ssl_shutdown_timeout=ANSWER_WAIT_S,
            )
        except OSError:  # a stranger's doing: bytes that are no TLS, silence, or it left
            handshake.sock.close()
        finally:
            self.admission.leave(handshake, handshake.caller)
