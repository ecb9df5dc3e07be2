"""Error handlers: how an answer is sent, and which answer an exception becomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, cast

from litestar import Request

from restohub.floor.outcomes import Refused
from restohub.limits import ANSWER_WAIT_S
from restohub.live.hub import Hub
from restohub.wire.problems import Problem, document, problem, refusal
from restohub.wire.responses import EVERYWHERE, Answer, Sent, policy_of, problem_answer, sent_headers

from .problem_pages import problem_page, wants_page

log = logging.getLogger("restohub.web")

# The hub's own transport answers in one call. Without it (h11 on Windows, the sample hub) it takes ASGI's two.
WHOLE_ANSWER = "restohub.answer"
# And who asks, by the scope itself; without it the address is looked up.
CALLER = "restohub.caller"
# The hub that answers, in the scope too: the routes are made before there is one.
HUB = "restohub.hub"
NOTHING: dict[str, Any] = {}


def send_answer(answer: Sent, scope: Any, send: Any) -> Awaitable[None]:
    """Send an answer: what is to be awaited for it."""
    whole = scope.get("extensions", NOTHING).get(WHOLE_ANSWER)
    sending: Awaitable[None] = _in_parts(answer, send) if whole is None else whole(answer)
    return sending


async def _in_parts(answer: Sent, send: Any) -> None:
    headers = [*policy_of(answer), *sent_headers(answer)]
    if isinstance(answer, Answer):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            for piece in answer.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
    finally:
        answer.release()


async def refuse_handshake(refused: Refused, now: int, send: Any) -> None:
    """A problem in the place of the handshake's answer: litestar has a bare 403 (`websocket.http.response`)."""
    answer = problem_answer(document(refused, now))
    headers = [*answer.headers, *EVERYWHERE]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


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
    hub: Hub = cast(Any, request.scope)[HUB]
    return hub


def on_problem(request: Request[Any, Any, Any], fault: Problem) -> Reply:
    """A refusal of our own."""
    hub = hub_of(request)
    floor = hub.writer.floors.get(int(getattr(fault.refused.current, "id", 0) or 0)) if _is_restaurant(fault) else None
    found = document(fault.refused, hub.clock.now(), floor_revision=floor.revision if floor else 0)
    return Reply(problem_page(found) if wants_page(request.scope) else problem_answer(found, fault.headers))


def _is_restaurant(fault: Problem) -> bool:
    return fault.refused.code in ("restaurant_not_empty", "restaurant_name_differs")


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
