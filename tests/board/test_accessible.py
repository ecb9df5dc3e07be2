"""For every eye and hand: words have room, what is pressed is large enough, axe finds nothing, little moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.board.host import DRAWN
from tests.board.view_checks import crowded, too_small, violations
from tests.board.views import MANAGERS_VIEWS, SIZES, VIEWS, drawn, evening, leave, open_as_manager, show_floor
from tests.conftest import Hub

pytestmark = pytest.mark.slow

# What a manager has in two parts: one test would take long beside a load.
DEVICES = 7
PARTS = [dict([*MANAGERS_VIEWS.items()][:DEVICES]), dict([*MANAGERS_VIEWS.items()][DEVICES:])]
# The screens of managers are one dialog each, laid out by its own width.
MANAGERS_SIZES = ("ipad", "small_ipad", "phone")
NARROW = ("small_ipad", "phone")
# A language, the size at which each view is opened, and the theme and size in which axe looks at it: words that are
# longer change no rule of axe's.
LOOKS = {"en-GB": ("ipad", "dark", "ipad"), "de-DE": ("phone", "light", "small_ipad")}
LOOKED_AT = {"en-GB": tuple(SIZES), "de-DE": NARROW}

MOVING = """() => [...document.querySelectorAll('*')].filter((node) => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(node);
  const turns = transitionDuration.split(', ').some((one) => parseFloat(one) > 0);
  return turns || animationName !== 'none' || scrollBehavior === 'smooth';
}).map((node) => node.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def bistro_hub(board_hub: Hub) -> Hub:
    """The module's hub, with a bistro in the middle of its evening."""
    return evening(board_hub)


@pytest.fixture(scope="module")
def empty_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that nobody has set up."""
    running = Hub(tmp_path_factory.mktemp("empty") / "data").start()
    yield running
    running.stop()


def written(hub: Hub) -> list[str]:
    """What people wrote: names and notes."""
    with hub.client() as api:
        guests = api.get("/api/sync/full").json()["guests"]
    return [text for guest in guests for text in (guest["name"], guest["notes"], guest["specialRequests"]) if text]


def resize(page: Page, size: str) -> None:
    """Give the window this size, whatever is open there: a view is as it would be if it had been opened so."""
    width, height = SIZES[size]
    if page.viewport_size != {"width": width, "height": height}:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(DRAWN)


@pytest.mark.parametrize("views", [VIEWS, *PARTS], ids=["the board's", "devices", "people"])
@pytest.mark.parametrize("language", LOOKS)
def test_every_view_has_room_for_words_and_fingers_and_axe_finds_nothing(
    bistro_hub: Hub, open_page: Callable[..., Page], language: str, views: dict[str, Callable[[Page], None]]
) -> None:
    opened, theme, axes = LOOKS[language]
    page = open_as_manager(open_page, bistro_hub, window=SIZES[opened], locale=language, color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("lang", language[:2])
    may_be_cut = written(bistro_hub)
    found: dict[str, list[Any]] = {}
    for name, opening in views.items():
        opening(page)
        for size in LOOKED_AT[language]:
            if name in VIEWS or size in MANAGERS_SIZES:
                resize(page, size)
                if opening is show_floor:  # on a phone it has a tab of its own
                    opening(page)
                found[f"{name}, {size}"] = [*too_small(page), *(crowded(page, may_be_cut) if size in NARROW else [])]
            if size == axes:
                # What lies behind a dialog was looked at in the views without one.
                part = "dialog[open]" if page.locator("dialog[open]").count() else None
                found[f"{name}, axe"] = violations(page, part)
        resize(page, opened)
        leave(page)
    assert found == {name: [] for name in found}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_at_the_first_run_and_on_the_wall(
    bistro_hub: Hub, empty_hub: Hub, open_page: Callable[..., Page], theme: str
) -> None:
    first = open_page(empty_hub, color_scheme=theme)
    expect(first.locator("dialog.form")).to_be_visible()
    assert violations(first) == []
    wall = open_page(bistro_hub, "/?view=queue", color_scheme=theme)
    expect(wall.locator("#queue li")).to_have_count(7)
    assert violations(wall) == []


def test_the_first_run_has_room_for_words_and_fingers(empty_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(empty_hub, window=SIZES["ipad"], locale="de-AT")
    expect(page.locator("dialog.form")).to_be_visible()
    found = {}
    for size in SIZES:
        resize(page, size)
        found[size] = [*too_small(page), *(crowded(page, []) if size in NARROW else [])]
    assert found == {size: [] for size in SIZES}


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
def test_who_wants_little_motion_gets_none(
    bistro_hub: Hub, open_page: Callable[..., Page], wish: str, moves: bool
) -> None:
    page = drawn(open_page(bistro_hub, reduced_motion=wish))
    assert bool(page.evaluate(MOVING)) is moves
