"""The application as the server calls it: an address's rate and the guard come first, then the routes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from restohub.floor.verdicts import Refused
from restohub.live.address_usage import Caller
from restohub.live.hub import Hub
from restohub.wire.problems import Problem, document
from restohub.wire.responses import problem_answer

from .error_handlers import CALLER, refuse_handshake, send_answer
from .guard import Guard
from .problem_pages import problem_page, wants_page
from .request_cost import pay
from .request_target import taken_apart
from .routing import PathNormalizer, routed


class Entrance:
    """Lets a request in where its address has not used up its rate, and the guard has nothing against it."""

    def __init__(self, app: Any, hub: Hub, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self._callers = hub.callers
        self._clock = hub.clock

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Let it in, at once where its address owes nothing: what is refused costs as well."""
        if scope["type"] == "http":
            caller = scope.get(CALLER)
            if caller is None:
                caller = scope[CALLER] = self._callers.of(scope["client"][0] if scope["client"] else "")
            if not (caller.shared or caller.pays_at_once(1)):
                return self._in_turn(caller, scope, receive, send)
        return self._admit(scope, receive, send)

    def _admit(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Pass it on where the guard lets it in."""
        if scope["type"] != "lifespan":
            target = None if scope["raw_path"][:1] == b"/" else taken_apart(scope)
            if (refused := self._guard.refusal(scope, target)) is not None:
                return self._turned_away(refused, scope, send)
        passed: Awaitable[None] = self._app(scope, receive, send)
        return passed

    def _turned_away(self, refused: Refused, scope: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "websocket":
            return refuse_handshake(refused, self._clock.now(), send)
        found = document(refused, self._clock.now())
        return send_answer(problem_page(found) if wants_page(scope) else problem_answer(found), scope, send)

    async def _in_turn(self, caller: Caller, scope: Any, receive: Any, send: Any) -> None:
        """Let it in once its address has paid for what it asked before; 429 where that takes too long."""
        try:
            await pay(caller, 1)
        except Problem as fault:
            answer = problem_answer(document(fault.refused, self._clock.now()), fault.headers)
            await send_answer(answer, scope, send)
        else:
            await self._admit(scope, receive, send)


def application(hub: Hub, guard: Guard) -> Entrance:
    """The ASGI application of a running hub."""
    return Entrance(PathNormalizer(routed(hub), hub), hub, guard)
