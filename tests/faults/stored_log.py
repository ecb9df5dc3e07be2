"""The hub's log as its SQLite file keeps it, read with no code of the hub's."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import fields
from tests.faults.history import Change, Entry, Json
from tests.fields import PHASES, blank, of_type

REVISION_BITS = 40
TIMES = frozenset(of_type(fields.GUEST, "time", "time or null"))
# What the hub keeps for itself: no client sees it.
HUBS_OWN = ("createdRevision", "createdFrom", "served", "ended")
# What the hub leaves out of an image since it is as a new entity has it.
GUEST = blank(fields.GUEST, status="waitlist")
TABLE = blank(fields.TABLE, minCapacity=1, status="available", shape="round", position={"x": 0.0, "y": 0.0})


def read_log(folder: Path, restaurant: int) -> list[Entry]:
    """Every commit of a restaurant, in the order of its positions; the hub must not be running."""
    sql = "SELECT position, key, changes FROM log WHERE position >> 40 = ? ORDER BY position"
    with sqlite3.connect(f"file:{folder / 'restohub.db'}?mode=ro", uri=True) as database:
        rows = database.execute(sql, (restaurant,)).fetchall()
    database.close()
    return [
        Entry(
            position & (1 << REVISION_BITS) - 1,
            (key or ":").split(":", 1)[1] or None,
            [_change(*change) for change in json.loads(changes)],
        )
        for position, key, changes in rows
    ]


def _change(kind: str, entity_id: str, action: str, was: int, image: Json | None, *_: Any) -> Change:
    return Change(kind, entity_id, action, None if image is None else _entity(kind, image))


def _entity(kind: str, image: Json) -> Json:
    """An image as the contract shows it: camelCase, all keys, times as texts."""
    given = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in image.items()}
    for own in HUBS_OWN:
        given.pop(own, None)
    entity = {**(GUEST if kind == "guest" else TABLE), **given}
    for name in TIMES & entity.keys():
        if entity[name] is not None:
            entity[name] = f"{datetime.fromtimestamp(entity[name], UTC):%Y-%m-%dT%H:%M:%SZ}"
    if kind == "guest":
        entity["name"] = f"{entity['firstName']} {entity['lastName']}".rstrip()
        entity["phase"] = PHASES[entity["status"]]
    return entity
