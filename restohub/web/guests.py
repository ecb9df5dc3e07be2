"""The routes that only guests have: the list, and the change of status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from restohub.floor.commands import GuestFields, Update
from restohub.floor.model import Floor, Guest
from restohub.floor.outcomes import quoted
from restohub.floor.text_folding import fold
from restohub.live.history_lookup import look_up_for_update
from restohub.live.list_index import Place
from restohub.wire.change_answers import seating_answer
from restohub.wire.field_names import GUEST_STATUS_WORDS, word_of
from restohub.wire.inputs import read_seating, seen_version
from restohub.wire.problems import bad_query
from restohub.wire.responses import Answer, Sent

from . import guests_and_tables
from .change_request import read_change
from .mutations import commit
from .request import Query, Request, accepted_versions, path_entity, path_restaurant


async def list_guests(request: Request) -> Sent:
    """The guests of a restaurant."""
    query = Query(request)
    query.allow_only("status", "table_id", "tableId", "q", "limit", "cursor")
    statuses = {_status(text) for text in query.values("status")}
    table_id = query.value("table_id", "tableId")
    words = fold(query.value("q") or "")
    wanted: list[Callable[[Guest], bool]] = []
    if statuses:
        wanted.append(lambda guest: guest.status in statuses)
    if table_id is not None:
        wanted.append(lambda guest: guest.table_id == table_id)

    async def find(floor: Floor, after: Place | None) -> Iterator[Guest]:
        if not words:
            return request.hub.listings.guests(floor).after(floor.guests, after)
        await request.hub.listings.guests(floor).fold_ahead(floor.guests)
        # Asked for again: others may have moved the listing to another revision meanwhile.
        return request.hub.listings.guests(floor).matching(floor.guests, after, words)

    return await guests_and_tables.list_page(request, query, find, wanted)


async def change_status(request: Request) -> Answer:
    """Change a guest's status and table in one transaction."""
    guest_id = path_entity(request, "guest")
    older = Query(request).value("new_status")
    from_query = None if older is None else GuestFields(status=_status(older, "new_status"))
    change = await read_change(request, path_restaurant(request), needs_body=older is None)
    if older is not None and change.body is not None:
        raise bad_query("new_status", "Send the status once: in the body, or as new_status without a body.")
    fields = from_query or read_seating(change.body)
    command = Update(kind="guest", id=guest_id, fields=fields, if_match=accepted_versions(request))
    command = await look_up_for_update(request.hub.history, change.floor, command, seen_version(change.body))
    return await commit(change, command, partial(seating_answer, request.hub.present, guest_id), atomic=True)


def _status(text: str, name: str = "status") -> str:
    status = word_of(text, GUEST_STATUS_WORDS)
    if status is None:
        known = ", ".join(dict.fromkeys(GUEST_STATUS_WORDS.values()))
        raise bad_query(name, f"{quoted(text)} is not a guest status. Known: {known}.")
    return status
