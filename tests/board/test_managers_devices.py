"""Devices that were not simply paired, at a manager's board: adopted ones, and those that came with a restored copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.access.closed_hub import pair, told
from tests.board.conftest import Watch
from tests.board.stage import restore
from tests.board.views import manager_of, open_as, open_by_menu, open_menu
from tests.conftest import Hub

OpenPage = Callable[..., Page]
AS_HOST = "works as host until the machine of the hub confirms it"


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
