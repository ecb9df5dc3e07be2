"""The views beside the board: the wall, paper, another restaurant, the hub, other screens, the banner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.board.conftest import Watch
from tests.board.host import DRAWN, SAID_MS
from tests.board.stage import furnish
from tests.board.views import SIZES, drawn, evening, open_by_menu, open_menu
from tests.conftest import Hub

pytestmark = pytest.mark.slow

PHONE = "+39 06 5550 102"


@pytest.fixture(scope="module")
def bistro_hub(board_hub: Hub) -> Hub:
    """The module's hub: a bistro in the middle of its evening, a party with everything known, a second restaurant."""
    evening(board_hub)
    with board_hub.client() as api:
        anna = {"firstName": "Anna", "lastName": "Zimmermann", "partySize": 2, "phone": PHONE, "notes": "By the window"}
        assert api.post("/api/restaurants/1/guests/", json=anna | {"dietaryRestrictions": ["nuts"]}).is_success
        booked = {"name": "Rossi", "partySize": 4, "status": "confirmed", "phone": "+39 06 5550 103"}
        assert api.patch("/api/restaurants/1/guests/guest-rossi", json=booked).is_success
        assert api.post("/api/restaurants", json={"name": "Osteria Sole", "hours": 24}).is_success
    return board_hub


@pytest.fixture(scope="module")
def other_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Another hub of the module, with one restaurant."""
    running = Hub(tmp_path_factory.mktemp("plain") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def plain_hub(other_hub: Hub) -> Iterator[Hub]:
    """It, furnished anew; a test may stop it."""
    with other_hub.client() as api:
        furnish(api)
    yield other_hub
    assert other_hub.process is not None
    if other_hub.process.poll() is not None:
        other_hub.start()


# ---- The wall.


def test_the_wall_says_first_names_and_sizes_and_nothing_else(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(bistro_hub, "/?view=queue", window=SIZES["large"])
    expect(page.locator("#queue li")).to_have_count(8)
    expect(page.locator("#queue li", has_text="Anna")).to_contain_text("party of 2")
    said = page.locator("body").inner_text()
    assert [secret for secret in ("Zimmermann", PHONE, "window", "nuts", "min", "Red coat") if secret in said] == []
    assert page.locator("button:visible, a:visible, input:visible, select:visible, [role=button]:visible").count() == 0
    for key in ("n", "/", "r", "1"):
        page.keyboard.press(key)
    expect(page.locator("dialog")).to_have_count(0)
    sizes = page.evaluate(
        "[...document.querySelectorAll('#queue li > *')].map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 59
    assert page.evaluate("document.querySelector('#queue').scrollWidth <= innerWidth")


def test_a_long_queue_is_in_two_columns_and_counts_the_rest(plain_hub: Hub, open_page: Callable[..., Page]) -> None:
    with plain_hub.client() as api:
        guests = [
            {
                "entity_type": "guest",
                "action": "create",
                "data": {"name": f"Guest{number} Long", "partySize": number % 6 + 1},
            }
            for number in range(30)
        ]
        assert api.post("/api/v1/atomic/batch", json={"restaurant_id": 1, "operations": guests}).is_success
    page = open_page(plain_hub, "/?view=queue", window=SIZES["large"])
    expect(page.locator("#queue ol")).to_have_attribute("data-columns", "2")
    shown = page.locator("#queue li").count()
    expect(page.locator("#queue")).to_contain_text(f"and {32 - shown} more parties")
    inside = (
        "[...document.querySelectorAll('#queue li')].map((one) => one.getBoundingClientRect())"
        ".every(({ right, bottom }) => right <= innerWidth && bottom <= innerHeight)"
    )
    assert page.evaluate(inside)
    with plain_hub.client() as api:  # it follows
        first = page.locator("#queue li b").first.inner_text()
        waiting = [one for one in api.get("/api/sync/full").json()["guests"] if one["firstName"] == first]
        assert api.patch(f"/api/restaurants/1/guests/{waiting[0]['id']}", json={"status": "notified"}).is_success
    expect(page.locator("#queue li[data-ready]")).to_contain_text("Table ready")


# ---- Paper.


def test_tonight_is_printed_with_what_the_door_must_know(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub, color_scheme="dark"))
    page.evaluate("void (window.print = () => { window.printed = (window.printed || 0) + 1; })")
    open_menu(page)
    page.locator("[data-menu=print]").click()
    assert page.evaluate("printed") == 1
    expect(page.locator(".paper")).to_be_hidden()  # on the screen nothing is to be seen of it
    page.emulate_media(media="print")
    expect(page.locator(".paper")).to_be_visible()
    for gone in ("#top", "main", "#plan", "dialog"):
        expect(page.locator(gone).locator("visible=true")).to_have_count(0)
    rossi = page.locator(".paper tr", has_text="Rossi")
    expect(rossi).to_contain_text("+39 06 5550 103")
    expect(rossi.locator("td").nth(4)).to_have_text("12")
    expect(page.locator(".paper tr", has_text="Zimmermann")).to_contain_text("⚠ nuts")
    expect(page.locator(".paper tbody tr")).to_have_count(7 + 8)
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    assert len(pages) == 1


# ---- Another restaurant, another page.


def test_several_restaurants_are_switched_without_loading_the_page(
    bistro_hub: Hub, open_page: Callable[..., Page]
) -> None:
    page = drawn(open_page(bistro_hub))
    page.evaluate("window.mark = 1")
    switch = page.locator("#top select")
    expect(switch.locator("option")).to_have_text(["Trattoria Lume", "Osteria Sole"])
    switch.select_option(label="Osteria Sole")
    expect(page.locator("#plan .table")).to_have_count(0)
    expect(page).to_have_title("Board of Osteria Sole")
    switch.select_option(label="Trattoria Lume")
    drawn(page)
    assert page.evaluate("mark") == 1


def test_one_restaurant_has_no_switch(plain_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(plain_hub), tables=6)
    expect(page.locator("#top select")).to_be_hidden()
    expect(page.locator("#top h1")).to_be_visible()


def test_the_menu_leads_to_the_hub_and_back(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub))
    open_menu(page)
    page.locator("[data-menu=about]").click()
    expect(page).to_have_url(re.compile(r"/about$"))
    page.locator("main a", has_text="The board").click()
    drawn(page)


def test_the_menu_leads_to_the_report_of_the_night(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub))
    open_menu(page)
    page.locator("[data-menu=report]").click()
    expect(page).to_have_url(re.compile(r"/restaurants/1/reports/latest$"))
    expect(page.locator("h2", has_text="Covers by quarter hour")).to_be_visible()


def test_the_menu_leads_to_the_wall(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub))
    open_by_menu(page, "queue", "#queue")


# ---- Sizes.


def test_a_large_screen_shows_what_is_booked_beside_the_floor(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub, window=SIZES["large"]))
    boxes = [page.locator(one).bounding_box() for one in ("#side", "#floor", "#list-booked")]
    assert [(box["x"], box["width"]) for box in boxes if box] == [(0, 420), (420, 1080), (1500, 420)]
    expect(page.locator("[data-rows=booked] li")).to_have_count(7)
    expect(page.locator("[data-rows=waiting] li")).to_have_count(8)
    expect(page.locator("#tab-booked")).to_be_hidden()


def test_an_upright_ipad_has_the_floor_above_the_lists(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(bistro_hub, window=SIZES["upright"]))
    floor, lists = page.locator("#floor").bounding_box(), page.locator("#side").bounding_box()
    assert floor
    assert lists
    assert floor["y"] + floor["height"] == pytest.approx(lists["y"], abs=1)
    assert floor["height"] > lists["height"]


def test_on_a_phone_a_party_is_chosen_in_the_list_and_seated_on_the_floor(
    plain_hub: Hub, open_page: Callable[..., Page]
) -> None:
    page = open_page(plain_hub, window=SIZES["phone"])
    page.locator("li[data-guest]", has_text="Rossi").locator("button").click()
    expect(page.locator("#plan")).to_be_hidden()
    page.locator("#tab-floor").click()
    expect(page.locator("#plan .table")).to_have_count(6)
    expect(page.locator("#list-waiting")).to_be_hidden()
    page.locator('#plan [aria-label^="Table 3,"]').click()
    expect(page.locator('#plan [aria-label^="Table 3, Rossi"]')).to_be_visible()


def test_on_a_phone_a_walk_in_is_two_presses_too(plain_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(plain_hub, window=SIZES["phone"])
    page.locator("#tab-floor").click()
    page.locator('#plan [aria-label^="Table 3,"]').click()
    page.locator("#bar [data-do=sit_4]").click()
    expect(page.locator('#plan [aria-label^="Table 3, Walk-in, party of 4"]')).to_be_visible()


def test_on_a_phone_no_button_lies_over_the_floor(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(bistro_hub, window=SIZES["phone"])
    page.locator("#tab-floor").click()
    expect(page.locator(".zoom")).to_be_visible()
    floor, bar, zoom, hint = (page.locator(one).bounding_box() for one in ("#plan", "#bar", ".zoom", "#bar .hint"))
    assert floor
    assert bar
    assert zoom
    assert hint
    assert zoom["y"] >= floor["y"] + floor["height"]
    assert zoom["y"] >= bar["y"]
    assert zoom["y"] + zoom["height"] <= bar["y"] + bar["height"]
    assert hint["x"] + hint["width"] <= zoom["x"]
    page.locator('[data-table="table-3"]').click()
    expect(page.locator("#bar [data-do]").first).to_be_visible()
    expect(page.locator(".zoom")).to_be_hidden()


def test_on_a_phone_the_floor_is_moved_under_the_finger(bistro_hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page(bistro_hub, window=SIZES["phone"])
    page.locator("#tab-floor").click()
    face = page.locator('[data-table="table-44"] .face')
    expect(face).to_be_attached()
    before = face.bounding_box()
    assert before
    assert before["x"] > 390, "the floor is wider than a phone"
    # Between tables: on a table a finger drags its party.
    page.mouse.move(195, 340)
    page.mouse.down()
    page.mouse.move(20, 340, steps=6)
    page.mouse.up()
    after = face.bounding_box()
    assert after
    assert after["x"] == pytest.approx(before["x"] - 175, abs=2)


PLACES = """[...document.querySelectorAll('#plan .table, #side, #floor')]
  .map((one) => one.getBoundingClientRect().toJSON())"""
CUT = "(() => { const one = document.querySelector('#banner'); return one.scrollHeight - one.clientHeight; })()"


def places(page: Page, size: str) -> object:
    """Where tables, lists and floor are in a window of this size."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(DRAWN)
    return page.evaluate(PLACES)


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_the_banner_moves_nothing_and_is_whole(
    plain_hub: Hub, open_page: Callable[..., Page], watch: Watch, language: str
) -> None:
    watch.forgive("WebSocket connection to .* failed|Failed to load resource")
    page = drawn(open_page(plain_hub, locale=language), tables=6)
    sizes = ("upright", "small_ipad", "ipad")
    before = {size: places(page, size) for size in sizes}
    plain_hub.stop()
    banner = page.locator("#banner.hub_gone")
    expect(banner).to_be_visible(timeout=SAID_MS)
    page.locator("li[data-guest]", has_text="Rossi").locator("button").click()
    page.locator("#bar .main").click()
    expect(banner.locator("button")).to_be_visible()
    for size in sizes:
        assert places(page, size) == before[size], size
        box, undo = banner.bounding_box(), page.locator("#top .undo").bounding_box()
        assert box
        assert undo
        assert (box["x"], box["y"]) == (0, 0)
        assert box["x"] + box["width"] <= undo["x"], size
        assert box["height"] <= 72, f"it covers no table: {size}"
        assert page.evaluate(CUT) <= 0, size
