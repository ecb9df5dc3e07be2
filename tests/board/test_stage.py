"""That the bench of the board's tests does what it says: fingers, two devices, a hub that comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.board.conftest import Watch
from tests.board.host import until
from tests.board.stage import Finger, board_url, ids_of, paused, restart, restore
from tests.conftest import Hub

LISTEN = """window.touched = []
for (const kind of ["pointerdown", "pointerup", "pointercancel", "click"])
  addEventListener(kind, (event) => window.touched.push(`${kind} ${event.pointerType}`))
document.body.style.setProperty("height", "3000px")"""


def test_a_finger_taps_and_a_vertical_drag_scrolls(board_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(board_hub, touch=True)
    page.evaluate(LISTEN)
    finger = Finger(page)
    finger.tap(page.locator("body :visible").first)
    assert page.evaluate("touched").count("pointerdown touch") == 1
    finger.down(300, 600)
    finger.move(300, 100)
    finger.up()
    until(lambda: page.evaluate("touched")[-1] == "pointercancel touch", "a finger that scrolls")


def test_two_pages_are_two_devices(floor_anew: Hub, open_page: Callable[..., Page], page: Page) -> None:
    other = open_page(floor_anew, window=(390, 844))
    page.evaluate("localStorage.setItem('mine', '1')")
    assert other.evaluate("localStorage.getItem('mine')") is None
    assert other.evaluate("[innerWidth, location.hostname, crypto.randomUUID === undefined]") == [
        390,
        "restohub-abc.local",
        True,
    ]


def test_the_hub_goes_away_and_comes_back(
    own_hub: Hub, open_page: Callable[..., Page], watch: Watch, tmp_path: Path
) -> None:
    watch.forgive("WebSocket connection to .* failed")
    page = open_page(own_hub)
    ids, epochs = {}, []
    with own_hub.client() as api:
        ids = ids_of(api)
        epochs.append(api.get("/api/sync/full").json()["epoch"])
    assert ids.keys() == {"1", "2", "3", "4", "5", "6", "Rossi", "Anna Weber", "Okafor"}
    with paused(own_hub), pytest.raises(httpx.TimeoutException):
        httpx.get(own_hub.url + "/health", timeout=0.3)
    comebacks: list[Callable[[], None]] = [
        lambda: restart(own_hub),
        lambda: restart(own_hub, killed=True),
        lambda: restore(own_hub, tmp_path / "copy"),
    ]
    for come_back in comebacks:
        come_back()
        with own_hub.client() as api:
            assert ids_of(api) == ids
            epochs.append(api.get("/api/sync/full").json()["epoch"])
    assert epochs[0] == epochs[1] == epochs[2] != epochs[3]
    page.goto(board_url(own_hub))
