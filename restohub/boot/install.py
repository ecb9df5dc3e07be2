"""Installation as a systemd service: what is checked, the unit that is written, the calls of systemctl."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from .unit_files import systemd_unit

UNIT_NAME = "restohub.service"
UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
# ProtectHome= and PrivateTmp= hide these from the service.
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
SYSTEMCTL_WAIT_S = 330.0
# PyInstaller's mark: the program is one file, and what this process reads beside it was unpacked for it alone.
ONE_FILE = bool(getattr(sys, "frozen", False))


class InstallError(Exception):
    """The service cannot be installed; the text says why and what to do, in one sentence."""


def installed_program() -> Path:
    """The `restohub` that this process is, or that of the environment it runs in."""
    if ONE_FILE:
        return Path(sys.executable)
    name = "restohub.exe" if sys.platform == "win32" else "restohub"
    found = Path(sysconfig.get_path("scripts")) / name
    if found.is_file():
        return found
    elsewhere = shutil.which("restohub")
    if elsewhere is None:
        raise InstallError(f"There is no program {found}; install restohub with pip first.")
    return Path(elsewhere).absolute()


def write_unit(folder: Path, program: Path, backup_to: Sequence[str] = ()) -> Path:
    """Write the unit into a folder, whole or not at all, and return its path; raises InstallError."""
    path = folder / UNIT_NAME
    new = folder / f".{UNIT_NAME}.new"
    try:
        new.write_text(systemd_unit(str(program), backup_to), "utf-8")
        new.chmod(0o644)
        new.replace(path)
    except OSError as error:
        raise InstallError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def install(
    program: Path,
    *,
    backup_to: Sequence[str] = (),
    units: Path = UNITS,
    booted: Path = BOOTED,
    user: int | None = None,
) -> None:
    """Write the unit, enable it and start it anew; on return the hub listens. Raises InstallError."""
    if not booted.is_dir():
        raise InstallError(
            "This machine was not started by systemd; `restohub service show --for macos` and `--for windows` "
            "print what other systems read; operate.md (in restohub/docs, and on every hub) says what to do with it."
        )
    if (_user() if user is None else user) != 0:
        raise InstallError(f"Only root may install a service; run `sudo {program} service install`.")
    read = (program,) if ONE_FILE else (program, Path(sys.executable).resolve(), Path(__file__).resolve())
    for file in read:
        out_of_reach = unreachable(file)
        if out_of_reach:
            raise InstallError(out_of_reach)
    write_unit(units, program, backup_to)
    _systemctl("daemon-reload")
    _systemctl("enable", UNIT_NAME)
    # Not `enable --now`, which leaves a hub of the version before running.
    _systemctl("restart", UNIT_NAME)


def unreachable(file: Path) -> str | None:
    """Why the service's user could not read this file, None where it can."""
    fix = "install restohub in /opt/restohub, as operate.md says."
    if any(file.is_relative_to(folder) for folder in HIDDEN):
        return f"A service cannot see {file}, since people's folders and temporary ones are hidden from it; {fix}"
    for place in (file, *file.parents):
        if not place.stat().st_mode & (stat.S_IROTH if place == file else stat.S_IXOTH):
            return f"A service has no right to read {place}; allow it with `chmod o+rX {place}`, or {fix}"
    return None


def _user() -> int:
    return os.geteuid() if sys.platform != "win32" else -1


def _systemctl(*asked: str) -> None:
    command = ["systemctl", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SYSTEMCTL_WAIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"`{' '.join(command)}` could not be run: {error}.") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0].rstrip(".")
        raise InstallError(f"`{' '.join(command)}` failed: {said}; `journalctl -u restohub` says more.")
