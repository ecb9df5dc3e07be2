"""What the route table says of one route."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct

from restohub.access.roles import Need
from restohub.wire.responses import Sent

from .request import Request

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[[Request], Awaitable[Sent]]


class Parameter(Struct, frozen=True):
    """A query parameter: its name, its JSON schema, and what it does."""

    name: str
    schema: dict[str, Any]
    detail: str
    many: bool = False
    required: bool = False


class Route(Struct, frozen=True, kw_only=True):
    """One route. `answers` are the bodies by status (None: no body); `refuses` the error codes of its own.

    `needs` is the least role that has it on a closed hub; `even_open`: on an open one too. `grave`: a manager's PIN
    confirms it, once one has a PIN. `keyed`: a change of it honours `Idempotency-Key`. `sheet`: it has its answer
    as CSV, too.
    """

    method: Method
    path: str
    name: str
    handler: Handler
    says: str
    needs: Need
    answers: dict[int, Any]
    even_open: bool = False
    grave: bool = False
    keyed: bool = True
    sheet: bool = False
    body: type[Struct] | None = None
    body_optional: bool = False
    query: tuple[Parameter, ...] = ()
    refuses: tuple[str, ...] = ()
    group: str = "guests"

    @property
    def plain_path(self) -> str:
        """The path as people write it, such as `/restaurants/{restaurant_id}`."""
        return re.sub(r":\w+\}", "}", self.path)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the paths of this route match as a whole."""
        return re.compile(re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+:str\}", "[^/]+", self.path)))

    @property
    def takes_key(self) -> bool:
        """Whether `Idempotency-Key` is honoured."""
        return self.method != "GET" and self.keyed

    @property
    def takes_if_match(self) -> bool:
        """Whether `If-Match` is honoured."""
        return self.method != "POST" and "version_conflict" in self.refuses
