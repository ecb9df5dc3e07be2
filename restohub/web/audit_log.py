"""The route that tells managers who did what, as far as the log reaches; of a guest it says nothing but his id."""

from __future__ import annotations

from restohub.limits import AUDIT_ENTRIES_MAX, PAGE_MAX
from restohub.live.hub import Hub
from restohub.live.ports import Author
from restohub.wire.access_bodies import AuditEntry, AuditPage
from restohub.wire.responses import Answer, json_answer
from restohub.wire.times import time_text

from .request import Query, Request, floor_of

AUDITED = 100
# Of a commit of 500 changes each: the loop is held for some 10 ms.
COMMITS_A_STEP = 20


async def list_audit(request: Request) -> Answer:
    """The latest commits of a restaurant, each with the device that asked for it, and the person."""
    query, hub = Query(request), request.hub
    query.allow_only("restaurant_id", "restaurantId", "before_revision", "limit")
    floor = floor_of(hub, query.restaurant_id())
    before = query.integer("before_revision", least=1)
    many = query.integer("limit", least=1, most=PAGE_MAX) or AUDITED
    upto = floor.revision if before is None else min(before - 1, floor.revision)
    found, full = await _latest(hub, floor.restaurant_id, upto, many + 1)
    entries = [
        AuditEntry(
            revision=one.revision,
            timestamp=time_text(one.time),
            device_id=one.device,
            device=hub.access.name_of(one.device) if one.device else None,
            person_id=one.person,
            person=hub.access.staff.name_of(one.person) if one.person else None,
            action=action,
            entity_type=kind,
            entity_id=entity_id,
        )
        for one in found[:many]
        for kind, entity_id, action in one.changes
    ]
    return json_answer(AuditPage(floor.restaurant_id, entries, full or len(found) > many))


async def _latest(hub: Hub, restaurant_id: int, upto: int, many: int) -> tuple[list[Author], bool]:
    """So many of the latest commits, or fewer where their changes fill a page, and whether they do; read in steps."""
    found: list[Author] = []
    room = AUDIT_ENTRIES_MAX
    while room > 0 and (some := await hub.history.authors(restaurant_id, upto, min(COMMITS_A_STEP, many - len(found)))):
        upto = some[-1].revision - 1
        for one in some:
            if room > 0:
                found.append(one)
            room -= len(one.changes)
    return found, room <= 0
