"""How a long answer leaves: whole, framed as HTTP has it, and never kept for one who does not take it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest

from restohub.live.address_usage import Callers
from restohub.web.error_handlers import send_answer
from restohub.web.transport import http_protocol
from restohub.web.transport.admission import Admission
from restohub.web.transport.listener import listening_socket
from restohub.web.transport.server import HubServer, server_config
from restohub.wire.responses import Answer, Streamed
from tests.live.test_writer import at_once

PIECES, PIECE = 40, b"p" * 65_536
SIZE = PIECES * len(PIECE)


class StreamingApp:
    """An application that answers /long in pieces of unknown length, /sized in pieces of a known one, and /short."""

    def __init__(self) -> None:
        self.made = 0
        self.released = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        if scope["type"] == "lifespan":
            for what in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{what}.complete"})
            return
        if scope["path"] == "/short":
            await send_answer(Answer(200, [], b"short"), scope, send)
            return
        size = SIZE if scope["path"] == "/sized" else None
        await send_answer(Streamed(200, [], size, self._pieces(), self._release), scope, send)

    def _pieces(self) -> Iterator[bytes]:
        for _ in range(PIECES):
            self.made += 1
            yield PIECE

    def _release(self) -> None:
        self.released += 1


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[StreamingApp, int]]:
    """The house on a real server; its port."""

    async def before_stop() -> None:
        pass

    house, ready = StreamingApp(), asyncio.Event()
    with listening_socket("127.0.0.1", 0) as bound:
        server = HubServer(server_config(house, Admission(Callers((), time.monotonic, str))), ready.set, before_stop)
        serve = asyncio.create_task(server.serve([bound]))
        await ready.wait()
        try:
            yield house, bound.getsockname()[1]
        finally:
            server.should_exit = True
            await serve


async def asked(port: int, *requests: bytes) -> list[tuple[h11.Response, bytes]]:
    """The answers to requests sent one after the other on one connection, as another library reads them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers: list[tuple[h11.Response, bytes]] = []
    reading = h11.Connection(h11.CLIENT)
    for request in requests:
        method, path = request.split(b" ")
        writer.write(reading.send(h11.Request(method=method, target=path, headers=[("host", "hub")])) or b"")
        reading.send(h11.EndOfMessage())
        response, body = None, bytearray()
        while not isinstance(event := reading.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                reading.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
        assert response is not None
        answers.append((response, bytes(body)))
        reading.start_next_cycle()
    writer.close()
    return answers


@at_once
async def test_long_answers_are_whole_and_the_connection_goes_on() -> None:
    async with serving() as (house, port):
        requests = [b"GET /long", b"GET /sized", b"HEAD /long", b"HEAD /sized", b"GET /short"]
        long, sized, head_long, head_sized, short = await asked(port, *requests)
        assert long[1] == sized[1] == PIECE * PIECES
        assert head_long[1] == head_sized[1] == b""
        assert short[1] == b"short"
        told = [dict(answer[0].headers) for answer in (long, sized, head_long, head_sized)]
        assert [one.get(b"transfer-encoding") for one in told] == [b"chunked", None, b"chunked", None]
        assert [one.get(b"content-length") for one in told] == [None, b"%d" % SIZE, None, b"%d" % SIZE]
        assert house.released == 4


@at_once
async def test_a_client_of_http_1_0_gets_a_long_answer_to_the_end_of_its_connection() -> None:
    async with serving() as (house, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /long HTTP/1.0\r\n\r\n")
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        assert b"transfer-encoding" not in head
        assert body == PIECE * PIECES
        assert house.released == 1


def slow_reader(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    return sock


async def until_released(house: StreamingApp, count: int) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while house.released < count:
        assert asyncio.get_running_loop().time() < deadline, f"{house.released} of {count} are let go of"
        await asyncio.sleep(0.02)


@at_once
async def test_pieces_are_made_as_they_are_taken_and_none_for_one_who_is_gone() -> None:
    async with serving() as (house, port):
        with slow_reader(port) as sock:
            sock.sendall(b"GET /long HTTP/1.1\r\nHost: hub\r\n\r\n")
            while house.made == 0:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            assert house.made < PIECES
            assert house.released == 0
        await until_released(house, 1)
        assert house.made < PIECES


@at_once
async def test_who_does_not_take_a_long_answer_in_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "ANSWER_WAIT_S", 0.3)
    async with serving() as (house, port):
        with slow_reader(port) as sock:
            sock.sendall(b"GET /long HTTP/1.1\r\nHost: hub\r\n\r\n")
            await until_released(house, 1)
            assert house.made < PIECES
            told = await asyncio.to_thread(read_to_end, sock)
        assert not told.endswith(b"0\r\n\r\n"), "it looks whole"


def read_to_end(sock: socket.socket) -> bytes:
    sock.settimeout(20)
    told = bytearray()
    while part := sock.recv(65536):
        told += part
    return bytes(told)
