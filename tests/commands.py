"""The program's commands, in processes of their own: forked where they can be (`launcher.py`), else from scratch."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.launcher import Forked, launch

Process = subprocess.Popen[bytes] | Forked

RESTOHUB = (sys.executable, "-m", "restohub")
WAIT_S = 100.0
IN_NAMESPACE = ("ip", "netns", "exec")
# The environment of the process that forks.
AT_FIRST = dict(os.environ)
# What Python and its libraries read before the program begins; a process is forked from one with its LD_PRELOAD.
BEFORE_IT = ("PYTHON", "LD_", "LC_", "LANG", "FAKETIME")
NOT_BEFORE = {"PYTHONIOENCODING", "PYTHONDONTWRITEBYTECODE", "LD_PRELOAD"}


def environment(**more: str) -> dict[str, str]:
    """Our environment without any setting of the hub, and `more`."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("RESTOHUB_")}
    ours.pop("STATE_DIRECTORY", None)
    return {**ours, **more}


def start_command(
    *args: str,
    out: int,
    err: int | None = None,
    stdin: int | None = None,
    program: tuple[str, ...] = RESTOHUB,
    wrap: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    session: bool = False,
) -> Process:
    """Start a command, which writes to these files (to `out` both, without `err`); without `stdin` it reads nothing.

    `wrap` is a command that runs it, `env` its whole environment, else ours; with `session` it leads its own session.
    """
    err = out if err is None else err
    namespace = _namespace(wrap)
    forks = sys.platform == "linux" and program == RESTOHUB and (namespace or not wrap) and not _before_it(env)
    with Path(os.devnull).open("rb") as nothing:
        reads = nothing.fileno() if stdin is None else stdin
        if forks:
            return launch(args, stdin=reads, stdout=out, stderr=err, env=env, namespace=namespace, session=session)
        command = [*wrap, *program, *args]
        return subprocess.Popen(command, stdin=reads, stdout=out, stderr=err, env=env, start_new_session=session)


def _namespace(wrap: Sequence[str]) -> str:
    """The network namespace that a command is run in, "" for none or where it has files of its own in /etc, too."""
    if len(wrap) != 4 or tuple(wrap[:3]) != IN_NAMESPACE or Path("/etc/netns", wrap[3]).exists():
        return ""
    return wrap[3]


def _before_it(env: Mapping[str, str] | None) -> bool:
    """Whether it has what must be there before the program begins, and was not there at first."""
    now = os.environ if env is None else env
    changed = {key for key in {**now, **AT_FIRST} if now.get(key) != AT_FIRST.get(key)}
    return any(key.startswith(BEFORE_IT) for key in changed - NOT_BEFORE)


def run_command(
    *args: str,
    typed: str = "",
    wrap: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A command's end, and what it wrote to files; it reads `typed`."""
    with tempfile.TemporaryFile() as reads, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        reads.write(typed.encode())
        reads.seek(0)
        process = start_command(*args, out=out.fileno(), err=err.fileno(), stdin=reads.fileno(), wrap=wrap, env=env)
        try:
            status = process.wait(WAIT_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(args, status, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")
