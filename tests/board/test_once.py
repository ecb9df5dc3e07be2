"""A press is done once, and where it was meant: two tabs, two restaurants, a busy hub, a browser that keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.board.conftest import Watch
from tests.board.host import (
    SAID_MS,
    banner,
    boxes,
    do,
    guests,
    handed_on,
    held_back,
    in_step,
    never_reloaded,
    row,
    says,
    settled,
    until,
    walk_in,
)
from tests.board.line import Line
from tests.board.stage import board_url, ids_of
from tests.conftest import Hub

pytestmark = pytest.mark.slow

FAILED = "WebSocket connection to .* failed|Failed to load resource|ERR_INTERNET_DISCONNECTED"
BATCH = "**/api/v1/atomic/batch"


def refusal(code: str, status: int) -> dict[str, Any]:
    """A problem such as the hub answers with."""
    detail = {"storage_full": "The hub's disk is full.", "rate_limited": "Too much at once."}.get(
        code, "It is not known."
    )
    body = {"error_code": code, "status": status, "detail": detail, "params": {}}
    return {
        "status": status,
        "headers": {"Retry-After": "1"},
        "content_type": "application/problem+json",
        "body": json.dumps(body),
    }


@pytest.mark.parametrize(
    ("code", "status", "is_done"),
    [("storage_full", 503, False), ("rate_limited", 429, False), ("outcome_unknown", 503, True), ("", 0, True)],
)
def test_what_the_hub_cannot_do_now_or_may_have_done_is_asked_again_under_its_id_and_done_once(
    floor_anew: Hub, page: Page, watch: Watch, code: str, status: int, is_done: bool
) -> None:
    watch.forgive(FAILED)
    in_step(page)
    sent: list[str] = []
    last: list[Route] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if len(sent) > 2:
            last.append(route)  # until it is seen that it waits
            return
        if is_done:
            assert handed_on(floor_anew, route).is_success
        if status:
            route.fulfill(**refusal(code, status))
        else:
            route.abort()

    page.route(BATCH, answer)
    walk_in(page, "Ada")
    expect(row(page, "Ada").locator("[data-icon=up]")).to_be_attached()
    expect(page.locator("#top .live")).to_contain_text("1 waits")
    if code == "storage_full":  # why it waits is said
        says(page, "1 change waits here and will be sent. The hub's disk is full.")
    until(lambda: last, "a third try", page)
    last[0].continue_()
    settled(page, "Ada")
    expect(page.locator("#banner.shown")).to_have_count(0)
    expect(page.locator(".bubble")).to_have_count(0)
    assert len(sent) == 3
    assert len(set(sent)) == 1
    expect(row(page, "Ada")).to_have_count(1)
    with floor_anew.client() as api:
        assert len(api.get("/restaurants/1/guests/").json()) == 4
    never_reloaded(page)


def test_two_tabs_of_one_device_send_each_its_own(own_hub: Hub, open_page: Callable[..., Page], watch: Watch) -> None:
    watch.forgive(FAILED)
    one = open_page(own_hub)
    other = one.context.new_page()
    watch.over(other)
    other.goto(board_url(own_hub))
    for tab in (one, other):
        in_step(tab)
    own_hub.kill()
    for tab, name in ((one, "Ada"), (other, "Ben")):
        says(tab, "The hub does not answer.")
        walk_in(tab, name)
    # What one tab writes, another process of the browser sees a little later.
    until(lambda: sorted(len(box["acts"]) for box in boxes(one)) == [1, 1], "a press of each tab")
    own_hub.start()
    for tab in (one, other):
        settled(tab, "Ada", "Ben")
        for name in ("Ada", "Ben"):
            expect(row(tab, name)).to_have_count(1)
        never_reloaded(tab)
    with own_hub.client() as api:
        assert len(api.get("/restaurants/1/guests/").json()) == 5


def test_what_a_killed_tab_left_is_sent_by_the_tab_that_stayed(
    own_hub: Hub, open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.forgive(FAILED)
    stays = open_page(own_hub)
    goes = stays.context.new_page()
    watch.over(goes)
    goes.goto(board_url(own_hub))
    for tab in (stays, goes):
        in_step(tab)
    own_hub.kill()
    says(goes, "The hub does not answer.")
    walk_in(goes, "Ada")
    goes.close()
    own_hub.start()
    expect(row(stays, "Ada")).to_be_visible(timeout=SAID_MS)
    settled(stays, "Ada")
    never_reloaded(stays)


@pytest.fixture
def second(own_hub: Hub) -> Iterator[int]:
    """Another restaurant of the hub, where it is never the same day as at the first, with a table and a party."""
    made = own_hub.new_restaurant("Osteria", "Pacific/Kiritimati")
    with own_hub.client() as api:
        assert api.patch("/restaurants/1", json={"timezone": "Pacific/Pago_Pago"}).is_success
        assert api.post(f"/restaurants/{made}/tables/", json={"tableNumber": "50", "capacity": 4}).is_success
        assert api.post(f"/restaurants/{made}/guests/", json={"name": "Moana", "partySize": 2}).is_success
        yield made
        assert api.patch("/restaurants/1", json={"timezone": "UTC"}).is_success
    own_hub.delete_restaurant(made, "Osteria")


def go_to(page: Page, restaurant: int, name: str) -> None:
    """Switch to another restaurant, and wait for its floor."""
    page.locator("#top select.place").select_option(str(restaurant))
    expect(row(page, name)).to_be_visible(timeout=SAID_MS)
    in_step(page)


def test_what_waits_for_one_restaurant_is_done_there_while_another_is_shown(
    own_hub: Hub, second: int, open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.forgive(FAILED)
    page = open_page(own_hub)
    in_step(page)
    posts: list[str] = []

    def refuse(route: Route) -> None:
        posts.append(route.request.post_data or "")
        route.fulfill(**refusal("busy", 503))

    page.route(BATCH, refuse)
    walk_in(page, "Ada")
    until(lambda: posts, "a press that was sent", page)
    go_to(page, second, "Moana")
    expect(row(page, "Ada")).to_have_count(0)
    expect(page.locator("#top .live")).to_contain_text("1 waits")
    page.unroute(BATCH)
    settled(page, "Ada")
    with own_hub.client() as api:
        assert "Ada" in guests(api)
        assert sorted(guests(api, second)) == ["Moana"]
    # What was done there is not taken back here.
    expect(page.locator("#top .undo")).to_be_disabled()
    go_to(page, 1, "Ada")
    never_reloaded(page)


@pytest.fixture
def own_line(own_hub: Hub) -> Iterator[Line]:
    """A line to it."""
    with closing(Line(own_hub)) as made:
        yield made


def test_a_conflict_of_one_restaurant_is_settled_there_while_another_is_shown(
    own_hub: Hub, own_line: Line, second: int, open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.forgive(FAILED)
    page = open_page(own_line)
    in_step(page)
    with own_line.without_network(page):
        row(page, "Rossi").click()
        do(page, "notify")
        with own_hub.client() as api:
            ids = ids_of(api)
            assert api.patch(f"/restaurants/1/guests/{ids['Rossi']}", json={"status": "left"}).is_success
    says(page, "1 change meets one of another device: choose.")
    go_to(page, second, "Moana")
    banner(page).get_by_role("button", name="Look at them").click()
    choice = page.locator("dialog[open] li")
    expect(choice).to_contain_text("Status: Here: notified · There: gone")
    choice.get_by_role("button", name="Keep mine").click()
    settled(page, "Rossi")
    expect(page.locator(".bubble")).to_have_count(0)
    with own_hub.client() as api:
        assert guests(api)["Rossi"]["status"] == "notified"
        assert sorted(guests(api, second)) == ["Moana"]


NOTHING_KEPT = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });"""


def test_where_the_browser_keeps_nothing_the_board_works_and_says_so(
    floor_anew: Hub, open_page: Callable[..., Page]
) -> None:
    page = open_page(floor_anew, "/about", new=True)
    page.add_init_script(NOTHING_KEPT)
    page.goto(board_url(floor_anew))
    in_step(page)
    held = held_back(page, BATCH)
    walk_in(page, "Ada")
    says(page, "This browser keeps nothing: leave this page open until all is sent.")
    until(lambda: held, "a press that was sent", page)
    held[0].continue_()
    expect(page.locator("#banner.shown")).to_have_count(0)
    with floor_anew.client() as api:
        assert "Ada" in guests(api)
