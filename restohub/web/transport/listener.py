"""The listening socket, and the TCP options of those that it accepts."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress

PEER_LOST_MS = 60_000
# Linux's BBR takes a Wi-Fi that lost packets for a while for a line that somebody throttles, and then sends 6 KB a
# second for up to 48 round trips: an iPad was 23 s behind after the air was clear. Every Linux has Reno, for any user.
CONGESTION = b"reno"
# After a cut of 7 s TCP would next try after 13, and an iPad hear nothing until then. Linux 6.15 and later.
TCP_RTO_MAX_MS, TRIES_EVERY_MS = 44, 2_000
# What the kernel may hold that is not under way yet: it would take megabytes for an iPad that reads nothing, all stale
# when it reads again. What waits with the hub becomes one delta instead.
UNSENT_BYTES_MAX = 128 * 1024
# What the kernel may hold that the hub has not read yet: by itself it grows to megabytes a connection. It is also what
# one read may bring (48 KB), and what one loop turn has to do where hundreds send at once. At 100 ms of Wi-Fi, 1 MiB
# takes 3 s with it.
UNREAD_BYTES_MAX = 32 * 1024
# A loop that is not uvloop takes so many connections at once before it does anything else: 0.1 ms each.
BACKLOG = 512


class PortError(Exception):
    """A port cannot be listened on; the text says why and what to do."""

    def __init__(self, port: int, sentence: str) -> None:
        super().__init__(sentence)
        self.port = port


def bound_socket(host: str, port: int, flag: str = "--port") -> socket.socket:
    """A socket that the hub listens on; `flag` chooses another port. Raises PortError."""
    try:
        return listening_socket(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                port,
                f"Another program uses port {port} already (another restohub?). "
                f"Stop it, or choose another with {flag}.",
            ) from None
        raise PortError(
            port,
            f"The hub cannot listen on port {port} of {host} ({error.strerror}). Choose others with {flag} and --host.",
        ) from None


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket: both address families where `host` is every address. Raises OSError."""
    everywhere = host in ("0.0.0.0", "::", "")
    if everywhere and socket.has_dualstack_ipv6():
        try:
            bound = _bound(socket.AF_INET6, "::", port)
        except OSError:
            bound = _bound(socket.AF_INET, "0.0.0.0", port)
    else:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = _bound(family, str(address[0]), port)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES_MAX)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_LOST_MS)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
    if sys.platform == "linux":
        with suppress(OSError):  # an older kernel, or none that is Linux inside
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
            bound.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, TRIES_EVERY_MS)
    return bound


def _bound(family: int, host: str, port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
        # Bound is not yet taken: two hubs could both be told so. Listening is.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
