"""What a request means against what is there: fields that were only echoed, names, conflicts."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import UNSET, structs

from .commands import Fields, GuestFields, TableFields
from .contacts import split_name
from .model import Entity, Guest, Table

F = TypeVar("F", bound=Fields)

# For these fields, sending the present value changes nothing, even where the client does not say what it had read.
ECHOED = frozenset(
    (
        "table_id",
        "current_guest_id",
        "check_in_time",
        "seated_time",
        "finished_time",
        "notified_time",
        "reservation_time",
    )
)


def sent_fields(fields: Fields) -> dict[str, object]:
    """The entity's fields that were sent, by name."""
    sent: dict[str, object] = msgspec.to_builtins(fields)  # which leaves out what is UNSET
    del sent["allow_over_capacity"]
    if isinstance(fields, TableFields) and "position" in sent:  # and takes this apart
        sent["position"] = fields.position
    return sent


def without_echoes(fields: F, present: Entity, seen: Entity | None) -> F:
    """The fields less those that only repeat what the client had seen (or, of some, what is there now)."""
    sent = sent_fields(fields)
    if seen is not None:
        echoes = [name for name, value in sent.items() if value == getattr(seen, name)]
    else:
        echoes = [name for name, value in sent.items() if name in ECHOED and value == getattr(present, name)]
    return structs.replace(fields, **dict.fromkeys(echoes, UNSET)) if echoes else fields


def intended_fields(fields: Fields, before: Entity) -> dict[str, object]:
    """What these fields are to be, a name by its parts."""
    wanted = sent_fields(fields)
    wanted.pop("name", None)
    if isinstance(fields, GuestFields) and isinstance(before, Guest):
        wanted |= name_parts(fields, before)
    return wanted


def in_conflict(fields: Fields, present: Entity, base: Entity | None) -> bool:
    """Whether a field that was sent has been changed since `base` to something else than is wanted now.

    `base` None: the log does not know that version, so whatever would change something is a conflict.
    """
    return any(
        wanted != getattr(present, name) and (base is None or getattr(base, name) != getattr(present, name))
        for name, wanted in sent_fields(fields).items()
    )


def name_parts(fields: GuestFields, before: Guest | None) -> dict[str, str]:
    """First and last name to set. Of `name` beside the parts, the one that differs from what the guest has is meant."""
    parts: dict[str, str] = {}
    if fields.first_name is not UNSET:
        parts["first_name"] = fields.first_name
    if fields.last_name is not UNSET:
        parts["last_name"] = fields.last_name
    if fields.name is UNSET or (before is None and "first_name" in parts):
        return parts
    if before is not None and parts and any(value != getattr(before, part) for part, value in parts.items()):
        return parts
    if before is not None and fields.name == before.name:
        return parts
    first, last = split_name(fields.name)
    if before is None and (surname := parts.get("last_name")):
        return {"first_name": fields.name.strip().removesuffix(surname).strip() or first, "last_name": surname}
    return {"first_name": first, "last_name": last}


def merged_table(before: Table, fields: TableFields) -> Table:
    """The table with the fields that concern nobody else."""
    plain = {k: v for k, v in sent_fields(fields).items() if k not in ("status", "current_guest_id")}
    return structs.replace(before, **plain)
