"""A press that the hub refuses is said where it happened, with a way on that works.

The page is kept behind: what other devices did it hears of only after the press, which is on what it still sees.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.board.conftest import Watch
from tests.board.host import until
from tests.board.stand import Stand
from tests.board.test_acts_touch import soon

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def refused(watching: Watch) -> None:
    """A refusal is a failed request in the browser's console."""
    watching.forgive("status of 4(04|09|12|22)")


@pytest.fixture
def behind(stand: Stand) -> Iterator[Stand]:
    """The page hears of nothing for a while from now on."""
    stand.hold_messages()
    yield stand
    stand.release_messages()


def bubble(stand: Stand, sentence: str) -> Locator:
    """What is said."""
    said = stand.page.locator(".bubble")
    expect(said).to_have_count(1)
    expect(said.locator("p")).to_have_text(sentence)
    return said


def near(stand: Stand, said: Locator, where: Locator) -> None:
    """It points there: a bubble right below or above, once what the press changed around it is drawn."""

    def is_near() -> bool:
        box, place = said.bounding_box(), where.bounding_box()
        assert box
        assert place
        middle = place["x"] + place["width"] / 2
        apart = max(box["y"] - place["y"] - place["height"], place["y"] - box["y"] - box["height"])
        return apart < 40 and box["x"] <= middle <= box["x"] + box["width"]

    until(is_near, "a bubble where the press was", stand.page)


def way(said: Locator, words: str) -> None:
    """Take a way on."""
    said.get_by_role("button", name=words, exact=True).click()


def test_a_table_held_meanwhile_says_for_whom_and_is_freed(behind: Stand) -> None:
    behind.add("Sato", 2, reservationTime=soon(10), tableId=behind.ids["4"])
    behind.row("Rossi").click()
    behind.table("4").click()
    said = behind.page.locator(".bubble")
    expect(said.locator("p")).to_contain_text("Table 4 is held for Sato, party of 2, at ")
    near(behind, said, behind.table("4"))
    way(said, "Free it")
    behind.release_messages()
    behind.show("4", "Rossi, party of 4")
    behind.sits("Rossi", "4")
    assert (behind.guest("Sato")["status"], behind.guest("Sato")["tableId"]) == ("confirmed", None)
    expect(behind.page.locator(".bubble")).to_have_count(0)


def test_a_table_taken_meanwhile_and_another_is_chosen(behind: Stand) -> None:
    behind.elsewhere("Anna Weber", tableId=behind.ids["4"])
    behind.row("Rossi").click()
    behind.table("4").click()
    said = behind.page.locator(".bubble")
    expect(said.locator("p")).to_contain_text("Table 4 is taken by Anna Weber, party of 2, since ")
    near(behind, said, behind.table("4"))
    way(said, "Choose another")
    behind.release_messages()
    behind.table("5").click()
    behind.show("5", "Rossi")
    behind.sits("Rossi", "5")
    behind.sits("Anna Weber", "4")


def test_a_table_taken_meanwhile_whose_party_is_finished(behind: Stand) -> None:
    behind.elsewhere("Anna Weber", tableId=behind.ids["4"])
    behind.row("Rossi").click()
    behind.table("4").click()
    way(behind.page.locator(".bubble"), "Finish Anna Weber")
    behind.release_messages()
    behind.show("4", "Rossi")
    behind.sits("Rossi", "4")
    assert behind.guest("Anna Weber")["status"] == "finished"


@pytest.mark.parametrize("choice", ["Choose another", "Finish Anna Weber"])
def test_a_walk_in_whose_table_was_taken_is_not_lost(behind: Stand, choice: str) -> None:
    behind.table("4").click()
    behind.do("walk_in", lambda where: where.click())
    behind.field("name").fill("Novak")
    behind.elsewhere("Anna Weber", tableId=behind.ids["4"])
    behind.choice("partySize", 3).click()
    said = behind.page.locator(".bubble")
    expect(said.locator("p")).to_contain_text("Table 4 is taken by Anna Weber")
    near(behind, said, behind.table("4"))
    way(said, choice)
    behind.release_messages()
    if choice == "Choose another":
        behind.table("5").click()
    number = "5" if choice == "Choose another" else "4"
    behind.show(number, "Novak, party of 3")
    behind.know("Novak")
    behind.sits("Novak", number)


def test_a_table_blocked_meanwhile(behind: Stand) -> None:
    behind.elsewhere("4", status="outOfService")
    behind.row("Rossi").click()
    behind.table("4").click()
    said = bubble(behind, "Table 4 is out of service.")
    near(behind, said, behind.table("4"))
    way(said, "Choose another")
    behind.release_messages()
    behind.table("5").click()
    behind.show("5", "Rossi")
    behind.sits("Rossi", "5")


def test_a_table_made_smaller_meanwhile(behind: Stand) -> None:
    behind.elsewhere("4", capacity=3)
    behind.row("Rossi").click()
    behind.table("4").click()
    said = bubble(behind, "Table 4 seats 3, Rossi is a party of 4.")
    near(behind, said, behind.table("4"))
    way(said, "Seat anyway")
    behind.release_messages()
    behind.show("4", "Rossi")
    behind.sits("Rossi", "4")


def test_a_stale_free_it_is_refused_at_the_table(stand: Stand) -> None:
    stand.add("Sato", 2, reservationTime=soon(10), tableId=stand.ids["4"])
    stand.show("4", "held for Sato")
    stand.table("4").click()
    stand.hold_messages()
    stand.elsewhere("Sato", status="seated")
    stand.do("free", lambda where: where.click())
    said = bubble(stand, "Table 4 was changed by someone else meanwhile.")
    near(stand, said, stand.table("4"))
    stand.sits("Sato", "4")
    way(said, "Show it")
    stand.release_messages()
    stand.show("4", "Sato, party of 2, 0 minutes")
    expect(stand.page.locator("#bar .what b")).to_have_text("Sato")


def test_a_party_changed_meanwhile_is_shown_or_pressed_again(behind: Stand) -> None:
    behind.elsewhere("Rossi", partySize=3)
    behind.row("Rossi").click()
    behind.do("notify", lambda where: where.click())
    said = bubble(behind, "Rossi was changed by someone else meanwhile.")
    near(behind, said, behind.row("Rossi"))
    behind.release_messages()
    behind.list("Rossi", "party of 3")
    way(said, "Try again")
    behind.release_messages()
    behind.list("Rossi", "party of 3", "notified")
    assert behind.guest("Rossi")["status"] == "notified"


def test_a_party_removed_meanwhile(behind: Stand) -> None:
    behind.removed_elsewhere("Rossi")
    behind.row("Rossi").click()
    behind.do("notify", lambda where: where.click())
    said = bubble(behind, "This party was removed meanwhile.")
    way(said, "OK")
    behind.release_messages()
    expect(behind.page.locator(".bubble")).to_have_count(0)
    behind.gone("Rossi")


def test_a_table_removed_meanwhile(behind: Stand) -> None:
    behind.removed_elsewhere("4")
    behind.row("Rossi").click()
    behind.table("4").click()
    said = bubble(behind, "This table was removed meanwhile.")
    way(said, "Choose another")
    behind.release_messages()
    behind.table("5").click()
    behind.show("5", "Rossi")
    behind.sits("Rossi", "5")


def test_what_the_hub_finds_wrong_is_said_at_the_table(stand: Stand) -> None:
    for number in ("3", "4"):
        stand.elsewhere(number, capacity=60)
        stand.show(number, "seats 60")
    stand.table("3").click()
    stand.do("push", lambda where: where.click())
    stand.table("4").click()
    said = stand.page.locator(".bubble")
    expect(said.locator("p")).not_to_be_empty()
    near(stand, said, stand.table("3"))
    way(said, "Show it")
    expect(stand.page.locator("#bar .what b")).to_have_text("Table 3")
    assert stand.at("3")["capacity"] == 60


@pytest.mark.long
def test_a_full_floor_says_so_and_takes_the_party_once_there_is_room(stand: Stand) -> None:
    made = [
        {
            "entity_type": "guest",
            "action": "create",
            "data": {"name": f"Full {number}", "partySize": 1, "status": "left"},
        }
        for number in range(4997)
    ]
    for first in range(0, len(made), 500):
        batch = {"restaurant_id": 1, "operations": made[first : first + 500]}
        assert stand.api.post("/api/v1/atomic/batch", json=batch).is_success
    stand.page.locator("#side .add:visible").click()
    stand.choice("partySize", 2).click()
    stand.field("name").fill("Last")
    stand.page.locator("dialog [form]").click()
    said = bubble(stand, "There are 5000 parties on the floor, more than 5000 do not fit. Delete old ones.")
    stand.removed_elsewhere("Okafor")
    way(said, "Try again")
    stand.list("Last", "party of 2")
