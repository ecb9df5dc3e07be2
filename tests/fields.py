"""The fields and statuses of each entity as contract.md, "Entities", lists them, for all tests.

Tests that may not import the hub read it too; `tests/wire/test_fields.py` holds the hub's own structs to it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

CONTRACT = (Path(__file__).parents[1] / "restohub/docs/contract.md").read_text("utf-8")


def listed(entity: str) -> dict[str, tuple[str, str]]:
    """The rows of an entity's table: each field's type and note."""
    table = CONTRACT[CONTRACT.index(f"\n{entity}") :].partition("| field | type | note |\n| --- | --- | --- |\n")[2]
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in table.partition("\n\n")[0].splitlines()]
    return {name: (kind, note) for names, kind, note in rows for name in names.split(", ")}


def types(entity: str) -> dict[str, str]:
    """The type of each field of an entity, as the contract writes it."""
    return {name: kind for name, (kind, _) in listed(entity).items()}


def marked(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`(\w+)`", text)


GUEST, TABLE, RESTAURANT = types("Guest ("), types("Table:"), types("Restaurant:")
# Status → phase, from what the row `phase` says of each.
PHASES: dict[Any, str] = {
    status: phase
    for phase, statuses in re.findall(r"`(\w+)` \(([^)]+)\)", listed("Guest (")["phase"][1])
    for status in marked(statuses)
}
DONE = tuple(status for status, phase in PHASES.items() if phase == "done")
TABLE_STATUSES = marked(listed("Table:")["status"][1].partition(";")[0])
SHAPES = marked(listed("Table:")["shape"][1])
# What a client may send back and the hub ignores.
READ_ONLY = marked(CONTRACT.partition("Read-only fields that a client sends back (")[2].partition(")")[0])
EMPTY: dict[str, Any] = {"string": "", "int": 0, "list of string": [], "bool": True, "number": 0}


def of_type(entity: dict[str, str], *kinds: str) -> list[str]:
    """The fields of these types."""
    return [name for name, kind in entity.items() if kind in kinds]


def taken(entity: dict[str, str]) -> dict[str, str]:
    """The fields that a client may set, with their types."""
    return {name: kind for name, kind in entity.items() if name not in READ_ONLY}


def snake(camel: str) -> str:
    """The other spelling of a field."""
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), camel)


def blank(entity: dict[str, str], **fields: Any) -> dict[str, Any]:
    """An entity with these fields, and null, [], 0 or what its type begins with in all others."""
    return {name: EMPTY.get(kind) for name, kind in entity.items()} | fields
