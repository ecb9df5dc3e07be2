"""What the command says to an owner: a second start, a closed folder, an interface that is not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.pty_terminal import Terminal, printed
from tests.conftest import Hub, free_port
from tests.contract.test_command import ended

NewHub = Callable[..., Hub]
COMMANDS = [[], ["service"], ["identity"]]


def test_a_second_start_says_first_where_the_hub_runs_and_advises_no_other_folder(new_hub: NewHub) -> None:
    hub = new_hub().start()
    told = ended("--host", "127.0.0.1", "--port", str(free_port()), "--data", str(hub.data))
    assert told.returncode == 1
    assert told.stderr.startswith(f"The hub runs already, at {hub.url}/ (its data are in {hub.data})")
    assert told.stderr.count("\n") == 1
    assert "--data" not in told.stderr
    assert "folder" not in told.stderr


def test_a_port_that_another_hub_has_is_said_to_be_that(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub().start()
    told = ended("--host", "127.0.0.1", "--port", str(hub.port), "--data", str(tmp_path / "other"))
    assert told.returncode == 1
    assert told.stderr.startswith(f"Another program uses port {hub.port} already: a restohub, at {hub.url}/ with other")


def test_a_folder_without_permission_is_said_to_be_that_and_not_its_settings(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "restohub.toml").write_text("port = 8000\n")
    wrap: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("there is no `setpriv` (util-linux) to take root's rights away")
        os.chown(closed, 65534, 65534)
        wrap = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    closed.chmod(0 if os.geteuid() else 0o700)
    try:
        told = printed("serve", "--data", str(closed), "--no-advertise", wrap=wrap)
    finally:
        closed.chmod(0o700)
    assert told.returncode == 1
    assert told.stderr.startswith(f"The data folder {closed} cannot be written (Permission denied). Give this user")
    assert "restohub.toml" not in told.stderr


def test_long_sentences_end_between_words_on_a_terminal(tmp_path: Path) -> None:
    status, said = Terminal("where", "--data", str(tmp_path), columns=60).result()
    lines = said.splitlines()
    assert status == 1
    assert len(lines) > 2
    assert all(len(line) < 60 or " " not in line for line in lines)
    assert " ".join(lines) == printed("where", "--data", str(tmp_path)).stderr.strip()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80])
def test_no_help_is_cut(command: list[str], columns: int) -> None:
    told = printed(*command, "--help", COLUMNS=str(columns))
    assert told.returncode == 0
    assert "..." not in told.stdout.partition("Commands:")[2]
    assert max(map(len, told.stdout.splitlines())) <= columns


def test_a_person_is_told_how_to_leave_the_hub_on(tmp_path: Path) -> None:
    command = ["serve", "--host", "127.0.0.1", "--port", str(free_port()), "--no-advertise"]
    serving = Terminal(*command, "--data", str(tmp_path / "data"))
    try:
        said = serving.until(lambda text: "Ctrl-C stops the hub." in text)
        assert "To have it start with the machine: " in said
        assert "service" in said.partition("To have it start with the machine: ")[2]
    finally:
        assert serving.end() == 0
