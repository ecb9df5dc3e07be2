"""The first run: from an empty hub to a drawn floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Hub

pytestmark = pytest.mark.slow


def floor_of(hub: Hub) -> dict[str, Any]:
    """What the hub has of restaurant 1."""
    with hub.client() as api:
        found: dict[str, Any] = api.get("/api/sync/full").json()
        return found | {"restaurant": api.get("/api/restaurants/1").json()}


@pytest.mark.parametrize(("starter", "tables"), [("bistro", 12), ("dining", 30), ("empty", 0)])
def test_an_empty_hub_becomes_a_drawn_floor(
    new_hub: Callable[..., Hub], open_page: Callable[..., Page], starter: str, tables: int
) -> None:
    hub = new_hub().start()
    page = open_page(hub, locale="it-IT", timezone_id="Europe/Rome")
    other = open_page(hub)
    dialog = page.locator("dialog.form")
    dialog.locator("[data-field=name] input").fill("Trattoria Lume")
    dialog.locator(f"[data-value={starter}]").click()
    dialog.locator("[data-field=timezone] input").fill("Europe/Nowhere")
    dialog.locator("button.main").click()
    expect(dialog.locator("[data-field=timezone] .error")).not_to_be_empty()
    dialog.locator("[data-field=timezone] input").fill("Europe/Rome")
    dialog.locator("button.main").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#top h1")).to_have_text("Trattoria Lume")
    expect(page.locator("#plan .table")).to_have_count(tables)
    found = floor_of(hub)
    house = found["restaurant"]
    assert (house["name"], house["timezone"], house["locale"], house["hours"]) == (
        "Trattoria Lume",
        "Europe/Rome",
        "it-IT",
        24,
    )
    assert len(found["tables"]) == tables
    if tables:  # the other page, where the same was asked, shows it as well
        expect(other.locator("#plan .table")).to_have_count(tables)
        expect(other.locator("dialog")).to_have_count(0)
        overlaps = """() => {
          const all = [...document.querySelectorAll('.table .face')].map((one) => one.getBoundingClientRect());
          return all.some((a, at) => all.slice(at + 1).some((b) => Math.min(a.right, b.right) > Math.max(a.left, b.left)
            && Math.min(a.bottom, b.bottom) > Math.max(a.top, b.top))); }"""
        assert page.evaluate(overlaps) is False
    else:  # who draws a floor begins at once
        expect(page.locator("#edit")).to_be_visible()
    page.reload()
    expect(page.locator("#top h1")).to_have_text("Trattoria Lume")
    expect(page.locator("dialog")).to_have_count(0)
