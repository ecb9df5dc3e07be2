"""The way of every change: key, command, commit, answer; a repeated one gets its first answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from restohub.floor.model import DIRECTORY_ID, Floor, Guest, Table
from restohub.floor.verdicts import Refused
from restohub.live.clock import new_id
from restohub.live.group_commit import Answering, Command, Done, Repeated, Result, Step
from restohub.live.hub import Hub
from restohub.live.ports import KeptAnswer
from restohub.wire.entities import entity_out
from restohub.wire.problems import Problem, problem, refusal
from restohub.wire.responses import Answer, json_answer, revision_headers, unpacked

from .request import Request, floor_of, idempotency_key, read_body, read_document, request_digest

KEY_SPACE = "key:"
REPLAYED = (b"idempotency-replayed", b"true")


class Asked(Struct, frozen=True):
    """A change that was asked for: where, with which body (None: none came), and under which key."""

    hub: Hub
    request: Request
    floor: Floor
    body: Any
    transaction_id: str
    key: str | None = None
    digest: bytes | None = None


Making = Callable[[Asked], Awaitable[tuple[Command, Answering]]]


async def change(
    request: Request, restaurant_id: int, making: Making, *, atomic: bool = False, needs_body: bool = True
) -> Answer:
    """Read the request, have `making` say the command and the answer, commit, answer."""
    hub = request.hub
    raw = await read_body(request)
    body = read_document(request, raw) if needs_body or (raw and request.scope["method"] != "DELETE") else None
    floor = Floor(restaurant_id=DIRECTORY_ID) if restaurant_id == DIRECTORY_ID else floor_of(hub, restaurant_id)
    key = idempotency_key(request)
    asked = Asked(hub, request, floor, body, new_id())
    if key is not None:
        asked = msgspec.structs.replace(asked, key=KEY_SPACE + key, digest=request_digest(request, body))
    return await commit_once(asked, making, atomic=atomic)


async def commit_once(asked: Asked, making: Making, *, atomic: bool) -> Answer:
    """Commit what is asked, or answer as before where its key was used before."""
    restaurant_id = asked.floor.restaurant_id
    used = asked.hub.writer.keys.revision(restaurant_id, asked.key) if asked.key else None
    kept = None if used is None else await asked.hub.history.kept_answer(restaurant_id, used)
    if kept is not None:
        return _replay(asked, kept)
    command, answering = await making(asked)
    step = Step(command=command, transaction_id=asked.transaction_id, atomic=atomic, key=asked.key, digest=asked.digest)
    answer = await asked.hub.writer.submit(restaurant_id, [step], answering, asked.request.caller)
    if not isinstance(answer, Repeated):
        return answer
    kept = await asked.hub.history.kept_answer(restaurant_id, answer.revision)
    if kept is None:
        raise refusal("busy")  # the key ended at this very moment
    return _replay(asked, kept)


def _replay(asked: Asked, kept: KeptAnswer) -> Answer:
    """The first answer to this key; raises Problem `idempotency_key_reused` where there is none to give again."""
    if kept.digest != asked.digest or kept.answer is None:
        raise problem("idempotency_key_reused")
    answer = unpacked(kept.answer)
    if answer is None:
        detail = "This key was used before, with another version of the hub, whose answer cannot be read any more."
        raise problem("idempotency_key_reused", f"{detail} The change was made then; see what is there now.")
    return msgspec.structs.replace(answer, headers=[*answer.headers, REPLAYED])


def done(results: Sequence[Result]) -> Done:
    """The one result of a single step; raises Problem where it was refused."""
    result = results[0]
    if isinstance(result, Refused):
        raise Problem(result)
    assert isinstance(result, Done)
    return result


def entity_headers(hub: Hub, result: Done, version: int | None) -> list[tuple[bytes, bytes]]:
    """Revision, epoch and transaction of a change, and the ETag of the entity it leaves."""
    headers = revision_headers(result.after.revision, hub.epoch, result.transaction_id)
    if version is not None:
        headers.append((b"etag", b'"%d"' % version))
    return headers


def answer_entity(hub: Hub, kind: str, entity_id: str, *, created: bool = False) -> Answering:
    """The answer of a change to one entity: 200 or 201 with the entity as it is now."""

    def answering(results: Sequence[Result], floor: Floor) -> Answer:
        result = done(results)
        entity = cast(Guest | Table, result.after.get(kind, entity_id))
        headers = entity_headers(hub, result, entity.version)
        if created:
            location = f"/restaurants/{floor.restaurant_id}/{kind}s/{entity_id}"
            headers.append((b"location", location.encode()))
        return json_answer(entity_out(entity), 201 if created else 200, headers)

    return answering


def answer_deleted(hub: Hub) -> Answering:
    """The answer of a delete: 204, no body."""

    def answering(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
        return Answer(204, entity_headers(hub, done(results), None), b"")

    return answering
