"""The browsers of the board's tests: one of a kind in a process, for all files, and pages that are lent again.

Measured, in processor time until the board stands there: 1.5 s in a context of its own (Chromium starts a renderer for
the window's own buttons, too), 0.7 s on another page of one that is there already, 0.4 s on the same page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect, sync_playwright

from tests.evening.chromium import installed_chromium

# Playwright's own; and more than a page needs to become blank.
WAIT_MS, BLANK_WAIT_MS = 30_000, 5_000
# Playwright's own 5 s for what a page must show are short beside a load, and a wait that is met costs nothing.
SHOWN_MS = 15_000
expect.set_options(timeout=SHOWN_MS)

_running: list[Playwright] = []
_browsers: dict[tuple[str, ...], Browser] = {}
_free: dict[tuple[Any, ...], list[BrowserContext]] = {}


def chromium(*flags: str) -> Browser:
    """The process's one Chromium with these flags; without one installed the test skips, or fails where it must run."""
    program = installed_chromium()
    if not _running:
        _running.append(sync_playwright().start())
    if flags not in _browsers:
        _browsers[flags] = _running[0].chromium.launch(executable_path=program, args=list(flags))
    return _browsers[flags]


def close_all() -> None:
    """Close every browser: as long as Playwright runs, asyncio takes the thread for one whose loop runs."""
    for browser in _browsers.values():
        browser.close()
    _browsers.clear()
    _free.clear()
    while _running:
        _running.pop().stop()


@contextmanager
def lent(browser: Browser, origin: str | None = None, **options: Any) -> Iterator[Page]:
    """A blank page in a context with these options, which another test may have had: nothing of this origin is in it.

    What it keeps of other origins stays, but each hub has a port of its own. What would stay with a page for good, as a
    script for all that it loads, belongs into a context of the test's own.
    """
    like = _free.setdefault((browser, *sorted(options.items())), [])
    context = like.pop() if like else browser.new_context(**options)
    page = context.pages[0] if context.pages else context.new_page()
    if origin is not None:
        everything = {"origin": origin, "storageTypes": "all"}
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", everything)
    yield page
    if _blank(context):
        like.append(context)
    else:
        context.close()


def _blank(context: BrowserContext) -> bool:
    """Leave one page of it, as a new one is; false where its page does not do it."""
    context.set_offline(False)
    context.unroute_all()
    for other in context.pages[1:]:
        other.close()
    try:
        for page in context.pages:
            page.unroute_all()
            page.mouse.up()
            page.mouse.move(-1, -1)  # else what is drawn there next is under it
            page.set_default_timeout(WAIT_MS)
            page.emulate_media(media="null", color_scheme="null", reduced_motion="null")
            page.evaluate("sessionStorage.clear()")
            page.goto("about:blank", timeout=BLANK_WAIT_MS)
    except Error:
        return False
    return True
