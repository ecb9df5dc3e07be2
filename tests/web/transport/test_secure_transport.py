"""TLS on many connections: in which turns of the loop their handshakes are made, and what is left of them."""

from __future__ import annotations

import asyncio
import ssl
import weakref
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from restohub.web.transport.read_buffer import Turns
from restohub.web.transport.secure_transport import SecureTransport
from tests.access.secure_socket import hello
from tests.net.test_certificate import pair

MANY = 40


class Wire(asyncio.Transport):
    """A connection of TCP: what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing is read by itself."""

    def resume_reading(self) -> None:
        """Nothing is read by itself."""


class Turned(Turns):
    """The turns, and how many connections waited for one."""

    waited = 0

    def wait(self, intake: Any) -> None:
        self.waited += 1
        super().wait(intake)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """A hub's own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair(tmp_path, timedelta(days=-1), timedelta(days=90)))
    return made


def test_a_connection_that_is_over_holds_no_memory_of_openssl(context: ssl.SSLContext) -> None:
    async def run() -> None:
        transport = SecureTransport(context, Turns(), asyncio.Protocol, lambda _: None)
        transport.connection_made(Wire())
        tls = weakref.ref(transport._tls)
        transport.connection_lost(None)
        assert tls() is None
        transport.data_received(hello())
        transport.write(b"late")
        transport.close()

    asyncio.run(run())


def test_handshakes_that_come_at_once_are_made_in_turn(context: ssl.SSLContext) -> None:
    async def run() -> None:
        turns, wires = Turned(), [Wire() for _ in range(MANY)]
        for wire in wires:
            transport = SecureTransport(context, turns, asyncio.Protocol, lambda _: None)
            transport.connection_made(wire)
            transport.data_received(hello())
        assert [wire.written for wire in wires] == [b""] * MANY, "the turn in which it came is another's"
        assert turns.waited == MANY
        async with asyncio.timeout(20):
            while not all(wire.written for wire in wires):
                await asyncio.sleep(0)

    asyncio.run(run())
