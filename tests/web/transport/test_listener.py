"""What the hub asks of the machine's TCP for every connection that it takes."""

from __future__ import annotations

import asyncio
import platform
import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from restohub.web.transport.listener import TCP_RTO_MAX_MS, TRIES_EVERY_MS, UNSENT_BYTES_MAX, listening_socket

NAME_BYTES = 16
CHUNK_BYTES = 64 * 1024
# How many bytes of a socket the kernel has not sent yet (linux/sockios.h); Python has no name for it.
SIOCOUTQNSD = 0x894B
TRIES_OFTEN_SINCE = (6, 15)

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program choose")


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """The hub's end of a connection."""
    with listening_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        end, _ = listening.accept()
        with end:
            yield end


def test_an_answer_does_not_wait_until_the_one_before_it_has_arrived() -> None:
    """In asyncio's own loop, which Windows has."""

    async def no_delay() -> int:
        loop = asyncio.get_running_loop()
        met: asyncio.Future[asyncio.BaseTransport] = loop.create_future()

        class Meeting(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                met.set_result(transport)

        async with await loop.create_server(Meeting, sock=listening_socket("127.0.0.1", 0)) as server:
            with socket.create_connection(server.sockets[0].getsockname()):
                taken = await met
                found: int = taken.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                taken.close()
                return found

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        assert runner.run(no_delay()) != 0


@linux
def test_a_link_that_lost_packets_is_trusted_again_at_once_whatever_the_machine_prefers(taken: socket.socket) -> None:
    assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, NAME_BYTES).rstrip(b"\0") == b"reno"


@linux
def test_one_who_is_cut_off_is_tried_again_every_two_seconds(taken: socket.socket) -> None:
    kernel = tuple(int(number) for number in platform.release().split(".")[:2])
    if kernel < TRIES_OFTEN_SINCE:
        pytest.skip(f"Linux {platform.release()} takes no limit on what TCP waits before it tries again")
    assert taken.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS) == TRIES_EVERY_MS


def fill(end: socket.socket) -> None:
    """Send until the kernel takes no more."""
    for _ in range(1000):
        end.send(bytes(CHUNK_BYTES))


@linux
def test_what_one_who_reads_nothing_is_not_sent_yet_waits_with_the_hub_and_not_with_the_kernel(
    taken: socket.socket,
) -> None:
    import fcntl

    taken.setblocking(False)
    with pytest.raises(BlockingIOError):
        fill(taken)
    (unsent,) = struct.unpack("i", fcntl.ioctl(taken, SIOCOUTQNSD, bytes(4)))
    assert 0 < unsent <= UNSENT_BYTES_MAX + CHUNK_BYTES
