"""The batch route, all or nothing, and how operations become commands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from restohub.floor.commands import Create, Delete, Operation, Update
from restohub.floor.decide import Batch
from restohub.floor.model import Floor, Guest, Table
from restohub.floor.verdicts import BatchRefused, Outcome, Refused
from restohub.limits import BATCH_BYTES_MAX, SMALL_BODY_BYTES
from restohub.live.clock import new_id
from restohub.live.group_commit import Answering, Done, Result
from restohub.live.history_lookup import Images, recall_create, recall_update
from restohub.live.hub import Hub
from restohub.live.ports import Version
from restohub.wire.batch_inputs import Item, Wanted, batch_transaction_id, named_restaurant, read_batch
from restohub.wire.entities import guest_out, table_out
from restohub.wire.problems import Problem, batch_document
from restohub.wire.responses import (
    Answer,
    BatchDone,
    Did,
    GuestResult,
    TableResult,
    change_list,
    json_answer,
    revision_headers,
)
from restohub.wire.times import time_text

from .error_handlers import problem_answer
from .mutations import KEY_SPACE, Asked, commit_once
from .request import (
    Query,
    Request,
    floor_of,
    idempotency_key,
    read_body,
    read_document,
    request_digest,
)
from .request_cost import pay

# To parse 1 MiB takes up to 50 ms, and what is in it is looked at for as long.
PAUSE_S = 0.001


async def read_batch_document(request: Request) -> Any:
    """The JSON document of a batch; after a large one others have their turn."""
    body = await read_body(request, BATCH_BYTES_MAX)
    document = read_document(request, body)
    if len(body) > SMALL_BODY_BYTES:
        await asyncio.sleep(PAUSE_S)
    return document


async def commands_of(hub: Hub, floor: Floor, wanted: Sequence[Wanted | Refused]) -> list[Operation | Refused]:
    """The commands of these operations, each with what history knows of it: of all the versions named, at once."""
    images = await hub.history.images(floor, versions_named(wanted))
    return [one if isinstance(one, Refused) else await command_of(hub, floor, one, images) for one in wanted]


def versions_named(wanted: Sequence[Wanted | Refused]) -> list[Version]:
    """The versions that these operations name: what the client had seen, and what it changes."""
    return [
        Version(one.kind, one.id, revision)
        for one in wanted
        if isinstance(one, Wanted) and one.id is not None
        for revision in (one.seen_version, one.base_version)
        if revision is not None
    ]


async def command_of(hub: Hub, floor: Floor, wanted: Wanted, images: Images) -> Operation:
    """The command of one operation, with what history knows of it."""
    entity_id = wanted.id or new_id()
    match wanted.action:
        case "create":
            made = Create(kind=wanted.kind, id=entity_id, fields=wanted.fields)
            return await recall_create(hub.history, floor, made, chosen=wanted.id is not None)
        case "delete":
            return Delete(kind=wanted.kind, id=entity_id, base_version=wanted.base_version)
        case _:
            merged = Update(kind=wanted.kind, id=entity_id, fields=wanted.fields, base_version=wanted.base_version)
            return await recall_update(hub.history, floor, merged, wanted.seen_version, images)


async def atomic_batch(request: Request) -> Answer:
    """Operations that happen together or not at all."""
    hub = request.hub
    body = await read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).named_restaurant())
    floor = floor_of(hub, restaurant_id)
    chosen = batch_transaction_id(body)
    key = chosen or idempotency_key(request)
    asked = Asked(hub, request, floor, body, chosen or new_id())
    if key is not None:
        asked = msgspec.structs.replace(asked, key=KEY_SPACE + key, digest=request_digest(request, body))
    return await commit_once(asked, _make_batch, atomic=True)


async def _make_batch(asked: Asked) -> tuple[Batch, Answering]:
    items = read_batch(asked.body)
    await pay(asked.request.caller, len(items))
    return tuple(await commands_of(asked.hub, asked.floor, [item.wanted for item in items])), _answer_batch(
        asked, items
    )


def _answer_batch(asked: Asked, items: tuple[Item, ...]) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:
        result = results[0]
        if isinstance(result, BatchRefused):
            pointers = tuple(i.pointer if isinstance(i.wanted, Refused) else f"{i.pointer}/data" for i in items)
            now = asked.hub.clock.now()
            return problem_answer(batch_document(result.refusals, pointers, now, asked.transaction_id))
        if isinstance(result, Refused):
            raise Problem(result)
        assert isinstance(result, Done)
        body = BatchDone(
            success=True,
            transaction_id=asked.transaction_id,
            revision=floor.revision,
            timestamp=time_text(result.time),
            results=[_result(floor, outcome) for outcome in result.accepted.outcomes],
            changes=change_list(result.accepted.changes),
        )
        return json_answer(body, headers=revision_headers(floor.revision, asked.hub.epoch, asked.transaction_id))

    return answering


def _result(floor: Floor, outcome: Outcome) -> GuestResult | TableResult:
    entity = floor.get(outcome.kind, outcome.id)
    status = cast(Did, outcome.status)
    if outcome.kind == "guest":
        return GuestResult(outcome.id, status, guest_out(entity) if isinstance(entity, Guest) else None)
    return TableResult(outcome.id, status, table_out(entity) if isinstance(entity, Table) else None)
