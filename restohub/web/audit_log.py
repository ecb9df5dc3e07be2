"""The route that tells managers who did what, as far as the log reaches; of a guest it says nothing but his id."""

from __future__ import annotations

from restohub.limits import PAGE_MAX
from restohub.wire.access_bodies import AuditEntry, AuditPage
from restohub.wire.responses import Answer, json_answer
from restohub.wire.times import time_text

from .request import Query, Request, floor_of

AUDITED = 100


async def list_audit(request: Request) -> Answer:
    """The latest commits of a restaurant, each with the device that asked for it."""
    query, hub = Query(request), request.hub
    query.allow_only("restaurant_id", "restaurantId", "before_revision", "limit")
    floor = floor_of(hub, query.restaurant_id())
    before = query.integer("before_revision", least=1)
    many = query.integer("limit", least=1, most=PAGE_MAX) or AUDITED
    upto = floor.revision if before is None else min(before - 1, floor.revision)
    found = await hub.history.authors(floor.restaurant_id, upto, many + 1)
    entries = [
        AuditEntry(
            revision=one.revision,
            timestamp=time_text(one.time),
            device_id=one.device,
            device=hub.access.name_of(one.device) if one.device else None,
            action=action,
            entity_type=kind,
            entity_id=entity_id,
        )
        for one in found[:many]
        for kind, entity_id, action in one.changes
    ]
    return json_answer(AuditPage(floor.restaurant_id, entries, len(found) > many))
