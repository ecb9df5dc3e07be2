"""What changed since a revision: from the floor itself, and from history for what is long gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from msgspec import Struct

from restohub.floor.model import Action, Change, Floor, Guest, Kind, Removal, Table
from restohub.limits import DELTA_REMOVALS_MAX
from restohub.wire.messages import change_json, delta_message, text_frame
from restohub.wire.streamed_lists import Pieces, joined_whole

from .ports import History


class Latest(Struct, frozen=True):
    """An entity's latest change: the revision and time (UTC seconds) of its commit, and what it did."""

    revision: int
    time: int
    change: Change


Changed = Guest | Table | Removal


async def changes_since(floor: Floor, since: int, history: History) -> list[Changed] | None:
    """Each entity that changed after `since`, once, at its latest, in the order of revisions, guests first.

    None where the log no longer reaches back that far, `since` is in the future, or more was removed than a delta
    tells. Every image carries the revision that made it, so the floor is its own compacted log; only what is gone must
    be remembered apart.
    """
    if since > floor.revision:
        return None
    if since == floor.revision:
        return []
    first = await history.first_revision(floor.restaurant_id)
    if first is None or since < first - 1:
        return None
    removals = await _removals(floor, since, history)
    if len(removals) > DELTA_REMOVALS_MAX:
        return None
    found: list[Changed] = [entity for entity in floor.guests.values() if entity.version > since]
    found += [entity for entity in floor.tables.values() if entity.version > since]
    found += removals
    found.sort(key=_place)
    return found


def latest(changed: Changed) -> Latest:
    """What became of it last."""
    if isinstance(changed, Removal):
        return Latest(changed.revision, changed.time, Change(changed.kind, changed.id, "delete", None))
    action: Action = "create" if changed.version == changed.created_revision else "update"
    return Latest(changed.version, changed.last_updated, Change(kind_of(changed), changed.id, action, changed))


def kind_of(changed: Changed) -> Kind:
    """Whether it is, or was, a guest or a table."""
    if isinstance(changed, Removal):
        return changed.kind
    return "guest" if isinstance(changed, Guest) else "table"


def revision_of(changed: Changed) -> int:
    """The revision that changed it last."""
    return changed.revision if isinstance(changed, Removal) else changed.version


def _place(changed: Changed) -> tuple[int, Kind]:
    return revision_of(changed), kind_of(changed)


async def _removals(floor: Floor, since: int, history: History) -> list[Removal]:
    if since < floor.removals_since:
        return await history.removals(floor, since, DELTA_REMOVALS_MAX + 1)
    newest: list[Removal] = []
    for removal in reversed(floor.removals.values()):
        if removal.revision <= since:
            break
        newest.append(removal)
    return newest[::-1]


def delta_frame(floor: Floor, since: int, changes: Sequence[Changed]) -> bytes | None:
    """The changes as one framed `delta_update`, empty if need be; None where they are too many for one."""
    whole = joined_whole(_guests_first(changes), _json)
    return None if whole is None else text_frame(delta_message(floor, since, whole, 1, 1))


async def delta_pieces(changes: Sequence[Changed]) -> Pieces:
    """Many changes, measured."""
    pieces = Pieces(_guests_first(changes), _json)
    for _ in pieces.measure():
        await asyncio.sleep(0)
    return pieces


def delta_frames(floor: Floor, since: int, pieces: Pieces) -> Iterator[bytes]:
    """Measured changes as the parts of a framed `delta_update`, each made when it is asked for."""
    for number, piece in enumerate(pieces):
        yield text_frame(delta_message(floor, since, piece.removeprefix(b","), number + 1, len(pieces)))


def _guests_first(changes: Sequence[Changed]) -> list[Changed]:
    return sorted(changes, key=kind_of)


def _json(changed: Changed) -> bytes:
    return change_json(latest(changed).change)
