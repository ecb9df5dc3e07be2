"""Who did it: the device on each answer to a change, and in the sentence of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from restohub.access.devices import Device
from restohub.floor.model import Guest, Table
from restohub.floor.outcomes import Occupied
from restohub.live.hub import Hub
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer

# Names of devices as the header has them: to write one takes as long as to find its device.
NAMES_KEPT = 100


def signed(respond: Callable[..., Answer], device: Device) -> Callable[..., Answer]:
    """The same answer with `Restohub-By`, the name of the device as percent-encoded UTF-8; so an answer keeps it."""
    header = _header(device.name)

    def answering(*given: Any) -> Answer:
        answer = respond(*given)
        answer.headers.append(header)
        return answer

    return answering


@lru_cache(NAMES_KEPT)
def _header(name: str) -> tuple[bytes, bytes]:
    return b"restohub-by", quote(name, safe="").encode()


async def with_author(hub: Hub, restaurant_id: int, fault: Problem) -> Problem:
    """The refusal with who took the table or changed the guest, and how long ago, where that is known."""
    refused = fault.refused
    match refused.current:
        case Occupied(table, guest) if guest is not None and refused.code == "table_occupied":
            told = await _author(hub, restaurant_id, table.version, ("guest", guest.id))
            sentence = "It was held {}." if table.status != "occupied" else "It was taken {}."
        case Guest() | Table() if refused.code == "version_conflict":
            kind = "guest" if isinstance(refused.current, Guest) else "table"
            told = await _author(hub, restaurant_id, refused.current.version, (kind, refused.current.id))
            sentence = "It was changed {}."
        case _:
            return fault
    if told is None:
        return fault
    detail = f"{refused.detail} {sentence.format(told)}"
    return Problem(msgspec.structs.replace(refused, detail=detail), headers=fault.headers)


async def _author(hub: Hub, restaurant_id: int, revision: int, changed: tuple[str, str]) -> str | None:
    """How long ago a commit was made and by whom, and where; None where it did not change this, or that is unknown."""
    for author in await hub.history.authors(restaurant_id, revision, 1):
        if author.revision == revision and author.device and changed in [one[:2] for one in author.changes]:
            name = hub.access.name_of(author.device)
            person = hub.access.staff.name_of(author.person) if author.person else ""
            name = f"{person} at {name}" if person and name else name
            return f"{ago(hub.clock.now() - author.time)} by {name}" if name else None
    return None


def ago(seconds: float) -> str:
    """How long ago something was, in the unit that fits."""
    for unit, size, below in (("minute", 60, 3_600), ("hour", 3_600, 48 * 3_600), ("day", 86_400, float("inf"))):
        if size <= seconds < below:
            count = int(seconds // size)
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "just now"
