"""This file is the two batch routes: all or nothing, and an off-line queue of which each update stands alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, cast

import msgspec

from restohub.floor.commands import Create, Delete, Operation, Update
from restohub.floor.decide import Batch
from restohub.floor.nouns import Floor, Guest, Table
from restohub.floor.verdicts import BatchRefused, Outcome, Refused
from restohub.floor.weights import weight
from restohub.limits import ANSWERED_BYTES_MAX, BATCH_BYTES_MAX, SMALL_BODY_BYTES
from restohub.live.clock import new_id
from restohub.live.group import Answering, Done, Repeated, Result, Step
from restohub.live.hub import Hub
from restohub.live.recall import Images, recall_create, recall_delete, recall_update
from restohub.store.versions import Version
from restohub.wire.answers import (
    Answer,
    BatchDone,
    Did,
    GuestResult,
    QueueDone,
    TableResult,
    UpdateResult,
    change_list,
    json_answer,
    revision_headers,
)
from restohub.wire.entities import guest_out, table_out
from restohub.wire.envelopes import Item, Wanted, batch_transaction_id, named_restaurant, read_batch, read_queue
from restohub.wire.problems import Problem, batch_document, current_out, words_of
from restohub.wire.times import time_text

from .asking import (
    Query,
    Request,
    floor_of,
    idempotency_key,
    read_body,
    read_document,
    request_digest,
)
from .changing import KEY_SPACE, Asked, commit_once
from .rates import pay
from .replies import problem_answer

# To parse 1 MiB takes up to 50 ms, and what is in it is looked at for as long.
PAUSE_S = 0.001
MUTATION_SPACE = "mutation:"


async def _read_batch_document(request: Request) -> Any:
    """The JSON document of a batch; after a large one others have their turn."""
    body = await read_body(request, BATCH_BYTES_MAX)
    document = read_document(request, body)
    if len(body) > SMALL_BODY_BYTES:
        await asyncio.sleep(PAUSE_S)
    return document


async def commands_of(hub: Hub, floor: Floor, wanted: Sequence[Wanted | Refused]) -> list[Operation | Refused]:
    """The commands of these operations, each with what history knows of it: of all the versions named, at once."""
    versions = [
        Version(one.kind, one.id, revision)
        for one in wanted
        if isinstance(one, Wanted) and one.action == "update" and one.id is not None
        for revision in (one.seen_version, one.base_version)
        if revision is not None
    ]
    images = await hub.history.images(floor, versions)
    return [one if isinstance(one, Refused) else await _command_of(hub, floor, one, images) for one in wanted]


async def _command_of(hub: Hub, floor: Floor, wanted: Wanted, images: Images) -> Operation:
    """The command of one operation, with what history knows of it."""
    entity_id = wanted.id or new_id()
    match wanted.action:
        case "create":
            made = Create(kind=wanted.kind, id=entity_id, fields=wanted.fields)
            return await recall_create(hub.history, floor, made, chosen=wanted.id is not None)
        case "delete":
            gone = Delete(kind=wanted.kind, id=entity_id, base_version=wanted.base_version)
            return recall_delete(floor, gone)
        case _:
            merged = Update(kind=wanted.kind, id=entity_id, fields=wanted.fields, base_version=wanted.base_version)
            return await recall_update(hub.history, floor, merged, wanted.seen_version, images)


async def atomic_batch(request: Request) -> Answer:
    """Operations that happen together or not at all."""
    hub = request.hub
    body = await _read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).integer("restaurant_id", "restaurantId", least=1))
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


async def sync_batch(request: Request) -> Answer:
    """An off-line queue: each update on its own, all durable before the one answer."""
    hub = request.hub
    body = await _read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).integer("restaurant_id", "restaurantId", least=1))
    floor = floor_of(hub, restaurant_id)
    key = idempotency_key(request)
    items = read_queue(body)
    await pay(request.caller, len(items))
    if key is not None:
        items = tuple(
            msgspec.structs.replace(item, mutation_id=item.mutation_id or f"{key}/{index}")
            for index, item in enumerate(items)
        )
    commands = await commands_of(hub, floor, [item.wanted for item in items])
    steps = [
        Step(
            command=command,
            transaction_id=new_id(),
            key=MUTATION_SPACE + item.mutation_id if item.mutation_id else None,
        )
        for item, command in zip(items, commands, strict=True)
    ]
    ids = [step.command.id if isinstance(step.command, Create) else None for step in steps]
    answer = await hub.writer.submit(restaurant_id, steps, _answer_queue(hub, items, ids), request.caller)
    assert isinstance(answer, Answer), "a queue's answer is not kept"
    return answer


def _answer_queue(hub: Hub, items: tuple[Item, ...], ids: list[str | None]) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:
        told: list[UpdateResult] = []
        shown = 0
        for result, item, made in zip(results, items, ids, strict=True):
            if isinstance(result, Refused) and isinstance(result.current, Guest | Table):
                shown += weight(result.current)
            told.append(_update_result(result, item, made or item.entity_id, shows_current=shown <= ANSWERED_BYTES_MAX))
        failed = sum(one.status in ("conflict", "rejected") for one in told)
        body = QueueDone(
            success=failed == 0,
            processed_count=len(told) - failed,
            failed_count=failed,
            revision=floor.revision,
            timestamp=time_text(floor.time),
            results=told,
        )
        return json_answer(body, headers=revision_headers(floor.revision, hub.epoch, new_id()))

    return answering


def _update_result(result: Result, item: Item, entity_id: str | None, *, shows_current: bool) -> UpdateResult:
    match result:
        case Repeated(revision):
            # The id that was made for it now is not the one it has.
            return UpdateResult(item.mutation_id, item.entity_id, "duplicate", revision)
        case Done(entry=None):
            return UpdateResult(item.mutation_id, entity_id, "unchanged", None)
        case Done():
            return UpdateResult(item.mutation_id, entity_id, "applied", result.after.revision)
        case Refused():
            status: Literal["conflict", "rejected"] = "conflict" if result.code == "version_conflict" else "rejected"
            current = current_out(result.current, 0) if shows_current else None
            told = (*words_of(result), result.params, current)
            return UpdateResult(item.mutation_id, entity_id, status, None, result.code, *told)
        case _:
            raise AssertionError("an update is one operation")
