"""The floor's rules once more, as far as the crowd of the fault tests asks for them, from the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.faults.history import Asked, Json, Name
from tests.faults.log import GUEST, TABLE
from tests.fields import PHASES

# What a commit stamps by itself: not foretold here.
STAMPED = {"version", "lastUpdated", "createdAt", "checkInTime", "seatedTime", "finishedTime"}


class Sight(Protocol):
    """A floor at one revision."""

    def get(self, name: Name) -> Json | None:
        """The entity of that name, None where there is none."""


@dataclass(frozen=True)
class Wish:
    """One operation that was asked for; `match` is the version that it insists on."""

    kind: str
    action: str
    id: str
    data: Json
    match: int | None = None


def wishes(asked: Asked) -> list[list[Wish]]:
    """What a request asks for: the operations of each commit that it may make, in the order of its keys."""
    path = asked.path.partition("?")[0]
    if path == "/api/v1/atomic/batch":
        return [[_listed(op) for op in asked.body["operations"]]]
    if path == "/api/sync/batch":
        return [[_listed(update)] for update in asked.body["updates"]]
    kind, entity_id = "guest" if "/guests/" in path else "table", path.rstrip("/").split("/")[-1]
    if asked.method == "POST":
        return [[Wish(kind, "create", asked.body["id"], asked.body)]]
    if path.endswith("/status/atomic"):
        return [[Wish(kind, "update", path.split("/")[-3], asked.body)]]
    return [[Wish(kind, "delete" if asked.method == "DELETE" else "update", entity_id, asked.body or {}, asked.match)]]


def _listed(given: Json) -> Wish:
    return Wish(given["entity_type"], given.get("action", "update"), given["entity_id"], given["data"])


def play(sight: Sight, wanted: Sequence[Wish]) -> tuple[str | None, dict[Name, Json | None]]:
    """Why the operations are refused (None: they are not), and the entities that they change, as they leave them."""
    draft = Draft(sight)
    for wish in wanted:
        code = draft.carry_out(wish)
        if code is not None:
            return code, {}
    return None, {name: data for name, data in draft.made.items() if not alike(data, sight.get(name))}


def alike(one: Json | None, other: Json | None) -> bool:
    """Whether two images differ in nothing but what a commit stamps."""
    if one is None or other is None:
        return one is other
    return all(one.get(key) == other.get(key) for key in (one.keys() | other.keys()) - STAMPED)


class Draft:
    """A floor while operations are laid over it."""

    def __init__(self, sight: Sight) -> None:
        self.made: dict[Name, Json | None] = {}
        self._sight = sight

    def carry_out(self, wish: Wish) -> str | None:
        """Do one operation; the code of the refusal, None where it is done."""
        name = (wish.kind, wish.id)
        present = self._get(name)
        if wish.action == "create":
            if present is not None:
                return "already_exists"
            self._create(name, wish.data)
            return None
        if present is None:
            return f"{wish.kind}_not_found"
        if wish.match is not None and present["version"] != wish.match:
            return "version_conflict"
        if wish.action == "delete":
            self._free(present["tableId"])
            self.made[name] = None
            return None
        if wish.kind == "guest":
            return self._change_guest(present, wish.data)
        self._change_table(wish)
        return None

    def _get(self, name: Name) -> Json | None:
        return self.made[name] if name in self.made else self._sight.get(name)

    def _set(self, kind: str, entity_id: str, **fields: Any) -> None:
        self.made[kind, entity_id] = {**(self._get((kind, entity_id)) or {}), **fields}

    def _create(self, name: Name, given: Json) -> None:
        if name[0] == "table":
            self._set(*name, **{**TABLE, **given})
        else:
            first, _, last = given["name"].partition(" ")
            self._set(*name, **{**GUEST, "phase": "waiting", "firstName": first, "lastName": last, **given})

    def _change_guest(self, guest: Json, given: Json) -> str | None:
        fields = {key: value for key, value in given.items() if key in ("notes", "quotedWait")}
        status, table_id = given.get("status"), given.get("tableId")
        if status == "finished":
            self._finish(guest["id"], guest["tableId"])
        elif table_id is not None:
            code = self._seat(guest, table_id)
            if code is not None:
                return code
        if fields:
            self._set("guest", guest["id"], **fields)
        return None

    def _seat(self, guest: Json, table_id: str) -> str | None:
        table = self._get(("table", table_id))
        if table is None:
            return "table_not_found"
        if table["currentGuestId"] not in (None, guest["id"]):
            return "table_occupied"
        if guest["tableId"] != table_id:
            self._free(guest["tableId"])
        self._set("guest", guest["id"], status="seated", phase=PHASES["seated"], tableId=table_id)
        self._set("table", table_id, status="occupied", currentGuestId=guest["id"])
        return None

    def _change_table(self, wish: Wish) -> None:
        table = self._get(("table", wish.id)) or {}
        if "status" in wish.data and table["currentGuestId"] is not None:
            self._finish(table["currentGuestId"], wish.id)
        self._set("table", wish.id, **wish.data)

    def _finish(self, guest_id: str, table_id: str | None) -> None:
        self._free(table_id)
        self._set("guest", guest_id, status="finished", phase=PHASES["finished"], tableId=None)

    def _free(self, table_id: str | None) -> None:
        if table_id is not None:
            self._set("table", table_id, status="available", currentGuestId=None)
