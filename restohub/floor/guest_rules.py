"""The rules of guests: which status, table, times and number of visits a guest gets."""

from __future__ import annotations

from msgspec import UNSET, structs

from .commands import Create, Delete, GuestFields, Update, Visits
from .contacts import contact_keys, hashed, same_party, visit_of_guest
from .draft import Draft
from .merging import in_conflict, name_parts, sent_fields, without_echoes
from .model import DONE, EXPECTED, PHASES, Guest, Table
from .outcomes import (
    Refused,
    already_exists,
    not_found,
    party_exceeds_capacity,
    table_occupied,
    table_unavailable,
    version_conflict,
    version_differs,
)
from .visit_index import count_either
from .visits import Served

# Set by their own rules below, not merged as sent.
RULED = ("name", "first_name", "last_name", "status", "table_id")


def create_guest(draft: Draft, command: Create) -> Refused | None:
    """A new party, seated or holding where it comes with a table."""
    fields = command.fields
    assert isinstance(fields, GuestFields)
    assert fields.party_size is not UNSET
    booked = fields.reservation_time is not UNSET and fields.reservation_time is not None
    default = "confirmed" if booked else "waitlist"
    blank = Guest(id=command.id, first_name="", party_size=fields.party_size, status=default, is_walk_in=not booked)
    after = _merged(None, blank, fields, draft.stamp.time)
    if after.table_id is not None and draft.table(after.table_id) is None:
        return not_found("table", after.table_id, "tableId")
    if command.taken or draft.was_used("guest", command.id):
        return already_exists("guest", command.id, draft.guest(command.id))
    return _settle(draft, None, after, fields, command.visits)


def update_guest(draft: Draft, command: Update) -> Refused | None:
    """Merge what the client means into the guest who is there."""
    assert isinstance(command.fields, GuestFields)
    present = draft.guest(command.id)
    if present is None:
        return not_found("guest", command.id)
    if command.if_match is not None and present.version not in command.if_match:
        return version_differs(present, draft.floor.get(command.kind, command.id))
    fields = without_echoes(command.fields, present, command.seen)
    if command.base_version is not None and in_conflict(fields, present, command.base):
        return version_conflict(present)
    return change_guest(draft, present, fields, command.visits)


def change_guest(draft: Draft, present: Guest, fields: GuestFields, visits: Visits | None = None) -> Refused | None:
    """Merge fields, all of them meant, into a guest of the draft."""
    after = _merged(present, present, fields, draft.stamp.time)
    return _settle(draft, present, after, fields, visits)


def delete_guest(draft: Draft, command: Delete) -> Refused | None:
    """Remove a guest; his table is free."""
    present = draft.guest(command.id)
    if present is None:
        return not_found("guest", command.id)
    if command.if_match is not None and present.version not in command.if_match:
        return version_differs(present, draft.floor.get(command.kind, command.id))
    if command.base_version is not None and command.base is None:
        return version_conflict(present)
    _free(draft, present.table_id)
    draft.guests[command.id] = None
    return None


def retire_guest(draft: Draft, guest: Guest) -> None:
    """Take a guest from the floor whose time is over; a table that is still held for him is free."""
    _free(draft, guest.table_id)
    draft.retire(guest)


def _merged(before: Guest | None, start: Guest, fields: GuestFields, now: int) -> Guest:
    """The guest as the request wants him: `start` with the fields, and the status, table and times that follow."""
    plain = {name: value for name, value in sent_fields(fields).items() if name not in RULED}
    if "reservation_time" in plain and "is_walk_in" not in plain and before is not None:
        booked = plain["reservation_time"] is not None
        if booked != (before.reservation_time is not None):
            plain["is_walk_in"] = not booked
    after = structs.replace(start, **plain, **name_parts(fields, before))
    return _timed(before, _placed(before, after, fields), plain, now)


def _settle(
    draft: Draft, before: Guest | None, after: Guest, fields: GuestFields, visits: Visits | None
) -> Refused | None:
    """Put the guest and his tables into the draft."""
    refused = _arrange_tables(draft, before, after, fields.allow_over_capacity)
    if refused is not None:
        return refused
    after = _served(draft, before, after)
    if visits is not None and (after.phone, after.email) != ((before.phone, before.email) if before else (None, None)):
        after = structs.replace(after, total_visits=_visits(draft, before, after, visits))
    draft.guests[after.id] = after
    return None


def _served(draft: Draft, before: Guest | None, after: Guest) -> Guest:
    """The guest with the table that he was seated at or moved to, as it is now: later it may be another's."""
    if after.status != "seated" or after.table_id is None:
        return after
    if before is not None and before.status == "seated" and before.table_id == after.table_id:
        return after
    table = draft.table(after.table_id)
    assert table is not None, "the tables are arranged"
    return structs.replace(after, served=Served(table.table_number, table.capacity, table.section, table.server))


def _placed(before: Guest | None, after: Guest, fields: GuestFields) -> Guest:
    """The guest with the status and the table that the request comes to (contract.md, "What a change does")."""
    had = before.table_id if before else None
    wanted = had if fields.table_id is UNSET else fields.table_id
    moves = wanted is not None and wanted != had
    status = after.status if fields.status is UNSET else fields.status
    if fields.status is UNSET and fields.table_id is not UNSET and wanted is not None and status not in EXPECTED:
        status = "seated"
    left_seat = before is not None and before.status == "seated" and status != "seated" and not moves
    if status in DONE or left_seat:
        wanted = None
    return structs.replace(after, status=status, table_id=wanted)


def _timed(before: Guest | None, after: Guest, sent: dict[str, object], now: int) -> Guest:
    """The guest with the times that a change of status clears or stamps."""
    if before is not None and before.status == after.status:
        return after
    times: dict[str, int | None] = {} if before is None else _cleared(before, after, sent)
    phase = PHASES[after.status]
    if phase == "done" and (before is None or PHASES[before.status] != "done"):
        times["ended"] = now
    if phase in ("waiting", "seated") and after.check_in_time is None:
        times["check_in_time"] = now
    if phase == "seated" and after.seated_time is None:
        times["seated_time"] = now
    if after.status == "finished" and after.finished_time is None:
        times["finished_time"] = now
    if after.status == "notified" and (after.notified_time is None or "notified_time" in times):
        times["notified_time"] = now
    return structs.replace(after, **times) if times else after


def _cleared(before: Guest, after: Guest, sent: dict[str, object]) -> dict[str, int | None]:
    """The times that a change of status takes back, but for those that the request gives."""
    was, phase = PHASES[before.status], PHASES[after.status]
    goes_back = was in ("seated", "done") and phase in ("waiting", "expected")
    times: dict[str, int | None] = {}
    if was == "done" and phase != "done":
        times["finished_time"] = times["ended"] = None
    if goes_back:
        times["seated_time"] = times["served"] = None
    if before.notified_time is not None and (goes_back or after.status == "waitlist" or phase == "expected"):
        times["notified_time"] = None
    return {name: time for name, time in times.items() if name not in sent}


def _arrange_tables(draft: Draft, before: Guest | None, after: Guest, over_capacity: bool) -> Refused | None:
    """Free the table that the guest leaves, take or hold the one that he gets."""
    had = before.table_id if before else None
    if after.table_id is None:
        _free(draft, had)
        return None
    table = draft.table(after.table_id)
    if table is None:
        return not_found("table", after.table_id, "tableId")
    if after.table_id != had:
        refused = _cannot_take(draft, table, after, over_capacity)
        if refused is not None:
            return refused
        _free(draft, had)
    status = "occupied" if after.status == "seated" else "reserved"
    draft.tables[table.id] = structs.replace(table, current_guest_id=after.id, status=status)
    return None


def _cannot_take(draft: Draft, table: Table, guest: Guest, over_capacity: bool) -> Refused | None:
    if table.current_guest_id is not None and table.current_guest_id != guest.id:
        return table_occupied(table, draft.guest(table.current_guest_id))
    if table.status == "outOfService":
        return table_unavailable(table)
    if guest.party_size > table.capacity and not over_capacity:
        return party_exceeds_capacity(table, table.capacity, guest)
    return None


def _free(draft: Draft, table_id: str | None) -> None:
    table = draft.table(table_id) if table_id else None
    if table is not None:
        draft.tables[table.id] = structs.replace(table, current_guest_id=None, status="available")


def _visits(draft: Draft, before: Guest | None, guest: Guest, visits: Visits) -> int:
    """How many other guests, retired ones included, finished a visit with this phone or e-mail.

    Nobody is both on the floor and among the retired, since an id is never given again.
    """
    mine = hashed(visit_of_guest(guest), draft.stamp.contact_key)
    keys = contact_keys(guest.phone, guest.email)
    finished = draft.finished()
    here = [finished.get(key, set[str]()) for key in (*keys, "", "")[:2]]
    gone = [visits.ids.get(key, frozenset[str]()) for key in (*keys, "", "")[:2]]
    count = count_either(*here) + count_either(*gone)
    if before is not None and any(before.id in ids for ids in here):
        count -= 1
    for removal in reversed(draft.floor.removals.values()):
        if removal.revision <= visits.revision:
            break
        if removal.counted is not None and same_party(mine, removal.counted):
            count += not any(removal.id in ids for ids in gone)
    return count
