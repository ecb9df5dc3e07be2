"""Processes of restohub forked from one that has imported the program already: most of what a start costs is imports.

`launch` gives back what `subprocess.Popen` would. Those with libraries that are loaded before libc are forked from a
process that has them too. What else must be in place before Python starts, as a wrapping command, needs a process from
scratch. This file is also the program that forks.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import typer.main

import restohub

ROOT = Path(__file__).parents[1]
REQUEST_BYTES_MAX = 1 << 17
CLONE_NEWNET = 0x40000000
# What uvicorn, litestar and Python import once a hub runs.
LATE = (
    "uvloop",
    "httptools",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.lifespan.off",
    "zeroconf.asyncio",
    "litestar._kwargs",
    "litestar.exceptions.responses",
    "litestar.middleware._internal.exceptions",
    "litestar.middleware.allowed_hosts",
    "litestar.middleware.csrf",
    "litestar.middleware.response_cache",
    "encodings.ascii",
    "encodings.idna",
    "importlib.resources.readers",
    "tzdata",
)


class Forked:
    """A forked process, with those of `subprocess.Popen`'s methods and fields that the tests use."""

    def __init__(self, arguments: Sequence[str], news: IO[bytes]) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._news = news
        self._reading = threading.Lock()  # one thread may wait for its start while another kills it
        pid = news.readline()
        assert pid, "nothing was forked: what the process that forks said stands in stderr"
        self.pid = int(pid)

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended; raises TimeoutExpired where it has not ended by then."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return status

    def send_signal(self, sig: int) -> None:
        """Send it this signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the news of it is on its way
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _status(self, wait_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._news], [], [], wait_s)[0]:
            with self._reading:
                if self.returncode is None:
                    self.returncode = int(self._news.readline())
        return self.returncode

    def __del__(self) -> None:
        self._news.close()  # not sooner: another thread may be waiting for it


def launch(
    arguments: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    env: Mapping[str, str] | None = None,
    namespace: str = "",
    session: bool = False,
) -> Forked:
    """Start `python -m restohub` with these arguments, in this folder, with these files as its standard streams.

    `env` is its whole environment, else ours; `namespace` a network namespace that `ip netns` knows; with `session` it
    leads a session of its own.
    """
    whole = dict(os.environ if env is None else env)
    wanted = [list(arguments), str(Path.cwd()), whole, namespace, session]
    request = json.dumps(wanted).encode()
    assert len(request) < REQUEST_BYTES_MAX, "an environment that one message cannot carry"
    reading, writing = os.pipe()
    try:
        socket.send_fds(_launcher(whole.get("LD_PRELOAD", "")), [request], [stdin, stdout, stderr, writing])
    finally:
        os.close(writing)
    return Forked(arguments, os.fdopen(reading, "rb", buffering=0))


def begin() -> None:
    """Start the process that forks, unless it runs: it stays in the network namespace of the thread that starts it."""
    _launcher("")


@functools.cache
def _launcher(preloaded: str) -> socket.socket:
    """The way to the process that forks, with these libraries before libc; it ends with the process of the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.launcher", str(theirs.fileno())]
        environment = {**os.environ, "LD_PRELOAD": preloaded}
        nothing = subprocess.DEVNULL
        subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()], cwd=ROOT, stdin=nothing, stdout=nothing)
    return ours


def _import_all() -> None:
    """Import all that restohub may run: no thread and no file is opened by it."""
    for module in pkgutil.walk_packages(restohub.__path__, "restohub."):
        if not module.name.startswith(("restohub.build", "restohub.__main__")):
            importlib.import_module(module.name)
    for name in LATE:
        with suppress(ImportError):  # another version of litestar may have it elsewhere
            importlib.import_module(name)


def _prepare() -> None:
    """Make what each process makes alike at its start: a third of what a start costs is packing files and options."""
    from restohub.cli.main import cli
    from restohub.web import board_files, package_files

    board_files.read_board()
    package_files.read_all()
    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(cli)
    gc.collect()
    gc.freeze()


def _fork_on_request(requests: socket.socket) -> list[Any]:
    """Fork a process for each request until there are no more; returns in the new one, with its request."""
    while True:
        request, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES_MAX, 4)
        if not request:
            os._exit(0)
        *streams, news = files
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (child := os.fork()) == 0:
                for standard, given in enumerate(streams):
                    os.dup2(given, standard)
                requests.close()
                for given in files:
                    os.close(given)
                return list(json.loads(request))
            os.write(news, b"%d\n" % child)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.write(news, b"%d\n" % status)
            os._exit(0)
        for given in files:
            os.close(given)


def _enter(namespace: str) -> None:
    """Move into a network namespace (Python has this from 3.12 on)."""
    with Path("/run/netns", namespace).open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")


def _open_standard_streams() -> None:
    """Open them as Python does at its start: what they are is known only now."""
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    sys.stdin = os.fdopen(0, "r", -1, encoding, errors or "strict")
    sys.stdout = os.fdopen(1, "w", 1 if os.isatty(1) else -1, encoding, errors or "strict")
    sys.stderr = os.fdopen(2, "w", 1, encoding, "backslashreplace")


def _end(status: object) -> None:
    """End as Python does, all but taking the modules apart: that copies each page which the forked share, for 30 ms."""
    if status is None or isinstance(status, int):
        cast(Any, threading)._shutdown()
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):  # what cannot be written, or is closed, is Python's to tell
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status or 0)


def main() -> None:
    """Fork processes; in each of them, run the program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for another
    _import_all()
    _prepare()
    from restohub.live import clock

    arguments, folder, environment, namespace, session = _fork_on_request(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who runs the tests by nohup ignores it
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    if session:
        os.setsid()
    if namespace:
        _enter(namespace)
    _open_standard_streams()
    clock._random.seed()  # or all of them would make the same ids
    sys.argv[1:] = arguments
    try:
        runpy.run_module("restohub", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        _end(end.code)
        raise


if __name__ == "__main__":
    main()
