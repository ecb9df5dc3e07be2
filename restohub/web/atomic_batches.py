"""The batch route, all or nothing, and how operations become commands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from restohub.floor.commands import Create, Delete, Operation, Update
from restohub.floor.model import Floor
from restohub.floor.outcomes import Refused
from restohub.limits import BATCH_BYTES_MAX, SMALL_BODY_BYTES
from restohub.live.clock import new_id
from restohub.live.history_lookup import Images, look_up_for_create, look_up_for_update
from restohub.live.hub import Hub
from restohub.live.ports import Version
from restohub.wire.batch_answers import batch_answer
from restohub.wire.batch_inputs import ParsedOperation, batch_transaction_id, named_restaurant, read_batch
from restohub.wire.responses import Answer

from .change_request import under_key
from .mutations import commit
from .request import Query, Request, floor_of, idempotency_key, read_body, read_document
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


async def commands_of(hub: Hub, floor: Floor, wanted: Sequence[ParsedOperation | Refused]) -> list[Operation | Refused]:
    """The commands of these operations, each with what history knows of it: of all the versions named, at once."""
    images = await hub.history.images(floor, versions_named(wanted))
    return [one if isinstance(one, Refused) else await command_of(hub, floor, one, images) for one in wanted]


def versions_named(wanted: Sequence[ParsedOperation | Refused]) -> list[Version]:
    """The versions that these operations name: what the client had seen, and what it changes."""
    return [
        Version(one.kind, one.id, revision)
        for one in wanted
        if isinstance(one, ParsedOperation) and one.id is not None
        for revision in (one.seen_version, one.base_version)
        if revision is not None
    ]


async def command_of(hub: Hub, floor: Floor, wanted: ParsedOperation, images: Images) -> Operation:
    """The command of one operation, with what history knows of it."""
    entity_id = wanted.id or new_id()
    accepted = None if wanted.if_match is None else (wanted.if_match,)
    match wanted.action:
        case "create":
            made = Create(kind=wanted.kind, id=entity_id, fields=wanted.fields)
            return await look_up_for_create(hub.history, floor, made, chosen=wanted.id is not None)
        case "delete":
            return Delete(kind=wanted.kind, id=entity_id, if_match=accepted, base_version=wanted.base_version)
        case _:
            merged = Update(
                kind=wanted.kind, id=entity_id, fields=wanted.fields, if_match=accepted,
                base_version=wanted.base_version,
            )  # fmt: skip
            return await look_up_for_update(hub.history, floor, merged, wanted.seen_version, images)


async def atomic_batch(request: Request) -> Answer:
    """Operations that happen together or not at all."""
    hub = request.hub
    body = await read_batch_document(request)
    restaurant_id = named_restaurant(body, Query(request).named_restaurant())
    floor = floor_of(hub, restaurant_id)
    chosen = batch_transaction_id(body)
    change = await under_key(request, floor, body, chosen or new_id(), chosen or idempotency_key(request))
    items = read_batch(body)
    await pay(request.caller, len(items))
    command = tuple(await commands_of(hub, floor, [item.wanted for item in items]))
    respond = partial(batch_answer, hub.present, hub.clock.now, items, change.transaction_id)
    return await commit(change, command, respond, atomic=True)
