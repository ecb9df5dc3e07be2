"""`python -m restohub.build`: builds the one file."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from .contents import ContentsError, metadata, modules_left_out

SUFFIX = ".exe" if sys.platform == "win32" else ""
SPEC = Path(__file__).with_name("one_file.spec")
LOG_LINES_SHOWN = 40


class BuildError(Exception):
    """The one file could not be made; the text says why and what to do."""


def build(
    output: Annotated[Path, typer.Option(help="The file to make; one that is there is replaced.")] = Path(
        f"dist/restohub{SUFFIX}"
    ),
) -> None:
    """Make restohub one file that runs without Python, on this machine and on any of its kind.

    Of its kind: the same system and processor, and a system as new as this one or newer (a Pi's file for a Pi, not for
    a PC). It takes about a minute. Copy the file where you like and run it: `./restohub serve`, or as a service of
    Linux: `sudo install -D dist/restohub /opt/restohub/restohub`, `sudo /opt/restohub/restohub service install`.
    `restohub licences` prints what is inside, with every licence.

    Ends with 0 when the file is made, with 1 and a sentence on stderr when it is not, with 2 for a wrong option.
    """
    try:
        check(output)
        kind = f"{platform.system()} on {platform.machine()}"
        typer.echo(f"Making {output} for {kind} with Python {platform.python_version()}; it takes about a minute ...")
        with TemporaryDirectory(prefix="restohub-build-") as folder:
            place(freeze(Path(folder)), output)
        typer.echo(f"{output} is made: {output.stat().st_size / 1_000_000:.1f} MB, {says_its_version(output)}.")
        typer.echo(f"Run it here with `{as_shell_command(output)} serve`, or copy it to another machine of this kind.")
    except (BuildError, ContentsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def check(output: Path) -> None:
    """Find out before the long work what would end it; raises BuildError."""
    if importlib.util.find_spec("PyInstaller") is None:
        raise BuildError("PyInstaller is not installed; `pip install -e '.[build]'`, in this repository, brings it.")
    for tool in ("objdump", "strip") if sys.platform == "linux" else ():
        if shutil.which(tool) is None:
            raise BuildError(f"The program {tool} is missing; `sudo apt install binutils` brings it.")
    if output.is_dir():
        raise BuildError(f"{output} is a folder; name the file to make, such as {output / 'restohub'}.")
    with TemporaryDirectory() as folder:
        metadata(Path(folder))
    modules_left_out()


def freeze(work: Path) -> Path:
    """Let PyInstaller make the file in the folder `work`, and return its path; raises BuildError with what it said."""
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--distpath", str(work / "dist")]
    command += ["--workpath", str(work / "work"), str(SPEC)]
    paths = [str(SPEC.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "PYINSTALLER_CONFIG_DIR": str(work)}
    done = subprocess.run(
        command, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-LOG_LINES_SHOWN:])
        raise BuildError(f"{said}\n\nPyInstaller failed; above is the last that it said.")
    return work / "dist" / f"restohub{SUFFIX}"


def place(made: Path, output: Path) -> None:
    """Put the file where it is wanted in one step, so that a hub may run of the one before; raises BuildError."""
    new = output.with_name(f".{output.name}.new")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(made, new)
        new.replace(output)
    except OSError as error:
        raise BuildError(f"{output} cannot be written: {error.strerror}.") from None


def says_its_version(output: Path) -> str:
    """What the file itself says that it is; raises BuildError where it does not run."""
    try:
        done = subprocess.run(
            [output.absolute(), "--version"], capture_output=True, text=True, check=False, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{output} is made, but does not run: {error}.") from None
    if done.returncode != 0:
        raise BuildError(f"{output} is made, but does not run: {done.stderr.strip()}")
    return done.stdout.strip()


def as_shell_command(output: Path) -> str:
    """The path as a shell takes it for a program."""
    return str(output) if output.is_absolute() else os.path.join(os.curdir, output)  # noqa: PTH118 (Path drops the dot)


if __name__ == "__main__":
    typer.run(build)
