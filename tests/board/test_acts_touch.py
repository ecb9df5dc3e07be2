"""A host's evening by finger: what each press does is on the other page too, and the hub's floor is what it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.board.host import until
from tests.board.stage import middle
from tests.board.stand import Stand
from tests.board.views import EVENING_HOUR, zone_of

pytestmark = pytest.mark.slow

TABLES_APART = {
    "1": (0.1, 0.15),
    "2": (0.5, 0.15),
    "3": (0.9, 0.15),
    "4": (0.1, 0.85),
    "5": (0.5, 0.5),
    "6": (0.9, 0.85),
}

# How many discs have been picked up from now on.
GHOSTS = """() => {
  window.ghosts = 0;
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    window.ghosts += added.filter((node) => node.className === "ghost").length;
  }).observe(document.body, { childList: true });
}"""


def soon(minutes: int) -> str:
    """A time of a reservation."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_walk_in_is_put_on_the_list_with_what_is_known(stand: Stand) -> None:
    tap = stand.finger.tap
    tap(stand.page.locator("#side .add:visible"))
    tap(stand.choice("partySize", 5))
    stand.page.keyboard.type("Lindqvist")
    tap(stand.field("phone"))
    stand.page.keyboard.type("+46 70 123")
    tap(stand.field("notes"))
    stand.page.keyboard.type("Red coat")
    tap(stand.choice("quotedWait", 15))
    tap(stand.page.locator("dialog [form]"))
    stand.list("Lindqvist", "party of 5", "of 15 quoted", "Red coat")
    guest = stand.guest("Lindqvist")
    known = ("partySize", "phone", "notes", "quotedWait", "status", "isWalkIn", "tableId")
    assert [guest[key] for key in known] == [5, "+46 70 123", "Red coat", 15, "waitlist", True, None]


def test_a_walk_in_sits_down_at_a_free_table_by_its_size_alone(stand: Stand) -> None:
    tap = stand.finger.tap
    tap(stand.table("4"))
    stand.do("walk_in", tap)
    tap(stand.choice("partySize", 3))
    stand.show("4", "Walk-in, party of 3")
    stand.know("Walk-in")
    stand.sits("Walk-in", "4")


def test_a_walk_in_sits_down_at_a_free_table_in_two_presses(stand: Stand) -> None:
    stand.finger.tap(stand.table("4"))
    expect(stand.page.locator("#bar [data-do^=sit_]")).to_have_text(["2", "3", "4"])
    stand.finger.tap(stand.page.get_by_role("button", name="Seat a party of 3 at table 4"))
    stand.show("4", "Walk-in, party of 3")
    stand.know("Walk-in")
    stand.sits("Walk-in", "4")


def test_the_form_offers_the_table_that_fits_best(stand: Stand) -> None:
    tap = stand.finger.tap
    tap(stand.page.locator("#side .add:visible"))
    tap(stand.choice("partySize", 6))
    expect(stand.page.locator("dialog .offer .btn")).to_have_text("Seat at 5 now")
    stand.page.keyboard.type("Haddad")
    tap(stand.page.locator("dialog .offer .btn"))
    stand.show("5", "Haddad, party of 6")
    stand.know("Haddad")
    stand.sits("Haddad", "5")


def test_a_walk_in_larger_than_the_table_asks_once_and_keeps_what_was_typed(stand: Stand) -> None:
    tap = stand.finger.tap
    tap(stand.table("2"))
    stand.do("walk_in", tap)
    tap(stand.field("name"))
    stand.page.keyboard.type("Novak")
    tap(stand.choice("partySize", 3))
    note = stand.page.locator("dialog .note")
    expect(note).to_contain_text("Table 2 seats 2, Novak is a party of 3.")
    expect(stand.field("name")).to_have_value("Novak")
    stand.free("2")
    tap(note.get_by_role("button", name="Seat anyway"))
    expect(stand.page.locator("dialog")).to_have_count(0)
    stand.show("2", "Novak, party of 3")
    stand.know("Novak")
    stand.sits("Novak", "2")


@pytest.fixture
def evening(stand: Stand) -> Iterator[Stand]:
    """The stand where it is evening."""
    with at_hour(stand, EVENING_HOUR):
        yield stand


@contextmanager
def at_hour(stand: Stand, hour: int) -> Iterator[None]:
    """The restaurant is where it is this hour now."""
    was = stand.api.get("/restaurants/1").json()["timezone"]
    assert stand.api.patch("/restaurants/1", json={"timezone": zone_of(datetime.now(UTC), hour)}).is_success
    yield
    assert stand.api.patch("/restaurants/1", json={"timezone": was}).is_success


def test_a_reservation_is_booked(evening: Stand) -> None:
    stand, tap = evening, evening.finger.tap
    stand.tab("booked")
    tap(stand.page.locator("#side .add:visible"))
    tap(stand.choice("partySize", 2))
    tap(stand.field("name"))
    stand.page.keyboard.type("Okonkwo")
    tap(stand.page.locator("dialog .days, dialog .when .choices").first.locator("button").nth(1))
    tap(stand.page.locator("dialog .when .choices").nth(1).locator("button").last)
    tap(stand.page.locator("dialog [form]"))
    for page in (stand.page, stand.other):
        page.get_by_role("button", name="The day after").click()
    stand.list("Okonkwo", "party of 2")
    guest = stand.guest("Okonkwo")
    assert (guest["status"], guest["isWalkIn"], guest["tableId"]) == ("confirmed", False, None)
    assert guest["reservationTime"] > soon(0)
    for page in (stand.page, stand.other):
        page.get_by_role("button", name="The day before").click()


def test_after_midnight_a_booking_is_for_a_date_not_for_today_or_tomorrow(stand: Stand) -> None:
    stand.tab("booked")
    with at_hour(stand, 1):
        stand.finger.tap(stand.page.locator("#side .add:visible"))
        days = stand.page.locator("dialog .when .choices").first.locator("button")
        for index in range(5):
            expect(days.nth(index)).to_have_text(re.compile(r"\w+, \w+ \d+"))
        stand.page.keyboard.press("Escape")


def test_a_party_is_seated_by_a_tap_on_it_and_one_on_a_table(stand: Stand) -> None:
    stand.finger.tap(stand.row("Rossi"))
    stand.finger.tap(stand.table("4"))
    stand.show("4", "Rossi, party of 4")
    stand.gone("Rossi")
    stand.sits("Rossi", "4")


def test_a_party_is_seated_at_the_table_that_fits_best(stand: Stand) -> None:
    stand.finger.tap(stand.row("Anna Weber"))
    expect(stand.button("seat_at")).to_have_text("Seat at 2")
    stand.do("seat_at", stand.finger.tap)
    stand.show("2", "Anna Weber", "allergy: nuts")
    stand.sits("Anna Weber", "2")


def test_a_row_is_drawn_sideways_to_a_table(stand: Stand) -> None:
    stand.finger.drag(stand.row("Rossi"), stand.table("5"))
    stand.show("5", "Rossi, party of 4")
    stand.sits("Rossi", "5")
    expect(stand.page.locator(".ghost")).to_have_count(0)


def test_a_party_that_holds_a_table_is_seated_by_drawing_its_row_there(stand: Stand) -> None:
    stand.add("Sato", 2, reservationTime=soon(10), tableId=stand.ids["4"])
    stand.finger.drag(stand.row("Sato"), stand.table("4"))
    stand.show("4", "Sato, party of 2, 0 minutes")
    stand.sits("Sato", "4")


def test_a_disc_is_drawn_any_way(stand: Stand) -> None:
    for number, (x, y) in TABLES_APART.items():
        stand.elsewhere(number, position={"x": x, "y": y})
    stand.elsewhere("Okafor", tableId=stand.ids["5"])
    stand.show("5", "Okafor")
    came_from = "5"
    for number in ("2", "5", "6", "5", "3", "1", "4"):
        stand.finger.drag(stand.table(came_from), stand.table(number))
        stand.show(number, "Okafor, party of 2")
        stand.sits("Okafor", number)
        stand.free(came_from)
        came_from = number


def test_a_disc_drawn_to_the_lists_is_back_on_the_list(stand: Stand) -> None:
    stand.finger.drag(stand.table("1"), stand.page.locator("#side"))
    stand.show("1", "free")
    stand.list("Okafor", "party of 2")
    guest = stand.guest("Okafor")
    assert (guest["status"], guest["tableId"], guest["seatedTime"]) == ("waitlist", None, None)
    stand.free("1")


def test_a_disc_drawn_to_a_party_swaps_the_two(stand: Stand) -> None:
    stand.elsewhere("Anna Weber", tableId=stand.ids["2"])
    stand.show("2", "Anna Weber")
    stand.finger.drag(stand.table("1"), stand.table("2"))
    stand.show("1", "Anna Weber")
    stand.show("2", "Okafor")
    stand.sits("Anna Weber", "1")
    stand.sits("Okafor", "2")


def test_a_list_that_is_drawn_up_and_down_only_scrolls(stand: Stand) -> None:
    for number in range(14):
        stand.add(f"Party {number}", 2)
    expect(stand.row("Party 13")).to_be_attached()
    waiting = stand.page.locator("#list-waiting")
    revision = stand.api.get("/api/sync/full").json()["revision"]
    x, y = middle(stand.row("Party 6"))
    stand.page.evaluate(GHOSTS)
    stand.finger.down(x, y)
    stand.finger.move(x + 6, y - 300, steps=20)
    expect(stand.page.locator(".ghost")).to_have_count(0)
    stand.finger.up()
    until(lambda: waiting.evaluate("(list) => list.scrollTop") > 100, "a list that scrolled")  # a frame later
    assert stand.page.evaluate("ghosts") == 0
    expect(stand.button("clear")).to_have_count(0)
    assert stand.api.get("/api/sync/full").json()["revision"] == revision


def test_the_order_of_a_list_stands_still_under_a_finger(stand: Stand) -> None:
    names = stand.page.locator("#list-waiting [data-rows=waiting] .nm .cut")
    expect(names).to_have_text(["Rossi", "Anna Weber"])
    stand.finger.down(*middle(stand.row("Anna Weber")))
    stand.removed_elsewhere("Rossi")
    stand.add("Early", 2, checkInTime=soon(-30))
    expect(stand.other.locator("#list-waiting [data-rows=waiting] .nm .cut")).to_have_text(["Early", "Anna Weber"])
    stand.settle()
    expect(names).to_have_text(["Rossi", "Anna Weber"])
    stand.finger.up()
    expect(stand.button("clear")).to_be_visible()
    expect(stand.page.locator("#bar .what b")).to_have_text("Anna Weber")
    expect(names).to_have_text(["Early", "Anna Weber"])


@pytest.mark.parametrize("captured", [False, True], ids=["before", "after"])
def test_a_row_removed_by_another_page_ends_in_a_sentence(stand: Stand, captured: bool) -> None:
    x, y = middle(stand.row("Rossi"))
    stand.finger.down(x, y)
    if captured:
        stand.finger.move(x + 60, y)
        expect(stand.page.locator(".ghost")).to_be_visible()
    stand.removed_elsewhere("Rossi")
    stand.hears()
    stand.finger.move(*middle(stand.table("5")))
    stand.finger.up()
    expect(stand.page.locator("#said")).to_have_text("Rossi left the floor meanwhile. Nothing was moved.")
    expect(stand.page.locator(".ghost")).to_have_count(0)
    stand.gone("Rossi")
    stand.free("5")


def test_a_tap_on_a_row_removed_under_the_finger_says_so(stand: Stand) -> None:
    stand.finger.down(*middle(stand.row("Rossi")))
    stand.removed_elsewhere("Rossi")
    stand.hears()
    stand.finger.up()
    expect(stand.page.locator("#said")).to_contain_text("Rossi left the floor meanwhile.")
    stand.gone("Rossi")


def test_a_row_that_another_page_seats_in_the_middle_of_a_drag_ends_in_a_sentence(stand: Stand) -> None:
    x, y = middle(stand.row("Rossi"))
    stand.finger.down(x, y)
    stand.finger.move(x + 60, y)
    stand.elsewhere("Rossi", tableId=stand.ids["3"])
    stand.show("3", "Rossi")
    stand.finger.move(*middle(stand.table("5")))
    stand.finger.up()
    said = "Rossi was moved on another device meanwhile. Nothing was changed."
    expect(stand.page.locator("#said")).to_have_text(said)
    stand.sits("Rossi", "3")
    stand.free("5")
