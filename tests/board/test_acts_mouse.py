"""What the bar's buttons do, by mouse: the other page shows it, and the hub's floor is what it must be."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.board.stand import Stand
from tests.board.test_acts_touch import soon

pytestmark = pytest.mark.slow


def click(where: Locator) -> None:
    """By mouse."""
    where.click()


def seat_weber(stand: Stand) -> None:
    """Anna Weber sits at table 2."""
    stand.elsewhere("Anna Weber", tableId=stand.ids["2"])
    stand.show("2", "Anna Weber")


def book_sato(stand: Stand, **fields: object) -> None:
    """Sato is due in ten minutes."""
    stand.add("Sato", 3, reservationTime=soon(10), **fields)
    stand.list("Sato", "party of 3")


def answer(stand: Stand, *, yes: bool) -> None:
    """The answer to what is asked."""
    stand.page.locator("dialog .answers button").nth(1 if yes else 0).click()
    expect(stand.page.locator("dialog")).to_have_count(0)


# ---- A party and its table.


def test_a_table_is_held_and_held_no_longer(stand: Stand) -> None:
    click(stand.row("Rossi"))
    stand.do("hold", click)
    click(stand.table("5"))
    stand.show("5", "held for Rossi, party of 4")
    stand.list("Rossi", "holds 5")
    assert (stand.guest("Rossi")["status"], stand.at("5")["status"]) == ("waitlist", "reserved")
    click(stand.row("Rossi"))
    stand.do("unhold", click)
    stand.show("5", "free")
    stand.free("5")
    assert (stand.guest("Rossi")["status"], stand.guest("Rossi")["tableId"]) == ("waitlist", None)


def test_a_held_table_is_moved_and_the_party_is_seated_there(stand: Stand) -> None:
    book_sato(stand, tableId=stand.ids["4"])
    click(stand.table("4"))
    stand.do("move", click)
    click(stand.table("5"))
    stand.show("5", "held for Sato")
    stand.free("4")
    assert stand.guest("Sato")["status"] == "confirmed"
    click(stand.table("5"))
    stand.do("seat_held", click)
    stand.show("5", "Sato, party of 3, 0 minutes")
    stand.sits("Sato", "5")


def test_a_party_that_was_only_notified_keeps_its_status_where_its_hold_is_moved(stand: Stand) -> None:
    stand.elsewhere("Rossi", status="notified", tableId=stand.ids["4"])
    stand.show("4", "held for Rossi")
    click(stand.row("Rossi"))
    stand.do("move", click)
    click(stand.table("6"))
    stand.show("6", "held for Rossi")
    assert stand.guest("Rossi")["status"] == "notified"


def test_a_seated_party_is_moved(stand: Stand) -> None:
    click(stand.table("1"))
    stand.do("move", click)
    click(stand.table("3"))
    stand.show("3", "Okafor, party of 2")
    stand.sits("Okafor", "3")
    stand.free("1")


def test_two_parties_are_swapped(stand: Stand) -> None:
    seat_weber(stand)
    click(stand.table("1"))
    stand.do("swap", click)
    click(stand.table("2"))
    stand.show("1", "Anna Weber")
    stand.show("2", "Okafor")
    stand.sits("Anna Weber", "1")
    stand.sits("Okafor", "2")


def test_a_swap_with_a_free_table_is_a_move(stand: Stand) -> None:
    click(stand.table("1"))
    stand.do("swap", click)
    click(stand.table("3"))
    stand.show("3", "Okafor")
    stand.sits("Okafor", "3")


def test_a_party_goes_to_the_bar_and_back_to_the_list(stand: Stand) -> None:
    click(stand.row("Rossi"))
    stand.do("seat_bar", click)
    stand.tab("seated")
    stand.list("Rossi", "At the bar")
    stand.sits("Rossi", None)
    click(stand.row("Rossi"))
    stand.do("unseat", click)
    stand.tab("waiting")
    stand.list("Rossi", "party of 4")
    assert stand.guest("Rossi")["status"] == "waitlist"


# ---- A party's status.


def test_a_party_that_waits_is_notified_partly_there_there_and_gone(stand: Stand) -> None:
    click(stand.row("Rossi"))
    stand.do("notify", click)
    stand.list("Rossi", "notified")
    assert stand.guest("Rossi")["notifiedTime"] is not None
    click(stand.row("Rossi"))
    stand.do("arrive_part", click)
    click(stand.page.locator('dialog [data-value="3"]'))
    stand.list("Rossi", "3 of 4")
    assert (stand.guest("Rossi")["status"], stand.guest("Rossi")["arrivedCount"]) == ("partially_arrived", 3)
    click(stand.row("Rossi"))
    stand.do("arrive", click)
    stand.list("Rossi", "here")
    assert (stand.guest("Rossi")["status"], stand.guest("Rossi")["arrivedCount"]) == ("arrived", 4)
    click(stand.row("Rossi"))
    stand.do("leave", click)
    stand.gone("Rossi")
    assert stand.guest("Rossi")["status"] == "left"


def test_a_party_that_is_due_runs_late_and_arrives(stand: Stand) -> None:
    book_sato(stand)
    click(stand.row("Sato"))
    stand.do("late", click)
    stand.list("Sato", "running late")
    click(stand.row("Sato"))
    stand.do("arrive", click)
    stand.list("Sato", "here", "booked")
    assert stand.guest("Sato")["status"] == "arrived"


@pytest.mark.parametrize(("key", "status"), [("no_show", "no_show"), ("cancel", "cancelled")])
def test_a_party_that_does_not_come_leaves_the_lists_and_its_table(stand: Stand, key: str, status: str) -> None:
    book_sato(stand, tableId=stand.ids["4"])
    click(stand.row("Sato"))
    stand.do(key, click)
    stand.gone("Sato")
    stand.show("4", "free")
    assert stand.guest("Sato")["status"] == status
    stand.free("4")


def test_a_party_is_edited(stand: Stand) -> None:
    click(stand.row("Anna Weber"))
    stand.do("edit", click)
    stand.field("name").fill("Anna Maria Weber")
    click(stand.choice("partySize", 3))
    click(stand.choice("tags", "birthday"))
    click(stand.page.locator("dialog [form]"))
    stand.list("Anna Weber", "Anna Maria Weber, party of 3", "birthday", "allergy: nuts")
    guest = stand.guest("Anna Weber")
    assert (guest["lastName"], guest["partySize"], guest["tags"]) == ("Maria Weber", 3, ["birthday"])
    assert (guest["phone"], guest["dietaryRestrictions"]) == ("+39 06 5550 102", ["nuts"])


def test_a_party_is_deleted_once_it_was_asked(stand: Stand) -> None:
    click(stand.row("Rossi"))
    stand.do("remove", click)
    expect(stand.page.locator("dialog")).to_contain_text("Delete Rossi?")
    answer(stand, yes=False)
    stand.list("Rossi", "party of 4")
    stand.do("remove", click)
    answer(stand, yes=True)
    stand.gone("Rossi")
    assert stand.api.get(f"/restaurants/1/guests/{stand.ids['Rossi']}").status_code == 404


# ---- Tables.


def test_a_party_finishes_and_its_table_is_cleared(stand: Stand) -> None:
    click(stand.table("1"))
    stand.do("finish", click)
    stand.show("1", "free")
    assert stand.guest("Okafor")["status"] == "finished"
    click(stand.table("1"))
    stand.do("dirty", click)
    stand.show("1", "to be cleared")
    stand.free("1", "dirty")
    click(stand.table("1"))
    stand.do("clean", click)
    stand.show("1", "free")
    stand.free("1")


@pytest.mark.parametrize(
    ("key", "words", "status"), [("dirty", "to be cleared", "dirty"), ("block", "out of service", "outOfService")]
)
def test_what_ends_a_party_at_its_table_is_asked_first(stand: Stand, key: str, words: str, status: str) -> None:
    click(stand.table("1"))
    stand.do(key, click)
    expect(stand.page.locator("dialog")).to_contain_text("Okafor sits at table 1: the party is finished with this.")
    answer(stand, yes=False)
    stand.show("1", "Okafor")
    stand.sits("Okafor", "1")
    stand.do(key, click)
    answer(stand, yes=True)
    stand.show("1", words)
    stand.free("1", status)
    assert stand.guest("Okafor")["status"] == "finished"


def test_what_takes_a_held_table_away_is_asked_first(stand: Stand) -> None:
    book_sato(stand, tableId=stand.ids["4"])
    click(stand.table("4"))
    stand.do("block", click)
    expect(stand.page.locator("dialog")).to_contain_text("Table 4 is held for Sato")
    answer(stand, yes=True)
    stand.show("4", "out of service")
    assert (stand.guest("Sato")["status"], stand.guest("Sato")["tableId"]) == ("confirmed", None)


def test_a_table_is_blocked_and_back_in_service(stand: Stand) -> None:
    click(stand.table("6"))
    stand.do("block", click)
    stand.show("6", "out of service")
    stand.free("6", "outOfService")
    click(stand.table("6"))
    stand.do("unblock", click)
    stand.show("6", "free")
    stand.free("6")


def test_a_held_table_is_freed(stand: Stand) -> None:
    book_sato(stand, tableId=stand.ids["4"])
    click(stand.table("4"))
    stand.do("free", click)
    stand.show("4", "free")
    stand.free("4")
    assert stand.guest("Sato")["status"] == "confirmed"


def test_the_next_party_is_seated_at_a_table(stand: Stand) -> None:
    click(stand.table("3"))
    click(stand.button("more"))
    option = stand.page.locator('dialog [data-option="seat_next"]')
    expect(option).to_have_text("Seat Rossi (4)")
    click(option)
    stand.show("3", "Rossi, party of 4")
    stand.sits("Rossi", "3")


def test_two_tables_are_pushed_together_and_pulled_apart(stand: Stand) -> None:
    stand.elsewhere("4", notes="Wobbles.")
    stand.hears()  # what is pressed on an older table is refused
    click(stand.table("3"))
    stand.do("push", click)
    click(stand.table("4"))
    stand.show("3", "Table 3+4", "seats 8")
    for page in (stand.page, stand.other):
        expect(stand.table("4", page)).to_have_count(0)
    assert (stand.at("3")["capacity"], stand.at("4")["status"]) == (8, "outOfService")
    assert stand.at("4")["notes"] == "Pushed to table 3. · Wobbles."
    click(stand.table("3"))
    stand.do("pull", click)
    stand.show("4", "free, seats 4")
    stand.show("3", "free, seats 4")
    assert (stand.at("3")["capacity"], stand.at("4")["status"], stand.at("4")["notes"]) == (4, "available", "Wobbles.")


def test_tables_with_a_party_too_large_for_one_ask_before_they_are_pulled_apart(stand: Stand) -> None:
    click(stand.table("3"))
    stand.do("push", click)
    click(stand.table("4"))
    stand.show("3", "Table 3+4")
    stand.elsewhere("Rossi", partySize=7, tableId=stand.ids["3"])
    stand.show("3", "Rossi, party of 7")
    click(stand.table("3"))
    stand.do("pull", click)
    expect(stand.page.locator("dialog")).to_contain_text("Table 3 then seats 4, Rossi is a party of 7.")
    answer(stand, yes=True)
    stand.show("4", "free")
    stand.sits("Rossi", "3")
    assert stand.at("3")["capacity"] == 4


def test_where_a_table_cannot_be_chosen_it_is_said_and_another_can(stand: Stand) -> None:
    click(stand.table("3"))
    stand.do("push", click)
    click(stand.table("1"))
    expect(stand.page.locator("#said")).to_have_text("That cannot be done with table 1. Choose another.")
    click(stand.table("4"))
    stand.show("3", "Table 3+4")


# ---- Questions.


def test_more_than_a_table_seats_is_asked_once_with_the_numbers(stand: Stand) -> None:
    click(stand.row("Rossi"))
    click(stand.table("2"))
    expect(stand.page.locator("dialog")).to_contain_text("Table 2 seats 2, Rossi is a party of 4.")
    answer(stand, yes=False)
    stand.free("2")
    expect(stand.page.locator("#bar .what b")).to_have_text("Rossi")
    click(stand.table("2"))
    answer(stand, yes=True)
    stand.show("2", "Rossi, party of 4")
    stand.sits("Rossi", "2")


def test_a_swap_into_a_small_table_is_asked_once(stand: Stand) -> None:
    stand.elsewhere("Rossi", tableId=stand.ids["3"])
    stand.show("3", "Rossi")
    click(stand.table("1"))
    stand.do("swap", click)
    click(stand.table("3"))
    expect(stand.page.locator("dialog")).to_contain_text("Table 1 seats 2, Rossi is a party of 4.")
    answer(stand, yes=True)
    stand.show("1", "Rossi")
    stand.sits("Rossi", "1")
    stand.sits("Okafor", "3")


# ---- Finding, and the end.


@pytest.mark.parametrize("typed", ["eber", "5550"])
def test_a_party_is_found_by_its_name_or_phone(stand: Stand, typed: str) -> None:
    click(stand.page.locator("#side .find"))
    stand.page.keyboard.type(typed)
    found = stand.page.locator("dialog [data-found]")
    expect(found).to_have_count(1)
    click(found)
    expect(stand.page.locator("#bar .what b")).to_have_text("Anna Weber")
    expect(stand.row("Anna Weber")).to_have_attribute("aria-pressed", "true")


def test_a_party_that_is_done_is_found_and_brought_back(stand: Stand) -> None:
    book_sato(stand)
    stand.elsewhere("Sato", status="no_show")
    stand.gone("Sato")
    click(stand.page.locator("#side .find"))
    stand.page.keyboard.type("sato")
    click(stand.page.locator("dialog [data-found]"))
    stand.do("unseat", click)
    stand.list("Sato", "party of 3")
    assert stand.guest("Sato")["status"] == "confirmed"


def test_the_night_is_closed_in_one_look_and_one_undo(stand: Stand) -> None:
    stand.add("Late", 2, reservationTime=soon(-40))
    stand.list("Late", "late")
    click(stand.page.locator("#top .more"))
    click(stand.page.locator('[data-menu="night"]'))
    for group, names in {"finish": ["Okafor"], "noShow": ["Late"], "left": ["Rossi", "Anna Weber"]}.items():
        for name in names:
            expect(stand.page.locator(f'[data-group="{group}"]')).to_contain_text(name)
    click(stand.page.locator(f'[data-party="{stand.ids["Anna Weber"]}"]'))
    click(stand.page.locator('[data-night="close"]'))
    stand.show("1", "free")
    stand.gone("Rossi")
    ended = {name: stand.guest(name)["status"] for name in ("Okafor", "Late", "Rossi", "Anna Weber")}
    assert ended == {"Okafor": "finished", "Late": "no_show", "Rossi": "left", "Anna Weber": "waitlist"}
    click(stand.page.locator("#top .undo"))
    stand.show("1", "Okafor")
    stand.list("Rossi", "party of 4")
    stand.sits("Okafor", "1")
    assert (stand.guest("Late")["status"], stand.guest("Rossi")["status"]) == ("confirmed", "waitlist")
