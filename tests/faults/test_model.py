"""The hub held against the reference model, request by request, with faults in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import copy
from typing import Any

import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import Hub
from tests.faults.model_requests import ModelClient, Wire
from tests.faults.reference_model import Answer, Entity, Model, No, there
from tests.fields import DONE, GUEST, PHASES, SHAPES, TABLE, TABLE_STATUSES, taken
from tests.random_seed import chosen_seed

SEED = chosen_seed()
GUESTS, TABLES = [f"g{n}" for n in range(6)], [f"t{n}" for n in range(4)]
LATER = "2031-05-01T18:00:00Z"

DIVERGED: list[AssertionError] = []
COUNTED = {"examples": 0, "steps": 0, "kills": 0, "cuts": 0}


def maybe(values: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    return some.none() | values


words = some.sampled_from(["", "window", "no nuts", "\u00e8 gi\u00e0 qui", "\U0001f382"])


def plain(entity: dict[str, str]) -> dict[str, some.SearchStrategy[Any]]:
    """A strategy for each field that no rule is about: by its type."""
    by_type = {"string or null": words.map(lambda text: text or None), "list of string": some.lists(words, max_size=2)}
    ruled = {"tableId", "currentGuestId", "phone", "email"}
    return {name: by_type[kind] for name, kind in taken(entity).items() if kind in by_type and name not in ruled}


guest_data = some.fixed_dictionaries(
    {},
    optional={
        **plain(GUEST),
        "firstName": some.sampled_from(["Ada", "Bo", "Anna Maria"]),
        "lastName": some.sampled_from(["", "Rossi", "de la Cruz"]),
        "partySize": some.integers(1, 6),
        "status": some.sampled_from(sorted(PHASES)),
        "tableId": maybe(some.sampled_from(TABLES)),
        "allowOverCapacity": some.booleans(),
        "phone": some.sampled_from([None, "+39 06 1", "+39061", "12", "\u0661\u0662"]),
        "email": some.sampled_from([None, "\u00e8@b.it", "E\u0300@B.it"]),
        "isWalkIn": some.booleans(),
        "quotedWait": maybe(some.integers(0, 90)),
        "reservationTime": some.sampled_from([None, LATER]),
    },
)
table_data = some.fixed_dictionaries(
    {},
    optional={
        **plain(TABLE),
        "tableNumber": some.sampled_from(["1", "2", "1\u200b", "\u00e8", "E\u0300", "Terrazza 1"]),
        "capacity": some.integers(1, 6),
        "minCapacity": some.integers(1, 3),
        "status": some.sampled_from(TABLE_STATUSES),
        "currentGuestId": maybe(some.sampled_from(GUESTS)),
        "allowOverCapacity": some.booleans(),
        "rotation": some.sampled_from([0, 45, 12.5]),
        "shape": some.sampled_from(SHAPES),
    },
)
DATA = {"guest": guest_data, "table": table_data}
IDS = {"guest": GUESTS, "table": TABLES}
NEEDED: dict[str, some.SearchStrategy[Any]] = {
    "guest": some.fixed_dictionaries({"firstName": some.just("Cem"), "partySize": some.integers(1, 5)}),
    "table": some.fixed_dictionaries(
        {
            "tableNumber": some.sampled_from([f"T{n}" for n in range(6)]),
            "capacity": some.integers(2, 6),
            "position": some.just({"x": 0.25, "y": 0.5}),
        }
    ),
}
kinds = some.sampled_from(["guest", "guest", "table"])


@some.composite
def operations(draw: some.DrawFn, actions: tuple[str, ...] = ("create", "update", "update", "delete")) -> Entity:
    """One operation of either batch route."""
    kind, action = draw(kinds), draw(some.sampled_from(actions))
    operation = {"entity_type": kind, "action": action, "entity_id": draw(some.sampled_from(IDS[kind]))}
    if action == "delete":
        return operation
    needed = draw(NEEDED[kind]) if action == "create" else {}
    return operation | {"data": needed | draw(DATA[kind])}


class Compared(RuleBasedStateMachine):
    """A restaurant of its own in each example; after each step its answer and its whole floor are the model's."""

    talk: ModelClient

    @initialize(guests=some.integers(0, 3), tables=some.integers(0, 3))
    def open(self, guests: int, tables: int) -> None:
        """A restaurant with a few tables and guests to begin with, so that most steps find somebody."""
        COUNTED["examples"] += 1
        self.model = Model()
        self.asked: list[tuple[str, Entity, str | None]] = []
        self.keys = 0
        self.talk.open_restaurant()
        made = [("table", f"t{n}", {"tableNumber": f"{n}", "capacity": 4}) for n in range(tables)]
        made += [("guest", f"g{n}", {"firstName": "Eva", "partySize": 2}) for n in range(guests)]
        for kind, entity_id, data in made:
            placed = {"position": {"x": 0, "y": 0}} if kind == "table" else {}
            self.ask("create", {"entity_type": kind, "entity_id": entity_id, "data": data | placed})

    @rule(kind=kinds, data=some.data())
    def create(self, kind: str, data: some.DataObject) -> None:
        """A new guest or table, whose id may be taken."""
        fields = data.draw(DATA[kind]) | data.draw(NEEDED[kind])
        self.ask("create", {"entity_type": kind, "entity_id": data.draw(some.sampled_from(IDS[kind])), "data": fields})

    @rule(kind=kinds, data=some.data(), matching=some.sampled_from([None, None, 0, 1]))
    def update(self, kind: str, data: some.DataObject, matching: int | None) -> None:
        """Some fields of what may be there; `matching` is how far behind the version is that it must have."""
        request: Entity = {"entity_type": kind, "entity_id": self.pick(data, kind), "data": data.draw(DATA[kind])}
        present = self.model.floor[kind].get(request["entity_id"])
        if matching is not None and present is not None:
            request["if_match"] = [present["version"] - matching]
        self.ask("update", request)

    @rule(kind=kinds, data=some.data(), whole=some.booleans())
    def send_back(self, kind: str, data: some.DataObject, whole: bool) -> None:
        """The app sends the whole object as it read it some time ago, with a change."""
        entity_id = self.pick(data, kind)
        version = data.draw(some.integers(1, max(1, self.model.revision)))
        image = self.model.image(kind, entity_id, version)
        if image is not None:
            fields = image if whole else {"version": version, "id": entity_id}
            request = {"entity_type": kind, "entity_id": entity_id, "data": fields | data.draw(DATA[kind])}
            self.ask("update", request)

    @rule(data=some.data(), status=some.sampled_from(sorted(PHASES)), more=some.booleans())
    def seat(self, data: some.DataObject, status: str, more: bool) -> None:
        """A status, with a table perhaps."""
        fields: Entity = {"status": status}
        if more:
            fields |= {"tableId": data.draw(maybe(some.sampled_from(TABLES)))}
            fields |= data.draw(some.fixed_dictionaries({}, optional={"allowOverCapacity": some.booleans()}))
        self.ask("seat", {"entity_type": "guest", "entity_id": self.pick(data, "guest"), "data": fields})

    @rule(kind=kinds, data=some.data())
    def delete(self, kind: str, data: some.DataObject) -> None:
        """Remove what may be there."""
        self.ask("delete", {"entity_type": kind, "entity_id": self.pick(data, kind)})

    @rule(wanted=some.lists(operations(), min_size=1, max_size=5))
    def batch(self, wanted: list[Entity]) -> None:
        """All or nothing."""
        self.ask("batch", {"operations": wanted})

    @rule(wanted=some.lists(operations(), min_size=1, max_size=4), data=some.data())
    def queue(self, wanted: list[Entity], data: some.DataObject) -> None:
        """An off-line queue: some know their base version, some their mutation id, which may have been used."""
        for update in wanted:
            present = self.model.floor[update["entity_type"]].get(update["entity_id"])
            if present is not None and data.draw(some.booleans()):
                update["base_version"] = data.draw(some.integers(0, self.model.revision))
            if present is not None and update["action"] == "update" and data.draw(some.booleans()):
                version = data.draw(some.integers(1, self.model.revision))
                image = self.model.image(update["entity_type"], update["entity_id"], version) or {}
                whole = image if data.draw(some.booleans()) else {}
                update["data"] = whole | {"version": image.get("version", version)} | update["data"]
            if data.draw(some.booleans()):
                update["mutation_id"] = data.draw(some.sampled_from([f"m{n}" for n in range(8)]))
        self.ask("queue", {"updates": wanted})

    @rule(data=some.data(), other=some.booleans())
    def repeat(self, data: some.DataObject, other: bool) -> None:
        """A key comes again, with its request or with another one."""
        keyed = [one for one in self.asked if one[2] is not None]
        if keyed:
            verb, request, key = data.draw(some.sampled_from(keyed))
            if other:
                verb, request = "update", {"entity_type": "guest", "entity_id": "g0", "data": {"notes": "other"}}
            self.ask(verb, request, key)

    @rule(data=some.data(), fault=some.sampled_from(["half", "unread", "unread", "killed"]), odds=some.integers(0, 5))
    def fail(self, data: some.DataObject, fault: str, odds: int) -> None:
        """A request is cut off, or its answer is never read, the hub killed perhaps; then it comes again."""
        key = self.new_key()
        request = {"entity_type": "guest", "entity_id": self.pick(data, "guest"), "data": data.draw(guest_data)}
        wire = self.talk.wire("update", request, key)
        sent = int(time.time())
        self.talk.cut(wire, 0.9 if fault == "half" else 1.0)
        COUNTED["cuts"] += 1
        if fault == "killed" and odds == 0:
            COUNTED["kills"] += 1
            self.talk.restart()
        self.ask("update", request, key, since=sent)

    @rule(data=some.data())
    def read(self, data: some.DataObject) -> None:
        """One entity, a list, and what changed since a revision."""
        COUNTED["steps"] += 1
        kind = data.draw(kinds)
        entity_id = self.pick(data, kind)
        path = f"/restaurants/{self.talk.restaurant_id}/{kind}s/"
        answer, body = self.talk.get(path + entity_id)
        entity = self.model.floor[kind].get(entity_id)
        self.compare((200, entity) if entity else No(f"{kind}_not_found").answer(), (answer.status, body))
        listed = sorted(there(self.model.floor[kind]).values(), key=lambda one: (one["createdAt"], one["id"]))
        assert self.talk.get(path)[1] == listed
        since = data.draw(some.integers(0, self.model.revision))
        query = f"restaurant_id={self.talk.restaurant_id}&since_revision={since}"
        _, delta = self.talk.get(f"/api/sync/delta?{query}")
        revisions = [one["revision"] for one in delta["changes"]]
        assert revisions == sorted(revisions)
        told = sorted(delta["changes"], key=order)
        assert [{k: v for k, v in one.items() if k != "timestamp"} for one in told] == sorted(
            self.model.since(since), key=order
        )
        assert (delta["revision"], delta["has_more"]) == (self.model.revision, False)

    def pick(self, data: some.DataObject, kind: str) -> str:
        """One who is there if there is any; now and then one who may not be."""
        ids = sorted(there(self.model.floor[kind])) or IDS[kind]
        return str(data.draw(some.sampled_from([*ids, *ids, IDS[kind][-1]])))

    def new_key(self) -> str:
        self.keys += 1
        return f"key {self.keys}"

    def ask(self, verb: str, request: Entity, key: str | None = None, since: int | None = None) -> None:
        """Ask the hub and the model, and compare what they say and what they have."""
        COUNTED["steps"] += 1
        if key is None and verb != "queue" and len(self.asked) % 2:
            key = self.new_key()
        self.asked.append((verb, request, key))
        wire: Wire = self.talk.wire(verb, request, key)
        since = int(time.time()) if since is None else since
        answer, body = self.talk.exchange(wire)
        _, floor = self.talk.get(f"/api/sync/full?restaurant_id={self.talk.restaurant_id}")
        faults: list[AssertionError] = []
        for now in range(since, int(time.time()) + 1):  # mostly one second, else whichever the hub took
            model = copy(self.model)
            try:
                self.compare(model.ask(verb, request, key, now), (answer.status, body))
                self.compare_floor(model, floor)
            except AssertionError as fault:
                faults.append(fault)
            else:
                self.model = model
                return
        DIVERGED.append(faults[0])
        raise faults[0]

    @staticmethod
    def compare(expected: Answer, got: Answer) -> None:
        """The status, and every key that the model has."""
        assert got[0] == expected[0], f"{got} instead of {expected}"
        assert told(got[1], expected[1]) == told(expected[1], expected[1])

    @staticmethod
    def compare_floor(model: Model, floor: Entity) -> None:
        """The full sync is the model's floor, at its revision."""
        for kind, listed in (("guest", floor["guests"]), ("table", floor["tables"])):
            assert {one["id"]: one for one in listed} == there(model.floor[kind])
            for guest in listed if kind == "guest" else ():
                assert guest["status"] not in DONE or guest["tableId"] is None, "a terminal guest has no table"
        assert floor["revision"] == model.revision
        assert model.time in ("", floor["timestamp"]), "unless no commit of the model had a time yet"


def order(change: Entity) -> tuple[Any, ...]:
    return change.get("revision", 0), change["entity_type"], change["entity_id"]


def told(said: Entity, expected: Entity) -> Entity:
    """Of an answer the keys that are expected; a list of changes in one order, which the contract leaves open."""
    found = {key: said.get(key, "nothing") for key in expected}
    for key, value in found.items():
        if key == "changes" and isinstance(value, list):
            assert [one["entity_type"] for one in value] == sorted(one["entity_type"] for one in value)
            found[key] = sorted(value, key=order)
        elif key in ("results", "errors") and isinstance(value, list):
            names = [expected_one.keys() for expected_one in expected[key]]
            found[key] = [{name: one.get(name) for name in known} for one, known in zip(value, names, strict=True)]
    return found


@pytest.fixture
def own_hub(tmp_path: Any) -> Iterator[Hub]:
    """A hub that this test alone may kill."""
    hub = Hub(tmp_path / "data").start()
    yield hub
    hub.stop()


def hold_against(hub: Hub, runs: int, steps: int) -> None:
    """So many examples of so many steps; prints what can be quoted, and how to repeat it."""
    DIVERGED.clear()
    COUNTED.update(dict.fromkeys(COUNTED, 0))
    talk = ModelClient(hub)

    class Here(Compared):
        pass

    Here.talk = talk
    every = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # shrinking takes minutes here, and the seed repeats it all
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(SEED)(Here), settings=every)
    except Flaky:  # times are the machine's, so a repetition may go another way: what was seen was seen
        raise DIVERGED[0] from None
    finally:
        print(f"the model: {len(DIVERGED)} divergences, {COUNTED}, RESTOHUB_SEED={SEED}")


def test_the_hub_answers_as_the_model_does(own_hub: Hub) -> None:
    hold_against(own_hub, 20, 30)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_hub_answers_as_the_model_does_for_long(own_hub: Hub) -> None:
    hold_against(own_hub, 500, 50)
