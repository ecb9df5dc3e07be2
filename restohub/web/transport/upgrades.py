"""Upgrades: a WebSocket's handshake is accepted, any other offer is passed over (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from websockets.exceptions import InvalidHeader
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from restohub.floor.outcomes import Params, Refused
from restohub.wire.error_codes import UPGRADE

from .refusal import refused_handshake

VERSION = dict(UPGRADE)["Sec-WebSocket-Version"]
WITHOUT_PATH = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(?=\?|\Z)")

SEVERAL_ORIGINS = Refused(
    "origin_not_allowed", hint="The WebSocket's handshake has several Origin headers.", params=Params(origin=None)
)
OTHER_VERSION = Refused(
    "upgrade_required", hint=f"The hub speaks one version of WebSocket: Sec-WebSocket-Version: {VERSION}."
)
NO_HANDSHAKE = Refused("invalid_json", hint="The WebSocket's handshake is not one that the hub can read.")

Headers = Iterable[tuple[bytes, bytes]]


def asks_for_socket(scope: Any, headers: Headers) -> bool:
    """Whether a request is a WebSocket's handshake, right or wrong.

    Another method, a body, HTTP/1.0 and other protocols make it an ordinary request, whose Upgrade counts for nothing
    (RFC 9110, section 7.8): else what follows its head would have no meaning that both sides agree on.
    """
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return False
    sent: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        sent.setdefault(name, []).extend(token.strip().lower() for token in value.split(b","))
    has_body = b"transfer-encoding" in sent or any(one.strip(b"0") for one in sent.get(b"content-length", ()))
    return sent.get(b"upgrade") == [b"websocket"] and b"upgrade" in sent.get(b"connection", ()) and not has_body


def head_without_upgrade(scope: Any, target: bytes, headers: Headers) -> bytes:
    """A request's head as it would be, had it not offered to change the protocol."""
    lines = [b"%b %b HTTP/%b" % (scope["method"].encode(), target, scope["http_version"].encode())]
    lines += [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join((*lines, b"", b""))


def httptools_parser(protocol: Any) -> Any:
    """A parser as uvicorn makes it, for what comes next."""
    import httptools  # not on Windows

    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def with_path(target: bytes) -> bytes:
    """A target in absolute form with the path that it may leave out (RFC 9110, section 4.2.3)."""
    return WITHOUT_PATH.sub(rb"\1/", target, count=1)


class Handshakes(ServerProtocol):
    """One WebSocket, whose handshake is refused by a problem document where it is wrong."""

    def accept(self, request: Request) -> Response:
        """The answer to a handshake: 101, or why not."""
        response = super().accept(request)
        return response if response.status_code == 101 else refused_handshake(self._why(request))

    def _why(self, request: Request) -> Refused:
        if request.headers.get_all("Sec-WebSocket-Version") != [VERSION]:
            return OTHER_VERSION
        if len(request.headers.get_all("Origin")) > 1:
            return SEVERAL_ORIGINS
        if isinstance(self.handshake_exc, InvalidHeader):
            hint = f"The WebSocket handshake has no valid {self.handshake_exc.name}."
            return Refused("invalid_json", hint=hint)
        return NO_HANDSHAKE
