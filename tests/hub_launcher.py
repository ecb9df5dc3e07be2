"""Hub processes forked from one that has imported the program already: most of what a start costs is imports.

`launch` gives back what `subprocess.Popen` would. What must be in place before Python starts, as a preloaded library or
a wrapping command, needs a process from scratch. This file is also the program that forks.
"""

from __future__ import annotations

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
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
REQUEST_BYTES_MAX = 1 << 17
# What uvicorn and litestar import once a hub runs.
LATE = ("uvloop", "httptools", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off", "zeroconf.asyncio")


class HubProcess:
    """A forked hub, with those of `subprocess.Popen`'s methods and fields that the tests use."""

    def __init__(self, arguments: list[str], news: IO[bytes]) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._news = news
        pid = news.readline()
        assert pid, "no hub was forked: what the process that forks them said stands in stderr"
        self.pid = int(pid)

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended; raises TimeoutExpired where it has not ended by then."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
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
            with self._news:
                self.returncode = int(self._news.readline())
        return self.returncode


def launch(arguments: list[str], log: IO[bytes]) -> HubProcess:
    """Start `python -m restohub` with these arguments, in this folder and environment; `log` gets its output."""
    request = json.dumps([arguments, str(Path.cwd()), dict(os.environ)]).encode()
    assert len(request) < REQUEST_BYTES_MAX, "an environment that one message cannot carry"
    reading, writing = os.pipe()
    try:
        socket.send_fds(_launcher(), [request], [log.fileno(), writing])
    finally:
        os.close(writing)
    return HubProcess(arguments, os.fdopen(reading, "rb", buffering=0))


@functools.cache
def _launcher() -> socket.socket:
    """The way to the process that forks; it ends with the process of the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.hub_launcher", str(theirs.fileno())]
        subprocess.Popen(
            command, pass_fds=[theirs.fileno()], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    return ours


def _import_all() -> None:
    """Import all that a hub may run: no thread and no file is opened by it."""
    import restohub

    for module in pkgutil.walk_packages(restohub.__path__, "restohub."):
        if not module.name.startswith(("restohub.build", "restohub.__main__")):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _fork_on_request(requests: socket.socket) -> list[Any]:
    """Fork a hub for each request until there are no more; returns in the hub, with its request."""
    while True:
        request, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES_MAX, 2)
        if not request:
            os._exit(0)
        log, news = files
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (hub := os.fork()) == 0:
                for standard in (1, 2):
                    os.dup2(log, standard)
                requests.close()
                os.close(log)
                os.close(news)
                return list(json.loads(request))
            os.write(news, b"%d\n" % hub)
            status = os.waitstatus_to_exitcode(os.waitpid(hub, 0)[1])
            os.write(news, b"%d\n" % status)
            os._exit(0)
        os.close(log)
        os.close(news)


def main() -> None:
    """Fork hubs; in each of them, run the program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for a hub
    _import_all()
    arguments, folder, environment = _fork_on_request(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = arguments
    runpy.run_module("restohub", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
