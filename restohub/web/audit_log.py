"""The route that tells managers who did what, as far as that is kept; of a guest it says nothing but his id."""

from __future__ import annotations

from msgspec import UNSET

from restohub.floor.model import DIRECTORY_ID
from restohub.floor.outcomes import quoted
from restohub.limits import AUDIT_ENTRIES_MAX, PAGE_MAX
from restohub.live.hub import Hub
from restohub.live.ports import Author, Wanted
from restohub.reports.spreadsheet import audit_csv
from restohub.wire.access_bodies import AuditEntry, AuditPage
from restohub.wire.problems import bad_query
from restohub.wire.responses import Answer, json_answer
from restohub.wire.times import time_text

from .night_reports import CSV_TYPE
from .request import DEFAULT_RESTAURANT, Query, Request, floor_of

AUDITED = 100
FORMATS = ("json", "csv")
FILTERS = ("device_id", "person_id", "entity_id")
# Of a commit of 500 changes each: the loop is held for some 10 ms.
COMMITS_A_STEP = 20


async def list_audit(request: Request) -> Answer:
    """The latest commits of a restaurant, each with the device that asked for it, as JSON or as a table."""
    query, hub = Query(request), request.hub
    query.allow_only("restaurant_id", "restaurantId", "before_revision", "limit", "format", *FILTERS)
    restaurant_id, newest = _audited(hub, query)
    before = query.integer("before_revision", least=1)
    many = query.integer("limit", least=1, most=PAGE_MAX) or AUDITED
    as_table = _wants_table(query)
    upto = newest if before is None else min(before - 1, newest)
    found, full = await _latest(hub, restaurant_id, upto, many + 1, _wanted(query))
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
    if as_table:
        name = f'attachment; filename="audit-{restaurant_id}.csv"'.encode()
        return Answer(200, [CSV_TYPE, (b"content-disposition", name)], audit_csv(entries))
    return json_answer(AuditPage(restaurant_id, entries, full or len(found) > many))


def _audited(hub: Hub, query: Query) -> tuple[int, int]:
    """Whose log is asked for, and its newest revision; 0 is that of the restaurants themselves. Raises Problem."""
    asked = query.integer("restaurant_id", "restaurantId")
    if asked == DIRECTORY_ID:
        return DIRECTORY_ID, hub.writer.directory.revision
    floor = floor_of(hub, DEFAULT_RESTAURANT if asked is None else asked)
    return floor.restaurant_id, floor.revision


def _wants_table(query: Query) -> bool:
    """Whether CSV is asked for; raises Problem for what is none of the two."""
    wanted = query.value("format")
    if wanted is not None and wanted not in FORMATS:
        raise bad_query("format", f"format must be one of {', '.join(FORMATS)}, not {quoted(wanted)}.")
    return wanted == "csv"


def _wanted(query: Query) -> Wanted:
    """Whose commits are asked for; an empty id is nobody's who is known."""
    device, person, entity = (query.value(one) for one in FILTERS)
    return Wanted(
        UNSET if device is None else device or None,
        UNSET if person is None else person or None,
        UNSET if entity is None else entity,
    )


async def _latest(hub: Hub, restaurant_id: int, upto: int, many: int, wanted: Wanted) -> tuple[list[Author], bool]:
    """So many of the latest commits, or fewer where their changes fill a page, and whether they do; read in steps."""
    found: list[Author] = []
    room = AUDIT_ENTRIES_MAX
    while room > 0:
        some = await hub.history.authors(restaurant_id, upto, min(COMMITS_A_STEP, many - len(found)), wanted)
        if not some:
            break
        upto = some[-1].revision - 1
        for one in some:
            if room > 0:
                found.append(one)
            room -= len(one.changes)
    return found, room <= 0
