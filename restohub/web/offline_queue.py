"""The route of an off-line queue: each update on its own, all durable before the one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any, Literal

import msgspec
from msgspec import Struct

from restohub.floor.commands import Create, Operation
from restohub.floor.memory_size import weight
from restohub.floor.model import Floor, Guest, Table
from restohub.floor.own_changes import OwnChange
from restohub.floor.verdicts import Refused
from restohub.limits import ANSWERED_BYTES_MAX
from restohub.live.clock import new_id
from restohub.live.group_commit import HOLD_S, Answering, Done, Repeated, Result, Step
from restohub.live.history_lookup import own_changes
from restohub.live.hub import Hub
from restohub.wire.batch_inputs import Item, applied_before, named_restaurant, read_queue
from restohub.wire.problems import current_out, words_of
from restohub.wire.responses import Answer, QueueDone, UpdateResult, json_answer, revision_headers
from restohub.wire.times import time_text

from .batches import command_of, read_batch_document, versions_named
from .request import Query, Request, floor_of, idempotency_key
from .request_cost import pay

MUTATION_SPACE = "mutation:"


class Recalled(Struct, frozen=True):
    """What history knows of a queue: its commands, and the revision that each update was committed with before.

    Of those commits: `made` has the ids they gave by revision, `own` what they changed of whom the queue names.
    """

    commands: list[Operation | Refused]
    used: list[int | None]
    made: dict[int, str]
    own: list[OwnChange]


async def sync_batch(request: Request) -> Answer:
    """An off-line queue: each update on its own, all durable before the one answer."""
    hub = request.hub
    body = await read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).named_restaurant())
    floor_of(hub, restaurant_id)
    key = idempotency_key(request)
    items, applied = await _read_items(body), applied_before(body)
    await pay(request.caller, len(items))
    if key is not None:
        items = [
            msgspec.structs.replace(item, mutation_id=item.mutation_id or f"{key}/{index}")
            for index, item in enumerate(items)
        ]
    while True:  # as often as an earlier try of this queue is committed meanwhile: what that did has to be known first
        known = await _recall(hub, floor_of(hub, restaurant_id), items, applied)
        steps = [
            Step(command=command, transaction_id=new_id(), key=_key(item), own=known.own, used=used)
            for item, command, used in zip(items, known.commands, known.used, strict=True)
        ]
        answer = await hub.writer.submit(restaurant_id, steps, _answer_queue(hub, items, known), request.caller)
        if isinstance(answer, Answer):
            return answer


async def _read_items(body: Any) -> Sequence[Item]:
    """The updates of a queue: a thousand wrong fields in each take long to tell, so with pauses for the others."""
    items: list[Item] = []
    since = monotonic()
    for item in read_queue(body):
        items.append(item)
        if monotonic() - since > HOLD_S:
            await asyncio.sleep(0)
            since = monotonic()
    return items


def _key(item: Item) -> str | None:
    return MUTATION_SPACE + item.mutation_id if item.mutation_id else None


async def _recall(hub: Hub, floor: Floor, items: Sequence[Item], applied: Sequence[str]) -> Recalled:
    """What history knows of a queue, and of what its device did before: by the ids that it repeats or names."""
    revision = partial(hub.writer.keys.revision, floor.restaurant_id)
    used = [revision(key) if (key := _key(item)) else None for item in items]
    earlier = [revision(MUTATION_SPACE + mutation_id) for mutation_id in applied]
    own = frozenset(at for at in (*used, *earlier) if at is not None)
    nameless = [at for at, item in zip(used, items, strict=True) if at is not None and item.entity_id is None]
    wanted = [item.wanted for item in items]
    images = await hub.history.images(floor, versions_named(wanted), own)
    return Recalled(
        commands=[one if isinstance(one, Refused) else await command_of(hub, floor, one, images) for one in wanted],
        used=used,
        made=await hub.history.made(floor.restaurant_id, nameless),
        own=own_changes(images, own),
    )


def _answer_queue(hub: Hub, items: Sequence[Item], known: Recalled) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:
        told: list[UpdateResult] = []
        shown = 0
        made = dict(known.made)
        for result, item, command in zip(results, items, known.commands, strict=True):
            entity_id = _entity_id(result, item, command, made)
            if isinstance(result, Refused) and isinstance(result.current, Guest | Table):
                shown += weight(result.current)
            told.append(_update_result(result, item, entity_id, shows_current=shown <= ANSWERED_BYTES_MAX))
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


def _entity_id(result: Result, item: Item, command: Operation | Refused, made: dict[int, str]) -> str | None:
    """Whom an update is about. `made` has the ids that were made by revision: a repeat has that of its first try."""
    if isinstance(result, Repeated):
        return item.entity_id or made.get(result.revision)
    if not isinstance(command, Create):
        return item.entity_id
    if isinstance(result, Done):
        made[result.after.revision] = command.id
    return command.id


def _update_result(result: Result, item: Item, entity_id: str | None, *, shows_current: bool) -> UpdateResult:
    match result:
        case Repeated(revision):
            return UpdateResult(item.mutation_id, entity_id, "duplicate", revision)
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
