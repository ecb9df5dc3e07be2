"""The data of every released version before the present hub: read, asked again, changed, started again."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from restohub.access.adoption import Adopted
from restohub.access.devices import Device
from restohub.access.staff import Person
from restohub.floor import model
from restohub.floor.visits import Served
from restohub.live.ports import ClockReset
from restohub.store.codec import (
    LoggedChange,
    decode_changes,
    encode_logged,
    log_checksum,
    position_of,
    removal_checksum,
)
from restohub.store.connection import open_writer
from restohub.store.schema import migrations
from restohub.store.verification import verify_folder
from restohub.wire.responses import Answer
from tests.conftest import Hub
from tests.store.database_files import sql
from tests.store.keep_data import BATCH, KEPT, KEYED, QUEUE, SEEN, seen

NewHub = Callable[..., Hub]
# What later versions added to what a client sees: null in older data.
ADDED = {"guests": ("notifiedTime", "arrivedCount"), "restaurant": ("turnMinutes", "locale", "hours")}
VERSIONS = sorted(path.name for path in KEPT.iterdir())
STORED: tuple[type[msgspec.Struct], ...] = (
    model.Guest,
    model.Table,
    model.Restaurant,
    model.Position,
    Served,
    LoggedChange,
    ClockReset,
    Answer,
    Device,
    Adopted,
    Person,
)
# What each format writes: the fields of all that is stored, and the statuses.
WRITES = {
    1: (
        "Guest(id first_name last_name party_size status table_id phone email notes special_requests "
        "dietary_restrictions tags is_walk_in quoted_wait reservation_time check_in_time seated_time finished_time "
        "total_visits created_at last_updated version created_revision created_from) Table(id table_number "
        "capacity min_capacity status position shape rotation section server notes current_guest_id created_at "
        "last_updated version created_revision created_from) Restaurant(id name timezone created_at last_updated "
        "version created_revision created_from) Position(x y) LoggedChange(kind id action was image visit) "
        "ClockReset(revision time) Answer(status headers body) waitlist confirmed running_late partially_arrived "
        "arrived notified seated finished cancelled no_show left available reserved occupied dirty outOfService"
    ),
    2: (
        "Guest(id first_name last_name party_size status table_id phone email notes special_requests "
        "dietary_restrictions tags is_walk_in quoted_wait reservation_time check_in_time seated_time finished_time "
        "notified_time arrived_count total_visits created_at last_updated version created_revision created_from) "
        "Table(id table_number capacity min_capacity status position shape rotation section server notes "
        "current_guest_id created_at last_updated version created_revision created_from) Restaurant(id name "
        "timezone turn_minutes locale hours created_at last_updated version created_revision created_from) "
        "Position(x y) LoggedChange(kind id action was image visit) ClockReset(revision time) Answer(status "
        "headers body) waitlist confirmed running_late partially_arrived arrived notified seated finished "
        "cancelled no_show left available reserved occupied dirty outOfService"
    ),
    3: (
        "Guest(id first_name last_name party_size status table_id phone email notes special_requests "
        "dietary_restrictions tags is_walk_in quoted_wait reservation_time check_in_time seated_time finished_time "
        "notified_time arrived_count total_visits created_at last_updated version created_revision created_from "
        "served ended) Table(id table_number capacity min_capacity status position shape rotation section server "
        "notes current_guest_id created_at last_updated version created_revision created_from) Restaurant(id name "
        "timezone turn_minutes locale hours created_at last_updated version created_revision created_from) "
        "Position(x y) Served(table_number capacity section server) LoggedChange(kind id action was image counted) "
        "ClockReset(revision time) Answer(status headers body) waitlist confirmed running_late partially_arrived "
        "arrived notified seated finished cancelled no_show left available reserved occupied dirty outOfService"
    ),
    4: (
        "Guest(id first_name last_name party_size status table_id phone email notes special_requests "
        "dietary_restrictions tags is_walk_in quoted_wait reservation_time check_in_time seated_time finished_time "
        "notified_time arrived_count total_visits created_at last_updated version created_revision created_from "
        "served ended) Table(id table_number capacity min_capacity status position shape rotation section server "
        "notes current_guest_id created_at last_updated version created_revision created_from) Restaurant(id name "
        "timezone turn_minutes locale hours created_at last_updated version created_revision created_from) "
        "Position(x y) Served(table_number capacity section server) LoggedChange(kind id action was image counted) "
        "ClockReset(revision time) Answer(status headers body) Device(id name role digest paired_at paired_by "
        "revoked_at restored_from paired_over adopted) Adopted(known_by address own_header suspended_at) Person(id "
        "name role pin made_at removed_at) waitlist confirmed running_late partially_arrived arrived notified seated "
        "finished cancelled no_show left available reserved occupied dirty outOfService"
    ),
}


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the data folder of a released version."""
    return Path(shutil.copytree(KEPT / request.param, tmp_path / "data"))


def wanted(folder: Path) -> dict[str, Any]:
    """What a client saw when the folder was made, with the fields of today, and what it was answered."""
    found: dict[str, Any] = json.loads((folder / SEEN).read_text("utf-8"))
    for floor in found["floors"].values():
        for guest in floor["guests"]:
            guest.update(dict.fromkeys(ADDED["guests"]))
        floor["restaurant"] |= dict.fromkeys(ADDED["restaurant"])
    return found


def test_what_is_written_is_what_the_format_says() -> None:
    names = [f"{one.__name__}({' '.join(field.name for field in msgspec.structs.fields(one))})" for one in STORED]
    written = " ".join([*names, *model.GUEST_STATUSES, *model.TABLE_STATUSES])
    assert WRITES.get(migrations()[-1][0]) == written, (
        "What is stored has changed, and an older version would read it wrongly. Add a migration that brings older "
        "data to a new format (restohub/store/migrations), and its words here; leave tests/store/kept as it is."
    )


def test_every_row_of_it_is_sound(kept: Path) -> None:
    report = verify_folder(kept, lambda *_: None)
    assert (report.faults, report.restaurants, report.guests, report.tables) == ([], 2, 4, 4)


def test_a_hub_reads_answers_and_changes_it(kept: Path, new_hub: NewHub) -> None:
    then = wanted(kept)
    hub = new_hub(kept).start()
    with hub.client() as api:
        assert seen(api) == then["floors"]
        changes = api.get("/api/sync/delta?restaurant_id=1&since_revision=0").json()["changes"]
        gone = {one["entity_id"] for one in changes if one["action"] == "delete"}
        assert gone == {"gone", "earlier"}
        for request, answered in zip((KEYED, BATCH), then["answers"], strict=False):
            again = api.request(**request)
            assert (again.json(), again.headers["idempotency-replayed"]) == (answered, "true")
        repeated = api.request(**QUEUE).json()["results"][0]
        assert (repeated["status"], repeated["mutation_id"]) == ("duplicate", "kept-3")
        other = api.request(**{**KEYED, "json": {"name": "Other", "partySize": 1}})
        assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
        taken = api.post("/restaurants/1/tables/", json={"id": "gone", "tableNumber": "9", "capacity": 2})
        assert taken.json()["error_code"] == "already_exists"
        assert seen(api) == then["floors"], "none of this changed anything"
        moved = api.put("/restaurants/1/guests/anna/status/atomic", json={"status": "seated", "tableId": "t2"})
        assert moved.json()["error_code"] == "party_exceeds_capacity"
        moved = api.put("/restaurants/1/guests/dora/status/atomic", json={"status": "finished"})
        assert moved.json()["revision"] == then["floors"]["1"]["revision"] + 1
        after = seen(api)
    assert hub.stop() == 0
    hub.start()
    with hub.client() as api:
        assert seen(api) == after
    assert hub.stop() == 0
    assert verify_folder(kept, lambda *_: None).sound


def retire_as_then(folder: Path) -> None:
    """Make the guest who was deleted one whom the close of the day removed, as that format wrote it: in plain text."""
    contacts = ("39065550102", "anna@example.org")
    [removal] = sql(folder, "SELECT restaurant_id, kind, id, revision, time FROM removal WHERE id = 'earlier'")
    sql(
        folder,
        "UPDATE removal SET phone = ?, email = ?, checksum = ? WHERE id = 'earlier'",
        *contacts,
        removal_checksum((*removal, *contacts)),
    )
    at = position_of(1, removal[3])
    [(time, key, digest, changes, answer)] = sql(
        folder, "SELECT time, key, digest, changes, answer FROM log WHERE position = ?", at
    )
    logged = encode_logged([msgspec.structs.replace(one, counted=contacts) for one in decode_changes(changes)])
    checksum = log_checksum(at, time, key, digest, logged, answer)
    sql(folder, "UPDATE log SET changes = ?, checksum = ? WHERE position = ?", logged, checksum, at)


def test_its_guests_still_count_visits_and_their_contacts_are_hashed(tmp_path: Path, new_hub: NewHub) -> None:
    folder = Path(shutil.copytree(KEPT / "0.1.0", tmp_path / "data"))
    retire_as_then(folder)
    assert verify_folder(folder, lambda *_: None).faults == []
    hub = new_hub(folder).start()
    with hub.client() as api:
        again = api.post("/restaurants/1/guests/", json={"name": "A", "partySize": 2, "phone": "+39 065550-102"})
        by_mail = api.post("/restaurants/1/guests/", json={"name": "B", "partySize": 2, "email": "Anna@Example.org"})
        assert (again.json()["totalVisits"], by_mail.json()["totalVisits"]) == (1, 1)
        assert "served" not in again.json()
    assert hub.stop() == 0
    told = sql(folder, "SELECT phone, email FROM removal WHERE id = 'earlier'")
    said = sql(folder, "SELECT changes FROM log WHERE instr(changes, CAST('\"delete\"' AS BLOB)) > 0")
    assert b"39065550102" not in b"".join(row[0] for row in said)
    assert "39065550102" not in told[0]
    # The log knows what he was when he left: so there is a visit of him.
    assert sql(folder, "SELECT guest_id, status, size FROM visit") == [("earlier", "finished", 2)]
    assert verify_folder(folder, lambda *_: None).faults == []


def test_a_row_that_was_damaged_before_is_not_mended_by_the_migration(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT / "0.1.0", tmp_path / "data"))
    retire_as_then(folder)
    sql(folder, "UPDATE removal SET phone = '39065550103' WHERE id = 'earlier'")

    async def opened() -> None:
        await (await open_writer(folder)).close()

    asyncio.run(opened())
    assert [fault.detail for fault in verify_folder(folder, lambda *_: None).faults] == [
        "A removal fails its checksum."
    ]


def test_each_folder_gets_a_key_of_its_own_and_keeps_it(tmp_path: Path, new_hub: NewHub) -> None:
    keys = []
    for name in ("one", "two", "one"):
        hub = new_hub(tmp_path / name).start()
        assert hub.stop() == 0
        keys += sql(tmp_path / name, "SELECT value FROM hub WHERE name = 'contact_key'")
    assert keys[0] == keys[2] != keys[1]
    assert len(bytes.fromhex(keys[0][0])) == 32


@pytest.mark.parametrize("answer", [msgspec.msgpack.encode([200, [], b"{}"]), b"", b"\x78\x9c\x00"])
def test_a_kept_answer_that_cannot_be_read_is_a_key_that_was_used(
    answer: bytes, tmp_path: Path, new_hub: NewHub
) -> None:
    folder = Path(shutil.copytree(KEPT / VERSIONS[0], tmp_path / "data"))
    [(at, time, key, digest, changes)] = sql(
        folder, "SELECT position, time, key, digest, changes FROM log WHERE key = 'key:kept-1'"
    )
    checksum = log_checksum(at, time, key, digest, changes, answer)
    sql(folder, "UPDATE log SET answer = ?, checksum = ? WHERE position = ?", answer, checksum, at)
    hub = new_hub(folder).start()
    with hub.client() as api:
        before = seen(api)
        again = api.request(**KEYED)
        assert (again.status_code, again.json()["error_code"]) == (422, "idempotency_key_reused")
        assert "cannot be read" in again.json()["hint"]
        assert seen(api) == before
        assert api.request(**BATCH).headers["idempotency-replayed"] == "true"
    assert "internal_error" not in hub.said()
    assert hub.stop() == 0
