"""The reference model: one restaurant as the contract tells it, over plain dicts, in the plainest way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unicodedata import category, decimal, normalize

from tests import fields
from tests.fields import DONE, PHASES, blank, taken

Entity = dict[str, Any]
Floor = dict[str, dict[str, Any]]  # by kind and id; None is who was there once, since an id is never given again
Answer = tuple[int, Entity]

READ_ONLY = (*fields.READ_ONLY, "allowOverCapacity")
ECHOED = ("tableId", "currentGuestId", "reservationTime", "checkInTime", "seatedTime", "finishedTime")
GUEST = blank(taken(fields.GUEST), totalVisits=0, phase=None)
TABLE = blank(taken(fields.TABLE), minCapacity=1, status="available", shape="round")
CODES = dict.fromkeys(("guest_not_found", "table_not_found"), 404) | {"version_conflict": 412}
CODES |= dict.fromkeys(("validation_failed", "idempotency_key_reused"), 422)


class No(Exception):
    """A refusal: its code, and what is there instead."""

    def __init__(self, code: str, current: Any = None) -> None:
        super().__init__(code)
        self.code, self.current = code, current

    def answer(self) -> Answer:
        body = {"error_code": self.code}
        return CODES.get(self.code, 409), body | ({"current": self.current} if self.current is not None else {})


class Model:
    """A restaurant: its floor, the floor after each revision, and the keys that made a commit.

    Nothing that it holds is changed in place, so a copy of it goes its own way.
    """

    def __init__(self) -> None:
        self.revision, self.time, self.now = 0, "", ""
        self.floor: Floor = {"guest": {}, "table": {}}
        self.floors, self.log = [self.floor], list[list[Entity]]()
        self.keys: dict[str, tuple[Any, Answer]] = {}
        self.mutations: dict[str, int] = {}
        self.own: tuple[int, ...] = ()
        self.sent: tuple[Entity, ...] = ()

    def ask(self, verb: str, request: Entity, key: str | None, now: int) -> Answer:
        self.now = max(self.time, datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        if verb == "queue":
            return self.queue(request["updates"])
        if key in self.keys:
            asked, answer = self.keys[key]
            return answer if asked == (verb, request) else No("idempotency_key_reused").answer()
        before = self.revision
        try:
            answer = self.batch(request["operations"]) if verb == "batch" else self.single(verb, request)
        except No as no:
            return no.answer()
        if key is not None and self.revision > before:
            self.keys = self.keys | {key: ((verb, request), answer)}
        return answer

    def single(self, verb: str, request: Entity) -> Answer:
        kind, entity_id = request["entity_type"], request["entity_id"]
        old = self.floor[kind].get(entity_id, {})
        changes = self.commit(self.operate(self.floor, {"action": "update" if verb == "seat" else verb, **request}))
        new = self.floor[kind][entity_id] or {}
        if verb != "seat":
            return {"create": 201, "update": 200, "delete": 204}[verb], new
        cleared = new["tableId"] is None and old["tableId"] is not None
        table = self.floor["table"].get(new["tableId"] or old["tableId"])
        told = {"success": True, "guest": new, "table": table, "table_cleared": cleared, "changes": changes}
        told |= {"old_status": old["status"], "new_status": new["status"], "changes_count": len(changes)}
        return 200, told | {"revision": self.revision, "guest_id": entity_id}

    def batch(self, operations: list[Entity]) -> Answer:
        draft, results, errors = self.floor, list[Entity](), list[Entity]()
        for index, operation in enumerate(operations):
            try:
                after = self.operate(draft, operation)
            except No as no:
                errors.append({"operation": index, "error_code": no.code})
                continue
            same = operation["action"] == "update" and after == draft
            status = "unchanged" if same else operation["action"] + "d"
            results.append({name: operation[name] for name in ("entity_type", "entity_id")} | {"status": status})
            draft = after
        if errors:
            status, body = No(errors[0]["error_code"]).answer()
            return status, body | {"success": False, "rolled_back": True, "errors": errors}
        changes = self.commit(draft)
        for one in results:
            one["data"] = self.floor[one["entity_type"]][one["entity_id"]]
        return 200, {"success": True, "revision": self.revision, "results": results, "changes": changes}

    def queue(self, updates: list[Entity]) -> Answer:
        mutations = [update.get("mutation_id") for update in updates]
        self.own = tuple(self.mutations[one] for one in mutations if one in self.mutations)
        results = [self.update_of_queue(update) for update in updates]
        self.own, self.sent = (), ()
        failed = sum(one["status"] in ("conflict", "rejected") for one in results)
        body = {"success": failed == 0, "processed_count": len(results) - failed, "failed_count": failed}
        return 200, body | {"revision": self.revision, "results": results}

    def update_of_queue(self, update: Entity) -> Entity:
        mutation = update.get("mutation_id")
        told = {"mutation_id": mutation, "entity_id": update["entity_id"], "revision": None}
        if mutation in self.mutations:
            self.note_sent(update, self.mutations[mutation])
            return told | {"status": "duplicate", "revision": self.mutations[mutation]}
        present = self.floor[update["entity_type"]].get(update["entity_id"])
        try:
            changes = self.commit(self.operate(self.floor, {"action": "update", **update}))
        except No as no:
            word = "conflict" if no.code == "version_conflict" else "rejected"
            return told | {"status": word, "error_code": no.code, "current": no.current}
        self.note_sent(update, self.revision + (not changes), present)
        if not changes:
            return told | {"status": "unchanged"}
        self.own += (self.revision,)
        if mutation is not None:
            self.mutations = self.mutations | {mutation: self.revision}
        return told | {"status": "applied", "revision": self.revision}

    # What an operation does to a draft: another draft, or No.

    def operate(self, draft: Floor, operation: Entity) -> Floor:
        kind, entity_id, data = operation["entity_type"], operation["entity_id"], operation.get("data") or {}
        after = {name: dict(entities) for name, entities in draft.items()}
        present = after[kind].get(entity_id)
        if operation["action"] == "create":
            self.create(after, kind, entity_id, data)
        elif present is None:
            raise No(f"{kind}_not_found")
        elif "if_match" in operation and present["version"] not in operation["if_match"]:
            raise No("version_conflict", present)
        elif operation["action"] == "update":
            self.update(after, kind, present, data, operation.get("base_version"))
        else:
            self.delete(after, kind, present, operation.get("base_version"))
        return after

    def create(self, draft: Floor, kind: str, entity_id: str, data: Entity) -> None:
        sent = {name: value for name, value in data.items() if name not in READ_ONLY}
        status = "waitlist" if sent.get("reservationTime") is None else "confirmed"
        start = (TABLE if kind == "table" else GUEST | {"status": status}) | {"id": entity_id}
        self.save(draft, kind, start, sent, data)

    def update(self, draft: Floor, kind: str, present: Entity, data: Entity, base: int | None) -> None:
        fields = self.meant(kind, present, data)
        then = self.left(kind, present["id"], base or 0)
        for name, value in fields.items() if base is not None else ():
            if value != present[name] and (then is None or then[name] != present[name]):
                raise No("version_conflict", present)
        self.save(draft, kind, present, fields, data)

    def meant(self, kind: str, present: Entity, data: Entity) -> Entity:
        seen = self.seen(kind, present["id"], data) or {name: present.get(name) for name in ECHOED}
        sent = {name: value for name, value in data.items() if name not in READ_ONLY}
        return {name: value for name, value in sent.items() if name not in seen or value != seen[name]}

    def seen(self, kind: str, entity_id: str, data: Entity) -> Entity | None:
        seen = self.image(kind, entity_id, data.get("version", 0))
        for one in self.sent if seen is not None else ():
            if seen and (one["kind"], one["id"]) == (kind, entity_id) and one["revision"] > seen["version"]:
                seen = seen | one["fields"]
                seen |= names(seen, {}) if kind == "guest" else {}
        return seen

    def note_sent(self, update: Entity, revision: int, present: Entity | None = None) -> None:
        kind, entity_id = update["entity_type"], update["entity_id"]
        present = present or self.floor[kind].get(entity_id)
        if update["action"] == "update" and present is not None:
            fields = self.meant(kind, present, update["data"])
            if fields.keys() & {"name", "firstName", "lastName"}:
                seen = self.seen(kind, entity_id, update["data"]) or present
                parts = [name for name in ("firstName", "lastName") if name in fields]
                whole = fields.get("name", seen["name"]) != seen["name"] and all(
                    fields[one] == seen[one] for one in parts
                )
                told = names(seen, fields)
                fields |= {name: told[name] for name in (("firstName", "lastName") if whole else parts)}
            self.sent += ({"kind": kind, "id": entity_id, "revision": revision, "fields": fields},)

    def left(self, kind: str, entity_id: str, base: int) -> Entity | None:
        left = self.image(kind, entity_id, base)
        for revision in sorted(self.own):
            before, after = (self.image(kind, entity_id, one) for one in (revision - 1, revision))
            if revision > base and after is not None and before is None:
                left = after
            elif revision > base and left is not None and before is not None and after is not None:
                left = left | {name: after[name] for name in after if left[name] == before[name] != after[name]}
        return left

    def untouched_since(self, kind: str, present: Entity) -> int:
        since: int = present["version"]
        while since in self.own:
            before = self.image(kind, present["id"], since - 1)
            since = before["version"] if before else 0
        return since

    def delete(self, draft: Floor, kind: str, present: Entity, base: int | None) -> None:
        if base is not None and base < self.untouched_since(kind, present):
            raise No("version_conflict", present)
        if kind == "table" and present["currentGuestId"] is not None:
            raise No("table_occupied", self.at(draft, present))
        if kind == "guest":
            self.take(draft, present | {"tableId": None}, present["tableId"], over=False)
        draft[kind][present["id"]] = None

    def save(self, draft: Floor, kind: str, start: Entity, fields: Entity, data: Entity) -> None:
        if kind == "table" and (start | fields)["minCapacity"] > (start | fields)["capacity"]:
            raise No("validation_failed")
        other, name = ("table", "tableId") if kind == "guest" else ("guest", "currentGuestId")
        ignored = fields.get(name) is None or fields.get("status") in DONE
        if not ignored and draft[other].get(fields[name]) is None:
            raise No(f"{other}_not_found")
        if draft[kind].get(start["id"], start) is not start:
            raise No("already_exists", draft[kind][start["id"]])
        rules = self.guest if kind == "guest" else self.table
        rules(draft, start, fields, bool(data.get("allowOverCapacity")))

    def guest(self, draft: Floor, start: Entity, fields: Entity, over: bool) -> None:
        was, had = start["status"], start["tableId"]
        status, wanted = fields.get("status", was), fields.get("tableId", had)
        if fields.get("tableId") is not None and "status" not in fields and PHASES[status] != "expected":
            status = "seated"
        if status in DONE or (was == "seated" and status != "seated" and wanted in (None, had)):
            wanted = None
        after = start | fields | names(start, fields) | {"status": status, "tableId": wanted, "phase": PHASES[status]}
        if "isWalkIn" not in fields and (after["reservationTime"] is None) != (start["reservationTime"] is None):
            after["isWalkIn"] = after["reservationTime"] is None
        if start["phase"] is None or was != status:
            self.stamp(after, start["phase"], fields)
        self.take(draft, after, had, over)
        if (after["phone"], after["email"]) != (start["phone"], start["email"]):
            after["totalVisits"] = visits(draft, after)
        draft["guest"][after["id"]] = after

    def stamp(self, guest: Entity, was: str | None, fields: Entity) -> None:
        phase = guest["phase"]
        if was == "done" and phase != "done" and "finishedTime" not in fields:
            guest["finishedTime"] = None
        if was in ("seated", "done") and phase in ("waiting", "expected") and "seatedTime" not in fields:
            guest["seatedTime"] = None
        back = was in ("seated", "done") and phase in ("waiting", "expected")
        if was and "notifiedTime" not in fields and (back or guest["status"] == "waitlist" or phase == "expected"):
            guest["notifiedTime"] = None
        if guest["status"] == "notified":
            guest["notifiedTime"] = guest["notifiedTime"] or self.now
        stamped = {"waiting": ("checkInTime",), "seated": ("checkInTime", "seatedTime")}.get(phase, ())
        for name in ("finishedTime",) if guest["status"] == "finished" else stamped:
            guest[name] = guest[name] or self.now

    def take(self, draft: Floor, guest: Entity, had: str | None, over: bool) -> None:
        wanted = guest["tableId"]
        if wanted is not None and wanted != had:
            table = draft["table"][wanted]
            if table["currentGuestId"] is not None:
                raise No("table_occupied", self.at(draft, table))
            if table["status"] == "outOfService":
                raise No("table_unavailable", self.floor["table"].get(wanted))
            if guest["partySize"] > table["capacity"] and not over:
                raise No("party_exceeds_capacity", self.floor["table"].get(wanted))
        if had is not None and wanted != had:
            draft["table"][had] = draft["table"][had] | {"currentGuestId": None, "status": "available"}
        if wanted is not None:
            status = "occupied" if guest["status"] == "seated" else "reserved"
            draft["table"][wanted] = draft["table"][wanted] | {"currentGuestId": guest["id"], "status": status}

    def table(self, draft: Floor, start: Entity, fields: Entity, over: bool) -> None:
        after = start | {name: value for name, value in fields.items() if name not in ("status", "currentGuestId")}
        status, wanted = fields.get("status"), fields.get("currentGuestId")
        for other in there(draft["table"]).values():
            if other["id"] != after["id"] and folded(other["tableNumber"]) == folded(after["tableNumber"]):
                raise No("table_number_taken", other)
        draft["table"][after["id"]] = after
        sitting = draft["guest"].get(start["currentGuestId"])
        if wanted is not None and wanted != start["currentGuestId"]:
            if sitting is not None:
                raise No("table_occupied", self.at(draft, start))
            self.give(draft, draft["guest"][wanted], after["id"], status, over)
        elif sitting is None:
            draft["table"][after["id"]] = after | {"status": status or after["status"]}
        elif status in ("available", "dirty", "outOfService") or ("currentGuestId" in fields and wanted is None):
            seated = sitting["status"] == "seated"
            self.guest(draft, sitting, {"status": "finished"} if seated else {"tableId": None}, over=False)
            draft["table"][after["id"]] = after | {"currentGuestId": None, "status": status or "available"}
        elif status == "reserved" and sitting["status"] == "seated":
            raise No("table_occupied", self.at(draft, start))
        elif after["capacity"] < min(start["capacity"], sitting["partySize"]) and not over:
            raise No("party_exceeds_capacity", start)
        elif status == "occupied" and sitting["status"] != "seated":
            self.guest(draft, sitting, {"status": "seated"}, over=False)

    def give(self, draft: Floor, guest: Entity, table_id: str, status: Any, over: bool) -> None:
        if status == "reserved" and guest["phase"] in ("done", "seated"):
            raise No("validation_failed")
        asked = {"reserved": {"status": guest["status"]}, "occupied": {"status": "seated"}}.get(status, {})
        self.guest(draft, guest, asked | {"tableId": table_id}, over)

    def at(self, draft: Floor, table: Entity) -> Entity:
        return {"table": self.floor["table"].get(table["id"]), "guest": draft["guest"].get(table["currentGuestId"])}

    # What a commit leaves, and what is read of it.

    def commit(self, draft: Floor) -> list[Entity]:
        changes, stamp = [], {"version": self.revision + 1, "lastUpdated": self.now}
        for kind, entity_id in [(name, one) for name in draft for one in sorted(draft[name])]:
            old, new = self.floor[kind].get(entity_id, "never seen"), draft[kind][entity_id]
            if new == old:
                continue
            action = "delete" if new is None else "create" if old == "never seen" else "update"
            draft[kind][entity_id] = new = new and {"createdAt": self.now} | new | stamp
            changes.append({"entity_type": kind, "entity_id": entity_id, "action": action, "data": new})
        if changes:
            self.revision, self.time, self.floor = self.revision + 1, self.now, draft
            self.floors, self.log = [*self.floors, draft], [*self.log, changes]
        return changes

    def image(self, kind: str, entity_id: str, revision: int) -> Entity | None:
        return self.floors[revision][kind].get(entity_id) if revision <= self.revision else None

    def since(self, revision: int) -> list[Entity]:
        later = enumerate(self.log[revision:], revision + 1)
        changes = [change | {"revision": number} for number, entry in later for change in entry]
        return list({(change["entity_type"], change["entity_id"]): change for change in changes}.values())


def there(entities: dict[str, Any]) -> dict[str, Entity]:
    return {entity_id: entity for entity_id, entity in entities.items() if entity is not None}


def names(before: Entity, fields: Entity) -> Entity:
    first, last = (fields.get(part, before[part]) for part in ("firstName", "lastName"))
    said = fields.get("name") or before["name"]
    if said != before["name"] and (first, last) == (before["firstName"], before["lastName"]):
        first, _, last = said.partition(" ")
    return {"firstName": first, "lastName": last, "name": f"{first} {last}".rstrip(" ")}


def visits(draft: Floor, guest: Entity) -> int:
    others = [other for other in there(draft["guest"]).values() if other["id"] != guest["id"]]
    return sum(other["status"] == "finished" and bool(contacts(guest) & contacts(other)) for other in others)


def contacts(guest: Entity) -> set[str]:
    digits = "".join(str(decimal(c)) for c in guest["phone"] or "" if c.isdecimal())
    return {contact for contact in (digits, folded(guest["email"] or "")) if contact}


def folded(text: str) -> str:
    """As far as the texts of these examples need it."""
    return "".join(c for c in normalize("NFKC", text.casefold()) if category(c) != "Cf")
