"""Erasures: nothing of a person is left in any byte of the folder, whatever happened meanwhile."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from restohub.floor.contacts import hashed, visit_of
from restohub.store.codec import name_checksum
from restohub.store.contact_visits import CONTACT_KEY
from restohub.store.data_folder import DATABASE
from restohub.store.restore_detection import NAME
from restohub.store.verification import verify_folder
from tests.access.closed_hub import bearer, pair
from tests.commands import run_command
from tests.conftest import Hub
from tests.faults.disk_fault_checks import shown
from tests.faults.file_search import answers_of, finds, free_pages, windows
from tests.faults.loaded_hub import backed_up, changing
from tests.random_seed import chosen_seed
from tests.store.database_files import prune_log, sql

NewHub = Callable[..., Hub]
PHONE, DIGITS, EMAIL = "+49 (170) 555-1234567", "491705551234567", "mailboxquux@example.org"
WORDS = ("zaphodiax", "beeblebroxova", "pangalactica", "notizenwortxyz", "vegetarissima", "tagwortqrs", "wuenschexyzzy")
SEARCHED = (*WORDS, "5551234567", "mailboxquux")
# What is promised.
WITHIN_S = 60
STEPS = 300
KILLS, KILLS_LONG = 3, 40


def person(guest_id: str, chance: random.Random) -> dict[str, Any]:
    """A party with all that a guest may tell."""
    return {
        "id": guest_id,
        "name": f"{WORDS[0]} {WORDS[1]}",
        "partySize": 2,
        "phone": PHONE,
        "email": EMAIL,
        "notes": f"{WORDS[2]} {WORDS[3]} " * chance.randint(1, 30),
        "dietaryRestrictions": [WORDS[4]],
        "tags": [WORDS[5]],
        "specialRequests": WORDS[6],
    }


def evening(api: httpx.Client, steps: int = STEPS) -> None:
    """Guests who come, change and go, a sixth of them the person; half of the requests with keys."""
    chance = random.Random(chosen_seed())
    assert api.post("/restaurants/1/tables", json={"id": "t1", "tableNumber": "1", "capacity": 4}).status_code == 201
    there: list[str] = []
    for step in range(steps):
        key = {"Idempotency-Key": f"k{step}"} if chance.random() < 0.5 else {}
        act = chance.random()
        if act < 0.4 or not there:
            mine = chance.random() < 0.17 or step < 3
            there.append(f"{'p' if mine else 'o'}{step}")
            other = {"id": there[-1], "name": "Other", "partySize": 2}
            guest = person(there[-1], chance) if mine else other
            answer, status = api.post("/restaurants/1/guests", json=guest, headers=key), 201
        elif act < 0.75:
            one = chance.choice(there)
            notes = (f"{WORDS[2]} {WORDS[3]} " if one[0] == "p" else "m") * chance.randint(0, 40)
            answer, status = api.patch(f"/restaurants/1/guests/{one}", json={"notes": notes}, headers=key), 200
        elif act < 0.87:
            one, become = chance.choice(there), {"status": chance.choice(["finished", "arrived"])}
            answer, status = api.patch(f"/restaurants/1/guests/{one}", json=become, headers=key), 200
        else:
            one = there.pop(chance.randrange(len(there)))
            answer, status = api.delete(f"/restaurants/1/guests/{one}", headers=key), 204
        assert answer.status_code == status, answer.text
    seated = person("seated", chance)
    assert api.post("/restaurants/1/guests", json={**seated, "tableId": "t1", "status": "seated"}).status_code == 201


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a hub that has stopped kept of an evening that a manager's device made."""
    hub = Hub(tmp_path_factory.mktemp("evening") / "data").start()
    try:
        with hub.client(headers=bearer(pair(hub, "manager").token)) as api:
            evening(api)
        assert hub.stop() == 0
    finally:
        hub.kill()
    return hub.data


@pytest.fixture
def evening_hub(new_hub: NewHub, kept: Path, tmp_path: Path) -> Hub:
    """A hub, not started yet, over a copy of that."""
    return new_hub(shutil.copytree(kept, tmp_path / "evening"))


def ask(api: httpx.Client, **wish: str) -> str:
    """Have the person forgotten; the id of the erasure."""
    answer = api.post("/restaurants/1/erasures", json={"phone": DIGITS} | wish)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def done(api: httpx.Client, erasure_id: str) -> dict[str, Any]:
    """How an erasure ended."""
    deadline = time.monotonic() + WITHIN_S
    while (told := api.get(f"/restaurants/1/erasures/{erasure_id}").json())["state"] != "done":
        assert time.monotonic() < deadline, told
        time.sleep(0.02)
    return dict(told)


def nobody_is_left(folder: Path, busy: bool = False) -> None:
    """No byte of the person in the folder: neither as it is, nor packed, nor in a page that is free, nor by a hash.

    A `busy` hub has pages that it freed since.
    """
    assert finds(folder, SEARCHED) == []
    database = folder / "restohub.db"
    assert busy or [page for page in free_pages(database) if any(page)] == []
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
        for table in ("removal", "visit"):
            kept = opened.execute(f"SELECT phone, email FROM {table} WHERE phone <> '' OR email <> ''").fetchall()
            assert kept == [], "nobody else has a contact"
        [(key,)] = opened.execute("SELECT value FROM hub WHERE name = ?", (CONTACT_KEY,))
    hashes = windows(hashed(visit_of(PHONE, EMAIL), bytes.fromhex(key)))
    for part in folder.glob("restohub.db*"):
        assert hashes.search(part.read_bytes()) is None, part
    for answer in answers_of(database):
        assert not any(word.encode() in answer for word in WORDS)


def is_sound(folder: Path) -> None:
    """What the folder holds is whole."""
    assert verify_folder(folder, lambda *_: None).faults == []


def test_nothing_of_a_person_is_left_in_any_file(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        evening(api)
        gone = {**person("gone", random.Random(0)), "status": "finished"}
        assert api.post("/restaurants/1/guests", json=gone).status_code == 201
        assert finds(hub.data, SEARCHED) != [], "there is something to find"
        told = done(api, ask(api, backups="renew"))
        assert told["guests"] > 3
        nobody_is_left(hub.data)
        floor = shown(api)
        assert {guest["name"] for guest in floor["guests"]} == {"Guest", "Other"}
        [seated] = [guest for guest in floor["guests"] if guest["id"] == "seated"]
        assert (seated["tableId"], seated["status"], seated["phone"], seated["tags"]) == ("t1", "seated", None, [])
        assert not [guest for guest in floor["guests"] if guest["name"] == "Guest" and guest["phase"] == "done"]
        assert api.get("/restaurants/1/guests/gone").status_code == 404
    hub.stop()
    nobody_is_left(hub.data)
    is_sound(hub.data)
    with hub.start().client() as api:
        assert shown(api) == floor


def test_what_the_audit_keeps_of_a_person_is_ids(evening_hub: Hub) -> None:
    hub = evening_hub
    prune_log(hub.data, STEPS // 2)
    with hub.start().client() as api:
        done(api, ask(api, backups="renew"))
        nobody_is_left(hub.data)
    hub.stop()
    nobody_is_left(hub.data)
    is_sound(hub.data)
    assert ("p0",) in sql(hub.data, "SELECT id FROM audit")


def test_a_repeat_of_what_held_the_person_is_refused_and_another_is_answered_again(new_hub: NewHub) -> None:
    hub = new_hub().start()
    mine = {"id": "p", "name": "zaphodiax", "partySize": 2, "phone": PHONE}
    other = {"id": "o", "name": "Other", "partySize": 2}
    with hub.client() as api:
        for key, guest in (("mine", mine), ("other", other)):
            assert api.post("/restaurants/1/guests", json=guest, headers={"Idempotency-Key": key}).status_code == 201
        done(api, ask(api))
        again = api.post("/restaurants/1/guests", json=mine, headers={"Idempotency-Key": "mine"})
        assert (again.status_code, again.json()["error_code"]) == (422, "idempotency_key_reused")
        again = api.post("/restaurants/1/guests", json=other, headers={"Idempotency-Key": "other"})
        assert (again.status_code, again.json()["id"]) == (201, "o")


def test_nothing_is_left_after_an_erasure_under_load_with_a_backup_under_way(evening_hub: Hub) -> None:
    hub = evening_hub.start()
    with hub.client() as api:
        with changing(hub) as answered:
            before = len(answered)
            erasure_id = ask(api)
            refused = run_command("backup", "--data", str(hub.data))
            told = done(api, erasure_id)
            assert len(answered) > before
        # The erasure may be over before the command comes to it.
        told_why = "somebody is being forgotten" in refused.stderr
        assert (refused.returncode, told_why) in ((1, True), (0, False)), refused.stderr
        assert told["guests"] > 3
        backed_up(hub.data)
        nobody_is_left(hub.data, busy=True)
    hub.stop()
    is_sound(hub.data)


def test_a_client_that_slept_through_it_gets_the_floor_as_it_is(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        evening(api, 60)
        held = api.get("/api/sync/full?restaurant_id=1").json()
        done(api, ask(api))
        query = {"restaurant_id": 1, "since_revision": held["revision"], "epoch": held["epoch"]}
        answer = api.get("/api/sync/delta", params=query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["revision"] > held["revision"]
        assert not any(word in answer.text + str(shown(api)) for word in WORDS)
        mirror = {guest["id"]: guest for guest in held["guests"]}
        for change in answer.json()["changes"]:
            if change["entity_type"] == "guest":
                mirror.pop(change["entity_id"], None)
                if change["action"] != "delete":
                    mirror[change["entity_id"]] = change["data"]
        assert mirror == {guest["id"]: guest for guest in shown(api)["guests"]}


def test_yesterdays_backup_forgets_the_person_again_before_it_is_served(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        evening(api, 80)
        yesterday = backed_up(hub.data, "--to", str(tmp_path))
        assert api.post("/restaurants/1/guests", json={"id": "late", "name": "Late", "partySize": 2}).status_code == 201
        done(api, ask(api))
        backed_up(hub.data, "--to", str(tmp_path))
    hub.stop()
    assert run_command("restore", str(yesterday), "--data", str(hub.data)).returncode == 0
    assert finds(hub.data, SEARCHED) != []
    with hub.start().client() as api:
        assert {guest["name"] for guest in shown(api)["guests"]} == {"Guest", "Other"}
        (hub.data / "backups" / yesterday.name).unlink()
        nobody_is_left(hub.data)
    hub.stop()
    is_sound(hub.data)
    # On a new machine the list comes from beside the backup.
    [copy] = tmp_path.glob(f"restohub-*/{yesterday.name}")
    fresh = tmp_path / "fresh"
    assert run_command("restore", str(copy), "--data", str(fresh)).returncode == 0
    with new_hub(fresh).start().client() as api:
        assert {guest["name"] for guest in shown(api)["guests"]} == {"Guest", "Other"}
        nobody_is_left(fresh)


def test_older_backups_are_replaced_where_that_is_asked_for(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        evening(api, 40)
        for _ in range(2):
            backed_up(hub.data, "--to", str(tmp_path))
        (hub.data / "restohub.toml").write_text(f'backup_to = ["{tmp_path}"]\n')
        done(api, ask(api))
        assert finds(hub.data / "backups", SEARCHED) != []
        done(api, ask(api, backups="renew"))
    assert finds(hub.data, SEARCHED) == finds(tmp_path, SEARCHED) == []
    assert len(list((hub.data / "backups").glob("*.gz"))) == len(list(tmp_path.glob("*/*.gz"))) == 1
    [place] = tmp_path.glob("restohub-*")
    place.rename(tmp_path / "away")
    with hub.client() as api:
        missing = done(api, ask(api, backups="renew"))["missing"]
        assert [str(tmp_path) in one for one in missing] == [True]


def test_two_people_are_forgotten_though_the_backups_are_to_be_renewed_for_one(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        evening(api, 40)
        both = [ask(api, backups="renew"), ask(api, backups="renew")]
        assert [done(api, one)["missing"] for one in both] == [[], []]
    assert finds(hub.data, SEARCHED) == []


def test_a_person_is_forgotten_in_the_log_of_a_restaurant_that_was_removed(
    new_hub: NewHub, evening_hub: Hub, kept: Path, tmp_path: Path
) -> None:
    hub, before = evening_hub, shutil.copytree(kept, tmp_path / "before")
    with hub.start().client() as api:
        done(api, ask(api))
    hub.stop()
    put_back = new_hub(before).start()
    with put_back.client() as api:
        assert api.delete("/restaurants/1", params={"with": "guests,tables", "name": "Restaurant"}).status_code == 204
        put_back.kill()
    shutil.copy(hub.data / "erasures.json", before)
    assert finds(before, SEARCHED) != [], "its log goes a little at a time"
    put_back.start()
    nobody_is_left(before, busy=True)


def killed_in_erasures(hub: Hub, kept: Path, kills: int) -> None:
    """Kill the hub at any moment of an erasure: it goes on after each start, and nothing is lost or left."""
    chance = random.Random(chosen_seed())
    for _ in range(kills):
        shutil.rmtree(hub.data)
        shutil.copytree(kept, hub.data)
        with hub.start().client() as api:
            others = [guest for guest in shown(api)["guests"] if guest["name"] == "Other"]
            erasure_id = ask(api)
            time.sleep(chance.uniform(0, 0.6))
            hub.kill()
        with hub.start().client() as api:
            done(api, erasure_id)
            assert [guest for guest in shown(api)["guests"] if guest["name"] == "Other"] == others
        nobody_is_left(hub.data)
        hub.stop()
        is_sound(hub.data)


def test_a_hub_that_is_killed_in_an_erasure_goes_on_with_it(evening_hub: Hub, kept: Path) -> None:
    killed_in_erasures(evening_hub, kept, KILLS)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_forty_kills_in_erasures_leave_nothing(evening_hub: Hub, kept: Path) -> None:
    killed_in_erasures(evening_hub, kept, KILLS_LONG)


def test_the_list_of_erasures_is_bounded(new_hub: NewHub) -> None:
    hub = new_hub().start()
    assert hub.stop() == 0
    names = [f"erased e{number}" for number in range(999)]  # else each is done again before the hub serves
    with closing(sqlite3.connect(hub.data / DATABASE)) as database, database:
        database.executemany(NAME, [(name, "2", name_checksum(name, "2")) for name in names])
    past = [{"id": f"e{number}", "restaurant_id": 1, "person": {}, "asked": 1, "done": 2} for number in range(999)]
    (hub.data / "erasures.json").write_text(json.dumps(past))
    with hub.start().client() as api:
        assert api.post("/restaurants/1/erasures", json={"id": "nobody"}).status_code == 202
        refused = api.post("/restaurants/1/erasures", json={"id": "nobody"})
        told = refused.json()
        assert (refused.status_code, told["error_code"]) == (409, "limit_reached")
        assert told["params"] == {"counted": "erasures", "count": 1000, "limit": 1000}
