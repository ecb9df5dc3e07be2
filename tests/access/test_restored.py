"""The devices of a copy that was put back: nobody at the door is locked out, and nobody comes back unseen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from restohub.access.devices import Device as Known
from restohub.floor.model import Directory, Floor
from restohub.live.key_index import KeyIndex
from restohub.store.load import Loaded
from tests.access.closed_hub import Device, bearer, hash_of, machine_token, manager, pair, revoke, told
from tests.cli.pty_terminal import Terminal
from tests.conftest import Hub
from tests.contract.answers import ok, problem

NewHub = Callable[..., Hub]
GUEST = {"name": "Rossi", "partySize": 2}


def waiting(hub: Hub) -> set[str]:
    """The names of the devices that are not confirmed."""
    with manager(hub) as trusted:
        return {one["name"] for one in ok(trusted.get("/api/devices"))["devices"] if one["restored_from"]}


def works_as(hub: Hub, device: Device) -> str:
    """What a device may do now."""
    with hub.client(headers=bearer(device.token)) as api:
        if api.get("/api/devices").status_code == 200:
            return "manager"
        made = api.post("/restaurants/1/guests", json=GUEST).status_code
        return {201: "host", 403: "view", 401: "nothing"}[made]


@pytest.fixture
def closed(new_hub: NewHub) -> Hub:
    """A closed hub of the test's own."""
    return new_hub(None, "--access", "closed").start()


def test_after_a_restore_managers_work_as_hosts_until_the_machine_confirms_them(closed: Hub) -> None:
    office, second, bar, wall = (
        pair(closed, *one) for one in [("manager",), ("manager", "Second"), ("host",), ("view",)]
    )
    gone = pair(closed, "host", "Gone")
    told("backup", "--data", str(closed.data))
    late = pair(closed, "manager", "Late")
    revoke(closed, gone)
    revoke(closed, late)
    assert closed.stop() == 0
    backup = next((closed.data / "backups").glob("*.gz"))
    said = told("restore", str(backup), "--data", str(closed.data))
    assert "So are the devices (5)." in said
    assert "`restohub devices confirm --all`. Until then managers work as hosts." in said
    closed.start()
    closed.says("Devices that were revoked after the data were copied are shut out again.")
    assert [works_as(closed, one) for one in (office, second, bar, wall)] == ["host", "host", "host", "view"]
    assert [works_as(closed, one) for one in (gone, late)] == ["nothing", "nothing"], "the list has them"
    with closed.client() as api, closed.client(headers=bearer(office.token)) as unconfirmed:
        again = api.post("/api/pairing", json={"token_sha256": hash_of(late.token)})
        problem(again, 422, "validation_failed")
        refused = problem(unconfirmed.get("/api/audit"), 403, "not_permitted")
        assert refused["detail"].endswith("this manager's device is not confirmed yet.")
        problem(unconfirmed.patch(f"/api/devices/{office.id}", json={"confirmed": True}), 403, "not_permitted")
    assert waiting(closed) == {"Manager", "Second", "Host", "View"}
    told("devices", "confirm", "Manager", "--yes", "--data", str(closed.data))
    assert [works_as(closed, one) for one in (office, second)] == ["manager", "host"]
    with closed.client(headers=bearer(office.token)) as confirmed:
        changed = confirmed.patch(f"/api/devices/{second.id}", json={"confirmed": True})
        assert problem(changed, 403, "not_permitted")["detail"] == "This is done on the hub's own machine alone."
        problem(confirmed.patch(f"/api/devices/{second.id}", json={"confirmed": False}), 422, "validation_failed")
        ok(confirmed.patch(f"/api/devices/{second.id}", json={"role": "manager"}))
    assert works_as(closed, second) == "host", "only the machine confirms"
    assert closed.stop() == 0
    closed.start()
    assert [works_as(closed, one) for one in (office, second, gone)] == ["manager", "host", "nothing"]
    assert waiting(closed) == {"Second", "Host", "View"}


def test_a_copy_from_before_the_hub_was_closed_opens_it_to_nobody(new_hub: NewHub) -> None:
    hub = new_hub().start()
    told("backup", "--data", str(hub.data))
    empty = next((hub.data / "backups").glob("*.gz"))
    bar = pair(hub, "host")
    told("backup", "--data", str(hub.data))
    [full] = {*(hub.data / "backups").glob("*.gz")} - {empty}
    told("access", "close", "--yes", "--data", str(hub.data))
    marks = [folder / "restohub.closed" for folder in (hub.data, hub.data / "backups")]
    assert [one.exists() for one in marks] == [True, True], "it lies where the list of revoked devices does"
    hub.stop()
    new = new_hub()
    told("restore", str(full), "--data", str(hub.data))
    hub.start()
    hub.says("It stays closed; `restohub access open` opens it.")
    with hub.client() as api:
        problem(api.get("/restaurants"), 401, "token_required")
    assert works_as(hub, bar) == "host"
    revoke(hub, bar)
    hub.stop()
    told("restore", str(full), "--data", str(hub.data))
    hub.start()
    with hub.client() as api:
        assert api.get("/restaurants").status_code == 401, "it knows a device, though one that was revoked since"
    hub.stop()
    told("restore", str(full), "--data", str(new.data))
    assert (new.data / "restohub.closed").exists(), "the mark lies beside the backups too"
    told("restore", str(empty), "--data", str(hub.data))
    hub.start()
    hub.says("The data are a copy that knows no device, so the hub is open.")
    with hub.client() as api:
        assert api.get("/restaurants").status_code == 200
    assert [one.exists() for one in marks] == [True, True], "the next copy is closed again"


def test_of_a_folder_that_was_put_back_by_hand_it_is_said_what_it_is_older_than(closed: Hub, tmp_path: Path) -> None:
    office, gone = pair(closed, "manager"), pair(closed, "host", "Gone")
    assert closed.stop() == 0
    copy = Path(shutil.copytree(closed.data, tmp_path / "copy"))
    closed.start()
    revoke(closed, gone)
    assert closed.stop() == 0
    shutil.rmtree(closed.data)
    copy.rename(closed.data)
    closed.start()
    assert (works_as(closed, office), works_as(closed, gone)) == ("host", "host")
    with manager(closed) as trusted:
        devices = ok(trusted.get("/api/devices"))["devices"]
    until = max(one["paired_at"] for one in devices)
    assert [(one["role"], one["restored_from"]) for one in devices] == [("manager", until), ("host", until)]
    closed.says(f"The devices (2) are those of a copy that knows nothing after {until}")
    data = ("--data", str(closed.data))
    listed = told("devices", "list", *data)
    assert listed.startswith(f"The devices are those of a copy of the data that knows nothing after {until}.")
    assert listed.count("  not confirmed") == 2
    assert "say --all" in told("devices", "confirm", *data, status=1)
    assert "Run it again with --yes" in told("devices", "confirm", "--all", *data, status=1)
    told("devices", "revoke", "Gone", "--yes", *data)
    for answer, confirmed in (("n", False), ("y", True)):
        terminal = Terminal("devices", "confirm", "--all", *data)
        asked = terminal.until(lambda said: "[y/N]" in said)
        assert ("Manager" in asked, "Gone" in asked) == (True, False)
        terminal.type(f"{answer}\n")
        assert ("Manager is confirmed." in terminal.result()[1]) is confirmed
        assert (works_as(closed, office) == "manager") is confirmed
    assert (works_as(closed, office), works_as(closed, gone)) == ("manager", "nothing")
    assert "No device waits to be confirmed." in told("devices", "confirm", "--all", *data)
    assert "not confirmed" not in told("devices", "list", *data)


def test_a_copy_knows_as_much_as_its_newest_commit_or_device() -> None:
    none = Loaded("id", "epoch", b"", None, Directory(time=5), {}, KeyIndex(), {}, None, [], [])
    assert none.known_until == 5, "of a hub without a restaurant and a device too"
    assert structs.replace(none, floors={1: Floor(restaurant_id=1, time=7)}).known_until == 7
    paired = Known("d1", "Bar", "host", b"", 9, "machine")
    assert structs.replace(none, devices=[paired]).known_until == 9
    assert structs.replace(none, devices=[structs.replace(paired, revoked_at=11)]).known_until == 11


def test_a_backup_that_is_restored_elsewhere_brings_the_list_along(closed: Hub, tmp_path: Path) -> None:
    gone = pair(closed, "host")
    stick = tmp_path / "stick"
    stick.mkdir()
    told("backup", "--data", str(closed.data))
    revoke(closed, gone)
    told("backup", "--to", str(stick), "--data", str(closed.data))
    first, _ = sorted((closed.data / "backups").glob("*.gz"))
    [beside] = stick.glob("restohub-*")
    shutil.copy(first, beside)
    assert closed.stop() == 0
    closed.data = tmp_path / "new"
    told("restore", str(beside / first.name), "--data", str(closed.data))
    assert works_as(closed.start(), gone) == "nothing"


@pytest.mark.parametrize("damage", [b"[", b'[{"token_sha256": "\xff", "revoked_at": 1}]'], ids=["torn", "no text"])
def test_a_list_that_cannot_be_read_is_said_and_begun_anew(closed: Hub, damage: bytes) -> None:
    gone = pair(closed, "host")
    revoke(closed, gone)
    assert "revoked.json" in [path.name for path in closed.data.iterdir()]
    kept = json.loads((closed.data / "revoked.json").read_text())
    assert [one["token_sha256"] for one in kept] == [hash_of(gone.token)]
    assert closed.stop() == 0
    (closed.data / "revoked.json").write_bytes(damage)
    closed.start()
    closed.says("The list of revoked devices")
    assert json.loads((closed.data / "revoked.json").read_text()) == kept
    assert machine_token(closed) not in (closed.data / "revoked.json").read_text()
    assert works_as(closed, gone) == "nothing"
