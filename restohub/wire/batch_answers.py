"""The answers to batches and off-line queues, made while their group is decided, like those to every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, cast

from restohub.floor.commands import Create, Operation
from restohub.floor.memory_size import weight
from restohub.floor.model import Floor, Guest, Table
from restohub.floor.outcomes import BatchRefused, Done, Outcome, Refused, Repeated, Result
from restohub.limits import ANSWERED_BYTES_MAX

from .batch_inputs import ParsedEntry
from .change_answers import EpochName, single_result
from .entities import guest_out, table_out
from .problems import batch_document, current_out, words_of
from .responses import (
    Answer,
    BatchDone,
    Did,
    GuestResult,
    QueueDone,
    TableResult,
    UpdateResult,
    change_list,
    json_answer,
    problem_answer,
    revision_headers,
)
from .times import time_text


def batch_answer(
    epoch: EpochName,
    now: Callable[[], int],
    items: Sequence[ParsedEntry],
    transaction_id: str,
    results: Sequence[Result],
    floor: Floor,
) -> Answer:
    """Of a batch: what each operation did, else every fault of any; `now` gives the hub's time."""
    refused = results[0]
    if isinstance(refused, BatchRefused):
        pointers = tuple(i.pointer if isinstance(i.wanted, Refused) else f"{i.pointer}/data" for i in items)
        return problem_answer(batch_document(refused.refusals, pointers, now(), transaction_id))
    result = single_result(results)
    body = BatchDone(
        success=True,
        transaction_id=transaction_id,
        revision=floor.revision,
        timestamp=time_text(result.time),
        results=[_result(floor, outcome) for outcome in result.accepted.outcomes],
        changes=change_list(result.accepted.changes),
    )
    return json_answer(body, headers=revision_headers(floor.revision, epoch.name, transaction_id))


def _result(floor: Floor, outcome: Outcome) -> GuestResult | TableResult:
    entity = floor.get(outcome.kind, outcome.id)
    status = cast(Did, outcome.status)
    if outcome.kind == "guest":
        return GuestResult(outcome.id, status, guest_out(entity) if isinstance(entity, Guest) else None)
    return TableResult(outcome.id, status, table_out(entity) if isinstance(entity, Table) else None)


def queue_answer(
    epoch: EpochName,
    items: Sequence[ParsedEntry],
    commands: Sequence[Operation | Refused],
    created: Mapping[int, str],
    transaction_id: str,
    results: Sequence[Result],
    floor: Floor,
) -> Answer:
    """Of an off-line queue: what became of each update. `created`: ids that earlier tries made, by revision."""
    updates: list[UpdateResult] = []
    shown = 0
    ids = dict(created)
    for result, item, command in zip(results, items, commands, strict=True):
        entity_id = _entity_id(result, item, command, ids)
        if isinstance(result, Refused) and isinstance(result.current, Guest | Table):
            shown += weight(result.current)
        updates.append(_update_result(result, item, entity_id, shows_current=shown <= ANSWERED_BYTES_MAX))
    failed = sum(one.status in ("conflict", "rejected") for one in updates)
    body = QueueDone(
        success=failed == 0,
        processed_count=len(updates) - failed,
        failed_count=failed,
        revision=floor.revision,
        timestamp=time_text(floor.time),
        results=updates,
    )
    return json_answer(body, headers=revision_headers(floor.revision, epoch.name, transaction_id))


def _entity_id(result: Result, item: ParsedEntry, command: Operation | Refused, ids: dict[int, str]) -> str | None:
    """Whom an update is about. `ids` has those that were made by revision: a repeat has that of its first try."""
    if isinstance(result, Repeated):
        return item.entity_id or ids.get(result.revision)
    if not isinstance(command, Create):
        return item.entity_id
    if isinstance(result, Done):
        ids[result.after.revision] = command.id
    return command.id


def _update_result(result: Result, item: ParsedEntry, entity_id: str | None, *, shows_current: bool) -> UpdateResult:
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
