"""The board's views, as its tests and its pictures open them: a lovely evening, and how to come to each from `/`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from playwright.sync_api import Page, expect

from tests.board.floor_samples import TABLES, bistro
from tests.conftest import Hub

SIZES = {
    "ipad": (1180, 820),
    "small_ipad": (1024, 768),
    "upright": (768, 1024),
    "phone": (390, 844),
    "large": (1920, 1080),
}
HOUSE = {"name": "Trattoria Lume", "locale": "en-GB", "hours": 24}
# What its clock says: two digits, so a name beside it has no more room than on a real evening.
EVENING_HOUR, ZONES_AHEAD = 20, 14


def zone_of_evening(now: datetime) -> str:
    """A time zone in which it is evening now: how wide a clock is does not hang on when the tests run."""
    ahead = EVENING_HOUR - now.astimezone(UTC).hour
    if ahead > ZONES_AHEAD:
        ahead -= 24
    return f"Etc/GMT{-ahead:+d}"  # these names count westwards


def fill(api: httpx.Client, **house: str | int) -> None:
    """Make restaurant 1 the bistro of the sample in the middle of its evening, called and clocked so."""
    now = datetime.now(UTC)
    operations = bistro(now)
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": operations})
    assert answer.is_success, answer.text
    answer = api.patch("/api/restaurants/1", json=HOUSE | {"timezone": zone_of_evening(now)} | house)
    assert answer.is_success, answer.text


def evening(hub: Hub) -> Hub:
    """The hub, with restaurant 1 in the middle of its evening."""
    with hub.client() as api:
        fill(api)
    return hub


def drawn(page: Page, tables: int = len(TABLES)) -> Page:
    """The page, once the floor is in step and all tables are drawn (on a phone: once the list is)."""
    expect(page.locator("html:not([data-stale])")).to_be_attached(timeout=15_000)
    expect(page.locator("#plan .table")).to_have_count(tables if page.locator("#plan").is_visible() else 0)
    return page


def show_floor(page: Page) -> None:
    """On a phone the floor has a tab of its own."""
    tab = page.locator("#tab-floor")
    if tab.is_visible():
        tab.click()
        expect(page.locator("#plan")).to_be_visible()


def choose_party(page: Page, guest: str = "guest-okafor") -> None:
    """Choose a party that waits: the tables that fit it are marked, the bar says what can be done."""
    page.locator(f"li[data-guest={guest}] button").first.click()
    expect(page.locator("#bar [data-do]").first).to_be_visible()


def open_walk_in(page: Page) -> None:
    """The form of a party at the door."""
    page.locator("#side > .add").click()
    expect(page.locator("dialog.form")).to_be_visible()


def open_menu(page: Page) -> None:
    """What stands behind the three dots."""
    page.locator("#top .more").click()
    expect(page.locator("dialog.menu")).to_be_visible()


def open_by_menu(page: Page, entry: str, shown: str) -> None:
    """Press an entry of the menu, and wait for what it shows."""
    open_menu(page)
    page.locator(f"[data-menu={entry}]").click()
    expect(page.locator(shown)).to_be_visible()


def open_edit(page: Page) -> None:
    """Edit mode, with a table chosen."""
    open_by_menu(page, "edit", "#edit")
    page.locator('#plan [data-table="table-1"]').click()
    expect(page.locator("#edit h3").first).to_be_visible()


def open_night(page: Page) -> None:
    """Who is still there when the night is closed."""
    open_by_menu(page, "night", "dialog.form")


def open_search(page: Page) -> None:
    """Finding a party, with some found."""
    page.locator(".find").click()
    page.locator("dialog.form input").fill("o")
    expect(page.locator("dialog.form [data-found]").first).to_be_visible()


def open_booked(page: Page) -> None:
    """The reservations of the day."""
    tab = page.locator("#tab-booked")
    if tab.is_visible():  # on a large screen they always show
        tab.click()
    expect(page.locator("[data-rows=booked] li").first).to_be_visible()


def open_seated(page: Page) -> None:
    """Who sits where, and since when."""
    page.locator("#tab-seated").click()
    expect(page.locator("[data-rows=seated] li").first).to_be_visible()


# The views that are opened from the board; the first run and the wall are pages of their own.
VIEWS: dict[str, Callable[[Page], None]] = {
    "floor": show_floor,
    "party chosen": choose_party,
    "walk-in": open_walk_in,
    "edit mode": open_edit,
    "menu": open_menu,
    "close the night": open_night,
    "search": open_search,
    "booked": open_booked,
    "seated": open_seated,
}


def leave(page: Page) -> None:
    """Back to the board from any of the views."""
    if page.locator("#edit").is_visible():
        page.locator("#edit [data-edit=leave]").click()
        expect(page.locator("#edit")).to_have_count(0)
    for _ in range(2):  # a dialog, then what is chosen
        page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.locator("#tab-waiting").click()
