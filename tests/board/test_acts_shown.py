"""What is seen of a press, frame by frame, and what a stream of changes leaves alone: focus, scroll, half-typed text."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.board.host import until
from tests.board.stage import middle
from tests.board.stand import Stand

pytestmark = pytest.mark.slow

LATE_MS = 400
# Each state that a table and a party's row went through, one entry a change of the page.
RECORD = """([table, guest]) => {
  window.seen = [];
  const look = () => {
    const face = document.querySelector(`#plan [data-table="${table}"]`);
    const rows = [...document.querySelectorAll(`li[data-guest="${guest}"] > button`)].map((row) => row.getAttribute("aria-label").replace(/\\d+ min/, ""));
    const now = [face && face.getAttribute("class").replace(/ (chosen|best)/g, ""), rows.sort().join(" & ")].join(" | ");
    if (window.seen[window.seen.length - 1] !== now) window.seen.push(now);
  };
  look();
  window.recording = new MutationObserver(look);
  window.recording.observe(document.querySelector("main"), { subtree: true, childList: true, attributes: true });
}"""


@contextmanager
def stream(stand: Stand) -> Iterator[list[int]]:
    """Other devices change parties and tables all the while, some twenty times a second."""
    ended = threading.Event()
    made: list[int] = []

    def change() -> None:
        with stand.hub.client() as api:
            while not ended.wait(0.05):
                number = len(made)
                made.append(number)
                if number % 3 == 0:
                    api.post("/restaurants/1/guests/", json={"name": f"Stream {number}", "partySize": 2})
                elif number % 3 == 1:
                    api.patch(f"/restaurants/1/guests/{stand.ids['Okafor']}", json={"notes": f"{number}"})
                else:
                    status = "dirty" if number % 2 else "available"
                    api.patch(f"/restaurants/1/tables/{stand.ids['6']}", json={"status": status})

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield made
    finally:
        ended.set()
        thread.join()


def record(stand: Stand, number: str, name: str) -> None:
    """Keep every state of a table and a row from now on."""
    stand.page.evaluate(RECORD, [stand.ids[number], stand.ids[name]])


def recorded(stand: Stand) -> list[str]:
    """The states that were seen, once answer and message have come."""
    stand.settle()
    stand.page.evaluate("() => recording.disconnect()")
    seen: list[str] = stand.page.evaluate("() => seen")
    return seen


@pytest.mark.parametrize("late", ["answer", "message", "neither"])
def test_no_frame_shows_a_press_undone(stand: Stand, late: str) -> None:
    stand.page.evaluate("([which, ms]) => { window.late[which] = ms; }", [late, LATE_MS])
    record(stand, "4", "Rossi")
    stand.row("Rossi").click()
    stand.table("4").click()
    seen = recorded(stand)
    assert len(set(seen)) == len(seen), seen
    assert seen[-1].startswith("table seat")
    stand.sits("Rossi", "4")


@pytest.mark.parametrize(
    "late", [(0, LATE_MS), (LATE_MS, 0), (LATE_MS, 2 * LATE_MS)], ids=["answer", "message", "both"]
)
def test_no_frame_shows_one_of_several_quick_presses_undone(stand: Stand, late: tuple[int, int]) -> None:
    stand.page.evaluate("([message, answer]) => Object.assign(window.late, { message, answer })", late)
    record(stand, "3", "Rossi")
    stand.row("Rossi").click()
    stand.do("notify", lambda where: where.click())
    stand.row("Rossi").click()
    stand.do("seat_at", lambda where: where.click())
    stand.table("3").click()
    stand.do("finish", lambda where: where.click())
    seen = recorded(stand)
    # waits, notified, seated, gone with the table free again: each once
    assert len(set(seen)) == len(seen), seen
    assert len(seen) == 4, seen
    assert stand.guest("Rossi")["status"] == "finished"
    stand.free("3")


def test_an_answer_that_says_no_takes_the_press_back_once_with_a_sentence(stand: Stand, watching: Any) -> None:
    watching.forgive("status of 409")
    stand.hold_messages()
    stand.elsewhere("Anna Weber", tableId=stand.ids["4"])
    record(stand, "4", "Rossi")
    stand.row("Rossi").click()
    stand.table("4").click()
    expect(stand.page.locator(".bubble")).to_contain_text("Table 4 is taken by Anna Weber")
    stand.release_messages()
    seen = recorded(stand)
    faces = [one.partition(" | ")[0] for one in seen]
    assert [face.split()[1] for face in faces if "refused" not in face][-1] != "free", seen
    stand.page.locator(".bubble button").first.click()


def test_what_is_typed_and_where_the_focus_is_survive_a_stream_of_changes(stand: Stand) -> None:
    stand.page.keyboard.press("n")
    stand.choice("partySize", 4).click()
    with stream(stand) as made:
        stand.page.keyboard.type("Papadopoulos", delay=60)
        expect(stand.field("name")).to_be_focused()
        stand.field("notes").click()
        stand.page.keyboard.type("By the window", delay=60)
        expect(stand.field("notes")).to_be_focused()
        until(lambda: len(made) > 10, "a stream", stand.page)
        expect(stand.field("notes")).to_be_focused()
        expect(stand.field("name")).to_have_value("Papadopoulos")
        expect(stand.choice("partySize", 4)).to_have_attribute("aria-pressed", "true")
    stand.page.locator("dialog [form]").click()
    stand.list("Papadopoulos", "By the window")


def test_the_focus_in_list_plan_and_bar_survives_a_stream_of_changes(stand: Stand) -> None:
    with stream(stand) as made:
        for where in (stand.row("Rossi"), stand.table("6"), stand.table("1")):
            where.focus()
            first = len(made)
            while len(made) < first + 6:
                stand.page.wait_for_timeout(30)
            expect(where).to_be_focused()
        stand.row("Rossi").click()
        stand.button("hold").focus()
        first = len(made)
        while len(made) < first + 6:
            stand.page.wait_for_timeout(30)
        expect(stand.button("hold")).to_be_focused()


def test_what_is_in_view_stays_where_it_is_while_the_list_grows_and_shrinks(stand: Stand) -> None:
    for number in range(16):
        stand.add(f"Party {number}", 2, checkInTime=f"2024-01-15T10:{10 + number}:00Z")
    expect(stand.row("Party 15")).to_be_attached()
    waiting = stand.page.locator("#list-waiting")
    waiting.evaluate("(list) => { list.scrollTop = 300; }")
    top = "(row) => row.getBoundingClientRect().top"
    was = stand.row("Party 8").evaluate(top)
    with stream(stand):
        for number in range(6):
            stand.add(f"Early {number}", 2, checkInTime="2024-01-15T09:00:00Z")
            if number < 3:
                stand.removed_elsewhere(f"Party {number}")
            expect(stand.row(f"Early {number}")).to_be_attached()
            assert abs(stand.row("Party 8").evaluate(top) - was) <= 1


def test_a_press_on_the_bar_is_not_lost_while_what_it_offers_changes(stand: Stand) -> None:
    stand.row("Rossi").click()
    expect(stand.button("seat_at")).to_have_text("Seat at 3")
    stand.page.mouse.move(*middle(stand.button("hold")))
    stand.page.mouse.down()
    stand.elsewhere("3", status="dirty")
    stand.show("3", "to be cleared")
    stand.page.mouse.up()
    expect(stand.page.locator("#bar .what small")).to_have_text("now tap a table")
    stand.page.keyboard.press("Escape")
    expect(stand.button("seat_at")).to_have_text("Seat at 4")
