"""The routes on litestar, and the one normal form of each path.

A route answers in a middleware of its own, in front of the handler that litestar would call. What a handler needs of a
request it reads itself, and its Answer is ready to be sent, so that litestar's reading of parameters and making of
responses (a third of what a change costs) would find nothing to do. litestar documents another form, a handler that
returns an ASGI application: that costs 9 % of the changes a second, this one nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from restohub.floor.outcomes import Refused
from restohub.limits import ANSWER_BYTES_A_UNIT
from restohub.live.hub import Hub
from restohub.live.ports import StorageFailedError, StorageUnavailableError
from restohub.wire.error_codes import UPGRADE
from restohub.wire.problems import Problem, problem
from restohub.wire.responses import Answer

from .change_request import AnsweredBefore
from .confirmation import check_confirmed
from .error_handlers import (
    HUB,
    Reply,
    on_client_gone,
    on_crash,
    on_failed_disk,
    on_problem,
    send_answer,
)
from .pages import PAGES
from .policy import check_token
from .request import ClientGoneError, Request
from .route import Route
from .routes import ROUTES
from .sockets import realtime, restaurant_sync

Scope = dict[str, Any]

EVERY_ROUTE = (*ROUTES, *PAGES)
SOCKETS = (("/realtime", realtime), ("/ws/restaurant/sync", restaurant_sync))
SOCKET_PATHS = [path for path, _ in SOCKETS]
CODE_OF_STATUS = {400: "invalid_query", 413: "body_too_large", 415: "unsupported_media_type"}


def on_litestar(request: LitestarRequest[Any, Any, Any], fault: HTTPException) -> Reply:
    """What litestar itself refuses: unknown routes, methods, paths."""
    path = request.scope["path"]
    match fault:
        case NotFoundException():
            return on_problem(request, problem("route_not_found", f"There is no {path[:200]} here. /docs lists all."))
        case MethodNotAllowedException():
            allowed = allowed_methods(path)
            method = request.scope["method"]
            if not allowed and method == "GET":
                hint = f"{path} is a WebSocket: connect to it with ws://, not with http://."
                return on_problem(request, Problem(Refused("upgrade_required", hint=hint), headers=UPGRADE))
            allowed = allowed or "GET"  # a WebSocket's handshake
            hint = f"{path[:200]} does not take {method}. It takes {allowed}."
            return on_problem(request, problem("method_not_allowed", hint, Allow=allowed))
        case _ if fault.status_code in CODE_OF_STATUS:
            return on_problem(request, problem(CODE_OF_STATUS[fault.status_code], str(fault.detail)))
        case _:
            return on_crash(request, fault)


FAULTS = {
    Problem: on_problem,
    HTTPException: on_litestar,
    ClientGoneError: on_client_gone,
    StorageFailedError: on_failed_disk,
    StorageUnavailableError: on_failed_disk,
    Exception: on_crash,
}


class RouteHandler(HTTPRouteHandler):
    """litestar's own class resolves the exception handlers for each request, though all are the application's."""

    def resolve_exception_handlers(self) -> Any:
        """What becomes of a fault."""
        return FAULTS


def _answering(route: Route) -> Callable[..., Any]:
    """The middleware that answers a route."""
    need, always, grave = route.needs, route.even_open, route.grave
    asks = need != "anyone"

    async def answer_route(scope: Any, receive: Any, send: Any) -> None:
        hub: Hub = scope[HUB]
        request, access = Request(scope, receive, hub), hub.access
        try:
            if asks and (access.closed or always):
                check_token(request, need)
            if grave and access.staff.asks:
                check_confirmed(request)
            answer = await route.handler(request)
        except AnsweredBefore as before:
            answer = before.answer
        if isinstance(answer, Answer) and len(answer.body) >= ANSWER_BYTES_A_UNIT:
            request.caller.spend(len(answer.body) // ANSWER_BYTES_A_UNIT)
        await send_answer(answer, scope, send)

    return lambda app: answer_route  # noqa: ARG005 (the name by which litestar gives it)


async def _never_called() -> None:
    """What litestar would call for a route, had not its middleware answered."""


# Every route and both sockets, made once: the hub comes with each request.
router = Litestar(
    route_handlers=[
        *(
            RouteHandler(one.path, http_method=one.method, name=one.name, middleware=[_answering(one)])(_never_called)
            for one in EVERY_ROUTE
        ),
        *(WebsocketRouteHandler(path)(handler) for path, handler in SOCKETS),
    ],
    openapi_config=None,
    logging_config=None,
    exception_handlers=cast(Any, FAULTS),
)


def normalize(scope: Scope) -> Scope | Answer | Refused:
    """The scope of a request or a socket under the one form of its path, as a GET where it is a HEAD.

    Else the answer to OPTIONS, or why there is no socket here.
    """
    path = scope["path"] = normal_path(scope["path"])
    method = scope.get("method")
    if method is None:
        if path not in SOCKET_PATHS:
            hint = f"There is no WebSocket at {path[:200]}. There is one at {' and one at '.join(SOCKET_PATHS)}."
            return Refused("route_not_found", hint=hint)
    elif method == "HEAD":  # in a copy: the transport knows by its own that no body goes out
        return {**scope, "method": "GET"}
    elif method == "OPTIONS" and (allowed := allowed_methods(path)):
        return Answer(204, [(b"allow", allowed.encode())], b"")
    return scope


def normal_path(path: str) -> str:
    """The path that the routes know it by: without the `/api` of its alias, and without a slash at its end."""
    if path.startswith("/restaurants/") and path[-1] != "/":
        return path
    if path.startswith("/api/restaurants") and path[16:17] in ("", "/"):
        path = path[4:]
    path = path.rstrip("/") or "/"
    return "/health" if path == "/api/health" else path


def allowed_methods(path: str) -> str:
    """The methods that a path takes, as the `Allow` header has them."""
    taken = [route.method for route in EVERY_ROUTE if route.pattern.fullmatch(path)]
    return ", ".join(_with_head(taken))


def _with_head(methods: Sequence[str]) -> list[str]:
    return [*methods, "HEAD"] if "GET" in methods else list(methods)
