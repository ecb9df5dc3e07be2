"""The application: the routes on litestar, one wrapper before them, every fault a problem document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from restohub.floor.verdicts import Refused
from restohub.limits import ANSWER_BYTES_A_UNIT
from restohub.live.address_usage import Caller
from restohub.live.hub import Hub
from restohub.live.ports import StorageFailedError, StorageUnavailableError
from restohub.wire.problems import Problem, document
from restohub.wire.responses import EVERYWHERE, Answer

from .error_handlers import (
    CALLER,
    on_client_gone,
    on_crash,
    on_failed_disk,
    on_litestar,
    on_problem,
    problem_answer,
    send_answer,
)
from .guard import Guard
from .pages import PAGES
from .problem_pages import problem_page, wants_page
from .request import ClientGoneError, Request
from .request_cost import pay
from .request_target import taken_apart
from .routes import ROUTES, Route
from .sockets import Sockets, realtime, restaurant_sync

FAULTS = {
    Problem: on_problem,
    HTTPException: on_litestar,
    ClientGoneError: on_client_gone,
    StorageFailedError: on_failed_disk,
    StorageUnavailableError: on_failed_disk,
    Exception: on_crash,
}
EVERY_ROUTE = (*ROUTES, *PAGES)
SOCKETS = (("/realtime", realtime), ("/ws/restaurant/sync", restaurant_sync))
SOCKET_PATHS = [path for path, _ in SOCKETS]


class Handler(HTTPRouteHandler):
    """litestar's own resolves the exception handlers anew for each request, though all are the application's."""

    def resolve_exception_handlers(self) -> Any:
        """What becomes of a fault."""
        return FAULTS


class OnePath:
    """Asks the guard; takes `/api` off its aliases and slashes off the end; GET for HEAD, answers OPTIONS."""

    def __init__(self, app: Any, hub: Hub, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self._callers = hub.callers
        self._clock = hub.clock

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Pass the request on, at once where its address has not used up its rate: what is refused costs as well."""
        if scope["type"] == "http":
            caller = scope.get(CALLER)
            if caller is None:
                caller = scope[CALLER] = self._callers.of(scope["client"][0] if scope["client"] else "")
            if not (caller.shared or caller.pays_at_once(1)):
                return self._in_turn(caller, scope, receive, send)
        return self._passed(scope, receive, send)

    def _passed(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Pass the request on under its one path."""
        if scope["type"] != "lifespan":
            target = None if scope["raw_path"][:1] == b"/" else taken_apart(scope)
            if (refused := self._guard.refusal(scope, target)) is not None:
                return self._turned_away(refused, scope, send)
            path = scope["path"] = one_path(scope["path"])
            method = scope.get("method")
            if method is None:
                if path not in SOCKET_PATHS:
                    return self._no_socket(path, send)
            elif method == "HEAD":  # in a copy: the transport knows by its own that no body goes out
                scope = {**scope, "method": "GET"}
            elif method == "OPTIONS" and (allowed := allowed_methods(path)):
                return send_answer(Answer(204, [(b"allow", allowed.encode())], b""), scope, send)
        passed: Awaitable[None] = self._app(scope, receive, send)
        return passed

    def _turned_away(self, refused: Refused, scope: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "websocket":
            return self._no_handshake(refused, send)
        found = document(refused, self._clock.now())
        return send_answer(problem_page(found) if wants_page(scope) else problem_answer(found), scope, send)

    async def _in_turn(self, caller: Caller, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on once its address has paid for what it asked before; 429 where that takes too long."""
        try:
            await pay(caller, 1)
        except Problem as fault:
            answer = problem_answer(document(fault.refused, self._clock.now()), fault.headers)
            await send_answer(answer, scope, send)
        else:
            await self._passed(scope, receive, send)

    def _no_socket(self, path: str, send: Any) -> Awaitable[None]:
        hint = f"There is no WebSocket at {path[:200]}. There is one at {' and one at '.join(SOCKET_PATHS)}."
        return self._no_handshake(Refused("route_not_found", hint=hint), send)

    async def _no_handshake(self, refused: Refused, send: Any) -> None:
        """A problem in the place of the handshake's answer: litestar has a bare 403 (`websocket.http.response`)."""
        answer = problem_answer(document(refused, self._clock.now()))
        headers = [*answer.headers, *EVERYWHERE]
        await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": answer.body})


def one_path(path: str) -> str:
    """The path that the routes know it by: without the `/api` of its alias, and without a slash at its end."""
    if path.startswith("/restaurants/") and path[-1] != "/":
        return path
    if path.startswith("/api/restaurants") and path[16:17] in ("", "/"):
        path = path[4:]
    path = path.rstrip("/") or "/"
    return "/health" if path == "/api/health" else path


def application(hub: Hub, sockets: Sockets, guard: Guard) -> OnePath:
    """The ASGI application of a running hub."""
    handlers: list[Any] = [
        Handler(route.path, http_method=route.method, name=route.name, middleware=[_answering(route, hub, sockets)])(
            _answered_before
        )
        for route in EVERY_ROUTE
    ]
    handlers += [WebsocketRouteHandler(path)(handler) for path, handler in SOCKETS]
    app = Litestar(
        route_handlers=handlers,
        openapi_config=None,
        logging_config=None,
        exception_handlers=cast(Any, FAULTS),
        state=State({"hub": hub, "sockets": sockets, "allowed_methods": allowed_methods}),
    )
    return OnePath(app, hub, guard)


def _answering(route: Route, hub: Hub, sockets: Sockets) -> Callable[..., Any]:
    """A middleware that answers by itself: litestar finds the route and turns faults into answers, no more.

    What a handler needs of a request it reads itself, and its Answer is ready to be sent, so that litestar's own
    reading of parameters and making of responses (a third of what a change costs) would find nothing to do.
    """

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, hub, sockets)
        answer = await route.handler(request)
        if isinstance(answer, Answer) and len(answer.body) >= ANSWER_BYTES_A_UNIT:
            request.caller.spend(len(answer.body) // ANSWER_BYTES_A_UNIT)
        await send_answer(answer, scope, send)

    return lambda app: answering  # noqa: ARG005 (the name by which litestar gives it)


async def _answered_before() -> None:
    """What litestar would call for a route, had not its middleware answered."""


def allowed_methods(path: str) -> str:
    """The methods that a path takes, as the `Allow` header has them."""
    taken = [route.method for route in EVERY_ROUTE if route.pattern.fullmatch(path)]
    return ", ".join(_with_head(taken))


def _with_head(methods: Sequence[str]) -> list[str]:
    return [*methods, "HEAD"] if "GET" in methods else list(methods)
