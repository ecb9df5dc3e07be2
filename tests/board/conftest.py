"""The bench of the board's tests: a real hub with a floor, and pages of it in a real browser.

- `browser`: one Chromium for all files of a process; it knows the one name of the hub and no other.
- `board_hub` (of a module): a running hub, for tests that leave it running; `floor_anew` furnishes its restaurant 1.
- `line`: a line to `board_hub` that can be cut: pages of it are opened with `open_page(line)`.
- `own_hub`: the same, furnished anew, for tests that kill, restart or restore it (`stage.py`): it runs afterwards.
- `open_page`: opens a page of a hub in a context of its own, as often as wanted: each is another device. With `new` the
  context is the test's alone: its cache of files is empty, and a script may be added to its pages.
- `page`: the board of `board_hub`, furnished anew.
- `stand`: two pages of `board_hub` for all tests of a module, each test with the floor anew: a page to work (finger,
  mouse, keyboard), and one of another device that must show what was done; `watching` is their `Watch`.

A page that says an error, throws, or breaks its policy fails the test that opened it, unless `Watch.forgive` was told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.board.browsers import chromium, close_all, lent
from tests.board.line import Line
from tests.board.stage import NAME, Place, board_url, furnish
from tests.board.stand import LATE, Stand
from tests.conftest import Hub

FLAGS = [
    "--no-sandbox",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1,MAP * ~NOTFOUND",
]
# An iPad that lies on a stand.
WINDOW = (1180, 820)


class Watch:
    """What the pages of a test said that they should not have said."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._forgiven: list[str] = []

    def over(self, page: Page) -> None:
        """Watch this page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._said.append(f"thrown: {error}"))

    def anew(self) -> None:
        """Forget what was said and forgiven: another test begins."""
        self._said.clear()
        self._forgiven.clear()

    def forgive(self, pattern: str) -> None:
        """Let pass what matches: a hub that is away is a failed request in every browser's console."""
        self._forgiven.append(pattern)

    def unforgiven(self) -> list[str]:
        """All that was said and is not forgiven."""
        return [said for said in self._said if not any(re.search(one, said) for one in self._forgiven)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "assert") or "Content Security Policy" in message.text:
            self._said.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Close the browsers behind the last of the board's tests: others in this process run loops of asyncio."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        close_all()


@pytest.fixture(scope="module")
def browser() -> Browser:
    """One Chromium for the tests; without one installed they skip, or fail where it is required."""
    return chromium(*FLAGS)


@pytest.fixture(scope="module")
def board_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A running hub for the tests of a module."""
    running = Hub(tmp_path_factory.mktemp("board") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def floor_anew(board_hub: Hub) -> Hub:
    """The module's hub, with restaurant 1 furnished anew."""
    with board_hub.client() as api:
        furnish(api)
    return board_hub


@pytest.fixture
def line(floor_anew: Hub) -> Iterator[Line]:
    """A line to the module's hub, for `open_page`."""
    with closing(Line(floor_anew)) as made:
        yield made


@pytest.fixture
def own_hub(floor_anew: Hub) -> Iterator[Hub]:
    """The module's hub, furnished, for a test that ends it: it runs again for the next."""
    yield floor_anew
    assert floor_anew.process is not None
    if floor_anew.process.poll() is not None:
        floor_anew.start()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What the test's pages must not say."""
    watching = Watch()
    yield watching
    assert watching.unforgiven() == []


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens pages: `open_page(hub, "/", touch=True, window=(390, 844), locale="de-DE", **options of a context)`."""
    with ExitStack() as stack:

        def opening(
            hub: Place,
            path: str = "/",
            *,
            touch: bool = False,
            window: tuple[int, int] = WINDOW,
            new: bool = False,
            color_scheme: Any = None,
            reduced_motion: Any = None,
            **options: Any,
        ) -> Page:
            options["has_touch"] = touch
            if new:
                page = stack.enter_context(browser.new_context(**options)).new_page()
            else:
                page = stack.enter_context(lent(browser, board_url(hub, ""), **options))
            page.set_viewport_size({"width": window[0], "height": window[1]})
            page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
            watch.over(page)
            page.goto(board_url(hub, path))
            return page

        yield opening


@pytest.fixture
def page(floor_anew: Hub, open_page: Callable[..., Page]) -> Page:
    """The board of the module's hub, whose restaurant 1 is furnished anew."""
    return open_page(floor_anew)


@pytest.fixture(scope="module")
def pages_watch() -> Watch:
    """What the pages of a module must not say."""
    return Watch()


@pytest.fixture(scope="module")
def two_pages(board_hub: Hub, browser: Browser, pages_watch: Watch) -> Iterator[Stand]:
    """Two pages of the module's hub."""
    with ExitStack() as stack:
        pages = []
        for _ in "ab":
            page = stack.enter_context(browser.new_context(has_touch=True)).new_page()
            page.set_viewport_size({"width": WINDOW[0], "height": WINDOW[1]})
            page.add_init_script(LATE)
            pages_watch.over(page)
            page.goto(board_url(board_hub))
            pages.append(page)
        yield Stand(board_hub, *pages)


@pytest.fixture
def watching(pages_watch: Watch) -> Iterator[Watch]:
    """What the two pages must not say in this test."""
    pages_watch.anew()
    yield pages_watch
    assert pages_watch.unforgiven() == []


@pytest.fixture
def stand(two_pages: Stand, watching: Watch) -> Stand:
    """The two pages, and the floor anew."""
    two_pages.begin()
    return two_pages
