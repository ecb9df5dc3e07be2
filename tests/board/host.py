"""What a host does at a page, and what may be seen there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, Route, expect

from tests.board.browsers import SHOWN_MS
from tests.conftest import Hub

# A loss is said within 10 s, and a page is in step again within 3 s: on a machine that does little else.
SAID_MS = 20_000
BACK_MS = SHOWN_MS
# What a press changed is drawn in the next frame.
DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def in_step(page: Page) -> None:
    """Wait until the page shows the floor as it is, and set a mark that no reload survives."""
    page.set_default_timeout(SAID_MS)
    expect(page.locator("html:not([data-stale])")).to_be_attached(timeout=BACK_MS)
    expect(page.locator("#plan [data-table]").first).to_be_visible()
    page.evaluate("window.mark = window.mark || 'the same page'")


def banner(page: Page) -> Locator:
    """The line that says what is wrong with the link."""
    return page.locator("#banner")


def says(page: Page, text: str) -> None:
    """Wait until the banner says it."""
    expect(banner(page)).to_contain_text(text, timeout=SAID_MS)


def is_stale(page: Page, *names: str) -> None:
    """All is marked as old, and can be read."""
    expect(page.locator("html[data-stale]")).to_be_attached()
    expect(banner(page)).to_contain_text("This is the floor as it was at")
    expect(page.locator("#plan [data-table]")).to_have_count(6)
    for name in names:
        expect(row(page, name)).to_be_visible()


def never_reloaded(page: Page) -> None:
    """It is the page that `in_step` marked."""
    assert page.evaluate("window.mark") == "the same page"


def row(page: Page, name: str) -> Locator:
    """A party's row in the lists."""
    return page.locator("li[data-guest]", has_text=name)


def table(page: Page, number: str) -> Locator:
    """A table on the plan."""
    return page.locator(f'#plan [data-table^="t{number}-"]')


def do(page: Page, what: str) -> None:
    """Press this of what is selected, behind "More" where it stands there."""
    page.evaluate(DRAWN)
    expect(page.locator("#bar [data-do=clear]")).to_be_visible()
    button = page.locator(f"#bar [data-do={what}]")
    if button.count() == 0:
        page.locator("#bar [data-do=more]").click()
        button = page.locator("dialog[open] .option").filter(has_text=LABELS[what])
    button.click()


LABELS = {"edit": "Edit", "unseat": "Back to the list", "swap": "Swap", "notify": "Notify", "leave": "Left"}


def note(page: Page, name: str, text: str) -> None:
    """Write a note about a party on the waiting list."""
    row(page, name).click()
    do(page, "edit")
    page.locator("dialog[open] [data-field=notes] textarea").fill(text)
    page.locator("dialog[open] header .main").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def walk_in(page: Page, name: str, size: int = 2) -> None:
    """Put a party on the list."""
    page.locator("#side .add:visible").click()
    form = page.locator("dialog[open]")
    form.locator(f"[data-field=partySize] [data-value='{size}']").click()
    form.locator("[data-field=name] input").fill(name)
    form.locator("header .main").click()
    expect(form).to_have_count(0)


def stored(page: Page) -> str:
    """All that this device keeps of the page, as text."""
    return str(page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])"))


def until(is_so: Callable[[], object], what: str, page: Page | None = None) -> None:
    """Ask until it is so: what no locator can wait for. What a page's events bring comes only while `page` waits."""
    deadline = time.monotonic() + SAID_MS / 1000
    while not is_so():
        assert time.monotonic() < deadline, f"never {what}"
        if page is None:
            time.sleep(0.05)
        else:
            page.wait_for_timeout(50)


def settled(page: Page, *names: str) -> None:
    """Wait until nothing waits any more, and see that nothing of these guests is left in the browser."""
    expect(page.locator("#top .live")).to_have_text("in step", timeout=SAID_MS)
    answered(page)
    expect(page.locator(".mk [data-icon=up]")).to_have_count(0)
    left = stored(page)
    assert [name for name in names if name in left] == [], left


def answered(page: Page) -> None:
    """Wait until the hub has said what came of each press of this device: it is shown before that."""
    until(lambda: not boxes(page), "an empty outbox")


def boxes(page: Page) -> list[dict[str, Any]]:
    """The outboxes that this device keeps, one a tab."""
    kept = page.evaluate("({...localStorage})")
    return [json.loads(text) for key, text in kept.items() if key.startswith("restohub.board.outbox.")]


def guests(api: httpx.Client, restaurant: int = 1) -> dict[str, dict[str, Any]]:
    """Who is on the hub's floor, by name."""
    return {one["name"]: one for one in api.get(f"/restaurants/{restaurant}/guests/").json()}


def held_back(page: Page, address: str) -> list[Route]:
    """What the page asks there from now on: none of it is sent until it is told to go on."""
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route(address, hold)
    return asked


def handed_on(hub: Hub, route: Route) -> httpx.Response:
    """What the hub answers to a request that the page does not get the answer of."""
    path = route.request.url.split("/", 3)[3]
    return httpx.post(
        f"{hub.url}/{path}", content=route.request.post_data, headers={"Content-Type": "application/json"}
    )
