"""`restohub report` and `restohub export`: of a hub that runs and of its folder, the same to the letter."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.conftest import Hub
from tests.contract.floor_client import Floor
from tests.contract.test_night_reports import DAY, dine
from tests.store.database_files import sql

NewHub = Callable[..., Hub]


@pytest.fixture
def evening(new_hub: NewHub) -> Hub:
    """A hub whose restaurant 1 served two parties; one of them left the floor."""
    hub = new_hub().start()
    with hub.client() as api:
        api.patch("/restaurants/1", json={"timezone": "Europe/Rome", "name": "=Trattoria"})
        floor = Floor(api, 1)
        table = floor.new_table(section="-Terrace", server="Mia")["id"]
        dine(floor, 0, table, name="=cmd()", phone="+39 06 1", quotedWait=20, id="g1", tags=["vip", "window"])
        gone = dine(floor, 120, table, name="Ada", partySize=4)
        assert api.delete(f"/restaurants/1/guests/{gone}").status_code == 204
    return hub


def test_the_report_of_a_running_hub_and_of_its_folder_are_what_the_route_says(evening: Hub) -> None:
    with evening.client() as api:
        told = api.get(f"/restaurants/1/reports/{DAY}").json()
    running = run_command("report", "--data", str(evening.data), "--json")
    words = run_command("report", "--data", str(evening.data), "--date", DAY)
    assert (running.returncode, running.stderr, json.loads(running.stdout)) == (0, "", told)
    assert evening.stop() == 0
    before = sorted((path.name, path.stat().st_mtime_ns) for path in evening.data.iterdir())
    stopped = run_command("report", "--data", str(evening.data), "--json")
    assert (stopped.stdout, stopped.stderr) == (running.stdout, "")
    assert run_command("report", "--data", str(evening.data), "--date", DAY).stdout == words.stdout
    assert sorted((path.name, path.stat().st_mtime_ns) for path in evening.data.iterdir()) == before
    for said in (
        "=Trattoria, Friday, 20 November 2026 (Europe/Rome)",
        "2 parties, 6 covers",
        "-Terrace",
        "Mia",
        "80 min",
    ):
        assert said in words.stdout


def test_a_day_without_a_party_is_said_to_be_one(evening: Hub) -> None:
    done = run_command("report", "--data", str(evening.data), "--date", "2001-01-01")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No party is done on this day.")


@pytest.mark.parametrize("running", [True, False])
def test_a_wrong_date_and_an_unknown_restaurant_are_said_in_a_sentence(evening: Hub, running: bool) -> None:
    if not running:
        assert evening.stop() == 0
    wrong = run_command("report", "--data", str(evening.data), "--date", "2026-13-01")
    unknown = run_command("report", "--data", str(evening.data), "--restaurant", "7")
    for done, said in ((wrong, "`latest`, not '2026-13-01'"), (unknown, "no restaurant 7")):
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_folder_without_data_is_one_sentence(tmp_path: Path) -> None:
    for command in (["report"], ["export", "--csv", "--to", str(tmp_path / "out")]):
        done = run_command(*command, "--data", str(tmp_path))
        assert (done.returncode, done.stdout) == (1, "")
        assert "There are no data of a hub in" in done.stderr
    assert not (tmp_path / "out").exists()


def exported(path: Path) -> list[dict[str, str]]:
    """The rows of an exported file, as a spreadsheet reads them."""
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("running", [True, False])
def test_the_export_has_every_guest_and_visit_and_no_cell_is_a_formula(
    evening: Hub, tmp_path: Path, running: bool
) -> None:
    if not running:
        assert evening.stop() == 0
    to = tmp_path / "out"
    done = run_command("export", "--csv", "--data", str(evening.data), "--to", str(to))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{to / 'guests.csv'}: guests 1. {to / 'visits.csv'}: visits 1.\n"
    [guest], [visit] = exported(to / "guests.csv"), exported(to / "visits.csv")
    assert (guest["id"], guest["firstName"], guest["phone"], guest["tags"]) == (
        "g1",
        "'=cmd()",
        "'+39 06 1",
        "vip, window",
    )
    assert (visit["status"], visit["party_size"], visit["section"], visit["walk_in"]) == (
        "finished",
        "4",
        "'-Terrace",
        "yes",
    )
    assert visit["seated_time"] == "2026-11-20T20:25:00Z"
    assert not {"phone", "email"} & visit.keys()
    if os.name == "posix":
        assert stat.S_IMODE((to / "guests.csv").stat().st_mode) == 0o600


def test_an_export_writes_over_nothing_and_leaves_no_half(evening: Hub, tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("mine")
    done = run_command("export", "--csv", "--data", str(evening.data), "--to", str(tmp_path))
    assert done.returncode == 1
    assert "visits.csv is there already" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.glob("*.csv")} == {"visits.csv": "mine"}
    plain = run_command("export", "--data", str(evening.data), "--to", str(tmp_path / "new"))
    assert (plain.returncode, (tmp_path / "new").exists()) == (1, False)
    assert "--csv" in plain.stderr


def test_a_damaged_visit_ends_an_export_with_a_sentence(evening: Hub, tmp_path: Path) -> None:
    assert evening.stop() == 0
    sql(evening.data, "UPDATE visit SET size = size + 1")
    done = run_command("export", "--csv", "--data", str(evening.data), "--to", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "fails its checksum" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
