"""This file is the reference model: one restaurant as the contract tells it, over plain dicts, in the plainest way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Entity = dict[str, Any]
Floor = dict[str, dict[Any, Entity]]
Answer = tuple[int, Entity]

DONE = ("finished", "cancelled", "no_show", "left")
PHASES: dict[Any, str] = dict.fromkeys(("confirmed", "running_late"), "expected")
PHASES |= dict.fromkeys(("waitlist", "arrived", "partially_arrived", "notified"), "waiting")
PHASES |= {"seated": "seated", **dict.fromkeys(DONE, "done")}
READ_ONLY = ("id", "createdAt", "lastUpdated", "version", "phase", "totalVisits", "allowOverCapacity")
ECHOED = ("tableId", "currentGuestId", "reservationTime", "checkInTime", "seatedTime", "finishedTime")
GUEST = dict.fromkeys(("tableId", "phone", "email", "notes", "specialRequests", "quotedWait", *ECHOED[2:]))
GUEST |= {"lastName": "", "dietaryRestrictions": [], "tags": [], "totalVisits": 0}
TABLE = {"minCapacity": 1, "status": "available", "shape": "round", "rotation": 0, "currentGuestId": None}
TABLE |= dict.fromkeys(("section", "server", "notes"))
CODES = dict.fromkeys(("guest_not_found", "table_not_found"), 404) | {"version_conflict": 412}
CODES |= dict.fromkeys(("validation_failed", "idempotency_key_reused"), 422)


def text_of(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class No(Exception):
    """A refusal: its code, and what is there instead."""

    def __init__(self, code: str, current: Any = None) -> None:
        super().__init__(code)
        self.code, self.current = code, current

    def answer(self) -> Answer:
        body = {"error_code": self.code}
        return CODES.get(self.code, 409), body | ({"current": self.current} if self.current is not None else {})


class Model:
    """A restaurant: its floor, every image that it ever had, and the keys that made a commit."""

    def __init__(self) -> None:
        self.revision = 0
        self.time = ""
        self.floor: Floor = {"guest": {}, "table": {}, "new guest": {}, "new table": {}}
        self.log: list[list[tuple[str, str, Entity | None]]] = []
        self.keys: dict[str, tuple[Any, Answer]] = {}
        self.mutations: dict[str, int] = {}
        self.now = ""

    def fork(self) -> Model:
        other = Model()
        other.revision, other.time, other.floor, other.log = self.revision, self.time, self.floor, list(self.log)
        other.keys, other.mutations = dict(self.keys), dict(self.mutations)
        return other

    def ask(self, verb: str, request: Entity, key: str | None, now: int) -> Answer:
        self.now = max(self.time, text_of(now))
        if verb == "queue":
            return self.queue(request["updates"])
        if key in self.keys:
            asked, answer = self.keys[key]
            return answer if asked == (verb, request) else No("idempotency_key_reused").answer()
        before = self.revision
        try:
            answer = self.batch(request["operations"]) if verb == "batch" else self.single(verb, **request)
        except No as no:
            return no.answer()
        if key is not None and self.revision > before:
            self.keys[key] = (verb, request), answer
        return answer

    def single(self, verb: str, kind: str, entity_id: str, **rest: Any) -> Answer:
        before = self.floor
        draft = self.operate("update" if verb == "seat" else verb, before, kind, entity_id, **rest)
        changes = self.commit(draft)
        entity = self.floor[kind].get(entity_id)
        if verb == "seat":
            old = before["guest"][entity_id]
            return 200, self.seating(old, self.floor["guest"][entity_id], changes)
        return {"create": 201, "update": 200, "delete": 204}[verb], entity or {}

    def seating(self, old: Entity, new: Entity, changes: list[Entity]) -> Entity:
        cleared = new["tableId"] is None and old["tableId"] is not None
        table = self.floor["table"].get(new["tableId"] or old["tableId"])
        told = {"success": True, "guest": new, "table": table, "table_cleared": cleared, "changes": changes}
        told |= {"old_status": old["status"], "new_status": new["status"], "changes_count": len(changes)}
        return told | {"revision": self.revision, "guest_id": new["id"]}

    def batch(self, operations: list[Entity]) -> Answer:
        draft, told, faults = self.floor, [], []
        for index, operation in enumerate(operations):
            try:
                after = self.operate(**{"verb": operation["action"], "draft": draft, **self.named(operation)})
            except No as no:
                faults.append((index, no))
                continue
            same = operation["action"] == "update" and after == draft
            status = "unchanged" if same else operation["action"] + "d"
            told.append({name: operation[name] for name in ("entity_type", "entity_id")} | {"status": status})
            draft = after
        if faults:
            errors = [{"operation": index, "error_code": no.code} for index, no in faults]
            first = faults[0][1].answer()[0]
            body = {"success": False, "rolled_back": True, "errors": errors, "error_code": faults[0][1].code}
            return first, body
        changes = self.commit(draft)
        for one in told:
            one["data"] = self.floor[one["entity_type"]].get(one["entity_id"])
        return 200, {"success": True, "revision": self.revision, "results": told, "changes": changes}

    def queue(self, updates: list[Entity]) -> Answer:
        results = [self.update_of_queue(update) for update in updates]
        failed = sum(one["status"] in ("conflict", "rejected") for one in results)
        body = {"success": failed == 0, "processed_count": len(results) - failed, "failed_count": failed}
        return 200, body | {"revision": self.revision, "results": results}

    def update_of_queue(self, update: Entity) -> Entity:
        mutation = update.get("mutation_id")
        told = {"mutation_id": mutation, "entity_id": update["entity_id"], "revision": None}
        if mutation in self.mutations:
            return told | {"status": "duplicate", "revision": self.mutations[mutation]}
        before = self.revision
        verb = update.get("action", "update")
        try:
            more = {"base": update["base_version"]} if "base_version" in update else {}
            self.commit(self.operate(verb, self.floor, **self.named(update), **more))
        except No as no:
            word = "conflict" if no.code == "version_conflict" else "rejected"
            return told | {"status": word, "error_code": no.code, "current": no.current}
        if self.revision == before:
            return told | {"status": "unchanged"}
        if mutation is not None:
            self.mutations[mutation] = self.revision
        return told | {"status": "applied", "revision": self.revision}

    @staticmethod
    def named(operation: Entity) -> Entity:
        return {"kind": operation["entity_type"], "entity_id": operation["entity_id"], "data": operation.get("data")}

    # What an operation does to a draft: another draft, or No.

    def operate(
        self,
        verb: str,
        draft: Floor,
        kind: str,
        entity_id: str,
        data: Any = None,
        if_match: Any = None,
        base: Any = None,
    ) -> Floor:
        after = {name: dict(entities) for name, entities in draft.items()}
        present = draft[kind].get(entity_id)
        data = data or {}
        if verb == "create":
            self.create(after, kind, entity_id, data)
            return after
        if present is None:
            raise No(f"{kind}_not_found")
        if if_match is not None and present["version"] not in if_match:
            raise No("version_conflict", present)
        if verb == "delete":
            if base is not None and base < present["version"]:
                raise No("version_conflict", present)
            self.delete(after, kind, present)
            return after
        fields = self.meant(kind, present, data)
        then = self.image(kind, entity_id, base) if base is not None else None
        for name, value in fields.items() if base is not None else ():
            if value != present[name] and (then is None or then[name] != present[name]):
                raise No("version_conflict", present)
        over = bool(data.get("allowOverCapacity"))
        if kind == "guest":
            self.guest(after, present, present, fields, over)
        else:
            self.table(after, present, fields, over)
        return after

    def meant(self, kind: str, present: Entity, data: Entity) -> Entity:
        seen = self.image(kind, present["id"], data["version"]) if "version" in data else None
        sent = {name: value for name, value in data.items() if name not in READ_ONLY}
        if seen is not None:
            return {name: value for name, value in sent.items() if value != seen[name]}
        return {name: value for name, value in sent.items() if name not in ECHOED or value != present[name]}

    def create(self, draft: Floor, kind: str, entity_id: str, data: Entity) -> None:
        fields = {name: value for name, value in data.items() if name not in READ_ONLY}
        if kind == "table" and fields.get("minCapacity", 1) > fields["capacity"]:
            raise No("validation_failed")
        other, named = ("table", "tableId") if kind == "guest" else ("guest", "currentGuestId")
        ignored = kind == "guest" and fields.get("status") in DONE
        if fields.get(named) is not None and fields[named] not in draft[other] and not ignored:
            raise No(f"{other}_not_found")
        used = any((kind, entity_id) == done[:2] for entry in self.log for done in entry)
        if used or entity_id in draft["new " + kind]:
            raise No("already_exists", draft[kind].get(entity_id))
        draft["new " + kind][entity_id] = {}
        over = bool(data.get("allowOverCapacity"))
        if kind == "table":
            fields = {name: value for name, value in fields.items() if (name, value) != (named, None)}
            self.table(draft, {"id": entity_id, **TABLE}, fields, over)
            return
        booked = fields.get("reservationTime") is not None
        blank = GUEST | {"id": entity_id, "status": "confirmed" if booked else "waitlist", "isWalkIn": not booked}
        self.guest(draft, None, blank, fields, over)

    def delete(self, draft: Floor, kind: str, present: Entity) -> None:
        if kind == "table" and present["currentGuestId"] is not None:
            raise No("table_occupied", self.at(draft, present))
        if kind == "guest":
            self.free(draft, present["tableId"])
        del draft[kind][present["id"]]

    def guest(self, draft: Floor, before: Entity | None, start: Entity, fields: Entity, over: bool) -> None:
        was, had = (before["status"], before["tableId"]) if before else (None, None)
        status, wanted = fields.get("status", start["status"]), fields.get("tableId", had)
        if fields.get("tableId") is not None and "status" not in fields and PHASES[status] != "expected":
            status = "seated"
        elsewhere = wanted is not None and wanted != had
        if status in DONE or (was == "seated" and status != "seated" and not elsewhere):
            wanted = None
        after = start | fields | {"status": status, "tableId": wanted, "phase": PHASES[status]}
        after |= names(before, fields)
        walks_in = after["reservationTime"] is None
        if before and "isWalkIn" not in fields and walks_in != (before["reservationTime"] is None):
            after["isWalkIn"] = walks_in
        if was != status:
            self.stamp(after, was and PHASES[was], fields)
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
        stamped = {"waiting": ("checkInTime",), "seated": ("checkInTime", "seatedTime")}.get(phase, ())
        for name in ("finishedTime",) if guest["status"] == "finished" else stamped:
            guest[name] = guest[name] or self.now

    def take(self, draft: Floor, guest: Entity, had: str | None, over: bool) -> None:
        wanted = guest["tableId"]
        if wanted is not None and wanted != had:
            table = draft["table"].get(wanted)
            if table is None:
                raise No("table_not_found")
            if table["currentGuestId"] is not None:
                raise No("table_occupied", self.at(draft, table))
            if table["status"] == "outOfService":
                raise No("table_unavailable", self.shown(table))
            if guest["partySize"] > table["capacity"] and not over:
                raise No("party_exceeds_capacity", self.shown(table))
        if wanted != had:
            self.free(draft, had)
        if wanted is not None:
            status = "occupied" if guest["status"] == "seated" else "reserved"
            draft["table"][wanted] = draft["table"][wanted] | {"currentGuestId": guest["id"], "status": status}

    def table(self, draft: Floor, start: Entity, fields: Entity, over: bool) -> None:
        after = start | {name: value for name, value in fields.items() if name not in ("status", "currentGuestId")}
        status, wanted = fields.get("status"), fields.get("currentGuestId")
        if after["minCapacity"] > after["capacity"]:
            raise No("validation_failed")
        if wanted is not None and wanted not in draft["guest"]:
            raise No("guest_not_found")
        for other in draft["table"].values():
            if other["id"] != after["id"] and other["tableNumber"].casefold() == after["tableNumber"].casefold():
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
            self.guest(draft, sitting, sitting, {"status": "finished"} if seated else {"tableId": None}, over=False)
            draft["table"][after["id"]] = after | {"currentGuestId": None, "status": status or "available"}
        elif status == "reserved" and sitting["status"] == "seated":
            raise No("table_occupied", self.at(draft, start))
        elif after["capacity"] < min(start["capacity"], sitting["partySize"]) and not over:
            raise No("party_exceeds_capacity", start)
        elif status == "occupied" and sitting["status"] != "seated":
            self.guest(draft, sitting, sitting, {"status": "seated"}, over=False)

    def give(self, draft: Floor, guest: Entity, table_id: str, status: str | None, over: bool) -> None:
        wish = {"tableId": table_id}
        if status == "reserved":
            if guest["phase"] in ("done", "seated"):
                raise No("validation_failed")
            wish["status"] = guest["status"]
        elif status == "occupied":
            wish["status"] = "seated"
        self.guest(draft, guest, guest, wish, over)

    @staticmethod
    def free(draft: Floor, table_id: str | None) -> None:
        if table_id is not None:
            table = draft["table"][table_id]
            draft["table"][table_id] = table | {"currentGuestId": None, "status": "available"}

    def at(self, draft: Floor, table: Entity) -> Entity:
        return {"table": self.shown(table), "guest": draft["guest"].get(table["currentGuestId"])}

    def shown(self, table: Entity) -> Entity | None:
        return self.floor["table"].get(table["id"])

    # What a commit leaves, and what is read of it.

    def commit(self, draft: Floor) -> list[Entity]:
        revision, entry = self.revision + 1, []
        for kind in ("guest", "table"):
            old, new = self.floor[kind], draft[kind]
            for entity_id in sorted(old.keys() | new.keys() | draft["new " + kind].keys()):
                before, after = old.get(entity_id), new.get(entity_id)
                if after == before and after is not None:
                    continue
                if after is not None:
                    after = after | {"version": revision, "lastUpdated": self.now}
                    after = new[entity_id] = {"createdAt": self.now} | after
                entry.append((kind, entity_id, after, "update" if before else "create"))
        if entry:
            self.revision, self.time = revision, self.now
            self.log.append([change[:3] for change in entry])
            self.floor = {"guest": draft["guest"], "table": draft["table"], "new guest": {}, "new table": {}}
        return [change_of(*change) for change in entry]

    def image(self, kind: str, entity_id: str, revision: int) -> Entity | None:
        found = None
        for entry in self.log[:revision] if revision <= self.revision else ():
            for a_kind, an_id, after in entry:
                found = after if (a_kind, an_id) == (kind, entity_id) else found
        return found

    def since(self, revision: int) -> list[Entity]:
        latest: dict[tuple[str, str], Entity] = {}
        for number, entry in enumerate(self.log, 1):
            for kind, entity_id, after in entry:
                old = self.image(kind, entity_id, number - 1)
                latest.pop((kind, entity_id), None)
                if number > revision:
                    change = change_of(kind, entity_id, after, "update" if old else "create")
                    latest[kind, entity_id] = change | {"revision": number}
        return list(latest.values())


def change_of(kind: str, entity_id: str, after: Entity | None, action: str) -> Entity:
    action = "delete" if after is None else action
    return {"entity_type": kind, "entity_id": entity_id, "action": action, "data": after}


def names(before: Entity | None, fields: Entity) -> Entity:
    have: Entity = before or {"firstName": "", "lastName": "", "name": ""}
    parts = {part: fields.get(part, have[part]) for part in ("firstName", "lastName")}
    said: str = fields.get("name") or have["name"]
    if said != have["name"] and all(parts[part] == have[part] for part in parts):
        first, _, last = said.partition(" ")
        parts = {"firstName": first, "lastName": last}
    return parts | {"name": f"{parts['firstName']} {parts['lastName']}".rstrip(" ")}


def visits(draft: Floor, guest: Entity) -> int:
    mine = contacts(guest)
    others = (other for other in draft["guest"].values() if other["id"] != guest["id"])
    return sum(other["status"] == "finished" and bool(mine & contacts(other)) for other in others)


def contacts(guest: Entity) -> set[str]:
    digits = "".join(c for c in guest["phone"] or "" if c.isdecimal())
    return {contact for contact in (digits, (guest["email"] or "").casefold()) if contact}
