"""For every eye and hand: axe finds nothing, what is pressed is large enough, nothing moves that need not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.board.views import MANAGERS_VIEWS, SIZES, VIEWS, drawn, evening, leave, open_as_manager
from tests.conftest import Hub

THEMES = ("dark", "light")
TAP = 44  # px each way: WCAG 2.5.5, and Apple's own measure
AXE = Axe()
ALL_VIEWS = MANAGERS_VIEWS | VIEWS
# The screens of managers are one dialog each, laid out by its own width: a wide window and a narrow one show all of it.
MANAGERS_SIZES = ("ipad", "phone")

# What can be pressed, each as large as it is for a finger: a label stands for the small box in it, a table is its face.
PRESSED = """() => {
  const open = document.querySelector('dialog[open]');
  const all = [...(open || document).querySelectorAll('button, a[href], input, select, textarea, [role=button]')];
  const shown = (node) => node.getClientRects().length && getComputedStyle(node).visibility === 'visible';
  return all.filter((node) => shown(node) && !node.closest('[aria-hidden=true]')).map((node) => {
    const part = node.closest('label') || node.querySelector('.face, .hit') || node;
    const { width, height } = part.getBoundingClientRect();
    const what = node.getAttribute('aria-label') || node.textContent.trim() || node.outerHTML.slice(0, 80);
    return { what, width, height };
  });
}"""
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


def violations(page: Page, part: str | None = None) -> list[str]:
    """What axe finds on a page, or in a part of it, by rule and place."""
    found = AXE.run(page, context=part).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:300]}" for one in found for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_the_board(bistro_hub: Hub, open_page: Callable[..., Page], theme: str) -> None:
    page = open_as_manager(open_page, bistro_hub, color_scheme=theme)
    found: dict[str, list[str]] = {}
    for name, opening in ALL_VIEWS.items():
        opening(page)
        # What lies behind a dialog was looked at in the views without one.
        found[name] = violations(page, "dialog[open]" if page.locator("dialog[open]").count() else None)
        leave(page)
    assert found == {name: [] for name in ALL_VIEWS}


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_at_the_first_run_and_on_the_wall(
    bistro_hub: Hub, empty_hub: Hub, open_page: Callable[..., Page], theme: str
) -> None:
    first = open_page(empty_hub, color_scheme=theme)
    expect(first.locator("dialog.form")).to_be_visible()
    assert violations(first) == []
    wall = open_page(bistro_hub, "/?view=queue", color_scheme=theme)
    expect(wall.locator("#queue li")).to_have_count(7)
    assert violations(wall) == []


@pytest.mark.parametrize("size", SIZES)
def test_what_is_pressed_is_as_large_as_a_finger(
    bistro_hub: Hub, empty_hub: Hub, open_page: Callable[..., Page], size: str
) -> None:
    page = open_as_manager(open_page, bistro_hub, window=SIZES[size])
    small: dict[str, list[dict[str, Any]]] = {}

    def look(name: str, page: Page) -> None:
        targets = page.evaluate(PRESSED)
        assert len(targets) >= 2, name
        # Half a pixel is what the browser rounds.
        small[name] = [one for one in targets if min(one["width"], one["height"]) < TAP - 0.5]

    for name, opening in (ALL_VIEWS if size in MANAGERS_SIZES else VIEWS).items():
        opening(page)
        look(name, page)
        leave(page)
    first = open_page(empty_hub, window=SIZES[size])
    expect(first.locator("dialog.form")).to_be_visible()
    look("first run", first)
    assert small == {name: [] for name in small}


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
def test_who_wants_little_motion_gets_none(
    bistro_hub: Hub, open_page: Callable[..., Page], wish: str, moves: bool
) -> None:
    page = drawn(open_page(bistro_hub, reduced_motion=wish))
    assert bool(page.evaluate(MOVING)) is moves
