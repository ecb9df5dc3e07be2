"""The routes that guests and tables share: list, create, get, change, delete."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec

from restohub.floor.commands import Create, Delete, EntityKind, GuestFields, TableFields, Update
from restohub.floor.model import Floor, Guest, Table
from restohub.floor.outcomes import Fault, not_found
from restohub.limits import PAGE_MAX
from restohub.live.clock import new_id
from restohub.live.history_lookup import look_up_for_create, look_up_for_update
from restohub.live.hub import Hub
from restohub.live.list_index import Place
from restohub.wire.change_answers import created_answer, deleted_answer, entity_answer
from restohub.wire.entities import entity_out
from restohub.wire.inputs import read_guest, read_table, refuse, seen_version
from restohub.wire.problems import Problem, bad_query
from restohub.wire.responses import JSON, Answer, Sent, json_answer, revision_headers
from restohub.wire.streamed_lists import Pieces, entity_json, joined_whole

from .change_request import read_change
from .mutations import commit
from .request import Query, Request, accepted_versions, floor_of, path_entity, path_restaurant
from .streamed_responses import Headers, HeldFloor, json_list

E = TypeVar("E", Guest, Table)
Find = Callable[[Floor, Place | None], Awaitable[Iterable[E]]]


def read_fields(
    kind: str, data: Any, pointer: str = "", *, creating: bool = False
) -> tuple[str | None, GuestFields | TableFields, list[Fault]]:
    """The chosen id, the fields and the faults of a guest's or table's JSON."""
    reading = read_guest if kind == "guest" else read_table
    return reading(data, pointer, creating=creating)


async def create(request: Request, kind: EntityKind) -> Answer:
    """Make a guest or table: 201."""
    change = await read_change(request, path_restaurant(request))
    chosen, fields, faults = read_fields(kind, change.body, creating=True)
    refuse(faults)
    command = Create(kind=kind, id=chosen or new_id(), fields=fields)
    command = await look_up_for_create(request.hub.history, change.floor, command, chosen=chosen is not None)
    return await commit(change, command, partial(created_answer, request.hub.present, kind, command.id))


async def update(request: Request, kind: EntityKind) -> Answer:
    """Merge the given fields: 200."""
    entity_id = path_entity(request, kind)
    change = await read_change(request, path_restaurant(request))
    _, fields, faults = read_fields(kind, change.body)
    refuse(faults)
    command = Update(kind=kind, id=entity_id, fields=fields, if_match=accepted_versions(request))
    command = await look_up_for_update(request.hub.history, change.floor, command, seen_version(change.body))
    return await commit(change, command, partial(entity_answer, request.hub.present, kind, entity_id))


async def delete(request: Request, kind: EntityKind) -> Answer:
    """Remove: 204."""
    entity_id = path_entity(request, kind)
    change = await read_change(request, path_restaurant(request), needs_body=False)
    command = Delete(kind=kind, id=entity_id, if_match=accepted_versions(request))
    return await commit(change, command, partial(deleted_answer, request.hub.present))


async def get(request: Request, kind: EntityKind) -> Answer:
    """One guest or table as it is now."""
    hub = request.hub
    floor = floor_of(hub, path_restaurant(request))
    entity_id = path_entity(request, kind)
    entity = floor.get(kind, entity_id)
    if entity is None:
        raise Problem(not_found(kind, entity_id))
    headers = [*revision_headers(floor.revision, hub.epoch), (b"etag", b'"%d"' % entity.version)]
    return json_answer(entity_out(entity), headers=headers)


async def list_page(request: Request, query: Query, find: Find[E], wanted: Sequence[Callable[[E], bool]]) -> Sent:
    """A list by `createdAt` and id, with a cursor where there is more. The query is checked before the restaurant.

    `find` gives what comes after a place, in order.
    """
    limit = query.integer("limit", least=1, most=PAGE_MAX)
    after = _after(query.value("cursor"))

    async def found(floor: Floor) -> list[E]:
        matching = await find(floor, after)
        for condition in wanted:
            matching = filter(condition, matching)
        return list(islice(matching, None if limit is None else limit + 1))

    restaurant_id = path_restaurant(request)
    whole = await _whole_page(request.hub, floor_of(request.hub, restaurant_id), found, limit)
    if whole is not None:
        return whole
    async with HeldFloor(request, restaurant_id) as holding:
        floor = holding.snapshot.floor
        shown = await found(floor)
        headers = _cut(request.hub, floor, shown, limit)
        return holding.streamed(headers, json_list(Pieces(shown, entity_json).unmeasured()))


async def _whole_page(
    hub: Hub, floor: Floor, found: Callable[[Floor], Awaitable[list[E]]], limit: int | None
) -> Answer | None:
    """The page, None where it is too long to be made at once."""
    shown = await found(floor)
    headers: Headers = _cut(hub, floor, shown, limit)
    whole = joined_whole(shown, entity_json)
    return None if whole is None else Answer(200, [JSON, *headers], b"[" + whole + b"]")


def _cut(hub: Hub, floor: Floor, found: list[E], limit: int | None) -> Headers:
    """Take off what is more than a page; its headers, which say where the next one begins."""
    headers = revision_headers(floor.revision, hub.epoch)
    if limit is not None and len(found) > limit:
        del found[limit:]
        headers.append((b"restohub-next-cursor", urlsafe_b64encode(msgspec.json.encode(_place(found[-1])))))
    return headers


def _place(entity: Guest | Table) -> Place:
    return entity.created_at, entity.id


def _after(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        place: Place = msgspec.json.decode(urlsafe_b64decode(cursor.encode("ascii")), type=tuple[int, str])
    except (ValueError, msgspec.DecodeError):
        raise bad_query("cursor", "cursor is not one of this hub's: start again without it.") from None
    return place
