"""The ASGI application: the rate of an address and the guard come first, then the routes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from restohub.floor.outcomes import Refused
from restohub.live.address_usage import Caller
from restohub.live.hub import Hub
from restohub.wire.problems import Problem, document
from restohub.wire.responses import Answer, problem_answer

from .board_files import is_board
from .error_handlers import CALLER, HUB, refuse_handshake, send_answer
from .guard import Guard
from .problem_pages import problem_page, wants_page
from .request_cost import pay
from .request_target import taken_apart
from .routing import Scope, normalize, router


class AccessMiddleware:
    """Lets a request in where its address has not used up its rate and the guard has nothing against it."""

    def __init__(self, routes: Any, hub: Hub, guard: Guard) -> None:
        self._routes = routes
        self._hub = hub
        self._guard = guard
        self._callers = hub.callers
        self._clock = hub.clock

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Pass it on, at once where its address owes nothing: what is refused costs as well."""
        scope[HUB] = self._hub
        if scope["type"] == "http":
            caller = scope.get(CALLER)
            if caller is None:
                caller = scope[CALLER] = self._callers.of(scope["client"][0] if scope["client"] else "")
            free = caller.shared or (is_board(scope["path"]) and caller.takes_board_file())
            if not (free or caller.pays_at_once(1)):
                return self._in_turn(caller, scope, receive, send)
        found = self._checked(scope)
        if isinstance(found, dict):
            passed: Awaitable[None] = self._routes(found, receive, send)
            return passed
        return self._answered(found, scope, send)

    async def _in_turn(self, caller: Caller, scope: Any, receive: Any, send: Any) -> None:
        """Pass it on once its address has paid for what it asked before; 429 where that takes too long."""
        try:
            await pay(caller, 1)
        except Problem as fault:
            answer = problem_answer(document(fault.refused, self._clock.now()), fault.headers)
            await send_answer(answer, scope, send)
            return
        found = self._checked(scope)
        await (self._routes(found, receive, send) if isinstance(found, dict) else self._answered(found, scope, send))

    def _checked(self, scope: Any) -> Scope | Answer | Refused:
        """The scope to pass on, else what is to be said in place of a route's answer."""
        target = None if scope["raw_path"][:1] == b"/" else taken_apart(scope)
        return self._guard.refusal(scope, target) or normalize(scope)

    def _answered(self, found: Answer | Refused, scope: Any, send: Any) -> Awaitable[None]:
        if isinstance(found, Answer):
            return send_answer(found, scope, send)
        if scope["type"] == "websocket":
            return refuse_handshake(found, self._clock.now(), send)
        problem = document(found, self._clock.now())
        return send_answer(problem_page(problem) if wants_page(scope) else problem_answer(problem), scope, send)


def application(hub: Hub, guard: Guard) -> AccessMiddleware:
    """The ASGI application of a running hub."""
    return AccessMiddleware(router, hub, guard)
