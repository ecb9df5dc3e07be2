"""Every order of presses, answers, messages, losses and other tabs: what was shown stays shown (`explorer.js`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.board.js_modules import module_page
from tests.board.modules import HELP, NAMES, file_of

pytestmark = pytest.mark.slow

LOAD = """async (names) => {
  window.m = {};
  for (const name of names) window.m[name] = await import(`/${name}.js`);
  window.orders = await import("/help/explorer.js");
}"""


@pytest.fixture(scope="module", name="orders")
def a_page() -> Iterator[Page]:
    """A page with the engine's modules, and no hub."""
    with module_page() as page:
        page.route("**/help/*", lambda route: file_of(route, HELP))
        page.evaluate(LOAD, list(NAMES))
        yield page


LONG = pytest.mark.long
SOME = 3000  # of the orders, where all would take minutes


@pytest.mark.parametrize("how", [{}, {"losses": 1}, {"drops": 1}, pytest.param({"losses": 1, "drops": 1}, marks=LONG)])
def test_whatever_comes_first_and_whatever_is_lost_no_press_is_shown_undone(orders: Page, how: dict[str, int]) -> None:
    found = orders.evaluate("(how) => orders.alone(how)", how)
    assert found["faults"] == []
    assert found["isWhole"], found


@pytest.mark.parametrize("how", [{}, pytest.param({"losses": 1}, marks=LONG)])
def test_another_tab_that_looks_for_what_closed_tabs_left_takes_nothing_of_one_that_lives(
    orders: Page, how: dict[str, int]
) -> None:
    found = orders.evaluate("(how) => orders.beside(how)", how)
    assert found["faults"] == []
    assert found["isWhole"], found


@pytest.mark.parametrize("runs", [SOME, pytest.param(10 * SOME, marks=LONG)])
def test_what_is_taken_of_a_tab_that_hangs_is_done_once_and_not_shown_undone(orders: Page, runs: int) -> None:
    found = orders.evaluate("(runs) => orders.beside({ looks: 1 }, runs)", runs)
    assert found["faults"] == []
    assert found["runs"] == runs, found
