"""The board's views, as its tests and its pictures open them: a lovely evening, and how to come to each from `/`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from restohub.access.tokens import new_token
from tests.access.closed_hub import Device, ask_to_pair, manager, pair
from tests.attack.stranger import client as stranger_at
from tests.board.floor_samples import TABLES, bistro
from tests.board.host import BACK_MS
from tests.board.stage import Place, board_url
from tests.conftest import Hub
from tests.contract.answers import ok

SIZES = {
    "ipad": (1180, 820),
    "small_ipad": (1024, 768),
    "upright": (768, 1024),
    "phone": (390, 844),
    "large": (1920, 1080),
}
HOUSE = {"name": "Trattoria Lume", "locale": "en-GB", "hours": 24}
# What its clock says: two digits, so a name beside it has no more room than on a real evening.
EVENING_HOUR = 20


def zone_of(now: datetime, hour: int = EVENING_HOUR) -> str:
    """A time zone in which it is this hour now: what a test sees of a clock does not hang on when it runs."""
    ahead = (hour - now.astimezone(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"  # these names count westwards


def fill(api: httpx.Client, **house: str | int) -> None:
    """Make restaurant 1 the bistro of the sample in the middle of its evening, called and clocked so."""
    now = datetime.now(UTC)
    operations = bistro(now)
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": operations})
    assert answer.is_success, answer.text
    answer = api.patch("/api/restaurants/1", json=HOUSE | {"timezone": zone_of(now)} | house)
    assert answer.is_success, answer.text


def evening(hub: Hub) -> Hub:
    """The hub, with restaurant 1 in the middle of its evening."""
    with hub.client() as api:
        fill(api)
    return hub


def drawn(page: Page, tables: int = len(TABLES)) -> Page:
    """The page, once the floor is in step and all tables are drawn (on a phone: once the list is)."""
    expect(page.locator("html:not([data-stale])")).to_be_attached(timeout=BACK_MS)
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


# ---- What a manager has beside them.


@cache
def manager_of(hub: Hub) -> Device:
    """The manager's device of this hub: paired once."""
    return pair(hub, "manager", "Office")


def open_as(token: str, open_page: Callable[..., Page], hub: Place, path: str = "/", **options: Any) -> Page:
    """A page on the device with this token."""
    page = open_page(hub, "/health", **options)  # a light page, on a closed hub too
    page.evaluate("(token) => localStorage.setItem('restohub.token', token)", token)
    page.goto(board_url(hub, path))
    return page


@cache
def visitor_and_staff(hub: Hub) -> None:
    """Somebody who could be adopted, and somebody with a PIN: made once."""
    with stranger_at(hub, "127.0.31.1") as api:
        ok(api.post("/restaurants/1/guests", json={"name": "Nobody", "partySize": 1, "status": "cancelled"}), 201)
    with manager(hub) as api:
        ok(api.post("/api/staff", json={"name": "Anna-Lena", "role": "host", "pin": "4711"}), 201)


def open_as_manager(open_page: Callable[..., Page], hub: Hub, **options: Any) -> Page:
    """The board on a manager's device, while another device waits to be let in."""
    visitor_and_staff(hub)
    # Of one address five may wait.
    with stranger_at(hub, f"127.0.2.{time.monotonic_ns() % 200 + 1}") as api:
        ask_to_pair(api, new_token(), name="iPad")
    return drawn(open_as(manager_of(hub).token, open_page, hub, **options))


def open_managers_menu(page: Page) -> None:
    """The menu, with all that a manager finds in it."""
    open_menu(page)
    expect(page.locator("[data-menu=audit]")).to_be_visible()


def open_devices(page: Page) -> None:
    """The devices."""
    open_by_menu(page, "devices", "button.device >> nth=0")


def open_waiting(page: Page) -> None:
    """The devices, with one that waits, as it does for two minutes."""
    open_devices(page)
    expect(page.locator(".waits .device").first).to_be_visible()


def open_device(page: Page) -> None:
    """One device."""
    open_devices(page)
    page.locator("button.device", has_text="Office").click()
    expect(page.locator(".facts")).to_be_visible()


def open_revoking(page: Page) -> None:
    """What taking away its access means."""
    open_device(page)
    page.locator("[data-to=revoke]").click()
    expect(page.locator("[data-yes]")).to_be_visible()


def open_letting_in(page: Page) -> None:
    """Letting a device in."""
    open_devices(page)
    page.locator("[data-to=let_in]").click()
    expect(page.locator("#device-code")).to_be_visible()


def open_closing(page: Page) -> None:
    """Whether the hub is closed, and who was here."""
    open_by_menu(page, "closing", ".state.big")
    expect(page.locator(".state.big")).to_have_attribute("data-access", "open")


def open_adopting(page: Page) -> None:
    """Adopting a device whose app cannot pair."""
    open_closing(page)
    page.locator("li.device", has_text="127.0.31.1").locator("button").click()
    expect(page.locator(".weak")).to_be_visible()


def open_people(page: Page) -> None:
    """Who of the staff is at this device."""
    open_by_menu(page, "sign_in", ".people button >> nth=0")


def open_pin(page: Page) -> None:
    """The PIN pad."""
    open_people(page)
    page.locator(".people button").first.click()
    expect(page.locator(".keys")).to_be_visible()


def open_staff(page: Page) -> None:
    """The people of the staff, for managers."""
    open_by_menu(page, "staff", ".people button >> nth=0")


def open_person(page: Page) -> None:
    """What a manager does with one of them."""
    open_staff(page)
    page.locator(".people button").first.click()
    expect(page.locator("[data-staff=remove]")).to_be_visible()


def open_adding(page: Page) -> None:
    """A new person, with a PIN."""
    open_staff(page)
    page.locator("[data-to=add]").click()
    expect(page.locator(".keys")).to_be_visible()


def open_audit(page: Page) -> None:
    """Who did what."""
    open_by_menu(page, "audit", ".audit ol:first-of-type li:first-of-type")


def open_report(page: Page) -> None:
    """The report of the night, fetched with the device's token."""
    open_by_menu(page, "report", "dialog.paged")
    expect(page.frame_locator("dialog.paged iframe").locator("h1")).to_be_visible()


MANAGERS_VIEWS: dict[str, Callable[[Page], None]] = {
    "devices": open_waiting,
    "a manager's menu": open_managers_menu,
    "a device": open_device,
    "taking access away": open_revoking,
    "letting in": open_letting_in,
    "closing the hub": open_closing,
    "adopting": open_adopting,
    "who is here": open_people,
    "the PIN pad": open_pin,
    "the staff": open_staff,
    "a person": open_person,
    "a new person": open_adding,
    "who did what": open_audit,
    "the report": open_report,
}


def leave(page: Page) -> None:
    """Back to the board from any of the views."""
    if page.locator("#edit").is_visible():
        page.locator("#edit [data-edit=leave]").click()
        expect(page.locator("#edit")).to_have_count(0)
    for _ in range(4):  # a dialog's screens, then what is chosen
        page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    tab = page.locator("#tab-waiting")
    if tab.get_attribute("aria-selected") != "true":
        tab.click()
