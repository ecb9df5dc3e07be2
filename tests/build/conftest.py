"""The one file, built once, and hubs that run of it as on a machine without Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import Hub

ROOT = Path(__file__).parents[2]


class Built(NamedTuple):
    """The one file, alone in its folder, and what was said while it was made."""

    path: Path
    said: str


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The one file of this machine, from this code."""
    path = tmp_path_factory.mktemp("one") / "made" / "restohub"
    command = [sys.executable, "-m", "restohub.build", "--output", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return Built(path, done.stdout)


@pytest.fixture
def bare(tmp_path: Path) -> tuple[str, ...]:
    """What runs a command with an environment, a home, a temporary and a working folder that know nothing of Python."""
    for name in ("home", "tmp", "elsewhere"):
        (tmp_path / name).mkdir()
    variables = (f"HOME={tmp_path}/home", f"TMPDIR={tmp_path}/tmp", "PATH=/nowhere")
    return ("/usr/bin/env", "-i", f"--chdir={tmp_path}/elsewhere", *variables)


@pytest.fixture
def one_file_hub(built: Built, bare: tuple[str, ...], tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Makes hubs of the one file over the test's one data folder; each still running at the end is killed."""
    made: list[Hub] = []

    def make(*args: str, wrap: tuple[str, ...] = (), **options: Any) -> Hub:
        hub = Hub(tmp_path / "data", *args, wrap=(*wrap, *bare), **options)
        hub.program = (str(built.path),)
        made.append(hub)
        return hub

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.kill()
