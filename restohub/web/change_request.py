"""A change request: its restaurant, its body, and its key, which may have an answer already."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from restohub.floor.model import DIRECTORY_ID, Floor
from restohub.live.clock import new_id
from restohub.live.hub import Hub
from restohub.live.ports import KeptAnswer
from restohub.wire.problems import problem
from restohub.wire.responses import Answer, unpacked

from .request import Request, floor_of, idempotency_key, read_body, read_document, request_digest

KEY_SPACE = "key:"
REPLAYED = (b"idempotency-replayed", b"true")


class ChangeRequest(Struct, frozen=True):
    """A change that was asked for: where, with which body (None: none came), and under which key."""

    hub: Hub
    request: Request
    floor: Floor
    body: Any
    transaction_id: str
    key: str | None = None
    digest: bytes | None = None


class AnsweredBefore(Exception):
    """Raised where a request's key was used before: it gets the answer that it got then, whatever is there now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


async def read_change(request: Request, restaurant_id: int, *, needs_body: bool = True) -> ChangeRequest:
    """What is asked for, in a restaurant or of the restaurants themselves; raises Problem and AnsweredBefore."""
    raw = await read_body(request)
    body = read_document(request, raw) if needs_body or (raw and request.scope["method"] != "DELETE") else None
    of_restaurants = restaurant_id == DIRECTORY_ID
    floor = Floor(restaurant_id=DIRECTORY_ID) if of_restaurants else floor_of(request.hub, restaurant_id)
    return await under_key(request, floor, body, new_id(), idempotency_key(request))


async def under_key(request: Request, floor: Floor, body: Any, transaction_id: str, key: str | None) -> ChangeRequest:
    """A change under the key that its client gave it, if any; raises AnsweredBefore where that was used before."""
    hub = request.hub
    if key is None:
        return ChangeRequest(hub, request, floor, body, transaction_id)
    key = KEY_SPACE + key
    change = ChangeRequest(hub, request, floor, body, transaction_id, key, request_digest(request, body))
    used = hub.writer.keys.revision(floor.restaurant_id, key)
    kept = None if used is None else await hub.history.kept_answer(floor.restaurant_id, used)
    if kept is not None:
        raise AnsweredBefore(first_answer(change, kept))
    return change


def first_answer(change: ChangeRequest, kept: KeptAnswer) -> Answer:
    """The first answer to this key; raises Problem `idempotency_key_reused` where there is none to give again."""
    if kept.digest != change.digest or kept.answer is None:
        raise problem("idempotency_key_reused")
    answer = unpacked(kept.answer)
    if answer is None:
        detail = "This key was used before, with another version of the hub, whose answer cannot be read any more."
        raise problem("idempotency_key_reused", f"{detail} The change was made then; see what is there now.")
    return msgspec.structs.replace(answer, headers=[*answer.headers, REPLAYED])
