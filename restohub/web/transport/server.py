"""Uvicorn as the hub runs it: its settings, its start, its stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from restohub.limits import KEEP_ALIVE_S, MESSAGE_IN_BYTES_MAX
from restohub.wire.responses import ALWAYS

from .admission import Admission
from .http_protocol import HttpLink
from .listener import BACKLOG
from .websocket_protocol import WebSocketLink

if TYPE_CHECKING:
    from .tls_port import TlsPort

STOP_WAIT_S = 2
LOOK_EVERY_TICKS = 5


class HubServer(uvicorn.Server):
    """uvicorn, with a stop that first commits and publishes what was accepted, and signals that only stop it."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        before_stop: Callable[[], Awaitable[None]],
    ):
        super().__init__(config)
        self._tls: TlsPort | None = None
        self._on_ready = on_ready
        self._before_stop = before_stop

    def serve_tls(self, sock: socket.socket, context: Callable[[], ssl.SSLContext], admission: Admission) -> None:
        """Have a bound socket serve TLS, from `startup` on; each handshake asks what to show."""
        from .tls_port import TlsPort  # most hubs have none

        self._tls = TlsPort(sock, context, admission)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn does, but without raising the signal again: the exit status of a stop is 0.

        A terminal that is closed stops the hub as Ctrl-C does, unless it was started to outlive it (nohup).
        """
        hang_up = getattr(signal, "SIGHUP", None)
        before = None if hang_up is None else signal.getsignal(hang_up)
        with super().capture_signals():
            if hang_up is not None and before is not signal.SIG_IGN:
                signal.signal(hang_up, self.handle_exit)
            yield
            if hang_up is not None:
                signal.signal(hang_up, before)
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self._tls is not None:
            self._tls.open(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times in a second: uvicorn's own work, and now and then a look after each connection."""
        if counter % LOOK_EVERY_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for link in tuple(self.server_state.connections):
                if isinstance(link, HttpLink):
                    link.check_pace(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Commit, publish and answer what was accepted; then close."""
        await self._before_stop()
        if self._tls is not None:
            self._tls.close()
        await super().shutdown(sockets)


def server_config(app: Any, admission: Admission) -> uvicorn.Config:
    """uvicorn's settings, each said where its default would do harm."""
    http: Any = partial(HttpLink, admission)
    ws: Any = partial(WebSocketLink, admission)
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=http,
        ws=ws,
        ws_max_size=MESSAGE_IN_BYTES_MAX,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        headers=[(name.decode(), value.decode()) for name, value in ALWAYS],
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WAIT_S,
        backlog=BACKLOG,
    )
