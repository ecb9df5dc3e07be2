"""What the board shows of a press before the answer: just what the hub then does."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.board.modules import a_browser, a_page, run  # noqa: F401 (fixtures)

pytestmark = pytest.mark.slow

ACTS = (
    "walk_in walk_in_seat reserve seat seat_bar hold move swap unseat unhold notify late finish leave no_show cancel arrive "
    "arrive_part edit remove dirty block clean free free_party push pull close_night edit_floor"
)
PRESSES = """([restaurantId, seed, steps]) => help.presses({ restaurantId, seed, steps })"""


def test_every_act_is_shown_as_the_hub_does_it_and_undo_brings_back_what_was(engine: Page, restaurant: int) -> None:
    result = run(engine, PRESSES, restaurant, 7, 600)
    assert result["failures"] == [], "\n".join(result["failures"][:20])
    missing = {f"act.{name}" for name in ACTS.split()} - set(result["taken"])
    assert not missing
    refused = {"table_occupied", "table_unavailable", "version_conflict", "table_number_taken"}
    assert refused <= set(result["refused"])
    assert result["undone"] > 50


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_it_is_so_for_other_presses(engine: Page, restaurant: int, seed: int) -> None:
    assert run(engine, PRESSES, restaurant, 1000 + seed, 3000)["failures"] == []
