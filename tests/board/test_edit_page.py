"""Edit mode on a page of a hub: every tool by hand, one batch, what others do meanwhile, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.board.host import BACK_MS, SAID_MS
from tests.board.stage import Finger, ids_of, middle
from tests.board.views import drawn, open_by_menu
from tests.conftest import Hub

pytestmark = pytest.mark.slow

PLACES = {"1": (0.05, 0.06), "2": (0.5, 0.1), "3": (0.9, 0.1), "4": (0.1, 0.8), "5": (0.5, 0.8), "6": (0.9, 0.8)}


def edited(hub: Hub, open_page: Callable[..., Page], **options: Any) -> Page:
    """A page in edit mode, on a floor whose tables stand apart from each other."""
    with hub.client() as api:
        ids = ids_of(api)
        moves = [
            {
                "entity_type": "table",
                "action": "update",
                "entity_id": ids[number],
                "data": {"position": {"x": x, "y": y}},
            }
            for number, (x, y) in PLACES.items()
        ]
        assert api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": moves}).is_success
    page = drawn(open_page(hub, **options), tables=6)
    open_by_menu(page, "edit", "#edit")
    return page


def table(page: Page, number: str) -> Locator:
    """The table of this number as it is drawn."""
    return page.locator(f'#plan [aria-label^="Table {number},"]')


def tables_of(hub: Hub) -> dict[str, dict[str, Any]]:
    """The hub's tables by their number."""
    with hub.client() as api:
        return {one["tableNumber"]: one for one in api.get("/api/sync/full").json()["tables"]}


def revision(hub: Hub) -> int:
    """How many commits the floor has seen."""
    with hub.client() as api:
        return int(api.get("/api/sync/full").json()["revision"])


def drag(page: Page, what: Locator, by: tuple[float, float]) -> None:
    """Drag by the mouse."""
    x, y = middle(what)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=8)
    page.mouse.up()


def save(page: Page) -> None:
    """Save, and be back on the board."""
    page.locator("[data-edit=save]").click()
    expect(page.locator("#edit")).to_have_count(0)


def test_a_floor_is_drawn_anew_and_saved_as_one_batch(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page)
    other = drawn(open_page(floor_anew), tables=6)
    before = revision(floor_anew)
    panel = page.locator("#edit")
    # Deleted.
    table(page, "5").click()
    panel.locator("[data-edit=delete]").click()
    expect(table(page, "5")).to_have_count(0)
    # Moved, and snapped to the line of its neighbour: dropped some pixels beside it.
    to, at = middle(table(page, "6")), middle(table(page, "4"))
    drag(page, table(page, "4"), (120, to[1] - at[1] + 5))
    # Resized, turned, renumbered.
    panel.get_by_role("button", name="One seat more").click()
    panel.get_by_role("button", name="15 degrees to the right").click()
    panel.get_by_role("button", name="15 degrees to the right").click()
    panel.locator("[data-edit=tableNumber]").fill("14")
    expect(table(page, "14")).to_have_attribute("data-chosen", "")
    # A section for two at once.
    panel.locator("[data-edit=several]").click()
    table(page, "6").click()
    panel.locator("[data-edit=section]").fill("Garden")
    # Added: on a free place, with the number after the highest.
    panel.locator("[data-add=booth]").click()
    expect(table(page, "15")).to_have_count(1)
    faces = page.evaluate(
        "[...document.querySelectorAll('.table .face')].map((one) => one.getBoundingClientRect())"
        ".map(({ left, right, top, bottom }) => [left, right, top, bottom])"
    )
    assert not any(_overlap(one, two) for at, one in enumerate(faces) for two in faces[at + 1 :])
    panel.locator("[data-edit=section]").fill("")  # it began in the section of what was chosen, or in none
    # A section's server.
    page.locator("#plan").click(position={"x": 4, "y": 4})
    panel.locator("[data-edit=several]").click()
    page.locator("#plan").click(position={"x": 4, "y": 4})
    panel.locator("[data-section=Garden]").fill("Dan")
    assert revision(floor_anew) == before, "nothing is sent before it is saved"
    save(page)
    expect(table(other, "14")).to_have_count(1)
    expect(table(other, "5")).to_have_count(0)
    assert revision(floor_anew) == before + 1
    now = tables_of(floor_anew)
    assert now.keys() == {"1", "2", "3", "6", "14", "15"}
    moved = now["14"]
    assert (moved["capacity"], moved["rotation"], moved["section"], moved["server"]) == (5, 30, "Garden", "Dan")
    assert moved["position"]["y"] == now["6"]["position"]["y"]
    assert moved["position"]["x"] > 0.1
    assert (now["6"]["section"], now["6"]["server"]) == ("Garden", "Dan")
    assert (now["15"]["shape"], now["15"]["section"]) == ("booth", None)


def _overlap(one: list[float], two: list[float]) -> bool:
    return min(one[1], two[1]) > max(one[0], two[0]) and min(one[3], two[3]) > max(one[2], two[2])


def test_the_whole_floor_is_in_view(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page)
    expect(page.locator(".zoom")).to_be_hidden()
    plan = page.locator("#plan").bounding_box()
    assert plan
    for number in PLACES:
        face = table(page, number).locator(".face").bounding_box()
        assert face
        assert plan["x"] <= face["x"] <= plan["x"] + plan["width"] - face["width"]
        assert plan["y"] <= face["y"] <= plan["y"] + plan["height"] - face["height"]


def test_a_finger_moves_a_table(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page, touch=True)
    x, y = middle(table(page, "2"))
    Finger(page).drag(table(page, "2"), (x + 90, y + 130))
    save(page)
    place = tables_of(floor_anew)["2"]["position"]
    assert place["x"] > 0.55
    assert place["y"] > 0.2


def test_each_step_is_undone_by_itself(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page)
    table(page, "6").click()
    page.locator("[data-edit=delete]").click()
    page.locator("[data-add=round]").click()
    expect(page.locator("#plan .table")).to_have_count(6)
    for left in (5, 6):
        page.locator("[data-edit=undo]").click()
        expect(page.locator("#plan .table")).to_have_count(left)
    expect(page.locator("[data-edit=undo]")).to_be_disabled()
    expect(table(page, "6")).to_have_count(1)


def test_two_tables_of_one_number_are_said_and_not_saved(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page)
    table(page, "6").click()
    page.locator("[data-edit=tableNumber]").fill("5")
    expect(page.locator("#edit .note")).to_have_text("Two tables have the number 5.")
    expect(page.locator("[data-edit=save]")).to_be_disabled()


@pytest.mark.parametrize("deletes", [True, False])
def test_a_table_that_was_seated_meanwhile_is_named_and_no_work_is_lost(
    floor_anew: Hub, open_page: Callable[..., Page], deletes: bool
) -> None:
    page = edited(floor_anew, open_page)
    table(page, "4").click()
    page.get_by_role("button", name="One seat more").click()
    table(page, "6").click()
    if deletes:
        page.locator("[data-edit=delete]").click()
    else:
        page.locator("[data-edit=section]").fill("Garden")
    with floor_anew.client() as api:
        ids = ids_of(api)
        assert api.patch(f"/api/restaurants/1/guests/{ids['Rossi']}", json={"tableId": ids["6"]}).is_success
    note = page.locator("#edit .note")
    expect(note).to_contain_text("Rossi")
    expect(note).to_contain_text("able 6")
    expect(table(page, "6")).to_have_count(1)
    save(page)
    now = tables_of(floor_anew)
    assert now["4"]["capacity"] == 5
    assert now["6"]["currentGuestId"] == ids["Rossi"]
    assert now["6"]["section"] == (None if deletes else "Garden")


def test_leaving_with_work_asks(floor_anew: Hub, open_page: Callable[..., Page]) -> None:
    page = edited(floor_anew, open_page)
    page.locator("[data-edit=leave]").click()
    expect(page.locator("#edit")).to_have_count(0)  # nothing was changed
    open_by_menu(page, "edit", "#edit")
    table(page, "6").click()
    page.locator("[data-edit=delete]").click()
    page.locator("[data-edit=leave]").click()
    asked = page.locator("dialog[open]")
    expect(asked).to_contain_text("Leave without saving?")
    asked.get_by_role("button", name="Stay").click()
    expect(table(page, "6")).to_have_count(0)
    with page.expect_event("dialog") as leaving:  # the browser's own question, when the page is closed
        page.close(run_before_unload=True)
    assert leaving.value.type == "beforeunload"
    leaving.value.dismiss()
    page.locator("[data-edit=leave]").click()
    page.locator("dialog[open]").get_by_role("button", name="Leave").click()
    expect(page.locator("#edit")).to_have_count(0)
    expect(table(page, "6")).to_have_count(1)
    assert tables_of(floor_anew).keys() == set(PLACES)


def test_work_outlives_a_hub_that_is_away(own_hub: Hub, open_page: Callable[..., Page], watch: Any) -> None:
    watch.forgive("WebSocket connection to .* failed|Failed to load resource")
    page = edited(own_hub, open_page)
    table(page, "6").click()
    page.locator("[data-edit=delete]").click()
    own_hub.stop()
    expect(page.locator("#banner")).to_be_visible(timeout=SAID_MS)
    page.locator("[data-edit=save]").click()
    expect(page.locator("#edit .note")).to_contain_text("The hub does not answer.")
    expect(table(page, "6")).to_have_count(0)
    own_hub.start()
    expect(page.locator("html:not([data-stale])")).to_be_attached(timeout=BACK_MS)
    save(page)
    assert tables_of(own_hub).keys() == set(PLACES) - {"6"}
