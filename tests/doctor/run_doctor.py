"""How the tests ask the doctor: the real command, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

COMMAND = (sys.executable, "-m", "restohub", "doctor")
NAMES = ["port", "addresses", "discovery", "name", "data folder", "disk space", "disk speed"]
NAMES += ["database", "backups", "SQLite", "clock", "last run"]


class Said(NamedTuple):
    """What the doctor said: its exit status, and each check by its name."""

    status: int
    checks: dict[str, dict[str, str]]

    def results(self) -> dict[str, str]:
        """How each check came out."""
        return {name: check["result"] for name, check in self.checks.items()}


def environment(**more: str) -> dict[str, str]:
    """This one without settings of a hub."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("RESTOHUB_")}, **more}


def printed(*args: str, wrap: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """What it prints on a pipe."""
    return subprocess.run(
        [*wrap, *COMMAND, *args],
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def asked(data: Path, *args: str, wrap: tuple[str, ...] = (), names: list[str] = NAMES, **env: str) -> Said:
    """What `--json` says of a folder."""
    done = printed("--data", str(data), "--json", *args, wrap=wrap, **env)
    assert done.stderr == ""
    whole: dict[str, Any] = json.loads(done.stdout)
    assert whole["ok"] == (done.returncode == 0)
    assert whole["data"] == str(data)
    assert [check["name"] for check in whole["checks"]] == names
    return Said(done.returncode, {check["name"]: check for check in whole["checks"]})


def files(folder: Path) -> dict[str, bytes]:
    """The content of each file of a folder, but for SQLite's index of the WAL, which every reader marks."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.endswith("-shm")}


def preloaded(source: Path, folder: Path) -> str:
    """A C file as a library for LD_PRELOAD, or a skip."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip(f"there is no C compiler (cc) for {source.name}")
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=30)
    return str(library)
