"""The doctor before a hub that is well: its lines, its JSON, its exit status, and no trace of it."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.commands import RESTOHUB, environment
from tests.conftest import Hub, free_port
from tests.doctor.run_doctor import asked, files, printed

NewHub = Callable[..., Hub]
INWARD = ("--host", "127.0.0.1")
# Whether a time server is reached, and how fast the disk is today, is the machine's own.
AMBIENT = {"clock", "disk speed"}


def on_a_terminal(*args: str) -> tuple[str, int]:
    """What it writes on a terminal of 80 columns, and its exit status."""
    ours, theirs = pty.openpty()
    env = environment(COLUMNS="80", PYTHONIOENCODING="utf-8")
    with subprocess.Popen([*RESTOHUB, "doctor", *args], env=env, stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not more:
                break
            said += more
    os.close(ours)
    return said.decode(), process.returncode


def test_a_running_hub_is_well_and_not_disturbed(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.new_restaurant()
    before = files(hub.data)
    said = asked(hub.data, *INWARD, "--port", str(hub.port))
    assert said.status == 0
    wrong = {name: result for name, result in said.results().items() if result != "well" and name not in AMBIENT}
    assert wrong == {"addresses": "warning", "discovery": "skipped", "name": "skipped"}  # it is there for itself alone
    assert said.checks["port"]["found"].startswith(f"The hub runs on port {hub.port}, for ")
    assert files(hub.data) == before
    with hub.client() as api:
        assert api.post("/restaurants", json={"name": "Still there"}).status_code == 201
    assert hub.stop() == 0
    assert "restohub.db-wal" not in files(hub.data)


def test_a_stopped_hub_is_well_and_its_folder_as_it_was(new_hub: NewHub) -> None:
    hub = new_hub().start()
    hub.stop()
    before = files(hub.data)
    said = asked(hub.data, *INWARD, "--port", str(hub.port))
    assert said.status == 0
    assert {said.checks[name]["result"] for name in ("port", "data folder", "database", "last run")} == {"well"}
    assert "is free" in said.checks["port"]["found"]
    assert files(hub.data) == before
    assert sorted(path.name for path in hub.data.iterdir()) == sorted(before)


def test_a_folder_before_the_first_start_is_well_and_is_not_made(tmp_path: Path) -> None:
    said = asked(tmp_path / "none" / "data", *INWARD, "--port", str(free_port()))
    assert said.status == 0
    assert {said.checks[name]["result"] for name in ("port", "data folder", "database", "last run")} == {"well"}
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_gets_lines_alone(tmp_path: Path) -> None:
    done = printed("--data", str(tmp_path), *INWARD, "--port", str(free_port()), PYTHONIOENCODING="utf-8")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].endswith(f"with its data in {tmp_path}")
    assert [line for line in lines if line.startswith(" ! addresses ")] != []
    assert lines[lines.index(next(line for line in lines if "addresses" in line)) + 1].lstrip().startswith("→ ")
    assert lines[-1].startswith("Nothing is wrong, ")


def test_a_pipe_without_unicode_gets_plain_marks(tmp_path: Path) -> None:
    done = printed("--data", str(tmp_path), *INWARD, "--port", str(free_port()), PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert " + data folder " in done.stdout
    assert "   > " in done.stdout


def test_a_terminal_of_80_columns_is_enough(tmp_path: Path) -> None:
    said, status = on_a_terminal("--data", str(tmp_path / "d"), *INWARD, "--port", str(free_port()))
    assert status == 0
    lines = said.replace("\r\n", "\n").split("\n")[1:]  # the first names the folder, as long as it is
    assert [line for line in lines if len(line) > 80 and tmp_path.name not in line] == []
    assert " ✓ disk space  " in said


def test_a_setting_that_cannot_be_is_the_one_thing_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "restohub.toml").write_text("prot = 8000\n")
    done = printed("--data", str(tmp_path), PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ settings    " in done.stdout
    assert "key 'prot'" in done.stdout
    assert done.stdout.endswith("1 thing is wrong.\n")


def test_the_settings_of_the_folder_count(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "restohub.toml").write_text(f'port = {port}\nhost = "127.0.0.1"\n')
    assert f"Port {port} is free" in asked(tmp_path).checks["port"]["found"]
