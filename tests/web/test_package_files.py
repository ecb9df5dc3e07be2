"""Whether the pages outlive the files of the program, which a tidied /tmp takes from the one file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import pytest

import restohub
from tests.conftest import Hub

PROGRAM = Path(restohub.__file__).parent
PAGES = (
    "/",
    "/about",
    "/docs",
    "/docs/errors",
    "/docs/sync",
    "/docs/sync.md",
    "/docs/sync_client.py",
    "/docs/fixtures.zip",
    "/schema/openapi.json",
    "/schema/asyncapi.json",
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program, to be taken apart."""
    shutil.copytree(PROGRAM, copy := tmp_path / "program" / "restohub", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_every_page_is_served_though_its_files_are_gone(new_hub: Callable[..., Hub], program: Path) -> None:
    hub = new_hub(env={"PYTHONPATH": str(program.parent), "PYTHONSAFEPATH": "1"}).start()
    for path in sorted(program.rglob("*")):
        if path.is_file() and (path.suffix != ".py" or path.parent.name == "docs"):
            path.unlink()
    with hub.client() as api:
        answers = {page: api.get(page) for page in PAGES}
        refused = api.get("/", headers={"Host": "rebound.example", "Accept": "text/html"})
    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(PAGES, 200)
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert hub.stop() == 0
    assert "Traceback" not in hub.said()
    assert not (program / "docs" / "sync.md").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps such a path")
def test_the_time_zones_are_read_though_their_archive_is_gone(tmp_path: Path) -> None:
    archive, folder = tmp_path / "tzdata.zip", Path(str(files("tzdata")))
    with ZipFile(archive, "w") as zipped:
        for file in folder.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                zipped.write(file, file.relative_to(folder.parent))
    reading = (
        "import os, sys, zoneinfo\n"
        "from restohub.build.one_file import held_open\n"
        "sys.path.insert(0, held_open(sys.argv[1]))\n"
        "os.remove(sys.argv[1])\n"
        "zoneinfo.reset_tzpath([])\n"
        "zone = zoneinfo.ZoneInfo('Europe/Rome')\n"
        "import tzdata\n"
        "print(zone, tzdata.__file__.startswith(sys.path[0]))\n"
    )
    done = subprocess.run([sys.executable, "-c", reading, str(archive)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Europe/Rome True\n", "")
