"""The board's modules in a real browser: on a page of a hub's own origin, no board around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

import restohub
from tests.board.browsers import chromium, lent
from tests.board.stage import Place
from tests.conftest import Hub

MODULES = Path(restohub.__file__).parent / "web" / "board"
HELP = Path(__file__).parent
NAMES = ("acts", "choose", "floor", "hub", "outbox", "predict", "refusals", "state", "sync")
PAGE = "<!doctype html><meta charset=utf-8><title>Modules</title>"
# A page that the test answers itself has no address, from which the browser would not let it reach the loopback.
FLAGS = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"]
LOAD = """async (names) => {
  window.m = {};
  for (const name of names) window.m[name] = await import(`/modules/${name}.js`);
  window.help = await import("/help/engine.js");
}"""


def file_of(route: Route, folder: Path) -> None:
    """Answer with the file of this name."""
    name = route.request.url.rsplit("/", 1)[-1]
    route.fulfill(body=(folder / name).read_text(), content_type="text/javascript")


def loaded(page: Page, place: Place) -> Page:
    """The page at this place's origin, with every module of the engine under `m` and the tests' help under `help`."""
    page.route("**/engine.html", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.route("**/modules/*", lambda route: file_of(route, MODULES))
    page.route("**/help/*", lambda route: file_of(route, HELP))
    page.goto(f"http://127.0.0.1:{place.port}/engine.html")
    page.evaluate(LOAD, list(NAMES))
    return page


@pytest.fixture(scope="module", name="chrome")
def a_browser() -> Browser:
    """One browser for all files' tests."""
    return chromium(*FLAGS)


@pytest.fixture(scope="module", name="engine")
def a_page(hub: Hub, chrome: Browser) -> Iterator[Page]:
    """A page with the modules at the shared hub."""
    with lent(chrome, hub.url) as page:
        yield loaded(page, hub)


def run(page: Page, script: str, *given: Any) -> Any:
    """What a function of the page answers."""
    return page.evaluate(script, list(given))
