"""Devices at a manager's board: adopted ones, those that came with a restored copy, and answers that come late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.access.adopting import PARTY, app, jwt
from tests.access.closed_hub import pair, told
from tests.board.conftest import Watch
from tests.board.host import held_back, until
from tests.board.stage import restore
from tests.board.views import manager_of, open_as, open_by_menu, open_menu
from tests.conftest import Hub
from tests.contract.answers import ok

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Page]
AS_HOST = "works as host until the machine of the hub confirms it"


def test_a_device_whose_app_cannot_pair_is_adopted_where_the_hub_is_closed(
    floor_anew: Hub, open_page: OpenPage
) -> None:
    hub = floor_anew
    stale = jwt(1, "board")
    page = open_as(manager_of(hub).token, open_page, hub)
    for address, sent, known, weak in (
        ("127.0.31.1", stale, "a header that its app sends", "Whoever sends the same header passes for this device."),
        ("127.0.31.2", {}, "its address", "whoever has this address passes for this device."),
    ):
        with app(hub, address, sent) as api:
            ok(api.post("/restaurants/1/guests", json=PARTY), 201)
        open_by_menu(page, "closing", "li.device >> nth=0")
        visitor = page.locator("li.device", has_text=address)
        visitor.get_by_role("button", name=f"Adopt No name at {address}").click()
        expect(page.locator(".facts")).to_contain_text(f"{address}Known by{known}")
        expect(page.locator(".weak")).to_contain_text(weak)
        expect(page.locator("dialog .roles .btn b")).to_have_text(["Host", "View only"])
        page.locator("[data-send]").click()
        expect(page.locator("#device-name-error")).to_have_text("Needed.")
        page.locator("#device-name").fill(f"Tablet {address}")
        page.locator("[data-send]").click()
        expect(page.locator(".note")).to_have_text(f"Tablet {address} is adopted as Host.")
        expect(visitor).to_have_count(0)
        page.keyboard.press("Escape")
        open_by_menu(page, "devices", "button.device >> nth=0")
        made = page.locator("button.device", has_text=f"Tablet {address}")
        expect(made).to_contain_text(f"Host · adopted by {'its header' if sent else 'its address'}")
        made.click()
        expect(page.locator("dialog")).to_contain_text(weak)
        expect(page.locator("dialog .roles .btn b")).to_have_text(["Host", "View only"])
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    for letter in "kq":  # the first that comes is its own
        with app(hub, "127.0.31.2", {"Authorization": "Bearer " + letter * 40}) as api:
            ok(api.post("/restaurants/1/guests", json=PARTY), 201)
    open_by_menu(page, "devices", "button.device >> nth=0")
    doubtful = page.locator("button.device", has_text="127.0.31.2")
    expect(doubtful).to_contain_text("shut out until it is adopted again")
    doubtful.click()
    expect(page.locator("dialog")).to_contain_text("It counts as a stranger until it is adopted again")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    shared = page.locator("li.device", has_text="127.0.0.1")
    with hub.client() as api:
        ok(api.post("/restaurants/1/guests", json=PARTY), 201)
    open_by_menu(page, "closing", "li.device >> nth=0")
    again = page.locator("li.device", has_text="127.0.31.2").locator("button")
    expect(again).to_have_text("Adopt again")
    again.click()
    expect(page.locator("#device-name")).to_have_value("Tablet 127.0.31.2")
    page.locator("[data-send]").click()
    expect(page.locator(".note")).to_have_text("Tablet 127.0.31.2 is adopted as Host.")
    expect(again).to_have_count(0)
    expect(shared.first).to_contain_text("It cannot be adopted")
    expect(shared.locator("button")).to_have_count(0)


def test_a_late_answer_takes_no_other_screen_away_and_a_button_waits_for_it(
    floor_anew: Hub, open_page: OpenPage
) -> None:
    pair(floor_anew, "host", "Patio")
    page = open_as(manager_of(floor_anew).token, open_page, floor_anew)
    asked = held_back(page, "**/api/devices/*")
    open_by_menu(page, "devices", "button.device >> nth=0")
    page.locator("button.device", has_text="Patio").click()
    page.locator("#device-name").fill("Porch")
    page.locator("[data-send]").click()
    until(lambda: asked, "another name that was sent", page)
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open] h2")).to_have_text("Devices")
    asked[0].continue_()
    expect(page.locator("button.device", has_text="Porch")).to_be_visible()
    expect(page.locator("dialog[open] h2")).to_have_text("Devices")
    page.keyboard.press("Escape")
    # Nor does a button do anything before it is known what: here, whether the hub is closed.
    asked = held_back(page, "**/api/access")
    open_by_menu(page, "closing", "dialog.screens")
    button = page.locator("[data-to=act]")
    expect(button).to_be_disabled()
    until(lambda: asked, "whether the hub is closed was asked", page)
    asked[0].continue_()
    expect(button).to_have_text("Close the hub to strangers")
    expect(button).to_be_focused()


def test_devices_of_a_copy_are_marked_until_the_hubs_machine_confirms_them(
    floor_anew: Hub, open_page: OpenPage, watch: Watch, tmp_path: Path
) -> None:
    watch.forgive("ERR_CONNECTION|WebSocket|Failed to load")
    hub = floor_anew
    office = manager_of(hub)
    for role, name in (("manager", "Second's"), ("host", "Bar")):
        pair(hub, role, name)
    restore(hub, tmp_path / "copy")
    page = open_as(office.token, open_page, hub)
    open_menu(page)
    expect(page.locator(".managing .state")).to_contain_text(f"This device: Office, Manager · {AS_HOST}")
    expect(page.locator(".managing button")).to_have_text(["Devices"])
    page.locator("[data-menu=devices]").click()
    expect(page.locator("pre")).to_have_text('restohub devices confirm "Office"')
    page.keyboard.press("Escape")

    told("devices", "confirm", "Office", "--yes", "--data", str(hub.data))
    open_by_menu(page, "devices", "button.device >> nth=0")
    rows = page.locator("button.device")
    expect(rows.filter(has_text="Office")).to_contain_text("Manager · this device")
    expect(rows.filter(has_text="Office")).not_to_contain_text(AS_HOST)
    expect(rows.filter(has_text="Second's")).to_contain_text(f"Manager · {AS_HOST}")
    expect(rows.filter(has_text="Bar")).to_contain_text("Host · came with a restored copy")
    rows.filter(has_text="Second's").click()
    expect(page.locator(".facts")).to_contain_text("it knows nothing after")
    expect(page.locator("pre")).to_have_text('restohub devices confirm "Second\'s"')
