"""The page says what is wrong with its link and shows what it has as old; it goes on by itself, never loaded anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.board.conftest import Watch
from tests.board.host import (
    BACK_MS,
    SAID_MS,
    answered,
    do,
    in_step,
    is_stale,
    never_reloaded,
    row,
    says,
    table,
    until,
)
from tests.board.line import Line
from tests.board.stage import paused, restart, restore
from tests.conftest import Hub

pytestmark = pytest.mark.slow

FAILED = "WebSocket connection to .* failed|Failed to load resource|ERR_INTERNET_DISCONNECTED"


def walks_in(hub: Hub, name: str) -> None:
    """Another device adds a party."""
    with hub.client() as api:
        assert api.post("/restaurants/1/guests/", json={"name": name, "partySize": 2}).status_code == 201


def comes(page: Page, name: str) -> None:
    """What the other device added is shown, soon after the hub is back, by the same page."""
    expect(row(page, name)).to_be_visible(timeout=BACK_MS)
    in_step(page)
    never_reloaded(page)


def test_a_hub_that_hangs_does_not_answer(floor_anew: Hub, page: Page, watch: Watch) -> None:
    watch.forgive(FAILED)
    in_step(page)
    with paused(floor_anew):
        says(page, "The hub does not answer.")
        is_stale(page, "Rossi", "Anna Weber")
    walks_in(floor_anew, "Ada")
    comes(page, "Ada")
    expect(page.locator("#banner.shown")).to_have_count(0)


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_hub_that_is_gone_does_not_answer_and_comes_back_restarted(
    own_hub: Hub, open_page: Callable[..., Page], watch: Watch, killed: bool
) -> None:
    watch.forgive(FAILED)
    page = open_page(own_hub)
    in_step(page)
    own_hub.kill() if killed else own_hub.stop()
    says(page, "The hub does not answer.")
    is_stale(page, "Rossi", "Anna Weber")
    time.sleep(1)  # two starts within one second cannot be told apart
    own_hub.start()
    says(page, "The hub was restarted.")
    walks_in(own_hub, "Ada")
    comes(page, "Ada")
    if killed:  # what is over is not said for ever
        expect(page.locator("#banner.shown")).to_have_count(0, timeout=SAID_MS)


def test_a_hub_whose_copy_was_put_back_has_a_history_that_began_anew(
    own_hub: Hub, open_page: Callable[..., Page], watch: Watch, tmp_path: Path
) -> None:
    watch.forgive(FAILED)
    page = open_page(own_hub)
    in_step(page)
    restart(own_hub)
    in_step(page)
    restore(own_hub, tmp_path / "copy")
    says(page, "The hub’s history began anew.")
    walks_in(own_hub, "Ada")
    comes(page, "Ada")
    expect(page.locator("#banner")).to_contain_text("see that the floor is as it should be")


def test_a_device_without_a_network_says_that(floor_anew: Hub, page: Page, watch: Watch) -> None:
    watch.forgive(FAILED)
    in_step(page)
    page.context.set_offline(True)
    says(page, "This device is off the network.")
    is_stale(page, "Rossi", "Anna Weber")
    walks_in(floor_anew, "Ada")
    page.context.set_offline(False)
    comes(page, "Ada")


def test_a_page_that_has_not_all_yet_says_that_it_catches_up(
    floor_anew: Hub, line: Line, open_page: Callable[..., Page]
) -> None:
    page = open_page(line)
    in_step(page)
    line.hold(b'"delta_update"')
    line.die()
    walks_in(floor_anew, "Ada")
    says(page, "Catching up with the hub.")
    expect(page.locator("html[data-stale]")).to_be_attached()
    line.release()
    comes(page, "Ada")


def test_a_line_that_died_without_a_word_is_noticed(
    floor_anew: Hub, line: Line, open_page: Callable[..., Page]
) -> None:
    page = open_page(line)
    in_step(page)
    line.die()
    walks_in(floor_anew, "Ada")
    expect(row(page, "Ada")).to_be_visible(timeout=SAID_MS)
    in_step(page)
    never_reloaded(page)


def test_a_restaurant_that_was_deleted_is_no_longer_on_the_hub(board_hub: Hub, open_page: Callable[..., Page]) -> None:
    other = board_hub.new_restaurant()
    page = open_page(board_hub, f"/?restaurant={other}")
    expect(page.locator("#top .live")).to_have_text("in step")
    board_hub.delete_restaurant(other)
    says(page, "This restaurant is no longer on the hub.")
    expect(page.locator("html[data-stale]")).to_be_attached()


AHEAD = """(() => { const Real = Date; window.deviceAhead = HOURS * 3600e3;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + window.deviceAhead); }
    static now() { return Real.now() + window.deviceAhead; } }; })()"""


TIMES = """[document.querySelector("#top time").dateTime,
  ...[...document.querySelectorAll("li[data-guest] .clock")].map((one) => one.textContent)]"""


@pytest.mark.parametrize("hours", [3, -3])
def test_a_device_whose_clock_is_wrong_shows_the_hubs_times(
    floor_anew: Hub, open_page: Callable[..., Page], hours: int
) -> None:
    right = open_page(floor_anew)
    wrong = open_page(floor_anew, path="/about", new=True)
    sockets: list[WebSocket] = []
    wrong.on("websocket", lambda one: sockets.insert(0, one))
    wrong.add_init_script(AHEAD.replace("HOURS", str(hours)))
    wrong.goto(right.url)
    for page in (right, wrong):
        in_step(page)
    assert abs(wrong.evaluate("Date.now()") - right.evaluate("Date.now()") - hours * 3600e3) < 60e3

    def same() -> None:
        until(lambda: wrong.evaluate(TIMES) == right.evaluate(TIMES), "the same times")

    same()
    # Set to another time while the page is open.
    wrong.evaluate(f"deviceAhead = {-2 * hours} * 3600e3")
    sockets[0].wait_for_event("framereceived", lambda said: '"pong"' in said)
    wrong.evaluate("dispatchEvent(new Event('resize'))")  # draws
    same()


def test_a_form_of_a_party_that_another_page_finished_says_so_and_saves_nothing(
    floor_anew: Hub, page: Page, open_page: Callable[..., Page]
) -> None:
    other = open_page(floor_anew)
    for one in (page, other):
        in_step(one)
        table(one, "1").click()
    do(page, "edit")
    form = page.locator("dialog[open]")
    form.locator("[data-field=notes] textarea").fill("Window seat.")
    do(other, "finish")
    expect(form.locator("[role=alert]")).to_have_text(
        "Okafor is finished since this form was opened. Nothing was saved."
    )
    expect(form.locator("header .main")).to_be_disabled()
    form.locator("[data-field=notes] textarea").press("Control+Enter")
    expect(form.locator("[data-field=notes] textarea")).to_have_value("Window seat.")
    with floor_anew.client() as api:
        assert {one["notes"] for one in api.get("/restaurants/1/guests/").json()} == {None}


def test_a_form_of_a_party_that_another_page_changed_offers_to_go_on_from_there(floor_anew: Hub, page: Page) -> None:
    in_step(page)
    row(page, "Rossi").click()
    do(page, "edit")
    form = page.locator("dialog[open]")
    form.locator("[data-field=notes] textarea").fill("Window seat.")
    with floor_anew.client() as api:
        rossi = next(one for one in api.get("/restaurants/1/guests/").json() if one["name"] == "Rossi")
        api.patch(f"/restaurants/1/guests/{rossi['id']}", json={"phone": "0123"})
    expect(form.locator("header .main")).to_be_disabled()
    form.locator("[role=alert] button").click()
    expect(form.locator("[data-field=phone] input")).to_have_value("0123")
    form.locator("header .main").click()
    expect(row(page, "Rossi")).to_contain_text("Window seat.")
    answered(page)
    with floor_anew.client() as api:
        rossi = next(one for one in api.get("/restaurants/1/guests/").json() if one["name"] == "Rossi")
    assert (rossi["notes"], rossi["phone"]) == ("Window seat.", "0123")
