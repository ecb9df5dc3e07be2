"""How the tests ask the doctor: the real command, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.commands import environment, run_command

NAMES = ["port", "addresses", "discovery", "name", "data folder", "disk space", "disk speed"]
NAMES += ["database", "backups", "SQLite", "clock", "last run"]


class Said(NamedTuple):
    """What the doctor said: its exit status, and each check by its name."""

    status: int
    checks: dict[str, dict[str, str]]

    def results(self) -> dict[str, str]:
        """How each check came out."""
        return {name: check["result"] for name, check in self.checks.items()}


def printed(*args: str, wrap: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """What it prints where there is no terminal."""
    return run_command("doctor", *args, wrap=wrap, env=environment(**env))


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
