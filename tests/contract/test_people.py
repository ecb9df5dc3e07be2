"""People: handed over and forgotten for the hub's own machine, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.commands import run_command
from tests.conftest import Hub
from tests.faults.test_erasure import ask, done

NewHub = Callable[..., Hub]
PEOPLE, ERASURES = "/restaurants/1/people", "/restaurants/1/erasures"
PHONE = "+39 06 555 1234"
TOLD: dict[str, Any] = {
    "checkInTime": "2024-01-15T18:30:00Z",
    "quotedWait": 20,
    "email": "anna@example.org",
    "specialRequests": "a cake",
    "tags": ["regular"],
    "dietaryRestrictions": ["vegan"],
}


@pytest.fixture
def api(hub: Hub) -> httpx.Client:
    """A restaurant of its own would do, but the routes are the same: restaurant 1."""
    return hub.client()


@pytest.fixture
def told(new_hub: NewHub) -> Hub:
    """A hub with a guest who has told much, and left once before."""
    hub = new_hub().start()
    with hub.client() as api:
        table = {"id": "t1", "tableNumber": "7", "capacity": 4, "section": "Terrace", "server": "Mia"}
        assert api.post("/restaurants/1/tables", json=table).status_code == 201
        for guest_id in ("before", "now"):
            guest = {"id": guest_id, "name": "Anna Rossi", "partySize": 2, "phone": PHONE, "notes": "by the window"}
            assert api.post("/restaurants/1/guests", json=guest | TOLD).status_code == 201
        api.patch("/restaurants/1/guests/before", json={"tableId": "t1"})
        api.patch("/restaurants/1/guests/before", json={"status": "finished"})
        assert api.delete("/restaurants/1/guests/before").status_code == 204
        api.post("/restaurants/1/guests", json={"id": "other", "name": "Weber", "partySize": 2, "phone": "0123"})
    return hub


def test_all_that_is_held_of_a_person_is_handed_over(told: Hub) -> None:
    with told.client() as api:
        held = api.post(PEOPLE, json={"phone": "39065551234"}).json()
        assert [guest["id"] for guest in held["guests"]] == ["now"]
        steps = [(one["action"], one["guest"] and one["guest"]["notes"]) for one in held["log"]]
        told_then = "by the window"
        assert steps == [*[("create", told_then)] * 2, *[("update", told_then)] * 2, ("delete", None)]
        assert [one["revision"] for one in held["log"]] == [2, 3, 4, 5, 6]
        assert all(one["guest"] is None or one["time"] == one["guest"]["lastUpdated"] for one in held["log"])
        gone = held["log"][3]["guest"]
        assert held["visits"] == [
            {
                "guest_id": "before", "time": gone["checkInTime"], "status": "finished", "party_size": 2,
                "is_walk_in": True, "quoted_wait": 20, "reservation_time": None, "check_in_time": gone["checkInTime"],
                "seated_time": gone["seatedTime"], "ended": gone["finishedTime"], "table_number": "7",
                "section": "Terrace", "server": "Mia", "hashed_contacts": True,
            }
        ]  # fmt: skip
        one = api.post(PEOPLE, json={"id": "now"}).json()
        assert (len(one["guests"]), len(one["log"]), one["visits"]) == (1, 1, [])
        for contact in ({"email": "nobody@example.org"}, {"phone": "1 23-4"}):
            nobody = api.post(PEOPLE, json=contact)
            assert (nobody.status_code, nobody.json()) == (200, {"guests": [], "log": [], "visits": []})


def test_a_guest_who_changed_his_phone_is_found_by_the_old_one(told: Hub) -> None:
    with told.client() as api:
        api.patch("/restaurants/1/guests/now", json={"phone": "+49 30 999"})
        assert [one["id"] for one in api.post(PEOPLE, json={"phone": PHONE}).json()["guests"]] == ["now"]
        done(api, ask(api, phone=PHONE))
        assert api.get("/restaurants/1/guests/now").json()["phone"] is None


def test_the_ids_of_those_who_are_forgotten_stay_taken(told: Hub) -> None:
    with told.client() as api:
        done(api, ask(api, phone=PHONE))
    assert told.stop() == 0
    with told.start().client() as api:
        taken = api.post("/restaurants/1/guests", json={"id": "before", "name": "Rossi", "partySize": 2})
        assert (taken.status_code, taken.json()["error_code"]) == (409, "already_exists")


def test_a_person_is_found_by_an_e_mail_however_it_is_typed(told: Hub) -> None:
    with told.client() as api:
        api.patch("/restaurants/1/guests/other", json={"email": "Weber@Example.org"})
        held = api.post(PEOPLE, json={"email": "wEBER@example.ORG"}).json()
        assert [one["id"] for one in held["guests"]] == ["other"]


def test_after_an_erasure_only_facts_are_left(told: Hub) -> None:
    with told.client() as api:
        asked = api.post(ERASURES, json={"phone": PHONE}, headers={"Idempotency-Key": "k"}).json()
        assert asked.keys() == {"id", "state", "asked", "done", "guests", "missing"}
        assert (asked["state"], asked["done"], asked["missing"]) == ("waiting", None, [])
        ended = done(api, asked["id"])
        assert ended == {**asked, "state": "done", "done": ended["done"], "guests": 2}
        assert asked["asked"] <= ended["done"]
        again = api.post(ERASURES, json={"id": "nobody"}, headers={"Idempotency-Key": "k"})
        assert again.status_code == 202, "a key is not honoured"
        held = api.post(PEOPLE, json={"phone": PHONE}).json()
        assert held == {"guests": [], "log": [], "visits": []}
        now = api.post(PEOPLE, json={"id": "before"}).json()
        assert [(one["party_size"], one["hashed_contacts"]) for one in now["visits"]] == [(2, False)]
        assert {one["guest"]["name"] for one in now["log"] if one["guest"]} == {"Guest"}
        assert api.get("/restaurants/1/guests/other").json()["name"] == "Weber"
        kept = api.get("/restaurants/1/guests/now").json()
        assert [kept[name] for name in ("name", "phone", "email", "notes", "specialRequests")] == ["Guest", *[None] * 4]
        assert (kept["tags"], kept["dietaryRestrictions"], kept["partySize"]) == ([], [], 2)
        guest = {"id": "again", "name": "Anna Rossi", "partySize": 2, "phone": PHONE}
        assert api.post("/restaurants/1/guests", json=guest).json()["totalVisits"] == 0


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For"])
@pytest.mark.parametrize(("method", "path"), [("POST", PEOPLE), ("POST", ERASURES), ("GET", f"{ERASURES}/x")])
def test_what_was_forwarded_is_not_the_hubs_own_machine(api: httpx.Client, method: str, path: str, header: str) -> None:
    answer = api.request(method, path, headers={header: "192.168.1.5"}, json={"id": "x"} if method == "POST" else None)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"phone": "123"},
        {"phone": "call me"},
        {"email": " "},
        {"id": ""},
        {"id": 7},
        {"phone": PHONE, "email": "a@b.c"},
        {"phone": PHONE, "name": "Anna"},
        {"phone": "1" * 400},
    ],
)
def test_a_person_is_named_by_exactly_one_way(api: httpx.Client, body: Any) -> None:
    for path in (PEOPLE, ERASURES):
        answer = api.post(path, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (422, "validation_failed")


def test_what_becomes_of_backups_is_renew_or_keep(api: httpx.Client) -> None:
    answer = api.post(ERASURES, json={"id": "x", "backups": "burn"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "validation_failed")
    assert api.post(PEOPLE, json={"id": "x", "backups": "keep"}).status_code == 422


def test_an_erasure_that_was_never_asked_for_is_not_found(api: httpx.Client) -> None:
    assert api.get(f"{ERASURES}/none").json()["error_code"] == "route_not_found"
    assert api.post("/restaurants/77/people", json={"id": "x"}).json()["error_code"] == "restaurant_not_found"


def test_the_command_shows_and_forgets(told: Hub) -> None:
    shown = run_command("forget", "--phone", PHONE, "--show", "--data", str(told.data))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [guest["name"] for guest in json.loads(shown.stdout)["guests"]] == ["Anna Rossi"]
    unsure = run_command("forget", "--phone", PHONE, "--data", str(told.data))
    assert (unsure.returncode, "Run it again with --yes" in unsure.stdout) == (1, True)
    forgotten = run_command("forget", "--phone", PHONE, "--yes", "--renew-backups", "--data", str(told.data))
    assert (forgotten.returncode, forgotten.stderr) == (0, "")
    assert "guests on the floor 1 (Anna Rossi)" in forgotten.stdout
    assert "Forgotten. Guests who were this person, past ones included: 2." in forgotten.stdout
    assert len(list((told.data / "backups").glob("*.gz"))) == 1


@pytest.mark.parametrize("options", [[], ["--phone", "1234", "--id", "x"]])
def test_the_command_wants_one_way(options: list[str]) -> None:
    said = run_command("forget", *options)
    assert (said.returncode, said.stdout) == (1, "")
    assert "by one of --phone, --email and --id" in said.stderr
