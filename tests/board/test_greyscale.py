"""The seven states of a table, told apart without any colour."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.board.views import drawn
from tests.conftest import Hub

pytestmark = pytest.mark.slow

STATES = ("free", "held", "seat", "soon", "late", "dirty", "oos")
SIDE = 120  # px of the square around a table of four, its chairs included
# Two states are told apart where so much of the square differs by a tenth of the way from black to white: a step that
# everybody sees, and more than edges differ by. The words are left out, since numbers differ anyway: what remains is
# told at a glance. A ring of 3 px in a table of 72 is 5 % of the square, so that 4 % is one clear mark more or less.
STEP, SHARE = 26, 0.04


def _made(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"entity_type": kind, "action": "create", "entity_id": name, "data": data}


def _ago(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seven_states(api: httpx.Client) -> None:
    """Make one table of four in each state, in a row."""
    make = []
    for number, state in enumerate(STATES):
        place = {"x": number / 6, "y": 0.5}
        status = {"dirty": "dirty", "oos": "outOfService"}.get(state, "available")
        table = {"tableNumber": str(number + 1), "capacity": 4, "shape": "round", "position": place, "status": status}
        make.append(_made("table", state, table))
    party = {"name": "Rossi", "partySize": 4}
    for state, minutes in (("seat", 70), ("soon", 74), ("late", 100)):
        make.append(
            _made("guest", f"of-{state}", party | {"tableId": state, "status": "seated", "seatedTime": _ago(minutes)})
        )
    booking = {"tableId": "held", "status": "confirmed", "reservationTime": _ago(-20)}
    make.append(_made("guest", "of-held", party | booking))
    answer = api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": make})
    assert answer.is_success, answer.text


def grey(page: Page, table: str) -> Image.Image:
    """The square around a table as a greyscale screen shows it: each pixel its luma (Rec. 709), 0 … 255."""
    face = page.locator(f'[data-table="{table}"] .face').bounding_box()
    assert face
    x, y = face["x"] + face["width"] / 2, face["y"] + face["height"] / 2
    shot = page.screenshot(clip={"x": x - SIDE / 2, "y": y - SIDE / 2, "width": SIDE, "height": SIDE})
    return Image.open(io.BytesIO(shot)).convert("RGB").convert("L", matrix=(0.2126, 0.7152, 0.0722, 0))


def share_that_differs(one: Image.Image, other: Image.Image) -> float:
    """How much of two squares differs by a step."""
    return sum(ImageChops.difference(one, other).histogram()[STEP:]) / (one.width * one.height)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_seven_states_differ_without_colour(
    new_hub: Callable[..., Hub], open_page: Callable[..., Page], theme: str
) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        seven_states(api)
    page = drawn(open_page(hub, color_scheme=theme), tables=len(STATES))
    for state in STATES:
        expect(page.locator(f'[data-table="{state}"]')).to_have_class(f"table {state}")
    hide = "for (const text of document.querySelectorAll('.table text')) text.setAttribute('visibility', 'hidden')"
    page.evaluate(hide)
    greys = {state: grey(page, state) for state in STATES}
    pairs = {pair: share_that_differs(greys[pair[0]], greys[pair[1]]) for pair in itertools.combinations(STATES, 2)}
    page.evaluate(hide)  # a minute may have passed
    assert share_that_differs(greys["soon"], grey(page, "soon")) < SHARE / 10
    assert {pair: round(share, 3) for pair, share in pairs.items() if share < SHARE} == {}
