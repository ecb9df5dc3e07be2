"""The route of an off-line queue: each update on its own, all durable before the one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from restohub.floor.commands import Operation
from restohub.floor.device_changes import OwnChange
from restohub.floor.model import Floor
from restohub.floor.outcomes import Refused
from restohub.live.clock import new_id
from restohub.live.group_commit import HOLD_S, Step
from restohub.live.history_lookup import own_changes
from restohub.live.hub import Hub
from restohub.wire.batch_answers import queue_answer
from restohub.wire.batch_inputs import ParsedEntry, applied_before, named_restaurant, read_queue
from restohub.wire.responses import Answer

from .adopted import note_changing
from .atomic_batches import command_of, read_batch_document, versions_named
from .attribution import signed
from .confirmation import people_behind
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
    hub, device = request.hub, request.device
    body = await read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).named_restaurant())
    floor_of(hub, restaurant_id)
    key = idempotency_key(request)
    items, applied = await _read_items(body), applied_before(body)
    await pay(request.caller, len(items))
    if device is None:
        note_changing(request)
    if key is not None:
        items = [
            msgspec.structs.replace(item, mutation_id=item.mutation_id or f"{key}/{index}")
            for index, item in enumerate(items)
        ]
    while True:  # as often as an earlier try of this queue is committed meanwhile: what that did has to be known first
        floor = floor_of(hub, restaurant_id)
        known = await _recall(hub, floor, items, applied)
        steps = _steps(request, floor, items, known)
        respond = partial(queue_answer, hub.present, items, known.commands, known.made, new_id())
        answering = respond if device is None else signed(respond, device)
        answer = await hub.writer.submit(restaurant_id, steps, answering, request.caller)
        if isinstance(answer, Answer):
            return answer


def _steps(request: Request, floor: Floor, items: Sequence[ParsedEntry], known: Recalled) -> list[Step]:
    """The updates as they are to be decided, each with the device and the person that it comes from."""
    device, staff = request.device, request.hub.access.staff
    persons: Sequence[str | Refused | None] = [None] * len(items)
    if staff.in_use:
        persons = people_behind(request, floor, known.commands, known.used)
    return [
        Step(
            command=person if isinstance(person, Refused) else command,
            transaction_id=new_id(),
            key=_key(item),
            own=known.own,
            used=used,
            device=device.id if device else None,
            person=None if isinstance(person, Refused) else person,
        )
        for item, command, person, used in zip(items, known.commands, persons, known.used, strict=True)
    ]


async def _read_items(body: Any) -> Sequence[ParsedEntry]:
    """The updates of a queue: a thousand wrong fields in each take long to tell, so with pauses for the others."""
    items: list[ParsedEntry] = []
    since = monotonic()
    for item in read_queue(body):
        items.append(item)
        if monotonic() - since > HOLD_S:
            await asyncio.sleep(0)
            since = monotonic()
    return items


def _key(item: ParsedEntry) -> str | None:
    return MUTATION_SPACE + item.mutation_id if item.mutation_id else None


async def _recall(hub: Hub, floor: Floor, items: Sequence[ParsedEntry], applied: Sequence[str]) -> Recalled:
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
