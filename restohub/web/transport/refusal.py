"""The refusal of a connection: one problem document, and the end."""

from __future__ import annotations

from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

from restohub.floor.outcomes import Refused
from restohub.live.clock import Clock
from restohub.wire.error_codes import RETRY_AFTER_S, UPGRADE
from restohub.wire.problems import document
from restohub.wire.responses import EVERYWHERE, PROBLEM, encode

STATUS_LINES = {status.value: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus}
HEAD = b"".join(b"%b: %b\r\n" % header for header in (PROBLEM, *EVERYWHERE))


def refusal(why: Refused) -> bytes:
    """The last answer of a connection: a problem document, with its head."""
    found = document(why, Clock().now())
    body = encode(found)
    wait_s = why.wait_s or RETRY_AFTER_S.get(why.code)
    retry = b"" if wait_s is None else b"retry-after: %d\r\n" % wait_s
    head = b"%b%b%bconnection: close\r\ncontent-length: %d\r\n\r\n"
    return head % (STATUS_LINES[found.status], HEAD, retry, len(body)) + body


def refused_handshake(why: Refused) -> Response:
    """The same in the place of a WebSocket's 101, as the WebSocket library writes it."""
    found = document(why, Clock().now())
    body = encode(found)
    headers = Headers([(name.decode(), value.decode()) for name, value in (PROBLEM, *EVERYWHERE)])
    headers["connection"] = "close"
    headers["content-length"] = str(len(body))
    if why.code == "upgrade_required":
        headers.update(UPGRADE)
    status = HTTPStatus(found.status)
    return Response(status, status.phrase, headers, body)
