"""A hub and a copy of its data on one network: told apart, and the copy given an identity of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.cli.hub_table import hub_table
from restohub.limits import RIVAL_ANSWERS, RIVAL_ASKED_EVERY_S
from restohub.net.mdns_discover import FoundHub
from restohub.net.urls import host_name
from restohub.store.data_folder import MARK
from restohub.store.restore_detection import changed_at
from restohub.store.verification import verify_folder
from tests.cli.pty_terminal import printed
from tests.conftest import Hub
from tests.doctor.run_doctor import asked
from tests.net.announced_hubs import PORT, AnnouncedHub
from tests.net.avahi import PATIENCE_S, within
from tests.net.network import Machine, Network
from tests.store.database_files import sql

StartHub = Callable[..., AnnouncedHub]
NewHub = Callable[..., Hub]
LISTEN = ("--seconds", "4", "--json")
COUNTED_WITHIN_S = RIVAL_ASKED_EVERY_S * RIVAL_ANSWERS + 60


def copied(data: Path, to: Path) -> Path:
    """A folder as whoever sets up a second restaurant would copy it."""
    return Path(shutil.copytree(data, to))


def data_of(hub: AnnouncedHub) -> Path:
    """The folder of a hub."""
    return hub.log.with_suffix("")


def identity_new(data: Path, *args: str) -> tuple[int, str, str]:
    """The end of `restohub identity new`, what it said and its errors."""
    done = printed("identity", "new", "--data", str(data), *args)
    return done.returncode, done.stdout, done.stderr


def files_and_when(folder: Path) -> dict[str, tuple[bytes, str]]:
    """What each file of a folder holds, and when it was written last: the mark tells by that alone."""
    return {path.name: (path.read_bytes(), changed_at(path)) for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def machines(network: Network) -> tuple[Machine, Machine, Machine]:
    """Two for hubs and one that looks for them."""
    return (
        network.machine("first", "10.77.0.1/24", "fd77::1/64"),
        network.machine("second", "10.77.0.2/24"),
        network.machine("listener", "10.77.0.201/24"),
    )


@pytest.mark.parametrize(
    "names",
    [("Rossi", "Bianchi"), pytest.param(("Rossi", "Rossi"), marks=pytest.mark.long)],
    ids=["two names", "one name"],
)
def test_find_and_doctor_tell_a_copy_apart_at_once(
    machines: tuple[Machine, Machine, Machine], start_hub: StartHub, names: tuple[str, str]
) -> None:
    first, second, listener = machines
    hub = start_hub(first, "--name", names[0])
    hub_id = within(PATIENCE_S, hub.health)[0]["id"]
    assert hub.stop() == 0
    copied(data_of(hub), data_of(hub).with_name("data1"))
    again = AnnouncedHub(first, data_of(hub), "--name", names[0])
    copy = start_hub(second, "--name", names[1])
    try:
        for one in (again, copy):
            assert one.until("announced")["host"] == host_name(hub_id)
        found = json.loads(printed("find", *LISTEN, wrap=listener.wrap).stdout)
        ours = {one["urls"][0]: one for one in found if one["id"] == hub_id and one["shares_id"]}
        assert ours.keys() == {f"http://10.77.0.1:{PORT}/", f"http://10.77.0.2:{PORT}/"}, found
        if names[0] != names[1]:
            assert [one["name"] for _, one in sorted(ours.items())] == list(names)
        told = asked(data_of(hub), "--name", names[0], wrap=first.wrap).checks["name"]
        assert told["result"] == "wrong"
        assert f"A hub with a copy of this hub's data runs at http://10.77.0.2:{PORT}/" in told["found"]
        assert told["fix"].endswith("restohub identity new")
    finally:
        again.stop()


def test_a_person_is_told_what_to_do_of_two_hubs_with_one_id() -> None:
    ids, urls = "01a20459-96ae-7fe3-ae8b-9b68f55edadb", (["http://10.77.0.1:8000/"], ["http://10.77.0.2:8000/"])
    hubs = [
        FoundHub(name, ids, "1", one, "http://a.local:8000/", "healthy", True)
        for name, one in zip("AB", urls, strict=True)
    ]
    said = hub_table(hubs, 1000)
    assert [line.split("  ")[-1] for line in said[1:3]] == ["yes, with another's id"] * 2
    assert said[-1].startswith("Two hubs have one id: one runs on a copy of the other's data")
    assert "`restohub identity new`" in said[-1]


def test_a_hub_with_several_addresses_is_one(network: Network, start_hub: StartHub) -> None:
    machine = network.machine("several", "10.77.0.1/24", "10.77.0.5/24", "fd77::1/64")
    hub = start_hub(machine, "--name", "Rossi")
    hub.until("announced")
    listener = network.machine("listener", "10.77.0.201/24", "fd77::201/64")
    [found] = json.loads(printed("find", *LISTEN, wrap=listener.wrap).stdout)
    assert len(found["urls"]) == 3
    assert "shares_id" not in found


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_hubs_of_one_folder_part_by_themselves_and_the_copy_gets_an_identity(
    machines: tuple[Machine, Machine, Machine], start_hub: StartHub
) -> None:
    first, second, listener = machines
    hub = start_hub(first, "--name", "Rossi")
    hub_id = within(PATIENCE_S, hub.health)[0]["id"]
    assert hub.stop() == 0
    folder = copied(data_of(hub), data_of(hub).with_name("data1"))
    again = AnnouncedHub(first, data_of(hub), "--name", "Rossi")
    copy = start_hub(second, "--name", "Rossi")
    try:
        hosts = set()
        for one, other in ((again, "10.77.0.2"), (copy, "10.77.0.1")):
            within(COUNTED_WITHIN_S, lambda one=one: one.discovery().get("host") not in (None, host_name(hub_id)))  # type: ignore[misc]  # mypy infers no default of a lambda
            said = one.until("announced")
            hosts.add(said["host"])
            assert said["copy_at"] == f"http://{other}:{PORT}/"
            [warning] = [text for text in one.health()["database"]["warnings"] if "identity new" in text]
            assert f"http://{other}:{PORT}/" in warning
            assert f"http://{other}:{PORT}/, runs on a copy of this hub's data" in one.log.read_text()
            local = json.loads(printed("where", "--data", str(data_of(one)), "--json", wrap=one.machine.wrap).stdout)
            assert local["local_url"] == f"http://{said['host']}:{PORT}/"
        assert len(hosts) == 2
        found = json.loads(printed("find", *LISTEN, wrap=listener.wrap).stdout)
        assert {one["local_url"] for one in found} == {f"http://{host}:{PORT}/" for host in hosts}
        assert all(one["shares_id"] for one in found)
        assert copy.stop() == 0
        status, said_new, _ = identity_new(folder, "--json")
        assert status == 0
        other_hub = AnnouncedHub(second, folder, "--name", "Rossi")
        try:
            new_id = json.loads(said_new)["new"]["id"]
            assert other_hub.until("announced")["host"] == host_name(new_id)
            within(3 * RIVAL_ASKED_EVERY_S + 60, lambda: "copy_at" not in again.discovery())
            assert [text for text in again.health()["database"]["warnings"] if "identity new" in text] == []
            found = json.loads(printed("find", *LISTEN, wrap=listener.wrap).stdout)
            assert {one["id"] for one in found} == {hub_id, new_id}
            assert not any("shares_id" in one for one in found)
        finally:
            other_hub.stop()
    finally:
        again.stop()


def test_a_new_identity_is_another_id_and_epoch_and_the_same_floor(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        made = api.post("/restaurants/1/guests/", json={"name": "Anna", "partySize": 2})
        assert made.is_success
        before, was = api.get("/api/sync/full").json(), api.get("/health").json()["id"]
    running = identity_new(hub.data)
    assert (running[0], running[1]) == (1, "")
    assert running[2].startswith(f"Another hub serves the data folder {hub.data} already.")
    assert hub.stop() == 0
    status, said, errors = identity_new(hub.data, "--json")
    assert (status, errors) == (0, "")
    told = json.loads(said)
    assert told["data"] == str(hub.data)
    assert (told["old"]["id"], told["old"]["epoch"]) == (was, before["epoch"])
    assert told["new"]["epoch"] not in ("", before["epoch"])
    assert told["new"]["id"] != was
    assert verify_folder(hub.data, lambda *_: None).sound
    hub.start()
    with hub.client() as api:
        health, after = api.get("/health").json(), api.get("/api/sync/full").json()
        assert (health["id"], after["epoch"]) == (told["new"]["id"], told["new"]["epoch"])
        assert (after["guests"], after["revision"]) == (before["guests"], before["revision"])
        said_so = [text for text in health["database"]["warnings"] if "SQLite" not in text]
        assert said_so == [], "the hub takes its own data for what they are"
        expired = api.get(f"/api/sync/delta?since_revision={before['revision']}&epoch={before['epoch']}")
        assert expired.json()["error_code"] == "revision_expired"
    assert hub.stop() == 0
    (hub.data / MARK).unlink()  # as where the database alone was copied
    status, said, errors = identity_new(hub.data)
    assert (status, errors) == (0, "")
    lines = said.splitlines()
    assert lines[0] == f"The hub in {hub.data} was {told['new']['id']} ({host_name(told['new']['id'])})."
    assert lines[1].endswith("from its next start on.")


def test_an_identity_is_for_data_that_are_there_and_sound(tmp_path: Path) -> None:
    status, said, errors = identity_new(tmp_path / "nowhere")
    assert (status, said) == (1, "")
    assert errors.startswith(f"There are no data of a hub in {tmp_path / 'nowhere'}.")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "restohub.db").write_bytes(b"no database at all, but long enough to be one" * 100)
    status, said, errors = identity_new(tmp_path)
    assert (status, said) == (1, "")
    assert "are damaged" in errors
    assert "Traceback" not in errors


def test_damaged_data_keep_their_identity_to_the_last_byte(new_hub: NewHub) -> None:
    hub = new_hub().start()
    assert hub.stop() == 0
    sql(hub.data, "UPDATE hub SET value = value || 'x' WHERE name = 'epoch'")
    before = files_and_when(hub.data)
    status, said, errors = identity_new(hub.data)
    assert (status, said) == (1, "")
    assert "the hub's own epoch fails its checksum. Nothing was changed." in errors
    assert files_and_when(hub.data) == before
