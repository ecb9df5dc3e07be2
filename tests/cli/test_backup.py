"""`restohub backup`, `backups` and `restore`, as a person says them, and what the hub tells of its backups."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from restohub.limits import BACKUP_TOLD_AFTER_S
from tests.commands import run_command
from tests.conftest import START_WAIT_S, Hub
from tests.contract.answers import ok
from tests.faults.disk_fault_checks import batch, parties, shown
from tests.faults.loaded_hub import backed_up
from tests.faults.settable_clock import DAY_S, SettableClock

NewHub = Callable[..., Hub]


@pytest.fixture
def evening(new_hub: NewHub) -> Hub:
    """A hub with a few guests."""
    hub = new_hub().start()
    with hub.client() as api:
        assert batch(api, parties("first", 5)).status_code == 200
    return hub


def listed(data: Path) -> list[dict[str, object]]:
    """What `restohub backups --json` lists."""
    done = run_command("backups", "--data", str(data), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_a_backup_of_a_running_hub_brings_its_floor_back(evening: Hub) -> None:
    with evening.client() as api:
        floor = shown(api)
        path = backed_up(evening.data)
        assert batch(api, parties("later", 3)).status_code == 200
    refused = run_command("restore", str(path), "--data", str(evening.data))
    assert refused.returncode == 1
    assert "Stop it first" in refused.stderr
    assert evening.stop() == 0
    done = run_command("restore", str(path), "--data", str(evening.data))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The data of ")
    with evening.start().client() as api:
        assert shown(api) == floor
        assert "The data are not as the last run left them" in str(api.get("/health").json()["database"]["warnings"])


def test_an_ipad_that_holds_more_takes_the_whole_floor_after_a_restore(evening: Hub) -> None:
    path = backed_up(evening.data)
    with evening.client() as api:
        assert batch(api, parties("later", 3)).status_code == 200
        held = api.get("/api/sync/full?restaurant_id=1").json()
    evening.stop()
    assert run_command("restore", str(path), "--data", str(evening.data)).returncode == 0
    query = {"restaurant_id": 1, "since_revision": held["revision"], "epoch": held["epoch"]}
    with evening.start().client() as api:
        answer = api.get("/api/sync/delta", params=query)
        assert answer.json()["error_code"] == "revision_expired", answer.text


def test_a_backup_of_a_stopped_hub_is_listed_and_checked(evening: Hub) -> None:
    evening.stop()
    path = backed_up(evening.data)
    [one] = listed(evening.data)
    assert (one["path"], one["audited"], one["fault"]) == (str(path), True, None)
    assert one["size_bytes"] == path.stat().st_size
    said = run_command("backups", "--data", str(evening.data)).stdout
    assert str(path) in said
    assert "audited" in said
    checked = run_command("restore", str(path), "--data", str(evening.data), "--check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "is sound" in checked.stdout
    deadline = time.monotonic() + START_WAIT_S
    with evening.start().client() as api:  # which looks for backups once it is there
        while (last := api.get("/health").json()["backup"]["last"]) is None and time.monotonic() < deadline:
            time.sleep(0.05)
    assert last == one["time"]


def test_what_is_made_is_its_users_own(evening: Hub) -> None:
    path = backed_up(evening.data)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def until_backup_says(api: httpx.Client, key: str) -> dict[str, Any]:
    """What `/health` tells, once there is something under this key of `backup`."""
    deadline = time.monotonic() + START_WAIT_S
    while not (told := api.get("/health").json())["backup"][key]:
        assert time.monotonic() < deadline, f"no {key}: {told}"
        time.sleep(0.05)
    return dict(told)


def test_a_place_is_set_up_once_and_its_absence_is_said(evening: Hub, tmp_path: Path, new_hub: NewHub) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    done = run_command("backup", "--data", str(evening.data), "--to", str(stick))
    assert done.returncode == 0
    assert f'backup_to = ["{stick}"]' in done.stdout
    [copy] = stick.glob("restohub-*/*.gz")
    (evening.data / "restohub.toml").write_text(f'backup_to = ["{stick}"]\n')
    evening.stop()
    assert len(listed(evening.data)) == 2
    with evening.start().client() as api:
        until_backup_says(api, "places")
    evening.stop()
    stick.rename(tmp_path / "pocket")
    stick.mkdir()
    done = run_command("backup", "--data", str(evening.data))
    assert done.returncode == 1
    assert f"{stick} is not there, or is not set up for this hub." in done.stderr
    assert list(stick.iterdir()) == []
    with evening.start().client() as api:
        told = until_backup_says(api, "missing")
        assert (told["backup"]["places"], len(told["backup"]["missing"])) == ([], 1)
        assert str(stick) in told["backup"]["missing"][0]
        assert "could not be copied to each place" in str(told["database"]["warnings"])
        forwarded = api.get("/health", headers={"Via": "1.1 proxy"}).json()["backup"]
        assert forwarded == {"last": told["backup"]["last"], "places": [], "missing": []}
        page = api.get("/health", headers={"Accept": "text/html"}).text
    assert "<dt>Last backup</dt><dd>" in page
    doctor = run_command(
        "doctor", "--data", str(evening.data), "--host", "127.0.0.1", "--port", str(evening.port), "--json"
    )
    [check] = [one for one in json.loads(doctor.stdout)["checks"] if one["name"] == "backups"]
    assert check["result"] == "warning"
    assert str(stick) in check["fix"]
    assert copy.name.startswith("restohub-backup-000001-")


def test_damage_at_a_start_names_the_newest_good_backup_and_its_command(evening: Hub) -> None:
    good = backed_up(evening.data)
    bad = backed_up(evening.data)
    with evening.client() as api:
        floor = shown(api)
    evening.stop()
    spoilt = bytearray(bad.read_bytes())
    spoilt[len(spoilt) // 2] ^= 4
    bad.write_bytes(spoilt)
    database = evening.data / "restohub.db"
    database.write_bytes(database.read_bytes()[:3000])
    said = run_command("serve", "--data", str(evening.data), "--port", str(evening.port), "--no-advertise")
    assert said.returncode == 1
    command = f"restohub restore '{good}' --data '{evening.data}'"
    assert "are damaged" in said.stderr
    assert f"`{command}`" in said.stderr
    assert run_command("restore", str(good), "--data", str(evening.data)).returncode == 0
    with evening.start().client() as api:
        assert shown(api) == floor


def test_a_key_is_made_once_and_backups_are_encrypted_to_it(evening: Hub, tmp_path: Path) -> None:
    toml = evening.data / "restohub.toml"
    toml.write_text("log_days = 5")
    done = run_command("backup", "key", "--data", str(evening.data))
    assert (done.returncode, done.stderr) == (0, "")
    [secret] = [line for line in done.stdout.splitlines() if line.startswith("AGE-SECRET-KEY-1")]
    assert secret not in toml.read_text()
    assert toml.read_text().startswith('log_days = 5\nbackup_key = "age1')
    again = run_command("backup", "key", "--data", str(evening.data))
    assert (again.returncode, again.stdout) == (1, "")
    assert "Backups are encrypted already" in again.stderr
    assert run_command("backup", "--data", str(evening.data)).returncode == 0
    [path] = (evening.data / "backups").glob("*.age")
    (tmp_path / "key").write_text(secret)
    with evening.client() as api:
        floor = shown(api)
    evening.stop()
    without = run_command("restore", str(path), "--data", str(evening.data))
    assert (without.returncode, "is encrypted" in without.stderr) == (1, True)
    done = run_command("restore", str(path), "--data", str(evening.data), "--key", str(tmp_path / "key"))
    assert (done.returncode, done.stderr) == (0, "")
    other = run_command("backup", "key", "--data", str(tmp_path / "other"))
    assert (other.returncode, "cannot be written" in other.stderr) == (1, True)
    (tmp_path / "wrong").write_text("AGE-SECRET-KEY-1")
    [told] = json.loads(
        run_command("backups", "--data", str(evening.data), "--json", "--key", str(tmp_path / "wrong")).stdout
    )
    assert "no whole secret key" in told["fault"]
    with evening.start().client() as api:
        assert shown(api) == floor


def test_without_the_part_that_encrypts_no_backup_begins(
    evening: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command("backup", "key", "--data", str(evening.data)).returncode == 0
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "pyrage.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    done = run_command("backup", "--data", str(evening.data))
    assert (done.returncode, done.stdout) == (1, "")
    assert "a part that is not installed" in done.stderr
    assert not (evening.data / "backups").exists()
    doctor = run_command(
        "doctor", "--data", str(evening.data), "--host", "127.0.0.1", "--port", str(evening.port), "--json"
    )
    [check] = [one for one in json.loads(doctor.stdout)["checks"] if one["name"] == "backups"]
    assert check["result"] == "wrong"
    assert "'.[encryption]'" in check["fix"]


@pytest.mark.parametrize("command", ["backup", "backups", "restore"])
def test_its_help_says_what_it_does(command: str) -> None:
    done = run_command(command, "--help")
    assert done.returncode == 0
    assert "--data" in done.stdout


def test_a_folder_without_data_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    done = run_command("backup", "--data", str(tmp_path / "none"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "There are no data of a hub in" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "There is no backup" in run_command("backups", "--data", str(tmp_path)).stdout


def said_as_time_passes(hub: Hub, clock: SettableClock, text: str) -> str:
    """What it said, once this is in it: ten seconds pass in a tenth of one."""
    deadline = time.monotonic() + START_WAIT_S
    with hub.client() as api:
        while text not in (said := hub.said()):
            assert time.monotonic() < deadline, said
            clock.let_pass(10)
            ok(api.get("/health"))  # which wakes it: it sleeps by the true time
            time.sleep(0.1)
    return said


def test_a_missed_night_is_made_up_after_five_minutes_of_rest_though_one_backup_is_dated_ahead(
    new_hub: NewHub, tmp_path: Path
) -> None:
    clock = SettableClock(tmp_path)
    clock.set(-DAY_S)
    old = new_hub(env=clock.env).start()
    assert old.stop() == 0
    clock.set(400 * DAY_S)
    wrap = ("env", *(f"{name}={value}" for name, value in clock.env.items()))
    assert run_command("backup", "--data", str(old.data), wrap=wrap).returncode == 0
    clock.set(0)
    hub = new_hub(old.data, env=clock.env).start()
    with hub.client() as api:
        changed = api.post("/restaurants/1/guests", json={"name": "Ada", "partySize": 2}).json()["createdAt"]
    said = said_as_time_passes(hub, clock, "The backup of the night")
    [made] = [line[:19] for line in said.splitlines() if "night is made" in line]
    rest = datetime.fromisoformat(made).astimezone() - datetime.fromisoformat(changed)
    assert rest >= timedelta(minutes=5)
    newest = max((hub.data / "backups").glob("*.gz"))
    [told] = [one["time"] for one in listed(hub.data) if one["path"] == str(newest)]
    with hub.client() as api:
        assert api.get("/health").json()["backup"]["last"] == told


def test_a_hub_without_a_backup_for_48_hours_tells_its_owner(new_hub: NewHub, tmp_path: Path) -> None:
    clock = SettableClock(tmp_path)
    clock.set(-3 * DAY_S)
    old = new_hub(env=clock.env).start()
    assert old.stop() == 0
    (old.data / "backups").write_text("in the way\n")
    clock.set(0)
    hub = new_hub(old.data, env=clock.env).start()
    said_as_time_passes(hub, clock, "The backup of the night was not made: ")
    assert not tells_of_48_hours(hub), "it may be made yet"
    clock.let_pass(int(BACKUP_TOLD_AFTER_S))
    assert tells_of_48_hours(hub)


def tells_of_48_hours(hub: Hub) -> bool:
    """Whether its health and its page say it."""
    with hub.client() as api:
        warned = any("no backup for 48 hours" in one for one in api.get("/health").json()["database"]["warnings"])
        assert warned == ("no backup for 48 hours" in api.get("/about").text)
    return warned
