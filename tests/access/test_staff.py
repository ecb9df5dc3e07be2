"""The staff: people with a PIN, who did what, and what only a manager's PIN lets pass."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.access.closed_hub import Device, bearer, manager, pair, person, signing_in, typed, wrong_pin
from tests.conftest import Hub
from tests.contract.answers import ok, problem, results

NewHub = Callable[..., Hub]
GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"
TABLE = {"tableNumber": "1", "capacity": 4, "position": {"x": 0.5, "y": 0.5}}
NOBODY = {"person": None, "expires_in_seconds": None, "confirmed_by": None, "confirmed_for_seconds": None}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """An open hub."""
    hub = Hub(tmp_path_factory.mktemp("staff") / "data").start()
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def stand(hub: Hub) -> Device:
    """The device that people sign in on."""
    return pair(hub, "host", "Host stand")


@pytest.fixture(scope="module")
def office(hub: Hub) -> Device:
    """A manager's device."""
    return pair(hub, "manager", "Office")


@pytest.fixture
def anna(hub: Hub) -> Iterator[str]:
    """A host."""
    with person(hub, "Anna", "host", "4711") as made:
        yield made


@pytest.fixture
def bea(hub: Hub) -> Iterator[str]:
    """A manager: while she is there the hub asks for her PIN."""
    with person(hub, "Bea", "manager", "25801") as made:
        yield made


def test_managers_make_change_and_remove_people(hub: Hub, stand: Device, office: Device) -> None:
    with signing_in(hub, office) as trusted, signing_in(hub, stand) as api, hub.client() as anyone:
        made = ok(trusted.post("/api/staff", json={"name": "Anna", "role": "host", "pin": "4711"}), 201)
        assert made == {"id": made["id"], "name": "Anna", "role": "host", "has_pin": True}
        assert ok(api.get("/api/staff")) == {"staff": [made]}
        again = trusted.post("/api/staff", json={"name": " anna", "role": "host", "pin": "4711"})
        assert problem(again, 422, "validation_failed")["errors"][0]["pointer"] == "/name"
        other = ok(trusted.post("/api/staff", json={"name": "Ben", "role": "host", "pin": "4711"}), 201)["id"]
        problem(trusted.patch(f"/api/staff/{other}", json={"name": "ANNA"}), 422, "validation_failed")
        ok(trusted.patch(f"/api/staff/{other}", json={"name": "BEN"}))
        assert trusted.delete(f"/api/staff/{other}").status_code == 204
        one = f"/api/staff/{made['id']}"
        assert ok(trusted.patch(one, json={"name": "Anna B", "pin": "12345678"})) == {**made, "name": "Anna B"}
        again = trusted.post("/api/staff", json={"name": "anna  B", "role": "host", "pin": "4711"})
        problem(again, 422, "validation_failed")
        for method, path, body in (("POST", "/api/staff", {}), ("PATCH", one, {}), ("DELETE", one, None)):
            problem(api.request(method, path, json=body), 403, "not_permitted")
            problem(anyone.request(method, path, json=body), 401, "token_required")
        problem(anyone.get("/api/staff"), 401, "token_required")
        problem(anyone.post("/api/sign-in", json=typed(made["id"], "4711")), 401, "token_required")
        wrong_pin(api.post("/api/sign-in", json=typed(made["id"], "4711")))
        ok(api.post("/api/sign-in", json=typed(made["id"], "12345678")))
        assert trusted.delete(one).status_code == 204
        assert ok(api.get("/api/staff")) == {"staff": []}
        assert ok(api.get("/api/sign-in")) == NOBODY
        problem(trusted.delete(one), 404, "person_not_found")
        problem(trusted.patch(one, json={"name": "Anna"}), 404, "person_not_found")
        wrong_pin(api.post("/api/sign-in", json=typed(made["id"], "12345678")))


@pytest.mark.parametrize("pin", ["123", "123456789", "12a4", "1234\n", "١٢٣٤", "", 1234, None])
def test_a_pin_has_four_to_eight_digits(hub: Hub, office: Device, pin: Any) -> None:
    with signing_in(hub, office) as trusted:
        body = {"name": "Anna", "role": "host", "pin": pin}
        refused = problem(trusted.post("/api/staff", json=body), 422, "validation_failed")
        assert [one["pointer"] for one in refused["errors"]] == ["/pin"]
        problem(trusted.post("/api/staff", json={**body, "pin": "1234", "role": "view"}), 422, "validation_failed")


def test_commits_keep_who_was_signed_in_and_refusals_say_it(hub: Hub, stand: Device, anna: str) -> None:
    with signing_in(hub, stand) as api, manager(hub) as trusted, hub.client() as anyone:
        ok(anyone.post(TABLES, json={**TABLE, "id": "seen", "tableNumber": "12"}), 201)
        here = ok(api.post("/api/sign-in", json=typed(anna, "4711")))
        member = {"id": anna, "name": "Anna", "role": "host", "has_pin": True}
        assert here == {**NOBODY, "person": member, "expires_in_seconds": 43_200}
        assert ok(api.get("/api/sign-in"))["person"] == member
        made = api.post(GUESTS, json={"name": "Rossi", "partySize": 4, "tableId": "seen"})
        assert (made.status_code, made.headers["restohub-by"]) == (201, "Host%20stand")
        refused = problem(
            anyone.post(GUESTS, json={"name": "Weber", "partySize": 2, "tableId": "seen"}), 409, "table_occupied"
        )
        assert refused["detail"].endswith("It was taken just now by Anna at Host stand.")
        keyed = {"Idempotency-Key": "who-1"}
        ok(api.post(GUESTS, json={"name": "Li", "partySize": 2}, headers=keyed), 201)
        update = {"entity_type": "guest", "action": "create", "data": {"name": "Weber", "partySize": 2}}
        ok(api.post("/api/sync/batch", json={"updates": [update]}))
        ok(api.post("/api/v1/atomic/batch", json={"operations": [update]}))
        assert api.delete("/api/sign-in").status_code == 204
        ok(api.post(GUESTS, json={"name": "Weber", "partySize": 2}), 201)
        assert trusted.delete(f"/api/staff/{anna}").status_code == 204
        audit = ok(trusted.get("/api/audit?limit=6"))["entries"]
        who = [(one["person_id"], one["person"], one["device"]) for one in audit]
        mine = (anna, "Anna", "Host stand")
        assert who == [(None, None, "Host stand"), *[mine] * 5, (None, None, None)]
        assert api.post(GUESTS, json={"name": "Li", "partySize": 2}, headers=keyed).headers["idempotency-replayed"]


@pytest.mark.parametrize("change", [{"pin": "0815"}, {"role": "manager"}])
def test_another_pin_or_role_signs_a_person_out_and_another_name_does_not(
    hub: Hub, stand: Device, anna: str, change: dict[str, str]
) -> None:
    with signing_in(hub, stand) as api, manager(hub) as trusted:
        ok(api.post("/api/sign-in", json=typed(anna, "4711")))
        ok(trusted.patch(f"/api/staff/{anna}", json={"name": "Anna B"}))
        here = ok(api.get("/api/sign-in"))["person"]
        assert here is not None
        assert here["name"] == "Anna B"
        ok(trusted.patch(f"/api/staff/{anna}", json=change))
        assert ok(api.get("/api/sign-in")) == NOBODY


def test_a_device_has_one_person_and_another_device_another(hub: Hub, stand: Device, office: Device, anna: str) -> None:
    with person(hub, "Marco", "host", "4711") as marco, signing_in(hub, stand) as api, signing_in(hub, office) as other:
        ok(api.post("/api/sign-in", json=typed(anna, "4711")))
        assert ok(other.get("/api/sign-in")) == NOBODY
        assert ok(api.post("/api/sign-in", json=typed(marco, "4711")))["person"]["name"] == "Marco"


def test_nobody_signs_in_on_the_hubs_own_machine(hub: Hub, anna: str) -> None:
    with manager(hub) as trusted:
        problem(trusted.post("/api/sign-in", json=typed(anna, "4711")), 403, "not_permitted")
        assert ok(trusted.get("/api/sign-in")) == NOBODY


def test_a_wrong_pin_is_answered_as_a_person_who_is_not_there(hub: Hub, anna: str) -> None:
    device = pair(hub, "host", "Lost")
    with signing_in(hub, device) as api:
        wrong = wrong_pin(api.post("/api/sign-in", json=typed(anna, "4712")))
        assert wrong_pin(api.post("/api/sign-in", json=typed("nobody", "4711"))) == wrong
        assert wrong_pin(api.post("/api/step-up", json=typed(anna, "4712"))) == wrong


def test_after_five_wrong_pins_a_device_waits_and_others_do_not(hub: Hub, stand: Device, anna: str) -> None:
    device = pair(hub, "host", "Guessing")
    statuses: list[int] = []

    def guess(pin: str) -> None:
        with hub.client(headers=bearer(device.token)) as api:
            answer = api.post("/api/sign-in", json=typed(anna, pin))
            while answer.status_code == 429 and answer.json()["params"] == {"seconds": 1}:  # another is being tried
                time.sleep(0.02)
                answer = api.post("/api/sign-in", json=typed(anna, pin))
            statuses.append(answer.status_code)

    guessing = [threading.Thread(target=guess, args=[f"{number:04}"]) for number in range(12)]
    for one in guessing:
        one.start()
    for one in guessing:
        one.join()
    assert sorted(statuses) == [403] * 5 + [429] * 7
    with signing_in(hub, device) as api, signing_in(hub, stand) as other:
        refused = api.post("/api/step-up", json=typed(anna, "4711"))
        assert problem(refused, 429, "rate_limited")["params"]["seconds"] == int(refused.headers["retry-after"])
        assert 1 <= int(refused.headers["retry-after"]) <= 30, "it runs from the fifth guess on"
        ok(other.post("/api/sign-in", json=typed(anna, "4711")))
    hub.says("Too many wrong PINs were typed in at Guessing: it has to wait for 30 s.")


BATCH = {
    "operations": [
        {"entity_type": "guest", "action": "create", "data": {"name": "Li", "partySize": 1}},
        {"entity_type": "table", "action": "update", "entity_id": "TABLE", "data": {"capacity": 6}},
    ]
}
# With the status of each once it is confirmed.
GRAVE: list[tuple[str, str, Any, int]] = [
    ("DELETE", "/restaurants/404", None, 404),
    ("PUT", "/api/access", {"access": "open"}, 200),
    ("POST", "/restaurants/1/people", {"phone": "+39 06 5550102"}, 200),
    ("POST", "/restaurants/1/erasures", {"id": "nobody"}, 202),
    ("POST", "/api/staff", {"name": "Own", "role": "manager", "pin": "0000"}, 201),
    ("PATCH", "/api/staff/BEA", {"pin": "0000"}, 200),
    ("DELETE", "/api/staff/BEA", None, 204),
    ("POST", TABLES, {**TABLE, "tableNumber": "77"}, 201),
    ("DELETE", TABLES + "/TABLE", None, 204),
    ("PATCH", TABLES + "/TABLE", {"tableNumber": "78"}, 200),
    ("PATCH", TABLES + "/TABLE", {"capacity": 5}, 200),
    ("PATCH", TABLES + "/TABLE", {"minCapacity": 2}, 200),
    ("PATCH", TABLES + "/TABLE", {"position": {"x": 0.1, "y": 0.5}}, 200),
    ("PATCH", TABLES + "/TABLE", {"shape": "square"}, 200),
    ("PUT", TABLES + "/TABLE", {"rotation": 90, "status": "dirty"}, 200),
    ("POST", "/api/v1/atomic/batch", BATCH, 200),
]


@pytest.fixture
def table(hub: Hub) -> Iterator[str]:
    """A table of the plan."""
    with manager(hub) as trusted:
        made = ok(trusted.post(TABLES, json={**TABLE, "tableNumber": "50"}), 201)["id"]
        yield made
        for one in ok(trusted.get("/api/sync/full"))["tables"]:
            if one["tableNumber"] in ("50", "77", "78"):
                assert trusted.delete(f"{TABLES}/{one['id']}").status_code == 204


def state_of(hub: Hub) -> tuple[Any, Any]:
    """The floor and the staff."""
    with manager(hub) as trusted:
        floor = ok(trusted.get("/api/sync/full"))
        return (floor["guests"], floor["tables"]), ok(trusted.get("/api/staff"))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"), GRAVE, ids=[f"{one[0]}-{n}" for n, one in enumerate(GRAVE)]
)
def test_what_is_grave_waits_for_a_manager(
    hub: Hub, office: Device, table: str, bea: str, method: str, path: str, body: Any, status: int
) -> None:
    target = path.replace("BEA", bea).replace("TABLE", table)
    body = json.loads(json.dumps(body).replace('"TABLE"', json.dumps(table)))
    with signing_in(hub, office) as api, hub.client() as anyone, manager(hub) as trusted:
        before = state_of(hub)
        assert "step-up" in problem(api.request(method, target, json=body), 403, "pin_required")["hint"]
        unnamed = anyone.request(method, target, json=body)
        if path.startswith("/api/") and body != BATCH and "batch" not in path:
            problem(unnamed, 401, "token_required")
        else:
            assert "pair the device" in problem(unnamed, 403, "pin_required")["hint"]
        assert state_of(hub) == before
        here = ok(api.post("/api/step-up", json=typed(bea, "25801")))
        assert (here["person"], here["confirmed_for_seconds"]) == (None, 300)
        assert here["confirmed_by"]["name"] == "Bea"
        passed = api.request(method, target, json=body)
        assert passed.status_code == status, passed.text
        for one in ok(trusted.get("/api/staff"))["staff"]:
            assert trusted.delete(f"/api/staff/{one['id']}").status_code == 204


def test_what_happens_on_the_plan_is_free_and_so_is_the_plan_sent_back(
    hub: Hub, stand: Device, table: str, bea: str
) -> None:
    one = f"{TABLES}/{table}"
    with signing_in(hub, stand) as api, hub.client() as anyone:
        whole = ok(api.get(one))
        for asking in (api, anyone):
            for body in (
                {"status": "dirty"},
                {"section": "Bar", "server": "Li", "notes": "x"},
                {**whole, "notes": "y"},
            ):
                ok(asking.put(one, json=body))
        ok(api.patch(one, json={"capacity": 4, "version": whole["version"]}))
        ok(api.post(GUESTS, json={"name": "Rossi", "partySize": 2}), 201)
        with manager(hub) as trusted:
            moved = ok(trusted.patch(one, json={"capacity": 8}))
        ok(api.put(one, json={**whole, "status": "available"}))
        assert ok(api.get(one))["capacity"] == moved["capacity"] == 8, "what was only sent back changed nothing"
        del whole["version"]
        problem(api.put(one, json=whole), 403, "pin_required")
        assert bea


def test_a_confirmation_is_of_one_device_ends_with_a_sign_out_and_the_commit_keeps_the_manager(
    hub: Hub, stand: Device, office: Device, anna: str, table: str, bea: str
) -> None:
    one = f"{TABLES}/{table}"
    with signing_in(hub, stand) as api, signing_in(hub, office) as other, manager(hub) as trusted:
        ok(api.post("/api/sign-in", json=typed(anna, "4711")))
        refused = problem(api.post("/api/step-up", json=typed(anna, "4711")), 403, "not_permitted")
        assert refused["detail"] == "This needs the PIN of a manager."
        ok(api.post("/api/step-up", json=typed(bea, "25801")))
        ok(api.patch(one, json={"capacity": 5}))
        ok(api.patch(one, json={"status": "dirty"}))
        problem(other.patch(one, json={"capacity": 6}), 403, "pin_required")
        gone = ok(api.post("/restaurants", json={"name": "Bar"}), 201)["id"]
        assert api.delete(f"/restaurants/{gone}").status_code == 204
        assert ok(trusted.get("/api/audit?restaurant_id=0"))["entries"][0]["person"] == "Bea"
        ok(api.post("/api/sign-in", json=typed(anna, "4711")))
        assert api.delete("/api/sign-in").status_code == 204
        problem(api.patch(one, json={"capacity": 6}), 403, "pin_required")
        ok(trusted.patch(one, json={"capacity": 6}))
        audit = ok(trusted.get("/api/audit?limit=3"))["entries"]
        assert [(who["person"], who["device"]) for who in audit] == [
            (None, "The hub's own machine"),
            ("Anna", "Host stand"),
            ("Bea", "Host stand"),
        ]


def test_of_a_queue_each_update_waits_by_itself_and_what_was_done_is_not_asked_for_again(
    hub: Hub, stand: Device, table: str, bea: str
) -> None:
    updates = [
        {"mutation_id": "q1", "entity_type": "guest", "action": "create", "data": {"name": "Li", "partySize": 2}},
        {"mutation_id": "q2", "entity_type": "table", "entity_id": table, "data": {"capacity": 7}},
        {"mutation_id": "q3", "entity_type": "table", "entity_id": table, "data": {"status": "dirty"}},
    ]
    with signing_in(hub, stand) as api:
        found = results(api.post("/api/sync/batch", json={"updates": updates}))
        assert [(one["status"], one["error_code"]) for one in found] == [
            ("applied", None),
            ("rejected", "pin_required"),
            ("applied", None),
        ]
        ok(api.post("/api/step-up", json=typed(bea, "25801")))
        found = results(api.post("/api/sync/batch", json={"updates": updates}))
        assert [one["status"] for one in found] == ["duplicate", "applied", "duplicate"]
        assert api.delete("/api/sign-in").status_code == 204
        found = results(api.post("/api/sync/batch", json={"updates": updates}))
        assert [one["status"] for one in found] == ["duplicate"] * 3
