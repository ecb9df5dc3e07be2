"""`restohub service install`: what it writes, what it asks of systemctl, what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from restohub.boot import install as installing
from restohub.boot.install import InstallError, install, installed_program, unreachable, write_unit
from restohub.boot.unit_files import systemd_unit
from tests.commands import run_command

PROGRAM = Path("/usr/bin/env")


def said(*options: str) -> subprocess.CompletedProcess[str]:
    """What `restohub service install` says."""
    return run_command("service", "install", *options)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that writes down what it is asked, and fails at what the file `fails` names."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "systemctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n'
        f'if [ "$1" = "$(cat "{tmp_path}/fails" 2>/dev/null)" ]; then echo "Job failed." >&2; exit 1; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(installing, "HIDDEN", ())
    monkeypatch.setattr(installing, "unreachable", lambda _: None)
    return tmp_path


def test_the_unit_is_written_for_the_installed_program(tmp_path: Path) -> None:
    done = said("--to", str(tmp_path))
    unit = tmp_path / "restohub.service"
    assert (done.returncode, done.stdout) == (0, f"{unit} is written.\n")
    assert unit.read_text("utf-8") == systemd_unit(str(installed_program()))
    assert unit.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [unit]


def test_a_folder_that_is_not_there_is_one_sentence_and_status_1(tmp_path: Path) -> None:
    done = said("--to", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path}/none/restohub.service cannot be written: No such file or directory.\n"


def test_a_machine_without_systemd_is_one_sentence_and_status_1() -> None:
    if installing.BOOTED.is_dir():
        pytest.skip("systemd runs this machine: the test would install a service")
    done = said()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("This machine was not started by systemd;")


def test_only_root_installs(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"^Only root may install .*`sudo /usr/bin/env service install`\.$"):
        install(PROGRAM, units=tmp_path, booted=tmp_path, user=1000)
    assert list(tmp_path.iterdir()) == []


def test_the_service_is_enabled_and_started_anew(systemctl: Path) -> None:
    install(PROGRAM, units=systemctl, booted=systemctl, user=0)
    assert (systemctl / "restohub.service").read_text("utf-8") == systemd_unit("/usr/bin/env")
    asked = (systemctl / "asked").read_text().splitlines()
    assert asked == ["daemon-reload", "enable restohub.service", "restart restohub.service"]


def test_what_systemctl_says_comes_out(systemctl: Path) -> None:
    (systemctl / "fails").write_text("restart")
    with pytest.raises(InstallError, match=r"^`systemctl restart restohub.service` failed: Job failed; `journalctl"):
        install(PROGRAM, units=systemctl, booted=systemctl, user=0)


def test_a_second_install_replaces_the_first(tmp_path: Path) -> None:
    write_unit(tmp_path, Path("/opt/old/restohub"))
    write_unit(tmp_path, Path("/opt/new/restohub"))
    assert "/opt/new/restohub serve" in (tmp_path / "restohub.service").read_text("utf-8")


def test_a_program_in_a_home_is_out_of_the_services_reach() -> None:
    reason = unreachable(Path("/home/pi/restohub/.venv/bin/restohub"))
    assert reason is not None
    assert "/opt/restohub" in reason
    assert unreachable(PROGRAM) is None


def test_a_program_that_only_root_may_read_is_out_of_the_services_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "HIDDEN", ())
    program = tmp_path / "restohub"
    program.touch(0o700)
    program.chmod(0o700)
    assert f"no right to read {program};" in str(unreachable(program))
    program.chmod(0o755)
    tmp_path.chmod(0o700)
    assert f"no right to read {tmp_path};" in str(unreachable(program))


def test_a_second_place_for_backups_may_be_written_by_the_service(tmp_path: Path) -> None:
    done = said("--to", str(tmp_path), "--backup-to", "/media/a stick", "--backup-to", "/mnt/share")
    assert done.returncode == 0
    unit = (tmp_path / "restohub.service").read_text("utf-8")
    assert 'ReadWritePaths="-/media/a stick"\nReadWritePaths=-/mnt/share\n' in unit
    assert 'Environment="RESTOHUB_BACKUP_TO=/media/a stick,/mnt/share"\n' in unit
    if shutil.which("systemd-analyze"):
        verified = subprocess.run(["systemd-analyze", "verify", str(tmp_path / "restohub.service")],
                                  capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
        assert (verified.returncode, verified.stderr) == (0, "")
