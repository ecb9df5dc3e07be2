"""What the platforms read to start the hub: right in form, and of systemd's in substance."""

from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from restohub.boot.unit_files import TASK, launchd_job, scheduled_task, systemd_unit
from tests.commands import run_command

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "restohub.service"
EXPOSURE_MAX = 2.0
ODD_NAMES = ["/opt/a b/restohub", "/opt/50%/restohub", "/opt/città/restohub", "/opt/it;/restohub"]

analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command and what it said."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def shown(*options: str) -> str:
    """What `restohub service show` prints."""
    done = run_command("service", "show", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_unit_of_the_repository_is_the_one_that_is_shown() -> None:
    generic = UNIT.read_text("utf-8")
    assert generic == systemd_unit()
    shown_here = shown("--program", "/opt/restohub/bin/restohub")
    assert (
        shown_here.replace("ExecStart=/opt/restohub/bin/restohub serve", "ExecStart=/usr/bin/env restohub serve")
        == generic
    )


@analyze
def test_systemd_has_nothing_to_say_against_the_unit() -> None:
    done = run("systemd-analyze", "verify", str(UNIT))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyze
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_program_of_any_name_is_found_by_systemd(name: str, tmp_path: Path) -> None:
    program = tmp_path / name[1:]
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    unit = tmp_path / "restohub.service"
    unit.write_text(systemd_unit(str(program)), "utf-8")
    done = run("systemd-analyze", "verify", str(unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    program.unlink()
    assert "is not executable" in run("systemd-analyze", "verify", str(unit)).stderr  # so it did look


@analyze
def test_the_unit_is_hardened() -> None:
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)).stdout
    found = re.search(r"Overall exposure level for restohub.service: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize(
    "line",
    ["Type=notify", "Restart=on-failure", "DynamicUser=yes", "StateDirectory=restohub", "After=network.target"],
)
def test_the_unit_says(line: str) -> None:
    assert line in systemd_unit().splitlines()


def test_the_hub_does_not_wait_for_a_network() -> None:
    lines = [line for line in systemd_unit().splitlines() if not line.startswith("#")]
    assert "network-online" not in "\n".join(lines)


def test_the_mac_reads_its_job() -> None:
    job = plistlib.loads(shown("--for", "macos").encode())
    assert job["ProgramArguments"][1:] == ["serve", "--data", "/Library/Application Support/restohub"]
    assert Path(job["ProgramArguments"][0]).is_file()
    assert job["UserName"] == "daemon"
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert plistlib.loads(launchd_job("/opt/a & b/<c>").encode())["ProgramArguments"][0] == "/opt/a & b/<c>"


def test_windows_reads_its_task() -> None:
    names = {"t": TASK}
    task = ElementTree.fromstring(shown("--for", "windows"))
    assert task.tag == f"{{{TASK}}}Task"
    assert task.findtext(".//t:UserId", namespaces=names) == "S-1-5-19"
    assert task.findtext(".//t:ExecutionTimeLimit", namespaces=names) == "PT0S"
    assert task.findtext(".//t:BootTrigger/t:Repetition/t:Interval", namespaces=names) == "PT1M"
    program = r"C:\Città & Söhne\restohub.exe"
    text = scheduled_task(program)
    assert text.isascii()
    assert ElementTree.fromstring(text).findtext(".//t:Command", namespaces=names) == program
