"""The rate limit of mDNS: so many packets and bytes are read in a second, whatever the network sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from zeroconf import DNSService, RecordUpdate, RecordUpdateListener, Zeroconf
from zeroconf.asyncio import AsyncZeroconf

from restohub.limits import MDNS_BYTES_A_SECOND, MDNS_PACKETS_A_SECOND
from restohub.live.address_usage import Bucket
from restohub.live.clock import Clock

PAUSE_MAX_S = 0.1


class PacketLimiter:
    """What one zeroconf reads with all its sockets, and who sent the packet that it reads at this moment.

    Over the rate its thread sleeps, and meanwhile the kernel drops what its buffer does not hold: a packet that was
    read only to be dropped would still cost the rest of the hub a turn of the interpreter.
    """

    def __init__(self) -> None:
        self._clock = Clock()
        now = self._clock.monotonic()
        self.sender = ""
        self._packets = Bucket(MDNS_PACKETS_A_SECOND, MDNS_PACKETS_A_SECOND, now)
        self._bytes = Bucket(MDNS_BYTES_A_SECOND, MDNS_BYTES_A_SECOND, now)

    def take(self, size: int, sender: str) -> None:
        """Count one packet, and sleep where it is more than may be read now."""
        now = self._clock.monotonic()
        self._packets.spend(1, now)
        self._bytes.spend(size, now)
        if wait_s := max(self._packets.wait_s(now), self._bytes.wait_s(now)):
            time.sleep(min(wait_s, PAUSE_MAX_S))
        self.sender = sender


class CountedProtocol(asyncio.DatagramProtocol):
    """zeroconf's own protocol, each packet counted before it is parsed."""

    def __init__(self, inner: asyncio.DatagramProtocol, limiter: PacketLimiter) -> None:
        self._inner = inner
        self._limiter = limiter

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """One packet: an IPv6 sender on the link has its interface's number behind a `%`."""
        scope = f"%{addr[3]}" if len(addr) == 4 and addr[3] else ""
        self._limiter.take(len(data), f"{addr[0].partition('%')[0]}{scope}")
        self._inner.datagram_received(data, cast(Any, addr))

    def error_received(self, exc: Exception) -> None:
        """The system reports of a socket."""
        self._inner.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._inner.connection_lost(exc)


def read_within_limits(voice: AsyncZeroconf) -> PacketLimiter:
    """Have a zeroconf that has started read no more than it may."""
    limiter = PacketLimiter()
    for reader in voice.zeroconf.engine.readers:
        inner = cast(asyncio.DatagramProtocol, reader.transport.get_protocol())
        reader.transport.set_protocol(CountedProtocol(inner, limiter))
    return limiter


class NameClaims(RecordUpdateListener):
    """Notes each announcement that a service of these types is somewhere: name and host (lower case), sender, port."""

    def __init__(
        self, types: Iterable[str], limiter: PacketLimiter, note: Callable[[str, str, str, int], None]
    ) -> None:
        self._types = tuple(f".{one}" for one in types)
        self._limiter = limiter
        self._note = note

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:  # noqa: ARG002 (zeroconf's own names)
        """The records of the packet that is being read."""
        for update in records:
            record = update.new
            if isinstance(record, DNSService) and record.ttl and record.name.lower().endswith(self._types):
                self._note(record.name.lower(), record.server.lower(), self._limiter.sender, record.port)
