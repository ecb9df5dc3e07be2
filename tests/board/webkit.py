"""WebKit, Safari's engine, as its GTK port has it: a window on a screen of its own, driven by the W3C protocol.

`webkit` (of a module) knows the hub under the one name that iPads use, where the system lets a process have an
/etc/hosts of its own; else it has the plain address of the loopback.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.board.stage import NAME
from tests.conftest import Hub, free_port

NEEDED = ("WebKitWebDriver", "Xvfb")
START_WAIT_S = 20.0
WAIT_S = 20.0
WINDOW = (1180, 858)  # 38 px of it are its bar
UNDER_A_NAME = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"')


class Refused(Exception):
    """What the driver would not do."""


class WebKit:
    """A browser's window."""

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self.host = host
        self._root = ""

    def start(self, browser: Path) -> None:
        """Open the window."""
        options = {"webkitgtk:browserOptions": {"binary": str(browser), "args": ["--automation"]}}
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._root = f"/session/{answer['sessionId']}"
        self._ask("POST", "/window/rect", {"width": WINDOW[0], "height": WINDOW[1]})

    def close(self) -> None:
        """Close it."""
        if self._root:
            self._ask("DELETE", "")

    def open(self, hub: Hub, path: str = "/") -> None:
        """Go to a page of this hub."""
        self._ask("POST", "/url", {"url": f"http://{self.host}:{hub.port}{path}"})

    def back(self) -> None:
        """As the browser's own button does it."""
        self._ask("POST", "/back", {})

    def run(self, script: str, *given: Any) -> Any:
        """What a function's body answers on the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(given)})

    def until(self, script: str, *given: Any, wait_s: float = WAIT_S) -> Any:
        """Ask until the answer is true, and give it."""
        deadline = time.monotonic() + wait_s
        while not (found := self.run(script, *given)):
            assert time.monotonic() < deadline, f"never {script}"
            time.sleep(0.05)
        return found

    def click(self, selector: str) -> None:
        """Press the middle of what is shown there."""
        self._pointer([*self._to(selector), {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def drag(self, selector: str, to: str) -> None:
        """Take the one to the middle of the other, on a way of several steps."""
        from_x, from_y, to_x, to_y = (*self.middle(selector), *self.middle(to))
        way = [
            {
                "type": "pointerMove",
                "duration": 20,
                "x": from_x + (to_x - from_x) * n // 8,
                "y": from_y + (to_y - from_y) * n // 8,
            }
            for n in range(1, 9)
        ]
        self._pointer(
            [*self._to(selector), {"type": "pointerDown", "button": 0}, *way, {"type": "pointerUp", "button": 0}]
        )

    def middle(self, selector: str) -> tuple[int, int]:
        """The middle of what is shown there, in pixels of the window."""
        script = """const node = document.querySelector(arguments[0]), box = node && node.getBoundingClientRect();
          return box && box.width ? [box.left + box.width / 2, box.top + box.height / 2] : null;"""
        x, y = self.until(script, selector)
        return round(x), round(y)

    def _to(self, selector: str) -> list[dict[str, Any]]:
        x, y = self.middle(selector)
        return [{"type": "pointerMove", "duration": 0, "x": x, "y": y}]

    def _pointer(self, steps: list[dict[str, Any]]) -> None:
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self._ask("POST", "/actions", {"actions": [mouse]})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        asked = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        text = None if body is None else json.dumps(body)
        asked.request(method, self._root + path, text, {"Content-Type": "application/json"})
        answer = json.loads(asked.getresponse().read())["value"]
        asked.close()
        if isinstance(answer, dict) and "error" in answer:
            raise Refused(f"{answer['error']}: {answer['message']}")
        return answer


def _absent() -> str | None:
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    return f"{' and '.join(lacking)} is not installed, so the board is not tried in WebKit." if lacking else None


def _mini_browser() -> Path:
    found = sorted(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))
    assert found, "webkit2gtk-driver brings a MiniBrowser"
    return found[-1]


def _can_have_hosts() -> bool:
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _answering(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WAIT_S
    while True:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            asked.request("GET", "/status")
            asked.getresponse().read()
            return
        except OSError:
            assert process.poll() is None, "WebKitWebDriver ended"
            assert time.monotonic() < deadline, "WebKitWebDriver does not answer"
            time.sleep(0.05)


def _screen(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A screen, and its number: the first that is free."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with (place / "screen.log").open("wb") as log:
        screen = subprocess.Popen(command, pass_fds=[writing], stdout=log, stderr=log)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    assert number, (place / "screen.log").read_text()
    return screen, f":{number}"


@pytest.fixture(scope="module", name="webkit")
def a_window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebKit]:
    """One window for a file's tests; without WebKit they skip, or fail where a browser is required."""
    if absent := _absent():
        if os.environ.get("RESTOHUB_REQUIRE_CHROMIUM") == "1":
            pytest.fail(absent)
        pytest.skip(absent)
    place = tmp_path_factory.mktemp("webkit")
    hosts = place / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
    named = _can_have_hosts()
    port = free_port()
    screen, display = _screen(place)
    command = [*((*UNDER_A_NAME, str(hosts)) if named else ()), "WebKitWebDriver", f"--port={port}"]
    env = {**os.environ, "DISPLAY": display, "HOME": str(place), "NO_AT_BRIDGE": "1", "GDK_BACKEND": "x11"}
    with (place / "driver.log").open("wb") as log:
        driver = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    window = WebKit(port, NAME if named else "127.0.0.1")
    try:
        _answering(port, driver)
        window.start(_mini_browser())
        yield window
        window.close()
    finally:
        for process in (driver, screen):
            process.terminate()
            process.wait(timeout=10)
