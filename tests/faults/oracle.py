"""What a request of the crowd does to a floor: its operations, carried out by the reference model."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.history import Asked, Json, Name
from tests.faults.reference_model import Entity, Floor, Model, No

# What a commit stamps by itself: not foretold here.
STAMPED = {"version", "lastUpdated", "createdAt", "checkInTime", "seatedTime", "finishedTime", "notifiedTime"}


def operations_of(asked: Asked) -> list[list[Entity]]:
    """The operations of each commit that a request may make, in the order of its keys."""
    path = asked.path.partition("?")[0]
    if path == "/api/v1/atomic/batch":
        return [asked.body["operations"]]
    if path == "/api/sync/batch":
        return [[{"action": "update", **update}] for update in asked.body["updates"]]
    operation: Entity = {"entity_type": "guest" if "/guests/" in path else "table", "data": asked.body}
    if asked.method == "POST":
        return [[{**operation, "action": "create", "entity_id": asked.body["id"]}]]
    if asked.match is not None:
        operation["if_match"] = [asked.match]
    entity_id = path.removesuffix("/status/atomic").split("/")[-1]
    return [[{**operation, "action": "delete" if asked.method == "DELETE" else "update", "entity_id": entity_id}]]


def carry_out(floor: Floor, operations: Sequence[Entity]) -> tuple[str | None, dict[Name, Json | None]]:
    """Why the operations are refused (None: they are not), and the entities that they change, as they leave them."""
    model, draft = Model(), floor
    model.floor = floor
    try:
        for operation in operations:
            draft = model.operate(draft, operation)
    except No as no:
        return no.code, {}
    pairs = ((kind, one, data, floor[kind].get(one)) for kind in draft for one, data in draft[kind].items())
    return None, {(kind, one): now for kind, one, now, was in pairs if now is not was and not alike(now, was)}


def alike(one: Json | None, other: Json | None) -> bool:
    """Whether two images differ in nothing but what a commit stamps."""
    if one is None or other is None:
        return one is other
    return all(one.get(key) == other.get(key) for key in (one.keys() | other.keys()) - STAMPED)
