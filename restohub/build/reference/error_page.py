"""The page of errors: for each code when it occurs, what to do, and a real document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from restohub.wire.error_codes import CODES, RETRY_AFTER_S

from .descriptions import HAPPENS
from .examples import Examples, route_of
from .sample_hub import Exchange
from .schema_tables import type_name
from .templating import rendered


def errors_page(examples: Examples) -> bytes:
    """The page `/docs/errors`."""
    by_status: dict[int, list[str]] = {}
    for name, one in CODES.items():
        by_status.setdefault(one.status, []).append(name)
    return rendered(
        "errors.html",
        here="/docs/errors",
        sections=[
            (_title(status), status or "socket", names) for status, names in sorted(by_status.items(), key=_rank)
        ],
        codes=CODES,
        happens=HAPPENS,
        retry_after_s=RETRY_AFTER_S,
        exchanges={name: (one, _sent(one)) for name, one in examples.errors.items() if isinstance(one, Exchange)},
        documents={name: one for name, one in examples.errors.items() if isinstance(one, bytes)},
    )


def _title(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}" if status else "On a socket only"


def _rank(item: tuple[int, Any]) -> int:
    """What only a socket says comes last."""
    return item[0] or 999


def _sent(exchange: Exchange) -> str:
    """The type of the request's body, empty where it is to be shown as it was sent."""
    if exchange.sent.get("content-type") != "application/json" or b"invalid_json" in exchange.answer:
        return ""
    return type_name(route_of(exchange).body)
