"""This file is what changed since a revision: from the floor itself, and from history for what is long gone."""

from __future__ import annotations

from msgspec import Struct

from restohub.floor.nouns import Action, Change, Floor, Guest, Kind, Removal, Table
from restohub.store.history import History


class Latest(Struct, frozen=True):
    """An entity's latest change: the revision and time (UTC seconds) of its commit, and what it did."""

    revision: int
    time: int
    change: Change


async def changes_since(floor: Floor, since: int, history: History) -> list[Latest] | None:
    """Each entity that changed after `since`, once, at its latest, in the order of revisions, guests first.

    None where the log no longer reaches back that far, or `since` is in the future. Every image carries the revision
    that made it, so the floor is its own compacted log; only what is gone must be remembered apart.
    """
    if since > floor.revision:
        return None
    if since == floor.revision:
        return []
    first = await history.first_revision(floor.restaurant_id)
    if first is None or since < first - 1:
        return None
    found = [_of_entity(entity) for entity in floor.guests.values() if entity.version > since]
    found += [_of_entity(entity) for entity in floor.tables.values() if entity.version > since]
    found += [_of_removal(removal) for removal in await _removals(floor, since, history)]
    found.sort(key=lambda latest: (latest.revision, latest.change.kind))
    return found


async def _removals(floor: Floor, since: int, history: History) -> list[Removal]:
    if since < floor.removals_since:
        return await history.removals(floor, since)
    newest: list[Removal] = []
    for removal in reversed(floor.removals.values()):
        if removal.revision <= since:
            break
        newest.append(removal)
    return newest[::-1]


def _of_entity(entity: Guest | Table) -> Latest:
    action: Action = "create" if entity.version == entity.created_revision else "update"
    kind: Kind = "guest" if isinstance(entity, Guest) else "table"
    return Latest(entity.version, entity.last_updated, Change(kind, entity.id, action, entity))


def _of_removal(removal: Removal) -> Latest:
    return Latest(removal.revision, removal.time, Change(removal.kind, removal.id, "delete", None))
