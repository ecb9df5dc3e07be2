"""An evening on the keyboard alone: nothing here is clicked or tapped, and where the focus is can be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.board.host import DRAWN, SAID_MS
from tests.board.stand import Stand

pytestmark = pytest.mark.slow


def enter(stand: Stand) -> None:
    stand.page.keyboard.press("Enter")


def keys(stand: Stand, *pressed: str) -> None:
    """One key after another."""
    for key in pressed:
        stand.page.keyboard.press(key)


def pick(stand: Stand, name: str) -> None:
    """Choose a party: by arrows through the list, from its first row."""
    rows = stand.page.locator("#list-waiting li > button:visible")
    rows.first.focus()
    for _ in range(rows.count()):
        if stand.row(name).evaluate("(row) => row === document.activeElement"):
            break
        keys(stand, "ArrowDown")
    expect(stand.row(name)).to_be_focused()
    keys(stand, "Enter")
    expect(stand.page.locator("#bar .what b")).to_have_text(name)


def act(stand: Stand, key: str) -> None:
    """Go to the bar, by arrows to a button, and press it."""
    stand.page.evaluate(DRAWN)
    expect(stand.button("clear")).to_be_visible()
    keys(stand, "a")
    bar = stand.page.locator("#bar .btn")
    expect(bar.first).to_be_focused()
    in_line = stand.button(key).count() > 0
    reach(stand, stand.button(key if in_line else "more"), "ArrowRight")
    keys(stand, "Enter")
    if not in_line:
        reach(stand, stand.page.locator(f'dialog [data-option="{key}"]'), "Tab")
        keys(stand, "Enter")


def reach(stand: Stand, where: Locator, key: str) -> None:
    """Go on by that key until the focus is there."""
    for _ in range(20):
        if where.evaluate("(node) => node === document.activeElement"):
            return
        keys(stand, key)
    expect(where).to_be_focused()


def test_a_walk_in_is_added(stand: Stand) -> None:
    keys(stand, "n")
    expect(stand.page.locator("dialog")).to_be_visible()
    reach(stand, stand.choice("partySize", 3), "Tab")
    keys(stand, "Enter")
    expect(stand.field("name")).to_be_focused()
    stand.page.keyboard.type("Silva")
    keys(stand, "Enter")
    stand.list("Silva", "party of 3")
    assert (stand.guest("Silva")["partySize"], stand.guest("Silva")["status"]) == (3, "waitlist")


def test_a_reservation_is_booked(stand: Stand) -> None:
    keys(stand, "r")
    reach(stand, stand.choice("partySize", 2), "Tab")
    keys(stand, "Enter")
    reach(stand, stand.field("name").first, "Tab")
    stand.page.keyboard.type("Park")
    reach(stand, stand.page.locator("dialog .when .choices").nth(1).locator("button").first, "Tab")
    keys(stand, "Enter")
    reach(stand, stand.field("phone"), "Tab")
    keys(stand, "Enter")
    expect(stand.page.locator("dialog")).to_have_count(0)
    stand.tab("booked")
    expect(stand.other.locator("#list-booked li", has_text="Park")).to_be_attached()
    stand.know("Park")
    assert stand.guest("Park")["status"] == "confirmed"


def test_a_party_is_seated_by_arrows_and_the_tables_number(stand: Stand) -> None:
    pick(stand, "Anna Weber")
    keys(stand, "2")
    stand.show("2", "Anna Weber")
    stand.sits("Anna Weber", "2")


def test_a_number_that_others_begin_with_is_taken_by_enter(stand: Stand) -> None:
    stand.elsewhere("6", tableNumber="41")
    stand.show("6", "Table 41")
    pick(stand, "Rossi")
    keys(stand, "4")
    expect(stand.page.locator("#said")).to_contain_text("Table 4 …")
    keys(stand, "Enter")
    stand.show("4", "Rossi")
    stand.sits("Rossi", "4")


def test_a_party_is_seated_by_what_the_bar_offers(stand: Stand) -> None:
    pick(stand, "Rossi")
    act(stand, "seat_at")
    stand.show("3", "Rossi")
    stand.sits("Rossi", "3")


def test_a_party_is_notified_and_the_focus_stays_with_it(stand: Stand) -> None:
    pick(stand, "Rossi")
    act(stand, "notify")
    stand.list("Rossi", "notified")
    assert stand.guest("Rossi")["status"] == "notified"
    expect(stand.row("Rossi")).to_be_focused()


def test_a_party_is_deleted_from_behind_more(stand: Stand) -> None:
    pick(stand, "Rossi")
    act(stand, "remove")
    reach(stand, stand.page.locator("dialog .answers .danger"), "Tab")
    keys(stand, "Enter")
    stand.gone("Rossi")


def test_from_table_to_table_by_arrows_and_its_party_finishes(stand: Stand) -> None:
    stand.table("2").focus()
    keys(stand, "ArrowLeft")
    expect(stand.table("1")).to_be_focused()
    keys(stand, "Enter")
    expect(stand.page.locator("#bar .what b")).to_have_text("Okafor")
    act(stand, "finish")
    stand.show("1", "free")
    stand.free("1")
    keys(stand, "u")
    stand.show("1", "Okafor")
    stand.sits("Okafor", "1")


def test_a_seated_party_is_moved_by_the_other_tables_number(stand: Stand) -> None:
    keys(stand, "1")
    keys(stand, "Escape")
    expect(stand.page.locator("dialog")).to_have_count(0)  # then the focus is back where it was
    pick(stand, "Rossi")
    keys(stand, "3")
    stand.show("3", "Rossi")
    stand.tab("seated")
    rows = stand.page.locator("#list-seated li > button:visible")
    rows.first.focus()
    reach(stand, stand.row("Rossi"), "ArrowDown")
    keys(stand, "Enter", "4")
    stand.show("4", "Rossi")
    stand.sits("Rossi", "4")
    stand.free("3")


def test_a_table_is_chosen_by_its_number_for_a_move(stand: Stand) -> None:
    stand.table("1").focus()
    keys(stand, "Enter")
    act(stand, "move")
    expect(stand.page.locator("#bar .what small")).to_have_text("now tap a table")
    keys(stand, "3")
    stand.show("3", "Okafor")
    stand.sits("Okafor", "3")


def test_a_party_is_found_by_the_digits_of_its_phone(stand: Stand) -> None:
    keys(stand, "/")
    stand.page.keyboard.type("0102")
    expect(stand.page.locator("dialog [data-found]")).to_have_count(1)
    keys(stand, "Enter")
    expect(stand.page.locator("#bar .what b")).to_have_text("Anna Weber")


@pytest.mark.long
def test_a_digit_that_was_typed_long_ago_is_none(stand: Stand) -> None:
    stand.elsewhere("6", tableNumber="41")
    stand.show("6", "Table 41")
    keys(stand, "4")
    expect(stand.page.locator("#said")).to_contain_text("Table 4 …")
    expect(stand.page.locator("#said")).to_be_empty(timeout=SAID_MS)
    pick(stand, "Rossi")
    stand.free("4")


def test_escape_goes_back_and_the_keys_are_told(stand: Stand) -> None:
    keys(stand, "?")
    expect(stand.page.locator("dialog .keys")).to_contain_text("Add a walk-in")
    keys(stand, "Escape")
    expect(stand.page.locator("dialog")).to_have_count(0)  # then the focus is back where it was
    pick(stand, "Rossi")
    keys(stand, "Escape")
    expect(stand.button("clear")).to_have_count(0)
