"""Languages and times: German has every word, times are the restaurant's and never the device's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.board.stage import ids_of
from tests.board.views import drawn, evening
from tests.conftest import Hub

pytestmark = pytest.mark.slow

PARAM = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def bistro_hub(board_hub: Hub) -> Hub:
    """The module's hub, with a bistro in the middle of its evening."""
    return evening(board_hub)


# ---- The texts.


@pytest.fixture
def texts(bistro_hub: Hub, open_page: Callable[..., Page]) -> dict[str, dict[str, Any]]:
    """The words of each language."""
    load = """async (language) => {
      const boot = document.querySelector('script[src$="/boot.js"]').src;
      return (await import(new URL(`words/${language}.js`, boot))).default;
    }"""
    page = open_page(bistro_hub)
    return {language: page.evaluate(load, language) for language in ("en", "de")}


def params(entry: str | dict[str, str]) -> set[str]:
    """What a text has filled in; of one that is chosen by a count all its forms together."""
    return set(PARAM.findall(entry if isinstance(entry, str) else " ".join(entry.values())))


def test_both_languages_say_the_same_things(texts: dict[str, dict[str, Any]]) -> None:
    assert len(texts["en"]) > 300
    assert texts["en"].keys() ^ texts["de"].keys() == set()
    assert {key for key in texts["en"] if params(texts["en"][key]) != params(texts["de"][key])} == set()
    forms = {key for key in texts["en"] if isinstance(texts["en"][key], dict) != isinstance(texts["de"][key], dict)}
    assert forms == set()


def test_the_language_is_chosen_in_the_menu_and_kept(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub))
    page.locator("#top .more").click()
    page.locator("dialog.menu label", has_text="Deutsch").click()
    expect(page.locator("#tab-waiting span")).to_have_text("Warten")
    page.reload()
    expect(page.locator("#tab-waiting span")).to_have_text("Warten")


# ---- Times.


@pytest.mark.parametrize(
    ("locale", "hours", "shown"),
    [("en-US", 12, "7:45 PM"), ("en-US", 24, "19:45"), ("fi-FI", 24, "19.45"), ("de-DE", 24, "19:45")],
)
def test_times_are_the_restaurants(
    floor_anew: Hub, open_page: Callable[..., Page], locale: str, hours: int, shown: str
) -> None:
    with floor_anew.client() as api:
        house = {"timezone": "America/New_York", "locale": locale, "hours": hours}
        assert api.patch("/api/restaurants/1", json=house).is_success
        # A quarter to eight in New York, on a day without a change of its clocks.
        booking = {"status": "confirmed", "reservationTime": "2031-01-15T00:45:00Z"}
        assert api.patch(f"/api/restaurants/1/guests/{ids_of(api)['Rossi']}", json=booking).is_success
    page = open_page(floor_anew, locale="en-GB", timezone_id="Asia/Tokyo")
    page.locator(".find").click()
    page.locator("dialog.form input").fill("Rossi")
    expect(page.locator("[data-found] small")).to_contain_text(shown)
    expect(page.locator("#top .now")).to_have_text(re.compile(r"(AM|PM)$" if hours == 12 else r"^\d+[.:]\d\d$"))
