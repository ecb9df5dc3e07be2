"""The answers to changes: made while a group is decided, since a kept answer is a column of the commit's own row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from restohub.floor import model
from restohub.floor.outcomes import Done, Refused, Result

from .entities import entity_out, guest_out, restaurant_out, table_out
from .problems import Problem
from .responses import Answer, Seating, change_list, json_answer, revision_headers
from .times import time_text


class EpochName(Protocol):
    """The hub's epoch, whose name is read when an answer is made: another may begin while a change waits."""

    @property
    def name(self) -> str:
        """Its name."""


def single_result(results: Sequence[Result]) -> Done:
    """The one result of a single step; raises Problem where it was refused."""
    result = results[0]
    if isinstance(result, Refused):
        raise Problem(result)
    assert isinstance(result, Done)
    return result


def entity_answer(
    epoch: EpochName, kind: str, entity_id: str, results: Sequence[Result], _floor: model.Floor
) -> Answer:
    """Of a change to a guest or table: 200 with it as it is now."""
    result = single_result(results)
    entity = cast(model.Guest | model.Table, result.after.get(kind, entity_id))
    return json_answer(entity_out(entity), headers=_entity_headers(epoch, result, entity.version))


def created_answer(
    epoch: EpochName, kind: str, entity_id: str, results: Sequence[Result], floor: model.Floor
) -> Answer:
    """Of a new guest or table: 201 with it, and where it is."""
    answer = entity_answer(epoch, kind, entity_id, results, floor)
    location = f"/restaurants/{floor.restaurant_id}/{kind}s/{entity_id}"
    return Answer(201, [*answer.headers, (b"location", location.encode())], answer.body)


def deleted_answer(epoch: EpochName, results: Sequence[Result], _floor: model.Floor) -> Answer:
    """Of a delete: 204, no body."""
    result = single_result(results)
    return Answer(204, revision_headers(result.after.revision, epoch.name, result.transaction_id), b"")


def seating_answer(epoch: EpochName, guest_id: str, results: Sequence[Result], floor: model.Floor) -> Answer:
    """Of `status/atomic`: the guest, the table he has now or lost, and the older decoder's keys."""
    result = single_result(results)
    before, after = result.before.guests[guest_id], result.after.guests[guest_id]
    table, cleared = _table_after(result.after, before, after)
    changes = change_list(result.accepted.changes)
    body = Seating(
        success=True,
        transaction_id=result.transaction_id,
        revision=floor.revision,
        timestamp=time_text(result.time),
        guest=guest_out(after),
        table=table_out(table) if table else None,
        table_cleared=cleared,
        changes=changes,
        guest_id=guest_id,
        old_status=before.status,
        new_status=after.status,
        changes_count=len(changes),
        processed_at=time_text(result.time),
    )
    return json_answer(body, headers=_entity_headers(epoch, result, after.version))


def restaurant_created_answer(epoch: EpochName, results: Sequence[Result], _directory: model.Floor) -> Answer:
    """Of a new restaurant: 201 with it, and where it is."""
    result = single_result(results)
    made = result.accepted.changes[0].entity
    assert isinstance(made, model.Restaurant)
    location = (b"location", f"/restaurants/{made.id}".encode())
    return json_answer(restaurant_out(made, 0), 201, [*_restaurant_headers(epoch, result), location])


def restaurant_updated_answer(
    epoch: EpochName,
    floors: Mapping[int, model.Floor],
    restaurant_id: int,
    results: Sequence[Result],
    _directory: model.Floor,
) -> Answer:
    """Of a restaurant's changed fields: 200 with it; `floors` are the published ones."""
    result = single_result(results)
    accepted = result.accepted
    after = accepted.changes[0].entity if accepted.changes else accepted.unchanged
    assert isinstance(after, model.Restaurant)
    body = restaurant_out(after, floors[restaurant_id].revision)
    return json_answer(body, headers=_restaurant_headers(epoch, result))


def restaurant_deleted_answer(epoch: EpochName, results: Sequence[Result], _directory: model.Floor) -> Answer:
    """Of a restaurant's delete: 204, no body."""
    return Answer(204, _restaurant_headers(epoch, single_result(results)), b"")


def _entity_headers(epoch: EpochName, result: Done, version: int) -> list[tuple[bytes, bytes]]:
    """Revision, epoch and transaction of a change, and the ETag of the entity it leaves."""
    headers = revision_headers(result.after.revision, epoch.name, result.transaction_id)
    headers.append((b"etag", b'"%d"' % version))
    return headers


def _restaurant_headers(epoch: EpochName, result: Done) -> list[tuple[bytes, bytes]]:
    """A restaurant's own fields are no part of its log: its change has no revision and no version."""
    return [(b"restohub-epoch", epoch.name.encode()), (b"restohub-transaction", result.transaction_id.encode())]


def _table_after(floor: model.Floor, before: model.Guest, after: model.Guest) -> tuple[model.Table | None, bool]:
    """The table the guest has now, else the one he lost, and whether it was cleared."""
    if after.table_id is not None:
        return floor.tables[after.table_id], False
    if before.table_id is not None:
        return floor.tables[before.table_id], True
    return None, False
