"""The rules of tables: numbers, capacities, and what a change does to the guest who sits there."""

from __future__ import annotations

from msgspec import UNSET, structs

from .commands import Create, Delete, GuestFields, TableFields, Update
from .draft import Draft
from .guest_rules import change_guest
from .merging import in_conflict, merged_table, without_echoes
from .model import DONE, TABLE_STATUSES, Guest, Table
from .outcomes import (
    Refused,
    already_exists,
    invalid,
    not_found,
    party_exceeds_capacity,
    table_number_taken,
    table_occupied,
    version_conflict,
    version_differs,
)
from .text_folding import fold_label

# A table that is set to one of these has no guest any more.
ENDING = tuple(status for status in TABLE_STATUSES if status not in ("reserved", "occupied"))


def create_table(draft: Draft, command: Create) -> Refused | None:
    """A new table, on the next free place of a grid where it comes without one."""
    fields = command.fields
    assert isinstance(fields, TableFields)
    if fields.current_guest_id and draft.guest(fields.current_guest_id) is None:
        return not_found("guest", fields.current_guest_id, "currentGuestId")
    if command.taken or draft.was_used("table", command.id):
        return already_exists("table", command.id, draft.table(command.id))
    assert fields.table_number is not UNSET
    assert fields.capacity is not UNSET
    blank = Table(id=command.id, table_number=fields.table_number, capacity=fields.capacity)
    if fields.position is UNSET:
        blank = structs.replace(blank, position=draft.free_place())
    return _change(draft, blank, structs.replace(fields, current_guest_id=fields.current_guest_id or UNSET))


def update_table(draft: Draft, command: Update) -> Refused | None:
    """Merge what the client means into the table that is there, and do to its guest what follows."""
    assert isinstance(command.fields, TableFields)
    present = draft.table(command.id)
    if present is None:
        return not_found("table", command.id)
    if command.if_match is not None and present.version not in command.if_match:
        return version_differs(present, draft.floor.get(command.kind, command.id))
    fields = without_echoes(command.fields, present, command.seen)
    if command.base_version is not None and in_conflict(fields, present, command.base):
        return version_conflict(present)
    return _change(draft, present, fields)


def delete_table(draft: Draft, command: Delete) -> Refused | None:
    """Remove a table that nobody has; its number is free again."""
    present = draft.table(command.id)
    if present is None:
        return not_found("table", command.id)
    if command.if_match is not None and present.version not in command.if_match:
        return version_differs(present, draft.floor.get(command.kind, command.id))
    if command.base_version is not None and command.base is None:
        return version_conflict(present)
    if present.current_guest_id is not None:
        guest = draft.guest(present.current_guest_id)
        return table_occupied(present, guest, " Free the table before you delete it.")
    draft.tables[command.id] = None
    return None


def _change(draft: Draft, before: Table, fields: TableFields) -> Refused | None:
    after = merged_table(before, fields)
    if after.min_capacity > after.capacity:
        field = "capacity" if fields.min_capacity is UNSET else "minCapacity"
        hint = f"minCapacity ({after.min_capacity}) may not exceed capacity ({after.capacity})."
        detail = f"A table for {after.capacity} cannot be for at least {after.min_capacity}."
        return invalid(field, hint, detail)
    if fields.current_guest_id and draft.guest(fields.current_guest_id) is None:
        return not_found("guest", fields.current_guest_id, "currentGuestId")
    # A table that keeps its number is not looked at: older data may have two of one.
    if before.version == 0 or fold_label(after.table_number) != fold_label(before.table_number):
        holder = draft.numbered(after.table_number, besides=after.id)
        if holder is not None:
            return table_number_taken(holder)
    draft.tables[after.id] = after
    status = None if fields.status is UNSET else fields.status
    guest = draft.guest(before.current_guest_id) if before.current_guest_id else None
    if fields.current_guest_id not in (UNSET, None, before.current_guest_id):
        return _give(draft, before, guest, fields, status)
    if guest is not None and (fields.current_guest_id is None or status in ENDING):
        return _end(draft, after, guest, status or "available")
    if guest is not None:
        return _with_guest(draft, before, after, guest, fields, status)
    draft.tables[after.id] = structs.replace(after, status=status or after.status)
    return None


def _give(
    draft: Draft, before: Table, sitting: Guest | None, fields: TableFields, status: str | None
) -> Refused | None:
    """The table gets another guest: held with `reserved`, else as if the guest had been given the table."""
    assert isinstance(fields.current_guest_id, str)
    guest = draft.guest(fields.current_guest_id)
    assert guest is not None, "the caller has looked"
    if sitting is not None:
        return table_occupied(before, sitting)
    wish = GuestFields(table_id=before.id, allow_over_capacity=fields.allow_over_capacity)
    if status == "occupied":
        wish = structs.replace(wish, status="seated")
    if status == "reserved":
        if guest.status in DONE or guest.status == "seated":
            how = "seated" if guest.status == "seated" else "done"
            detail = f"{guest.name} is {how}: no table can be held for this party."
            return invalid("status", "Send the status `occupied` with this currentGuestId, or no status.", detail)
        wish = structs.replace(wish, status=guest.status)
    refused = change_guest(draft, guest, wish)
    if refused is not None and isinstance(refused.current, Table):  # shown as it is, not as the request wanted it
        return structs.replace(refused, current=before if before.version else None)
    return refused


def _end(draft: Draft, after: Table, guest: Guest, status: str) -> Refused | None:
    """The table is cleared: a seated guest has finished, another only loses the hold."""
    wish = GuestFields(status="finished") if guest.status == "seated" else GuestFields(table_id=None)
    refused = change_guest(draft, guest, wish)
    draft.tables[after.id] = structs.replace(after, current_guest_id=None, status=status)
    return refused


def _with_guest(
    draft: Draft, before: Table, after: Table, guest: Guest, fields: TableFields, status: str | None
) -> Refused | None:
    """The table keeps its guest: a held one may be occupied, a capacity may not shrink below the party."""
    if status == "reserved" and guest.status == "seated":
        return table_occupied(before, guest, " Finish or move the party before the table is held again.")
    lowered = after.capacity < before.capacity
    if lowered and guest.party_size > after.capacity and not fields.allow_over_capacity:
        return party_exceeds_capacity(before, after.capacity, guest)
    if status == "occupied" and guest.status != "seated":
        return change_guest(draft, guest, GuestFields(status="seated"))
    return None
