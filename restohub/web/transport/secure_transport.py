"""TLS on one connection: what a plain one is to the protocol above it, and few records that bring it nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from restohub.limits import RECORDS_IN_VAIN_A_SECOND, RECORDS_IN_VAIN_BURST, SLICE_BYTES, TLS_HANDSHAKE_S
from restohub.live.address_usage import Bucket

from .read_buffer import Turns

# A record's header: what it is (a change of ciphers, an alert, a handshake, data), the version's two bytes, its length.
HEADER_BYTES = 5
KINDS, VERSION = range(20, 24), 3
# RFC 8446, section 5.2; of TLS 1.2 it is more (RFC 5246, section 6.2.3), but nobody has ciphers that need it.
RECORD_BYTES_MAX = 16 * 1024 + 2048


class SecureTransport(asyncio.Transport, asyncio.Protocol):
    """A connection over TLS.

    The loops' own TLS decrypts at once whatever has come, and tells nobody of records that hold nothing for the
    protocol above (KeyUpdate: 20 µs of the processor for 27 bytes). So records are decrypted one by one here, many of
    them in turn with what other connections have sent.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        turns: Turns,
        make_protocol: Callable[[], Any],
        on_shaken: Callable[[SecureTransport], None],
    ) -> None:
        """`on_shaken` is called when the handshake is over, well or badly; `make_protocol` gives what is above then."""
        super().__init__()
        self._on_shaken = on_shaken
        self._context = context
        self._turns = turns
        self._make_protocol = make_protocol
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._protocol: Any = None
        self._raw: asyncio.Transport | None = None
        self._came = bytearray()
        self._paused = self._held = self._in_turn = self._closing = False
        self._loop = asyncio.get_running_loop()
        self._in_vain = Bucket(RECORDS_IN_VAIN_A_SECOND, RECORDS_IN_VAIN_BURST, self._loop.time())
        self._shaking: asyncio.TimerHandle | None = None

    # ---- Below: what comes from the network, and how much it takes.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection is there; the handshake has its time."""
        self._raw = transport  # type: ignore[assignment]  # a loop's TCP transport is one
        if self._closing:
            self.abort()
            return
        self._shaking = self._loop.call_later(TLS_HANDSHAKE_S, self.abort)

    def data_received(self, data: bytes) -> None:
        """Decrypt a little at once, as nearly all that comes is; more than that in turn, and handshakes.

        Hundreds of them may come in one turn of the loop, and each takes as long as ten requests.
        """
        if self.is_closing():
            return
        self._came += data
        if self._protocol is None and not self._in_turn:
            self._wait_for_turn()
        elif len(self._came) <= SLICE_BYTES and not self._in_turn:
            self.parse_slice()
        else:
            self._go_on()

    def parse_slice(self) -> None:
        """Decrypt whole records, of 4 KiB or so, as long as the protocol above reads on."""
        self._in_turn = False
        left = SLICE_BYTES
        while left > 0 and not self._paused and (record := self._next_record()):
            left -= len(record)
            self._incoming.write(record)
            try:
                self._advance()
            except ssl.SSLError:  # no TLS, or none that both sides speak
                self._refuse()
            except BaseException:  # a loop ends a connection whose protocol fails, but not in a turn
                self.abort()
                raise
        self._go_on()

    def eof_received(self) -> None:
        """It sends no more."""
        if self._protocol is not None:
            self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._closing = True
        if self._protocol is not None:
            self._protocol.connection_lost(exc)
        else:
            self._end_handshake()
        # What OpenSSL holds is not weighed by the collector, to which this is left: 100 KB that wait for long.
        del self._tls, self._incoming, self._outgoing

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """It takes more."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    def _next_record(self) -> bytes:
        """The next record, once it is whole; b"" until then, and where none is wanted any more."""
        if self.is_closing() or len(self._came) < HEADER_BYTES:
            return b""
        kind, version, size = self._came[0], self._came[1], HEADER_BYTES + int.from_bytes(self._came[3:HEADER_BYTES])
        if kind not in KINDS or version != VERSION or size > RECORD_BYTES_MAX:  # plain HTTP, say
            self.abort()
            return b""
        if len(self._came) < size:
            return b""
        record = bytes(self._came[:size])
        del self._came[:size]
        return record

    def _advance(self) -> None:
        """Take the record that was fed; raises ssl.SSLError."""
        try:
            if self._protocol is None:
                self._tls.do_handshake()
                self._begin()
            elif data := self._tls.read(RECORD_BYTES_MAX):
                self._protocol.data_received(data)
            else:  # its goodbye
                self._protocol.eof_received()
                self.close()
        except ssl.SSLWantReadError:
            self._flush()
            if not self._in_vain.takes(1, self._loop.time()):
                self.abort()

    def _refuse(self) -> None:
        """End with the alert that OpenSSL has ready; in the handshake, whose time bounds how long it may take."""
        if self._protocol is not None or self._raw is None:
            self.abort()
            return
        self._flush()
        self._closing = True
        self._raw.close()

    def _begin(self) -> None:
        """The handshake is over: from here on it is a connection like any other."""
        self._flush()
        self._end_handshake()
        self._protocol = self._make_protocol()
        self._protocol.connection_made(self)

    def _end_handshake(self) -> None:
        if self._shaking is not None:
            self._shaking.cancel()
        self._on_shaken(self)

    def _go_on(self) -> None:
        """Read on, or have what came decrypted when it is its turn."""
        if self._paused:
            return
        self._hold(whole := self._whole())
        if whole and not self._in_turn and not self.is_closing():
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        self._in_turn = True
        self._turns.wait(self)

    def _hold(self, held: bool) -> None:
        """Read nothing more of the network, or read on."""
        if held is not self._held and self._raw is not None and not self.is_closing():
            self._held = held
            (self._raw.pause_reading if held else self._raw.resume_reading)()

    def _whole(self) -> bool:
        """Whether a whole record waits."""
        came = self._came
        return len(came) >= HEADER_BYTES and len(came) - HEADER_BYTES >= int.from_bytes(came[3:HEADER_BYTES])

    # ---- Above: what a protocol asks of a transport.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        if name == "sslcontext":
            return self._context
        return default if self._raw is None else self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol above."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """The protocol above."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""
        return self._closing or (self._raw is not None and self._raw.is_closing())

    def pause_reading(self) -> None:
        """Give the protocol nothing more for now."""
        self._paused = True
        self._hold(True)

    def resume_reading(self) -> None:
        """Give it what has come, and read on."""
        self._paused = False
        self._go_on()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send this."""
        if self.is_closing() or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def can_write_eof(self) -> bool:
        """TLS has no half-closed connections."""
        return False

    def get_write_buffer_size(self) -> int:
        """How many bytes the network has not taken."""
        return 0 if self._raw is None else self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From how many on the protocol is told to pause."""
        if self._raw is not None:
            self._raw.set_write_buffer_limits(high, low)

    def close(self) -> None:
        """End once all is sent, and say so by TLS."""
        if self.is_closing():
            return
        with suppress(ssl.SSLError):  # it would wait for the other side's goodbye, which nobody needs
            self._tls.unwrap()
        self._flush()
        self._closing = True
        if self._raw is not None:
            self._raw.close()

    def abort(self) -> None:
        """End at once."""
        self._closing = True
        if self._raw is not None:
            self._raw.abort()

    def give_way(self) -> None:
        """End in the handshake: another connection needs the place."""
        self.abort()

    def _flush(self) -> None:
        if self._raw is not None and not self.is_closing() and (encrypted := self._outgoing.read()):
            self._raw.write(encrypted)
