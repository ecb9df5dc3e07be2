"""What is kept of the staff: no PIN anywhere, nothing that a stolen backup opens, nobody signed in after a restart."""

from __future__ import annotations

import gzip
import hmac
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import scrypt
from pathlib import Path

import pytest

from restohub.access.pins import COST, MEMORY_MAX, fits
from restohub.access.staff import Person
from restohub.limits import WRONG_PINS_FREE
from restohub.net.pepper_file import read_or_make_pepper
from restohub.store.data_folder import DATABASE
from restohub.store.person_rows import PUT_PERSON, person_row
from restohub.store.verification import verify_folder
from tests.access.closed_hub import bearer, files_below, manager, pair, person, signing_in, typed, wrong_pin
from tests.access.test_staff import GUESTS, NOBODY, TABLE, TABLES
from tests.commands import run_command
from tests.conftest import Hub
from tests.contract.answers import ok, problem
from tests.store.database_files import sql

NewHub = Callable[..., Hub]


def test_pins_are_nowhere_and_a_stolen_backup_opens_nothing(new_hub: NewHub) -> None:
    hub = new_hub(None, "--log-level", "debug").start()
    device, pin, wrong = pair(hub, "host", "Host stand"), "90316482", "83716294"
    answers: list[bytes] = []
    with person(hub, "Bea", "manager", pin) as bea, signing_in(hub, device) as api, manager(hub) as trusted:
        api.event_hooks["response"] = trusted.event_hooks["response"] = [lambda one: answers.append(one.read())]
        for path in ("/api/sign-in", "/api/step-up"):
            ok(api.post(path, json=typed(bea, pin)))
            wrong_pin(api.post(path, json=typed(bea, wrong)))
            api.post(path, json={"person_id": bea, "pin": wrong + "0"})
        ok(trusted.patch(f"/api/staff/{bea}", json={"pin": pin}))
        api.get("/api/staff")
        run_command("backup", "--data", str(hub.data)).check_returncode()
        [(kept,)] = sql(hub.data, "SELECT pin FROM person WHERE id = ?", bea)
        backup = gzip.decompress(next((hub.data / "backups").glob("restohub-backup-*.gz")).read_bytes())
        assert kept in backup
        assert hub.process is not None
        hub.process.kill()  # as it lies there in the middle of the evening
        hub.ended(20)
        files, pepper = files_below(hub.data), (hub.data / "restohub.pepper").read_bytes()
        assert stat.S_IMODE((hub.data / "restohub.pepper").stat().st_mode) == 0o600
        assert pepper not in backup + hub.said().encode() + b"".join(answers)
        for secret in (pin.encode(), wrong.encode()):
            for where in (files, backup, hub.said().encode(), *answers):
                assert secret not in where
        for where in (hub.said().encode(), *answers):
            assert kept[-32:] not in where
            assert kept[-32:].hex().encode() not in where
        salt, wanted = kept[8:24], kept[-32:]
        for guess in ("0000", "1234", pin):
            for key in (guess.encode(), *(hmac.digest(other, guess.encode(), "sha256") for other in (b"", kept[:8]))):
                assert scrypt(key, salt=salt, n=COST, r=8, p=1, maxmem=MEMORY_MAX, dklen=32) != wanted
        assert fits(pin, kept, pepper), "with the pepper it would be found"
        hub.start()


def test_after_a_restart_all_are_signed_out_and_without_the_pepper_no_pin_counts(new_hub: NewHub) -> None:
    hub = new_hub().start()
    assert not (hub.data / "restohub.pepper").exists(), "a hub without people makes nothing"
    device = pair(hub, "host", "Host stand")
    with person(hub, "Bea", "manager", "4711") as bea:
        with hub.client(headers=bearer(device.token)) as api:
            ok(api.post("/api/sign-in", json=typed(bea, "4711")))
            ok(api.post(GUESTS, json={"id": "rossi", "name": "Rossi", "partySize": 2}), 201)
        assert hub.stop() == 0
        gone = [Person(f"p{number}", "Gone", "host", None, 1, removed_at=2) for number in range(998)]
        with closing(sqlite3.connect(hub.data / DATABASE)) as database, database:
            database.executemany(PUT_PERSON, [person_row(one) for one in gone])
        hub.start()
        with signing_in(hub, device) as api, manager(hub) as trusted:
            assert ok(api.get("/api/sign-in")) == NOBODY
            problem(api.post(TABLES, json=TABLE), 403, "pin_required")
            ok(api.post("/api/step-up", json=typed(bea, "4711")))
            ok(api.post(TABLES, json=TABLE), 201)
            with person(hub, "Last", "host", "4711"):
                refused = trusted.post("/api/staff", json={"name": "More", "role": "host", "pin": "4711"})
                params = problem(refused, 409, "limit_reached")["params"]
                assert params == {"counted": "staff", "count": 1000, "limit": 1000}
            erasure = ok(trusted.post("/restaurants/1/erasures", json={"id": "rossi"}), 202)["id"]
            while ok(trusted.get(f"/restaurants/1/erasures/{erasure}"))["state"] != "done":
                time.sleep(0.05)
            made = [one for one in ok(trusted.get("/api/audit"))["entries"] if one["entity_id"] == "rossi"]
            assert made[-1]["person"] == "Bea", "who is forgotten is the guest"
        assert hub.stop() == 0
        assert verify_folder(hub.data, lambda *_: None).sound
        (hub.data / "restohub.pepper").rename(hub.data.parent / "left")
        hub.start()
        hub.says("The PINs of 1 of the staff do not count:")
        with signing_in(hub, device) as api, manager(hub) as trusted:
            assert [one["has_pin"] for one in ok(trusted.get("/api/staff"))["staff"]] == [False]
            wrong_pin(api.post("/api/sign-in", json=typed(bea, "4711")))
            ok(api.post(TABLES, json={**TABLE, "tableNumber": "2"}), 201)
            ok(trusted.patch(f"/api/staff/{bea}", json={"pin": "4711"}))
            problem(api.post(TABLES, json={**TABLE, "tableNumber": "3"}), 403, "pin_required")
            ok(api.post("/api/sign-in", json=typed(bea, "4711")))
    assert hub.stop() == 0
    for damage, said in (
        ("UPDATE log SET person = 'somebody' WHERE person IS NOT NULL", "A commit of the log fails its checksum."),
        ("UPDATE person SET role = 'manager'", "A person of the staff cannot be read"),
    ):
        sql(hub.data, damage)
        assert said in " ".join(one.detail for one in verify_folder(hub.data, lambda *_: None).faults)


def test_there_may_be_a_thousand_people_removed_ones_included(new_hub: NewHub) -> None:
    hub = new_hub().start()
    assert hub.stop() == 0
    gone = [Person(f"p{n}", f"Gone {n}", "host", None, 1, removed_at=2) for n in range(999)]
    with closing(sqlite3.connect(hub.data / DATABASE)) as database, database:
        database.executemany(PUT_PERSON, [person_row(one) for one in gone])
    hub.start()
    with manager(hub) as trusted:
        new = {"role": "host", "pin": "4711"}
        ok(trusted.post("/api/staff", json={"name": "Anna", **new}), 201)
        refused = problem(trusted.post("/api/staff", json={"name": "Bea", **new}), 409, "limit_reached")
        assert refused["params"] == {"counted": "staff", "count": 1000, "limit": 1000}


def test_wrong_pins_count_over_a_restart_and_nothing_grave_passes_while_the_pepper_cannot_be_read(
    new_hub: NewHub,
) -> None:
    hub = new_hub().start()
    device, pepper = pair(hub, "host", "Host stand"), hub.data / "restohub.pepper"
    with person(hub, "Bea", "manager", "4711") as bea:
        with hub.client(headers=bearer(device.token)) as api:
            for _ in range(WRONG_PINS_FREE):
                wrong_pin(api.post("/api/sign-in", json=typed(bea, "4712")))
        hub.stop()
        pepper.rename(hub.data.parent / "left")
        pepper.symlink_to(pepper)  # whoever follows it is told of too many levels
        hub.start()
        hub.says("No PIN can be looked at, since")
        with hub.client(headers=bearer(device.token)) as api, manager(hub) as trusted:
            grave = ("POST", TABLES, TABLE), ("POST", "/api/sign-in", typed(bea, "4711"))
            for method, path, body in grave:
                refused = api.request(method, path, json=body)
                assert (refused.status_code, refused.json()["error_code"]) == (503, "storage_unavailable")
                assert "then start the hub again" in refused.json()["detail"]
                assert str(hub.data) not in refused.text
            ok(api.post(GUESTS, json={"name": "Weber", "partySize": 2}), 201)
            ok(trusted.post(TABLES, json=TABLE), 201)
            assert [one["has_pin"] for one in ok(trusted.get("/api/staff"))["staff"]] == [True]
            assert "No PIN can be looked at" in str(api.get("/health").json()["database"]["warnings"])
        hub.stop()
        pepper.unlink()
        (hub.data.parent / "left").rename(pepper)
        hub.start()
        with hub.client(headers=bearer(device.token)) as api:
            first = api.post("/api/sign-in", json=typed(bea, "4712"))
            if first.status_code != 429:  # the first wait was over before the hub was there again
                wrong_pin(first)
            problem(api.post("/api/sign-in", json=typed(bea, "4711")), 429, "rate_limited")


def test_a_pepper_that_cannot_be_read_now_is_not_replaced(tmp_path: Path) -> None:
    pepper = tmp_path / "restohub.pepper"
    pepper.symlink_to(pepper)  # whoever follows it is told of too many levels
    with pytest.raises(OSError, match="symbolic links"):
        read_or_make_pepper(tmp_path)
    assert pepper.is_symlink()


def told_with_pin(*args: str) -> str:
    """What a command says that takes a PIN and fails."""
    done = run_command(*args, typed="4711\n")
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_while_the_pepper_is_cut_short_nothing_grave_passes(new_hub: NewHub) -> None:
    hub = new_hub().start()
    device = pair(hub, "host", "Host stand")
    with person(hub, "Bea", "manager", "4711") as bea:
        hub.stop()
        (hub.data / "restohub.pepper").write_bytes(b"")
        hub.start()
        hub.says("cannot be read (it is cut short)")
        with hub.client(headers=bearer(device.token)) as api, manager(hub) as trusted:
            assert api.post(TABLES, json=TABLE).status_code == 503
            # The file that the next pepper is written to cannot be made: its name is taken by a folder.
            (hub.data / "restohub.pepper.new" / "in the way").mkdir(parents=True)
            said = told_with_pin("staff", "pin", "Bea", "--data", str(hub.data))
            assert said.startswith("The pepper of the PINs cannot be kept"), said
            shutil.rmtree(hub.data / "restohub.pepper.new")
            ok(trusted.patch(f"/api/staff/{bea}", json={"pin": "4711"}))
            problem(api.post(TABLES, json=TABLE), 403, "pin_required")
