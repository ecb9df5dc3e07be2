"""The routes that guests alone have: the list, and the change of status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from restohub.floor.commands import GuestFields, Update
from restohub.floor.folding import fold
from restohub.floor.model import Floor, Guest, Table
from restohub.floor.verdicts import quoted
from restohub.live.group_commit import Answering, Result
from restohub.live.history_lookup import recall_update
from restohub.live.list_index import Place
from restohub.wire.entities import Guest as GuestOut
from restohub.wire.entities import guest_out, table_out
from restohub.wire.field_names import GUEST_STATUS_WORDS, word_of
from restohub.wire.inputs import read_seating, seen_version
from restohub.wire.messages import Change, GuestChange
from restohub.wire.problems import bad_query
from restohub.wire.responses import Answer, Seating, Sent, change_list, json_answer
from restohub.wire.times import time_text

from . import guests_and_tables
from .mutations import Asked, change, done, entity_headers
from .request import Query, Request, accepted_versions, path_restaurant


async def list_guests(request: Request) -> Sent:
    """The guests of a restaurant."""
    query = Query(request)
    query.only("status", "table_id", "tableId", "q", "limit", "cursor")
    statuses = {_status(text) for text in query.many("status")}
    table_id = query.one("table_id", "tableId")
    words = fold(query.one("q") or "")
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

    return await guests_and_tables.page(request, query, find, wanted)


async def change_status(request: Request) -> Answer:
    """Change a guest's status and table in one transaction."""
    guest_id = guests_and_tables.path_entity(request, "guest")
    older = Query(request).one("new_status")
    from_query = GuestFields() if older is None else GuestFields(status=_status(older, "new_status"))

    async def making(asked: Asked) -> tuple[Update, Answering]:
        if asked.body is not None and older is not None:
            raise bad_query("new_status", "Send the status once: in the body, or as new_status without a body.")
        fields = from_query if older is not None else read_seating(asked.body)
        command = Update(kind="guest", id=guest_id, fields=fields, if_match=accepted_versions(request))
        command = await recall_update(asked.hub.history, asked.floor, command, seen_version(asked.body))
        return command, answer_seating(asked, guest_id)

    return await change(request, path_restaurant(request), making, atomic=True, needs_body=older is None)


def answer_seating(asked: Asked, guest_id: str) -> Answering:
    """What `status/atomic` answers: the guest, the table he has now or lost, and the older decoder's keys."""

    def answering(results: Sequence[Result], floor: Floor) -> Answer:
        result = done(results)
        before, after = result.before.guests[guest_id], result.after.guests[guest_id]
        table, cleared = _table_after(result.after, before, after)
        changes = change_list(result.accepted.changes)
        body = Seating(
            success=True,
            transaction_id=result.transaction_id,
            revision=floor.revision,
            timestamp=time_text(result.time),
            guest=_told(changes, guest_id) or guest_out(after),
            table=table_out(table) if table else None,
            table_cleared=cleared,
            changes=changes,
            guest_id=guest_id,
            old_status=before.status,
            new_status=after.status,
            changes_count=len(changes),
            processed_at=time_text(result.time),
        )
        return json_answer(body, headers=entity_headers(asked.hub, result, after.version))

    return answering


def _told(changes: list[Change], guest_id: str) -> GuestOut | None:
    """The guest as the changes have him, None where they do not."""
    for one in changes:
        if isinstance(one, GuestChange) and one.entity_id == guest_id:
            return one.data
    return None


def _table_after(floor: Floor, before: Guest, after: Guest) -> tuple[Table | None, bool]:
    """The table the guest has now, else the one he lost, and whether it was cleared."""
    if after.table_id is not None:
        return floor.tables[after.table_id], False
    if before.table_id is not None:
        return floor.tables[before.table_id], True
    return None, False


def _status(text: str, name: str = "status") -> str:
    status = word_of(text, GUEST_STATUS_WORDS)
    if status is None:
        known = ", ".join(dict.fromkeys(GUEST_STATUS_WORDS.values()))
        raise bad_query(name, f"{quoted(text)} is not a guest status. Known: {known}.")
    return status
