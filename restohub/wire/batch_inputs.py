"""The input of the two batch routes, in both forms of the app, with every fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from restohub.floor.commands import EntityKind, GuestFields, TableFields
from restohub.floor.outcomes import Fault, Refused, quoted
from restohub.limits import APPLIED_IDS_MAX, FAULTS_MAX, OPERATIONS_MAX

from .field_names import Spelling, spelling
from .inputs import ID, INTEGER_MAX, checked_key, malformed, read_guest, read_table, refuse, seen_version

ACTIONS = ("create", "update", "delete")

# A `restaurantId` is ignored here because `named_restaurant` reads it, wherever it stands.
BATCH = spelling(("transactionId", "restaurantId", "operations", "guests", "tables"), {}, ("timestamp", "metadata"))
OPERATION = spelling(("entityType", "action", "entityId", "data", "ifMatch"), {}, ("timestamp", "restaurantId"))
OLDER_OPERATION = spelling(("id", "operation", "data", "ifMatch"), {}, ("timestamp", "restaurantId"))
QUEUE = spelling(("updates", "restaurantId", "appliedMutationIds"), {}, ("timestamp", "metadata"))
QUEUED = spelling(
    ("entityType", "entityId", "action", "data", "mutationId", "baseVersion"), {}, ("timestamp", "restaurantId")
)


class ParsedOperation(Struct, frozen=True, kw_only=True):
    """One operation that can be read; a create's `id` is None where the hub is to choose it.

    `if_match` is the version that the entity must have had before the batch, None where any is accepted.
    """

    kind: EntityKind
    action: str
    id: str | None
    fields: GuestFields | TableFields
    seen_version: int | None = None
    base_version: int | None = None
    if_match: int | None = None


class ParsedEntry(Struct, frozen=True, kw_only=True):
    """One entry of an envelope: what is wanted, or why it cannot be read; `pointer` is from the root of the body."""

    wanted: ParsedOperation | Refused
    pointer: str
    mutation_id: str | None = None
    entity_id: str | None = None


def named_restaurant(body: Any, in_query: int | None) -> int:
    """The restaurant that the query, the envelope, its operations and their data name, 1 where none does.

    Raises Problem `validation_failed` where they do not agree.
    """
    named: list[tuple[str, int]] = [] if in_query is None else [("?restaurant_id", in_query)]
    faults: list[Fault] = []
    for pointer, holder in _holders(body):
        for key in ("restaurant_id", "restaurantId"):
            if holder.get(key) is not None:
                number = _restaurant_number(holder[key])
                if number is None:
                    faults.append(Fault(f"{pointer}/{key}", f"{key} must be a whole number from 1 to {INTEGER_MAX}."))
                else:
                    named.append((f"{pointer}/{key}", number))
    for pointer, number in named[1:]:
        if number != named[0][1]:
            hint = f"This names restaurant {number}, {named[0][0]} names {named[0][1]}: a batch is for one restaurant."
            faults.append(Fault(pointer, hint))
    refuse(faults)
    return named[0][1] if named else 1


def _holders(body: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every object of a batch in which a restaurant_id may stand, with its pointer, as far as a batch may go."""
    if not isinstance(body, dict):
        return []
    places = [("", body), ("/metadata", body.get("metadata"))]
    for name in ("operations", "guests", "tables", "updates"):
        entries = body.get(name)
        for index, entry in enumerate(entries[:OPERATIONS_MAX] if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                places += (f"/{name}/{index}", entry), (f"/{name}/{index}/data", entry.get("data"))
    return [(pointer, place) for pointer, place in places if isinstance(place, dict)]


def _restaurant_number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        value = int(value)
    return value if type(value) is int and 1 <= value <= INTEGER_MAX else None


def batch_transaction_id(body: Any) -> str | None:
    """The transaction id that the client gave; raises Problem `validation_failed`."""
    given = body.get("transaction_id", body.get("transactionId")) if isinstance(body, dict) else None
    if given is None:
        return None
    if not isinstance(given, str):
        given = ""
    return checked_key(given, "transaction_id")


def read_batch(body: Any) -> tuple[ParsedEntry, ...]:
    """The operations of `/api/v1/atomic/batch`, in either form. Raises Problem for a faulty envelope.

    A faulty operation is an Item that says why, so that the others are still looked at: as far as the one with which
    there are more faults than one answer lists.
    """
    values = _envelope(body, BATCH)
    if "operations" in values and ("guests" in values or "tables" in values):
        refuse([Fault("/operations", "Send operations, or guests and tables: not both.")])
    if "operations" in values:
        entries = _entries(values["operations"], "operations")
        return _listable(_operation(entry, f"/operations/{index}") for index, entry in enumerate(entries))
    guests, tables = (_entries(values.get(name, []), name, least=0) for name in ("guests", "tables"))
    _entries([*guests, *tables], "operations")
    older = (("guests", "guest", guests), ("tables", "table", tables))
    return _listable(
        _older_operation(entry, kind, f"/{name}/{index}")
        for name, kind, entries in older
        for index, entry in enumerate(entries)
    )


def _listable(items: Iterator[ParsedEntry]) -> tuple[ParsedEntry, ...]:
    """The items as far as the one with which there are more faults than one answer lists."""
    read: list[ParsedEntry] = []
    faults = 0
    for item in items:
        read.append(item)
        faults += len(item.wanted.faults) if isinstance(item.wanted, Refused) else 0
        if faults > FAULTS_MAX:
            break
    return tuple(read)


def read_queue(body: Any) -> Iterator[ParsedEntry]:
    """The updates of `/api/sync/batch` one by one; a faulty one is an Item. Raises Problem for a faulty envelope."""
    entries = _entries(_envelope(body, QUEUE).get("updates"), "updates")
    return (_queued(entry, f"/updates/{index}") for index, entry in enumerate(entries))


def applied_before(body: Any) -> tuple[str, ...]:
    """The mutation ids of updates that a queue's device sent before. Raises Problem for a faulty envelope."""
    applied = _envelope(body, QUEUE).get("appliedMutationIds")
    if applied is None:
        return ()
    if not (isinstance(applied, list) and len(applied) <= APPLIED_IDS_MAX and all(map(_is_mutation_id, applied))):
        detail = f"applied_mutation_ids must be a list of at most {APPLIED_IDS_MAX:,} texts of 1 to 200 characters."
        refuse([Fault("/applied_mutation_ids", detail)])
    return tuple(applied)


def _is_mutation_id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 200


def _envelope(body: Any, names: Spelling) -> dict[str, Any]:
    if not isinstance(body, dict):
        refuse([Fault("", "The body must be an object.")])
    values, _, faults = names.fold(body)
    refuse(faults)
    return values


def _entries(value: Any, name: str, least: int = 1) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= OPERATIONS_MAX:
        got = f"got {len(value)}" if isinstance(value, list) else "got none" if value is None else "got no list"
        refuse([Fault(f"/{name}", f"{name} must be a list of {least} to {OPERATIONS_MAX}; {got}.")])
    entries: list[Any] = value
    return entries


def _operation(entry: Any, pointer: str) -> ParsedEntry:
    if not isinstance(entry, dict):
        return _malformed(pointer, [Fault("", "An operation must be an object.")])
    values, _, faults = OPERATION.fold(entry)
    return _item(values, faults, pointer)


def _older_operation(entry: Any, kind: str, pointer: str) -> ParsedEntry:
    if not isinstance(entry, dict):
        return _malformed(pointer, [Fault("", "An operation must be an object.")])
    values, _, faults = OLDER_OPERATION.fold(entry)
    named = {"entityType": kind, "action": values.get("operation"), "entityId": values.get("id")}
    return _item(named | {key: values[key] for key in ("data", "ifMatch") if key in values}, faults, pointer)


def _queued(entry: Any, pointer: str) -> ParsedEntry:
    if not isinstance(entry, dict):
        return _malformed(pointer, [Fault("", "An update must be an object.")])
    values, _, faults = QUEUED.fold(entry)
    values.setdefault("action", "update")
    mutation_id, base_version = values.get("mutationId"), values.get("baseVersion")
    if mutation_id is not None and not _is_mutation_id(mutation_id):
        faults.append(Fault("/mutation_id", "mutation_id must be a text of 1 to 200 characters."))
        mutation_id = None
    if base_version is not None and not (type(base_version) is int and 0 <= base_version <= INTEGER_MAX):
        faults.append(Fault("/base_version", "base_version must be the version that the client had: a whole number."))
    return _item(values, faults, pointer, mutation_id, base_version)


def _item(
    values: dict[str, Any],
    faults: list[Fault],
    pointer: str,
    mutation_id: str | None = None,
    base_version: int | None = None,
) -> ParsedEntry:
    """An operation as a client gives it; every fault of its envelope and of its data is found."""
    kind, action, entity_id = values.get("entityType"), values.get("action"), values.get("entityId")
    data = values.get("data")
    if kind != "guest" and kind != "table":  # noqa: PLR1714 (mypy narrows it this way)
        faults.append(Fault("/entity_type", 'entity_type must be "guest" or "table".'))
        return _malformed(pointer, faults, mutation_id, entity_id if isinstance(entity_id, str) else None)
    if action not in ACTIONS:
        faults.append(Fault("/action", "action must be one of create, update, delete."))
    creating = action == "create"
    if entity_id is not None and not isinstance(entity_id, str):
        faults.append(Fault("/entity_id", "entity_id must be a text."))
        entity_id = None
    elif creating and entity_id and not ID.fullmatch(entity_id):
        faults.append(Fault("/entity_id", "entity_id must be 1 to 64 of A-Z a-z 0-9 . _ - and not dots alone."))
    elif not creating and not entity_id and action in ACTIONS:
        faults.append(Fault("/entity_id", "entity_id must say which one: it is missing."))
    fields: GuestFields | TableFields = GuestFields()
    if action in ("create", "update"):
        reading = read_guest if kind == "guest" else read_table
        in_data, fields, found = reading(data, "/data", creating=creating)
        faults += found
        if creating and entity_id and in_data and in_data != entity_id:
            hint = f"data.id is {quoted(in_data)}, entity_id is {quoted(entity_id)}: they must agree."
            faults.append(Fault("/data/id", hint))
        entity_id = entity_id or in_data
    if "ifMatch" in values:
        faults += _if_match_faults(values["ifMatch"], creating=creating)
    if faults:
        return _malformed(pointer, faults, mutation_id, entity_id)
    wanted = ParsedOperation(
        kind=kind, action=str(action), id=entity_id, fields=fields,
        seen_version=seen_version(data), base_version=base_version, if_match=values.get("ifMatch"),
    )  # fmt: skip
    return ParsedEntry(wanted=wanted, pointer=pointer, mutation_id=mutation_id, entity_id=entity_id)


def _if_match_faults(version: Any, *, creating: bool) -> list[Fault]:
    if creating:
        return [Fault("/if_match", "if_match is for what is there already: a create has none.")]
    if type(version) is int and 1 <= version <= INTEGER_MAX:
        return []
    return [Fault("/if_match", "if_match must be the version that the client saw: a whole number from 1 on.")]


def _malformed(
    pointer: str, faults: list[Fault], mutation_id: str | None = None, entity_id: str | None = None
) -> ParsedEntry:
    return ParsedEntry(wanted=malformed(faults), pointer=pointer, mutation_id=mutation_id, entity_id=entity_id)
