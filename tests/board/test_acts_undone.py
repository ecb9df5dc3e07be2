"""Every act is named on the undo button, and one press there brings back the floor as it was, on the other page too."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.board.conftest import Watch
from tests.board.host import until
from tests.board.stand import Stand
from tests.board.test_acts_touch import soon

pytestmark = pytest.mark.slow

# What the undo button says, and the steps to it: a row or a table, a button of the bar, anything else by its selector.
ACTS = {
    "Seated Rossi at 3": "row Rossi, do seat_at",
    "Seated Rossi at 4": "row Rossi, table 4",
    "Seated Rossi": "row Rossi, do seat_bar",
    "Held 4 for Rossi": "row Rossi, do hold, table 4",
    "Moved Okafor to 2": "table 1, do move, table 2",
    "Swapped Okafor and Sato": "table 1, do swap, table 5",
    "Okafor back to the list": "table 1, do unseat",
    "Okafor finished": "table 1, do finish",
    "Notified Rossi": "row Rossi, do notify",
    "2 of 4 arrived: Rossi": "row Rossi, do arrive_part, dialog [data-value='2']",
    "Rossi left": "row Rossi, do leave",
    "Changed Rossi": "row Rossi, do edit, dialog [data-value='6'], dialog [form]",
    "No longer held for Sato": "row Sato, do unhold",
    "Sato is running late": "row Sato, do late",
    "Sato arrived": "row Sato, do arrive",
    "Sato did not come": "row Sato, do no_show",
    "Cancelled Sato": "row Sato, do cancel",
    "Seated Sato at 5": "table 5, do seat_held",
    "Freed table 5 of Sato": "table 5, do free",
    "Table 1 needs clearing": "table 1, do dirty, dialog .answers .main",
    "Table 6 out of service": "table 6, do block",
    "Table 2 is clean": "table 2, do clean",
    "Pushed 4 to 3": "table 3, do push, table 4",
    "Added Walk-in": "#side .add:visible, dialog [data-value='2'], dialog [form]",
    "Seated Walk-in at 6": "table 6, do walk_in, dialog [data-value='2']",
    "Closed the night": "#top .more, [data-menu=night], [data-night=close]",
    "Removed Rossi": "row Rossi, do remove, dialog .answers .danger",
}
WORDS = r"(all) => all.map((one) => one.getAttribute('aria-label').replace(/\d+ min\w*/, ''))"
CHANGES = {"version", "lastUpdated"}


def play(stand: Stand, steps: str) -> None:
    """Do it, by mouse."""
    for step in steps.split(", "):
        what, _, name = step.partition(" ")
        if what == "row":
            stand.row(name).click()
        elif what == "table":
            stand.table(name).click()
        elif what == "do":
            stand.do(name, lambda where: where.click())
        else:
            stand.page.locator(step).first.click()


def whole(stand: Stand) -> tuple[int, list[dict[str, Any]]]:
    """The hub's revision, and its floor but for versions and times of change."""
    found = stand.api.get("/api/sync/full").json()
    entities = [*found["guests"], *found["tables"]]
    return found["revision"], [{key: one[key] for key in one if key not in CHANGES} for one in entities]


def floor(stand: Stand) -> list[dict[str, Any]]:
    """The hub's floor, but for versions and times of change."""
    return whole(stand)[1]


def undo_button(stand: Stand, named: str) -> None:
    """The button names the act."""
    expect(stand.page.locator("#top .undo small")).to_have_text(named)
    expect(stand.page.locator("#top .undo")).to_be_enabled()


def shown(stand: Stand) -> str:
    """What the other page shows of tables and parties, in words and without the minutes."""
    texts = stand.other.locator("#plan .table, #list-waiting li > button")
    return "\n".join(texts.evaluate_all(WORDS))


def done(stand: Stand, before: int) -> tuple[int, list[dict[str, Any]]]:
    """Wait until the hub has one commit more; its revision and floor then."""
    seen: list[tuple[int, list[dict[str, Any]]]] = []

    def is_done() -> bool:
        seen.append(whole(stand))
        return seen[-1][0] > before

    until(is_done, "done", stand.page)
    return seen[-1]


def test_each_act_is_named_and_undone(stand: Stand) -> None:
    stand.add("Sato", 2, reservationTime=soon(20), tableId=stand.ids["5"])
    stand.elsewhere("2", status="dirty")
    stand.elsewhere("3", notes="Wobbles.")
    stand.show("5", "held for Sato")
    stand.show("2", "to be cleared")
    expect(stand.row("Sato", stand.other)).to_be_visible()
    stand.hears()
    (revision, before), seen = whole(stand), shown(stand)
    for named, steps in ACTS.items():
        play(stand, steps)
        undo_button(stand, named)
        revision, now = done(stand, revision)
        assert now != before, named
        stand.page.locator("#top .undo").click()
        revision, now = done(stand, revision)
        if named == "Removed Rossi":  # a deleted id is not given again
            expect(stand.other.locator("#list-waiting li", has_text="Rossi")).to_have_count(1)
            continue
        assert now == before, named
        until(lambda: shown(stand) == seen, f"shown as before: {named}")


def test_what_was_pushed_together_with_a_note_and_pulled_apart_is_pushed_together_again(stand: Stand) -> None:
    stand.elsewhere("4", notes="Wobbles.")
    stand.hears()
    play(stand, "table 3, do push, table 4")
    stand.show("3", "Table 3+4")
    before = floor(stand)
    play(stand, "table 3, do pull")
    stand.show("4", "free")
    undo_button(stand, "Pulled 4 from 3")
    stand.page.keyboard.press("u")
    stand.show("3", "Table 3+4")
    assert floor(stand) == before
    stand.page.keyboard.press("u")
    stand.show("4", "free, seats 4")
    assert (stand.at("4")["notes"], stand.at("3")["capacity"]) == ("Wobbles.", 4)


def test_several_acts_are_undone_one_after_the_other(stand: Stand) -> None:
    before = floor(stand)
    play(stand, "row Rossi, do notify")
    play(stand, "row Rossi, table 4")
    play(stand, "table 4, do move, table 5")
    stand.show("5", "Rossi")
    stand.sits("Rossi", "5")
    for _ in range(3):
        stand.page.keyboard.press("u")
    stand.settle()
    assert floor(stand) == before
    stand.list("Rossi", "party of 4")
    stand.show("5", "free")


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("row Rossi, do notify", "This can no longer be undone. Rossi was changed by someone else meanwhile."),
        ("row Rossi, table 4", "This can no longer be undone. Rossi was changed by someone else meanwhile."),
        ("row Rossi, do leave", "This can no longer be undone. Rossi was changed by someone else meanwhile."),
    ],
)
def test_where_another_page_changed_the_same_meanwhile_undo_says_so(
    stand: Stand, watching: Watch, steps: str, sentence: str
) -> None:
    watching.forgive("status of 412")
    play(stand, steps)
    if "notify" in steps:
        stand.list("Rossi", "notified")
    else:
        stand.gone("Rossi")
    stand.elsewhere("Rossi", notes="Birthday")
    expect(stand.page.locator("#top .undo")).to_be_enabled()
    after = floor(stand)
    stand.page.locator("#top .undo").click()
    bubble = stand.page.locator(".bubble")
    expect(bubble.locator("p")).to_have_text(sentence)
    assert floor(stand) == after
    bubble.locator("button").first.click()
    expect(bubble).to_have_count(0)


@pytest.mark.parametrize(
    ("steps", "name", "told"),
    [
        pytest.param("row Rossi, do notify", "Rossi", "notified", id="one"),
        pytest.param("#side .add:visible, dialog [data-value='3'], dialog [form]", "Walk-in", "party of 3", id="new"),
    ],
)
def test_a_party_that_another_page_deleted_is_not_brought_back_by_undo(
    stand: Stand, watching: Watch, steps: str, name: str, told: str
) -> None:
    watching.forgive("status of 404")
    play(stand, steps)
    stand.list(name, told)  # on the other page too, so the hub has it: what is deleted before would only be refused
    stand.removed_elsewhere(name)
    stand.gone(name)
    stand.page.locator("#top .undo").click()
    bubble = stand.page.locator(".bubble")
    expect(bubble.locator("p")).to_have_text("This can no longer be undone. This party was removed meanwhile.")
    assert name not in [one.get("name") for one in floor(stand)]
    bubble.locator("button").first.click()
