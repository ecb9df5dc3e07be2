"""This file is the application: the routes on litestar, one wrapper before them, every fault a problem document."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from restohub.floor.verdicts import Refused
from restohub.live.clock import Clock
from restohub.live.hub import Hub
from restohub.store.faults import StorageFailedError, StorageUnavailableError
from restohub.wire.answers import Answer
from restohub.wire.problems import Problem, document

from .asking import ClientGoneError, Request
from .asyncapi import asyncapi
from .fixtures import fixtures
from .openapi import openapi
from .realtime import Sockets, realtime, restaurant_sync
from .reference.served import PAGES
from .replies import on_client_gone, on_crash, on_failed_disk, on_litestar, on_problem, problem_answer, send_answer
from .routes import ROUTES, Route

FAULTS = {
    Problem: on_problem,
    HTTPException: on_litestar,
    ClientGoneError: on_client_gone,
    StorageFailedError: on_failed_disk,
    StorageUnavailableError: on_failed_disk,
    Exception: on_crash,
}
DOCUMENTS = (
    Route(
        method="GET", path="/schema/openapi.json", name="openapi", handler=openapi, group="hub",
        says="The OpenAPI document.", answers={200: dict},
    ),
    Route(
        method="GET", path="/schema/asyncapi.json", name="asyncapi", handler=asyncapi, group="hub",
        says="The AsyncAPI document.", answers={200: dict},
    ),
    Route(
        method="GET", path="/docs/fixtures.zip", name="fixtures", handler=fixtures, group="hub",
        says="The golden files.", answers={200: None},
    ),
)  # fmt: skip
EVERY_ROUTE = (*ROUTES, *PAGES, *DOCUMENTS)
SOCKETS = (("/realtime", realtime), ("/ws/restaurant/sync", restaurant_sync))
SOCKET_PATHS = [path for path, _ in SOCKETS]


class OnePath:
    """Takes `/api` off its aliases and slashes off the end; asks GET for HEAD, answers OPTIONS."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Pass the request on under its one path."""
        if scope["type"] != "lifespan":
            path = scope["path"]
            if path.startswith("/api/restaurants") and path[16:17] in ("", "/"):
                path = path[4:]
            path = path.rstrip("/") or "/"
            path = "/health" if path == "/api/health" else path
            scope["path"] = path
            if scope.get("method") == "HEAD":  # in a copy: the transport knows by its own that no body goes out
                scope = {**scope, "method": "GET"}
            if scope.get("method") == "OPTIONS" and (allowed := allowed_methods(path)):
                return send_answer(Answer(204, [(b"allow", allowed.encode())], b""), scope, send)
            if scope["type"] == "websocket" and path not in SOCKET_PATHS:
                return self._no_socket(path, send)
        passed: Awaitable[None] = self._app(scope, receive, send)
        return passed

    async def _no_socket(self, path: str, send: Any) -> None:
        """404 in the place of the handshake's answer, where litestar has a bare 403 (`websocket.http.response`)."""
        detail = f"There is no WebSocket at {path[:200]}. There is one at {' and one at '.join(SOCKET_PATHS)}."
        answer = problem_answer(document(Refused("route_not_found", detail), self._clock.now()))
        headers = [*answer.headers, (b"cache-control", b"no-store")]
        await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": answer.body})


def application(hub: Hub, sockets: Sockets) -> OnePath:
    """The ASGI application of a running hub."""
    handlers: list[Any] = [
        HTTPRouteHandler(
            route.path, http_method=route.method, name=route.name, middleware=[_answering(route, hub, sockets)]
        )(_answered_before)
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
    return OnePath(app, hub.clock)


def _answering(route: Route, hub: Hub, sockets: Sockets) -> Callable[..., Any]:
    """A middleware that answers by itself: litestar finds the route and turns faults into answers, no more.

    What a handler needs of a request it reads itself, and its Answer is ready to be sent, so that litestar's own
    reading of parameters and making of responses (a third of what a change costs) would find nothing to do.
    """

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        await send_answer(await route.handler(Request(scope, receive, hub, sockets)), scope, send)

    return lambda app: answering  # noqa: ARG005 (the name by which litestar gives it)


async def _answered_before() -> None:
    """What litestar would call for a route, had not its middleware answered."""


def allowed_methods(path: str) -> str:
    """The methods that a path takes, as the `Allow` header has them."""
    taken = [route.method for route in EVERY_ROUTE if _pattern(route.path).fullmatch(path)]
    return ", ".join(_with_head(taken))


def _with_head(methods: Sequence[str]) -> list[str]:
    return [*methods, "HEAD"] if "GET" in methods else list(methods)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+:str\}", "[^/]+", path))
