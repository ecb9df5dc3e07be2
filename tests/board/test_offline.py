"""What is pressed while the hub is away waits, is shown as waiting, and is done once, in its place, when it is back."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, Response, Route, expect

from tests.board.conftest import Watch
from tests.board.host import (
    answered,
    banner,
    boxes,
    do,
    guests,
    handed_on,
    in_step,
    never_reloaded,
    note,
    row,
    says,
    settled,
    table,
    until,
    walk_in,
)
from tests.board.line import Line
from tests.board.stage import Place, board_url, ids_of, paused, restore
from tests.conftest import Hub

pytestmark = pytest.mark.slow

FAILED = "WebSocket connection to .* failed|Failed to load resource|ERR_INTERNET_DISCONNECTED"
WAITS = "wait here and will be sent"
NAMES = ("Rossi", "Weber", "Okafor", "Ada")


class Posts:
    """What a context's pages send to be changed, and what is answered."""

    def __init__(self, context: BrowserContext) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[dict[str, Any]] = []
        context.on("request", self._request)
        context.on("response", self._response)

    def ids(self) -> list[tuple[str, list[str]]]:
        """Each way that was taken, with the ids of the presses that went by it."""
        found = []
        for way, body in self.sent:
            one = (
                [body["transaction_id"]]
                if "transaction_id" in body
                else [each["mutation_id"] for each in body["updates"]]
            )
            found.append((way, one))
        return found

    def _response(self, response: Response) -> None:
        if response.request.method == "POST":
            self.answers.append(response.json())

    def _request(self, request: Request) -> None:
        if request.method == "POST":
            way = "queue" if "/api/sync/batch" in request.url else "atomic"
            self.sent.append((way, json.loads(request.post_data or "{}")))


def at_work(hub: Hub, place: Place, open_page: Callable[..., Page], watch: Watch) -> Page:
    """A page of this place in step, with Okafor at 1 and Anna Weber at 2."""
    watch.forgive(FAILED)
    with hub.client() as api:
        ids = ids_of(api)
        assert api.patch(f"/restaurants/1/guests/{ids['Anna Weber']}", json={"tableId": ids["2"]}).is_success
    page = open_page(place)
    in_step(page)
    return page


@pytest.fixture
def stand(floor_anew: Hub, line: Line, open_page: Callable[..., Page], watch: Watch) -> Page:
    """A page of the module's hub, behind a line."""
    return at_work(floor_anew, line, open_page, watch)


@pytest.fixture
def own_stand(own_hub: Hub, open_page: Callable[..., Page], watch: Watch) -> Page:
    """A page of a hub of the test's own."""
    return at_work(own_hub, own_hub, open_page, watch)


def killed(page: Page, hub: Hub, watch: Watch) -> Page:
    """Kill the page's process, as a device that needs its memory does; start the hub, and open the page anew."""
    context = page.context
    other = context.new_page()
    with contextlib.suppress(Error):  # there is no page left that could answer
        page.goto("chrome://crash", timeout=3000)
    hub.start()
    watch.over(other)
    other.goto(board_url(hub))
    return other


def swap(page: Page) -> None:
    """Okafor at 1 and Anna Weber at 2 change places."""
    table(page, "1").click()
    do(page, "swap")
    table(page, "2").click()


def seat(page: Page, name: str, number: str) -> None:
    """A party of the waiting list, and then the table."""
    row(page, name).click()
    table(page, number).click()


def test_presses_survive_a_killed_tab_and_are_done_in_their_place(
    own_hub: Hub, own_stand: Page, open_page: Callable[..., Page], watch: Watch
) -> None:
    own_hub.kill()
    says(own_stand, "The hub does not answer.")
    note(own_stand, "Rossi", "By the window.")
    swap(own_stand)
    seat(own_stand, "Rossi", "3")
    walk_in(own_stand, "Ada")
    expect(own_stand.locator("#top .live")).to_contain_text("4 wait")
    says(own_stand, f"4 changes {WAITS}")
    expect(row(own_stand, "Ada").locator("[data-icon=up]")).to_be_attached()
    pressed = [one["act"]["id"] for one in boxes(own_stand)[0]["acts"]]
    never_reloaded(own_stand)
    posts = Posts(own_stand.context)
    page = killed(own_stand, own_hub, watch)
    settled(page, *NAMES)
    first, atomic, *rest = posts.ids()
    assert (first, atomic) == (("queue", pressed[:1]), ("atomic", pressed[1:2]))
    assert [(way, one) for way, ids in rest for one in ids] == [("queue", one) for one in pressed[2:]]
    with own_hub.client() as api:
        now, ids = guests(api), ids_of(api)
    assert {name: (one["tableId"], one["notes"]) for name, one in now.items()} == {
        "Rossi": (ids["3"], "By the window."),
        "Okafor": (ids["2"], None),
        "Anna Weber": (ids["1"], None),
        "Ada": (None, None),
    }


def test_an_answer_that_was_lost_is_asked_for_again_and_is_a_duplicate(
    floor_anew: Hub, line: Line, stand: Page
) -> None:
    with line.without_network(stand):
        walk_in(stand, "Ada")
        posts = Posts(stand.context)
        lost: list[int] = []

        def lose(route: Route) -> None:
            if lost:
                route.continue_()
                return
            lost.append(handed_on(floor_anew, route).status_code)
            route.abort()

        stand.route("**/api/sync/batch*", lose)
    settled(stand, *NAMES)
    assert lost == [200]
    assert len({tuple(ids) for _, ids in posts.ids()}) == 1
    until(lambda: posts.answers, "the answer that came", stand)  # read by then, too
    assert [one["status"] for one in posts.answers[-1]["results"]] == ["duplicate"]
    with floor_anew.client() as api:
        assert len(api.get("/restaurants/1/guests/").json()) == 4
    expect(row(stand, "Ada")).to_have_count(1)


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_a_conflict_shows_both_versions_and_the_host_chooses(
    floor_anew: Hub, line: Line, stand: Page, whose: str
) -> None:
    with line.without_network(stand):
        note(stand, "Rossi", "Window.")
        with floor_anew.client() as api:
            assert api.patch(f"/restaurants/1/guests/{ids_of(api)['Rossi']}", json={"notes": "Garden."}).is_success
    says(stand, "1 change meets one of another device: choose.")
    expect(row(stand, "Rossi")).to_contain_text("Garden.")
    banner(stand).get_by_role("button", name="Look at them").click()
    choice = stand.locator("dialog[open] li")
    expect(choice).to_contain_text("Note: Here: Window. · There: Garden.")
    choice.get_by_role("button", name=f"Keep {whose}").click()
    expect(stand.locator("dialog[open]")).to_have_count(0)
    settled(stand, *NAMES)
    kept = {"mine": "Window.", "theirs": "Garden."}[whose]
    expect(row(stand, "Rossi")).to_contain_text(kept)
    with floor_anew.client() as api:
        assert guests(api)["Rossi"]["notes"] == kept
    never_reloaded(stand)


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_a_swap_of_which_a_half_was_changed_is_refused_as_a_whole(
    floor_anew: Hub, line: Line, stand: Page, whose: str
) -> None:
    with line.without_network(stand):
        swap(stand)
        expect(stand.locator("#top .live")).to_contain_text("1 waits")
        with floor_anew.client() as api:
            ids = ids_of(api)
            assert api.patch(f"/restaurants/1/guests/{ids['Okafor']}", json={"tableId": ids["5"]}).is_success
    says(stand, "1 change meets one of another device: choose.")
    expect(table(stand, "5")).to_have_attribute("aria-label", re.compile("Okafor"))
    expect(table(stand, "2")).to_have_attribute("aria-label", re.compile("Weber"))
    banner(stand).get_by_role("button", name="Look at them").click()
    choice = stand.locator("dialog[open] li")
    expect(choice).to_contain_text("Swapped Okafor and Anna Weber")
    expect(choice).to_contain_text("Table: Here: 2 · There: 5")
    choice.get_by_role("button", name=f"Keep {whose}").click()
    settled(stand, *NAMES)
    with floor_anew.client() as api:
        now = guests(api)
    where = {name: one["tableId"] for name, one in now.items()}
    mine = {"Okafor": ids["2"], "Anna Weber": ids["1"], "Rossi": None}
    theirs = {"Okafor": ids["5"], "Anna Weber": ids["2"], "Rossi": None}
    assert where == (mine if whose == "mine" else theirs)


def test_what_is_of_another_history_day_or_hour_is_shown_and_not_sent(
    own_hub: Hub, own_stand: Page, open_page: Callable[..., Page], watch: Watch
) -> None:
    own_hub.kill()
    says(own_stand, "The hub does not answer.")
    for name in ("Hour", "Day", "Epoch", "Fresh"):
        walk_in(own_stand, name)
    own_stand.evaluate("""() => {
      const key = Object.keys(localStorage).find((one) => one.startsWith("restohub.board.outbox."));
      const box = JSON.parse(localStorage[key]), [hour, day, epoch] = box.acts;
      hour.at -= 4 * 3600e3 + 1000; day.day = "2020-01-01"; epoch.epoch = "another";
      localStorage[key] = JSON.stringify(box); }""")
    posts = Posts(own_stand.context)
    page = killed(own_stand, own_hub, watch)
    says(page, "3 changes from before were not sent: decide.")
    expect(row(page, "Fresh")).to_be_visible()
    with own_hub.client() as api:
        # A press is shown before the hub has it; of the others it is known by now that they are held.
        until(lambda: {one["state"] for box in boxes(page) for one in box["acts"]} == {"held"}, "Fresh sent")
        assert sorted(guests(api)) == ["Anna Weber", "Fresh", "Okafor", "Rossi"]
    assert len([one for _, ids in posts.ids() for one in ids]) == 1
    banner(page).get_by_role("button", name="Look at them").click()
    held = page.locator("dialog[open] li")
    expect(held).to_have_count(3)
    for name in ("Hour", "Day", "Epoch"):
        expect(held.filter(has_text=name)).to_contain_text("not sent")
    expect(held.filter(has_text="Epoch").get_by_role("button", name="Send now")).to_have_count(0)
    held.filter(has_text="Epoch").get_by_role("button", name="Forget it").click()
    held.filter(has_text="Day").get_by_role("button", name="Forget it").click()
    held.filter(has_text="Hour").get_by_role("button", name="Send now").click()
    expect(row(page, "Hour")).to_be_visible()
    settled(page, "Hour", "Day", "Epoch", "Fresh")
    with own_hub.client() as api:
        assert sorted(guests(api)) == ["Anna Weber", "Fresh", "Hour", "Okafor", "Rossi"]


def test_what_was_pressed_before_a_copy_was_put_back_is_held(own_hub: Hub, own_stand: Page, tmp_path: Path) -> None:
    own_hub.kill()
    says(own_stand, "The hub does not answer.")
    walk_in(own_stand, "Ada")
    own_hub.start()
    in_step(own_stand)
    answered(own_stand)
    expect(row(own_stand, "Ada")).to_be_visible()
    own_hub.kill()
    says(own_stand, "The hub does not answer.")
    seat(own_stand, "Ada", "4")
    restore(own_hub, tmp_path / "copy")
    says(own_stand, "The hub’s history began anew.")
    says(own_stand, "1 change from before was not sent: decide.")
    with own_hub.client() as api:
        assert guests(api)["Ada"]["tableId"] is None
    never_reloaded(own_stand)


def test_what_is_pressed_before_the_loss_is_noticed_waits_and_is_done_once(floor_anew: Hub, stand: Page) -> None:
    with paused(floor_anew):
        seat(stand, "Rossi", "3")
        says(stand, "The hub does not answer.")
        says(stand, "1 change waits here and will be sent.")
        expect(table(stand, "3")).to_have_attribute("aria-label", re.compile("Rossi"))
    settled(stand, "Rossi")
    expect(stand.locator(".bubble")).to_have_count(0)
    with floor_anew.client() as api:
        ids = ids_of(api)
        assert guests(api)["Rossi"]["tableId"] == ids["3"]
    never_reloaded(stand)


@pytest.fixture
def held(floor_anew: Hub, stand: Page) -> Page:
    """The page, with table 3 held for Rossi."""
    with floor_anew.client() as api:
        ids = ids_of(api)
        wish = {"tableId": ids["3"], "status": "waitlist"}
        assert api.patch(f"/restaurants/1/guests/{ids['Rossi']}", json=wish).is_success
    expect(table(stand, "3")).to_have_attribute("aria-label", re.compile("Rossi"))
    return stand


def sits_down(hub: Hub) -> None:
    """Another device seats Rossi at the table that he holds."""
    with hub.client() as api:
        assert api.patch(f"/restaurants/1/guests/{ids_of(api)['Rossi']}", json={"status": "seated"}).is_success


def still_sits(hub: Hub) -> None:
    """Nobody took him the table."""
    with hub.client() as api:
        ids, now = ids_of(api), guests(api)
    assert (now["Rossi"]["status"], now["Rossi"]["tableId"]) == ("seated", ids["3"])


def test_free_it_on_an_old_view_takes_nobody_the_table_off_line(floor_anew: Hub, line: Line, held: Page) -> None:
    with line.without_network(held):
        table(held, "3").click()
        do(held, "free")
        sits_down(floor_anew)
    says(held, "1 change meets one of another device: choose.")
    still_sits(floor_anew)
    banner(held).get_by_role("button", name="Look at them").click()
    choice = held.locator("dialog[open] li")
    expect(choice).to_contain_text("Freed table 3 of Rossi")
    expect(choice).to_contain_text("Status: Here: free · There: taken")
    choice.get_by_role("button", name="Keep theirs").click()
    settled(held, *NAMES)
    still_sits(floor_anew)


def test_free_it_of_an_old_refusal_takes_nobody_the_table(floor_anew: Hub, held: Page) -> None:
    walk_in(held, "Ada")
    seat(held, "Ada", "3")
    bubble = held.locator(".bubble")
    expect(bubble).to_contain_text("Table 3 is held for Rossi")
    sits_down(floor_anew)
    expect(table(held, "3")).to_have_attribute("aria-label", re.compile("minutes"))
    bubble.locator("[data-way=press]").click()
    expect(held.locator(".bubble")).to_contain_text("changed")
    still_sits(floor_anew)
