"""Languages and times: German has room and every word, times are the restaurant's and never the device's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.board.stage import ids_of
from tests.board.views import MANAGERS_VIEWS, SIZES, VIEWS, drawn, evening, leave, open_as_manager
from tests.conftest import Hub

# What of the shown page is cut, and which buttons lie on each other. What a guest or host wrote may end in an ellipsis.
LAID_OUT = """(written) => {
  const open = document.querySelector('dialog[open]') || document.body;
  const shown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility === 'visible'
    && !node.matches('.vh, .vh *');
  const told = (node) => node.textContent.trim() || node.outerHTML.slice(0, 60);
  const says = (node) => node.matches('button')
    || [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
  const cut = [...open.querySelectorAll('*')]
    .filter((node) => shown(node) && says(node) && !node.closest('svg') && !written.includes(told(node)))
    .filter((node) => node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1)
    .map((node) => `${told(node)} (${node.scrollWidth} > ${node.clientWidth})`);
  const wide = open.scrollWidth > innerWidth ? [`${open.tagName} is ${open.scrollWidth} wide`] : [];
  const spilt = [...open.querySelectorAll('#plan .table')].flatMap((table) => {
    const face = table.querySelector('.face').getBoundingClientRect();
    const words = [...table.querySelectorAll(':scope > text')];
    return words.filter((text) => text.getBoundingClientRect().width > face.width + 2).map(told);
  });
  // What of a button is in view: its box within all that scroll around it.
  const box = (node) => {
    let { left, right, top, bottom } = node.getBoundingClientRect();
    for (let up = node.parentElement; up; up = up.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(up);
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const clip = up.getBoundingClientRect();
      [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
      [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
    }
    return { node, left, right, top, bottom };
  };
  const buttons = [...open.querySelectorAll('button, a[href], input, select, textarea')].filter(shown).map(box)
    .filter((one) => one.right - one.left > 1 && one.bottom - one.top > 1);
  const meet = (one, two) => !one.node.contains(two.node) && !two.node.contains(one.node)
    && Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1
    && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 1;
  const on = buttons.flatMap((one, at) => buttons.slice(at + 1).filter((two) => meet(one, two))
    .map((two) => `${told(one.node)} on ${told(two.node)}`));
  return [...cut, ...wide, ...spilt, ...on];
}"""
PARAM = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def bistro_hub(board_hub: Hub) -> Hub:
    """The module's hub, with a bistro in the middle of its evening."""
    return evening(board_hub)


def written(hub: Hub) -> list[str]:
    """What people wrote: names and notes."""
    with hub.client() as api:
        guests = api.get("/api/sync/full").json()["guests"]
    return [text for guest in guests for text in (guest["name"], guest["notes"], guest["specialRequests"]) if text]


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
@pytest.mark.parametrize("size", ["phone", "small_ipad"])
def test_words_have_room(bistro_hub: Hub, open_page: Callable[..., Page], size: str, language: str) -> None:
    page = open_as_manager(open_page, bistro_hub, window=SIZES[size], locale=language)
    expect(page.locator("html")).to_have_attribute("lang", language[:2])
    faults: dict[str, list[str]] = {}
    for name, opening in (MANAGERS_VIEWS | VIEWS).items():
        opening(page)
        faults[name] = page.evaluate(LAID_OUT, written(bistro_hub))
        leave(page)
    assert faults == {name: [] for name in faults}


@pytest.mark.parametrize("size", ["phone", "small_ipad"])
def test_the_first_run_has_room_in_german(
    new_hub: Callable[..., Hub], open_page: Callable[..., Page], size: str
) -> None:
    page = open_page(new_hub().start(), window=SIZES[size], locale="de-AT")
    expect(page.locator("dialog.form")).to_be_visible()
    assert page.evaluate(LAID_OUT, []) == []


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
