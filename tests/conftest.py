"""The bench on which every test stands: a real hub process, started, killed and asked over the wire."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from random import SystemRandom
from typing import Any
from urllib.parse import urlencode, urlsplit
from weakref import WeakSet

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.commands import RESTOHUB, Process, start_command

# Helpers too say what they compared, not only test files; before any of them is imported.
OURS = {path.stem for path in Path(__file__).parent.iterdir()} - {"conftest", "commands", "launcher", "__pycache__"}
pytest.register_assert_rewrite(*(f"tests.{name}" for name in sorted(OURS)))

# Where a machine tells Python to keep no bytecode, each hub and each process of the tests compiles all anew: a third of
# what a start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

START_WAIT_S = 60.0
# For what another process does at once: where the machine has much else to do, that takes long.
WAIT_S = 20.0
SAID_CHARACTERS_MAX = 4000
# A client without a context reads the machine's certificates: 25 ms. It takes any certificate.
UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE
PORTS, WORKERS = range(12_000, 32_000), 16
# The folders whose files take longest: begun last, one process would have them alone at the end.
LONGEST = ("net", "house", "board", "doctor", "cli", "faults")
_hubs: WeakSet[Hub] = WeakSet()


def free_port() -> int:
    """A TCP port that nobody listens on at this moment, at any address.

    Below those that the system gives to clients, or one of them might have it by the time that a hub listens on it; and
    each process of the tests has its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    while True:
        port = SystemRandom().choice(PORTS[worker::WORKERS])
        with socket.socket() as probe, contextlib.suppress(OSError):  # taken: try another
            probe.bind(("", port))
            return port


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; the others stay in their order."""
    folder = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    items.sort(key=lambda item: LONGEST.index(folder[item]) if folder[item] in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what each hub said that it had: those of the module and the session too."""
    report = yield
    if report.failed:
        report.sections += [(f"said by {hub.url}", hub.said()[-SAID_CHARACTERS_MAX:]) for hub in _hubs]
    return report


class Hub:
    """One `restohub serve` of its own process, on the loopback, over a data folder."""

    program: tuple[str, ...] = RESTOHUB

    def __init__(self, data: Path, *args: str, env: dict[str, str] | None = None, wrap: tuple[str, ...] = ()) -> None:
        self.data = data
        self.port = free_port()
        self.args = args
        self.env = env or {}
        self.wrap = wrap
        self.process: Process | None = None
        self.log = data.parent / f"{data.name}.{self.port}.log"
        _hubs.add(self)

    @property
    def url(self) -> str:
        """The root of the hub's HTTP routes, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The root of the hub's sockets, without a trailing slash."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> Hub:
        """Start the process and return when it answers `GET /health`.

        Where it needs nothing before Python starts, it is forked: the program is imported already.
        """
        arguments = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data)]
        arguments += ["--no-advertise", *self.args]
        with self.log.open("ab") as log:
            environment = {**os.environ, **self.env}
            self.process = start_command(
                *arguments, out=log.fileno(), program=self.program, wrap=self.wrap, env=environment
            )
        deadline = time.monotonic() + START_WAIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the hub ended with {self.process.returncode}: {self.said()}")
            # Not by httpx, which makes a client for each of the many times that nobody listens yet.
            with contextlib.suppress(OSError, http.client.HTTPException):
                with contextlib.closing(self.probe()) as asked:
                    asked.request("GET", "/health")
                    asked.getresponse().read()
                return self
            time.sleep(0.02)
        self.kill()  # the fixture that starts it ends here, and would leave it running
        raise AssertionError(f"the hub did not answer within {START_WAIT_S} s: {self.said()}")

    def probe(self) -> http.client.HTTPConnection:
        """A connection that asks whether it is there."""
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=2)

    def said(self) -> str:
        """What the process wrote to stdout and stderr so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def says(self, text: str, times: int = 1) -> str:
        """What it wrote, once `text` is in it so many times: the log is written beside the work, and may come later."""
        deadline = time.monotonic() + START_WAIT_S
        while (said := self.said()).count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {said[-2000:]!r}"
            time.sleep(0.02)
        return said

    def ended(self, wait_s: float) -> int:
        """The exit status of a process that must end by itself."""
        assert self.process is not None
        try:
            return self.process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the hub goes on: {self.said()}") from None

    def stop(self, sig: signal.Signals = signal.SIGTERM, wait_s: float = WAIT_S) -> int:
        """Ask the process to stop and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the hub did not stop within {wait_s} s of {sig.name}")

    def kill(self) -> None:
        """SIGKILL, as a power switch would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=WAIT_S)

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client of this hub; paths begin at the root."""
        return httpx.Client(base_url=self.url, timeout=options.pop("timeout", 20), verify=UNVERIFIED, **options)

    def socket(self, path: str, **options: Any) -> ClientConnection:
        """A WebSocket to `path` (its query included)."""
        connection: ClientConnection = connect(
            self.ws_url + path, max_size=None, compression=None, **options
        ).__enter__()
        return connection

    def new_restaurant(self, name: str = "Trattoria", timezone: str = "Europe/Rome") -> int:
        """The id of a new, empty restaurant, so that tests do not meet on one floor."""
        with self.client() as api:
            answer = api.post("/restaurants", json={"name": name, "timezone": timezone})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def delete_restaurant(self, restaurant: int, name: str = "Trattoria") -> None:
        """Delete it with all that it has, whatever it is called by now; where it is gone already, all is well."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(asked):
            for _ in range(2):
                query = urlencode({"with": "guests,tables", "name": name})
                asked.request("DELETE", f"/restaurants/{restaurant}?{query}")
                answer = asked.getresponse()
                body = answer.read()
                if answer.status in (204, 404):
                    return
                name = json.loads(body)["current"]["name"]
        raise AssertionError(body)


def next_message(sock: ClientConnection, wait_s: float = WAIT_S) -> dict[str, Any]:
    """The next message of a socket as a dict; raises AssertionError where none comes in time."""
    try:
        text = sock.recv(timeout=wait_s)
    except TimeoutError:
        raise AssertionError(f"no message came within {wait_s} s") from None
    assert isinstance(text, str), "the hub speaks text frames"
    message = json.loads(text)
    assert isinstance(message, dict)
    return message


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub for all tests that leave it as they found it; each test takes a restaurant of its own."""
    running = Hub(tmp_path_factory.mktemp("hub") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def restaurant(hub: Hub) -> Iterator[int]:
    """The id of a fresh restaurant on the shared hub, which is deleted in the end with all that the test made in it."""
    made = hub.new_restaurant()
    yield made
    hub.delete_restaurant(made)


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    """An HTTP client of the shared hub."""
    with hub.client() as client:
        yield client


@pytest.fixture
def new_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Makes hubs of the test's own (not started yet); each still running at the end is killed."""
    made: list[Hub] = []

    def make(data: Path | None = None, *args: str, **options: Any) -> Hub:
        made.append(Hub(data or tmp_path / f"data{len(made)}", *args, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.kill()
