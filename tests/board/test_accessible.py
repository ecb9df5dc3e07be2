"""For every eye and hand: axe finds nothing, what is pressed is large enough, states need no colour, little moves."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.board.views import SIZES, VIEWS, drawn, evening, leave
from tests.conftest import Hub

THEMES = ("dark", "light")
TAP = 44  # px each way: WCAG 2.5.5, and Apple's own measure
AXE = Axe()

# What can be pressed, each as large as it is for a finger: a label stands for the small box in it, a table is its face.
PRESSED = """() => {
  const open = document.querySelector('dialog[open]');
  const all = [...(open || document).querySelectorAll('button, a[href], input, select, textarea, [role=button]')];
  const shown = (node) => node.getClientRects().length && getComputedStyle(node).visibility === 'visible';
  return all.filter((node) => shown(node) && !node.closest('[aria-hidden=true]')).map((node) => {
    const part = node.closest('label') || node.querySelector('.face, .hit') || node;
    const { width, height } = part.getBoundingClientRect();
    return { what: node.getAttribute('aria-label') || node.textContent.trim() || node.name || node.outerHTML.slice(0, 80), width, height };
  });
}"""
MOVING = """() => [...document.querySelectorAll('*')].filter((node) => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(node);
  return transitionDuration.split(', ').some((one) => parseFloat(one) > 0) || animationName !== 'none' || scrollBehavior === 'smooth';
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


def violations(page: Page) -> list[str]:
    """What axe finds on a page, by rule and place."""
    found = AXE.run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:300]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_the_board(bistro_hub: Hub, open_page: Callable[..., Page], theme: str) -> None:
    page = drawn(open_page(bistro_hub, color_scheme=theme))
    found: dict[str, list[str]] = {}
    for name, opening in VIEWS.items():
        opening(page)
        found[name] = violations(page)
        leave(page)
    assert found == {name: [] for name in VIEWS}


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
    page = drawn(open_page(bistro_hub, window=SIZES[size]))
    small: dict[str, list[dict[str, Any]]] = {}

    def look(name: str, page: Page) -> None:
        targets = page.evaluate(PRESSED)
        assert len(targets) > 3, name
        # Half a pixel is what the browser rounds.
        small[name] = [one for one in targets if min(one["width"], one["height"]) < TAP - 0.5]

    for name, opening in VIEWS.items():
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


# ---- States without colour.

STATES = ("free", "held", "seat", "soon", "late", "dirty", "oos")
# Two states are told apart where so much of the square around a table (its chairs included) differs in lightness by at
# least 10 of 100: a step that everybody sees, and more than the edges of two renders differ by. The words are left out:
# the numbers differ anyway. A ring of 3 px around a table of 4 is 5 % of its square, so that 4 % is one clear mark more.
STEP, SHARE = 10, 0.04


def seven_states(api: httpx.Client) -> None:
    """One table of four in each state."""
    now = api.get("/health").json()["time"]
    day = now[:10]
    assert day
    make = [
        {"entity_type": "table", "action": "create", "entity_id": state, "data": {
            "tableNumber": str(number + 1), "capacity": 4, "shape": "round", "position": {"x": number / 6, "y": 0.5}}}
        for number, state in enumerate(STATES)
    ]  # fmt: skip
    party = {"name": "Rossi", "partySize": 4}
    for state, minutes in (("seat", 30), ("soon", 80), ("late", 100)):
        make.append(_guest(state, party | {"tableId": state, "status": "seated", "seatedTime": _ago(minutes)}))
    make.append(_guest("held", party | {"tableId": "held", "status": "confirmed", "reservationTime": _ago(-20)}))
    for table, status in (("dirty", "dirty"), ("oos", "outOfService")):
        make.append({"entity_type": "table", "action": "update", "entity_id": table, "data": {"status": status}})
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": make})
    assert answer.is_success, answer.text


def _guest(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"entity_type": "guest", "action": "create", "entity_id": f"party-{name}", "data": data}


def _ago(minutes: int) -> str:
    import datetime

    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def lightness(page: Page, table: str) -> Image.Image:
    """The square around a table, each pixel as its lightness (L* of CIELAB, 0 … 100), as no colour changes it."""
    face = page.locator(f'[data-table="{table}"] .face').bounding_box()
    assert face
    x, y = face["x"] + face["width"] / 2, face["y"] + face["height"] / 2
    shot = page.screenshot(clip={"x": x - 60, "y": y - 60, "width": 120, "height": 120})
    grey = Image.open(io.BytesIO(shot)).convert("RGB").convert("L", matrix=(0.2126, 0.7152, 0.0722, 0))
    return grey


def share_that_differs(one: Image.Image, other: Image.Image) -> float:
    """How much of the two differs by a step of lightness."""
    difference = ImageChops.difference(one, other).histogram()
    return sum(difference[round(STEP * 2.55) :]) / (one.width * one.height)


@pytest.mark.parametrize("theme", THEMES)
def test_the_seven_states_differ_without_colour(new_hub: Callable[..., Hub], open_page: Callable[..., Page], theme: str) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        seven_states(api)
    page = drawn(open_page(hub, color_scheme=theme), tables=len(STATES))
    for state in STATES:
        expect(page.locator(f'[data-table="{state}"]')).to_have_class(f"table {state}")
    page.evaluate("for (const text of document.querySelectorAll('.table text')) text.setAttribute('visibility', 'hidden')")
    drawings = {state: lightness(page, state) for state in STATES}
    shares = {pair: share_that_differs(*map(drawings.__getitem__, pair)) for pair in itertools.combinations(STATES, 2)}
    assert {pair: round(share, 3) for pair, share in shares.items() if share < SHARE} == {}
    # What is measured against itself differs by nothing.
    assert share_that_differs(drawings["soon"], lightness(page, "soon")) == 0
