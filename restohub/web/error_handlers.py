"""How an answer leaves, and what becomes of a fault."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from restohub.floor.verdicts import Refused
from restohub.limits import ANSWER_WAIT_S
from restohub.live.hub import Hub
from restohub.wire.error_codes import UPGRADE
from restohub.wire.problems import Problem, document, problem, refusal
from restohub.wire.responses import Answer, Sent, problem_answer, sent_headers

from .problem_pages import problem_page, wants_page

log = logging.getLogger("restohub.web")

# What the hub's own transport offers: an answer in one call. Without it (h11 on Windows, the rehearsal): ASGI's two.
WHOLE_ANSWER = "restohub.answer"
# And who asks, by the scope itself; without it the address is looked up.
CALLER = "restohub.caller"
NOTHING: dict[str, Any] = {}
CODE_OF_STATUS = {400: "invalid_query", 413: "body_too_large", 415: "unsupported_media_type"}


def send_answer(answer: Sent, scope: Any, send: Any) -> Awaitable[None]:
    """Send an answer: what is to be awaited for it."""
    whole = scope.get("extensions", NOTHING).get(WHOLE_ANSWER)
    sending: Awaitable[None] = _in_parts(answer, send) if whole is None else whole(answer)
    return sending


async def _in_parts(answer: Sent, send: Any) -> None:
    if isinstance(answer, Answer):
        await send({"type": "http.response.start", "status": answer.status, "headers": sent_headers(answer)})
        await send({"type": "http.response.body", "body": answer.body})
        return
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            await send({"type": "http.response.start", "status": answer.status, "headers": sent_headers(answer)})
            for piece in answer.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
    finally:
        answer.release()


class Reply:
    """A whole answer as litestar wants it of an exception handler: an ASGI application."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 (ASGI's own signature)
        """Send it."""
        await send_answer(self._answer, scope, send)

    def to_asgi_response(self, **_: Any) -> Reply:
        """What litestar asks of an exception handler's answer."""
        return self


def hub_of(request: Request[Any, Any, Any]) -> Hub:
    """The hub that answers this request."""
    hub: Hub = request.app.state.hub
    return hub


def on_problem(request: Request[Any, Any, Any], fault: Problem) -> Reply:
    """A refusal of our own."""
    hub = hub_of(request)
    floor = hub.writer.floors.get(int(getattr(fault.refused.current, "id", 0) or 0)) if _is_restaurant(fault) else None
    found = document(fault.refused, hub.clock.now(), floor_revision=floor.revision if floor else 0)
    return Reply(problem_page(found) if wants_page(request.scope) else problem_answer(found, fault.headers))


def _is_restaurant(fault: Problem) -> bool:
    return fault.refused.code in ("restaurant_not_empty", "restaurant_name_differs")


def on_litestar(request: Request[Any, Any, Any], fault: HTTPException) -> Reply:
    """What litestar itself refuses: unknown routes, methods, paths."""
    path = request.scope["path"]
    match fault:
        case NotFoundException():
            return on_problem(request, problem("route_not_found", f"There is no {path[:200]} here. /docs lists all."))
        case MethodNotAllowedException():
            allowed = request.app.state.allowed_methods(path)
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


def on_client_gone(request: Request[Any, Any, Any], fault: Exception) -> Reply:  # noqa: ARG001 (litestar's own form)
    """The client hung up in the middle of its request: nothing was done, and nobody hears this."""
    return Reply(Answer(400, [], b""))


def on_failed_disk(request: Request[Any, Any, Any], fault: Exception) -> Reply:  # noqa: ARG001 (litestar's own form)
    """The past could not be read; where the disk can no longer be trusted, the hub stops as well."""
    return on_problem(request, refusal("storage_unavailable", "The hub's disk could not be read. Nothing was changed."))


def on_crash(request: Request[Any, Any, Any], fault: Exception) -> Reply:
    """A mistake of the hub: the log has the trace, the client a sentence."""
    log.error("A request failed by a fault of the hub: %s", request.scope["method"], exc_info=fault)
    return on_problem(request, problem("internal_error"))
