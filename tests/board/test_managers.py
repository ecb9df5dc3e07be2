"""What a manager does at the board: devices, closing the hub, who did what, and the hub's pages on a closed hub."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from restohub.access.tokens import new_token
from tests.access.closed_hub import ask_to_pair, bearer, manager, pair, revoke
from tests.board.conftest import Watch
from tests.board.line import Line
from tests.board.stage import board_url, furnish, ids_of
from tests.board.views import manager_of, open_as, open_by_menu, open_menu
from tests.commands import run_command
from tests.conftest import Hub
from tests.contract.answers import ok

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def house(board_hub: Hub) -> Hub:
    """The module's hub, furnished."""
    with board_hub.client() as api:
        furnish(api)
        assert api.patch("/api/restaurants/1", json={"timezone": "Asia/Tokyo", "hours": 24}).is_success
    return board_hub


@pytest.fixture
def trusted(house: Hub) -> Iterator[httpx.Client]:
    """The hub's own machine; the hub is left open."""
    with manager(house) as api:
        yield api
        ok(api.put("/api/access", json={"access": "open"}))


@pytest.fixture
def page(house: Hub, open_page: OpenPage, watch: Watch) -> Page:
    """The board on a manager's device."""
    watch.forgive("status of 4")  # a refusal is an error in the browser's console
    return in_step(open_as(manager_of(house).token, open_page, house))


def in_step(page: Page) -> Page:
    """The page, once it shows the floor."""
    expect(page.locator("#plan .table").first).to_be_visible()
    return page


def title(page: Page) -> Locator:
    """The head of the screen that is shown."""
    return page.locator("dialog[open] h2")


def devices(trusted: httpx.Client) -> dict[str, dict[str, Any]]:
    """Those that the hub knows, by name."""
    return {one["name"]: one for one in ok(trusted.get("/api/devices"))["devices"]}


def close(trusted: httpx.Client) -> None:
    """Close the hub, whoever is there."""
    ok(trusted.put("/api/access", json={"access": "closed", "anyway": True}))


def row(page: Page, name: str) -> Locator:
    """A device in the list."""
    return page.locator("button.device", has_text=name)


# ---- Devices.


def test_a_page_becomes_a_managers_by_the_command_that_it_shows(
    house: Hub, trusted: httpx.Client, open_page: OpenPage, watch: Watch
) -> None:
    watch.forgive("401")
    page = in_step(open_page(house))
    open_menu(page)
    expect(page.locator(".managing .state")).to_have_text("Open to every device on this network")
    expect(page.locator("[data-menu=audit]")).to_have_count(0)
    page.locator("[data-menu=devices]").click()
    command = page.locator("pre")
    expect(command).to_contain_text("restohub pair")
    _, *words = shlex.split(command.inner_text())
    words[words.index("Office")] = "Till"
    made = run_command(*words, "--data", str(house.data))
    assert (made.returncode, made.stdout) == (0, "Till is paired as manager.\n"), made.stderr
    expect(row(page, "Till")).to_contain_text("Manager · this device")
    expect(row(page, "Till").locator(".seen")).to_have_text(
        "connected"
    )  # its socket has said who it is, on an open hub too
    page.keyboard.press("Escape")
    open_menu(page)
    expect(page.locator(".managing .state")).to_contain_text("This device: Till, Manager")
    expect(page.locator("[data-menu=audit]")).to_be_visible()


def test_a_device_that_waits_is_let_in_named_and_shut_out(house: Hub, trusted: httpx.Client, page: Page) -> None:
    token = new_token()
    with house.client() as api:
        code = ask_to_pair(api, token, name="iPad")
    open_by_menu(page, "devices", ".waits")
    waiting = page.locator(".waits .device", has_text=code)
    expect(waiting).to_contain_text(re.compile(r"iPad127\.0\.0\.1 · \d+ s left"))
    waiting.locator("button").click()
    expect(page.locator("#device-code")).to_have_value(code)
    page.locator("#device-name").fill("Terrace")
    page.locator("dialog .roles .btn", has_text="View only").click()
    page.locator("[data-send]").click()
    expect(page.locator(".note")).to_have_text("Terrace is let in as View only.")
    expect(page.locator(".waits")).to_be_hidden()
    row(page, "Terrace").click()
    expect(page.locator(".facts")).to_contain_text("by Office")
    expect(page.locator(".facts")).to_contain_text("not connected")
    page.locator("#device-name").fill("Garden")
    page.locator("dialog .roles .btn", has_text="Host").click()
    page.locator("[data-send]").click()
    expect(row(page, "Garden")).to_contain_text("Host")
    assert devices(trusted)["Garden"]["role"] == "host"
    row(page, "Garden").click()
    page.locator("[data-to=revoke]").click()
    expect(page.locator("dialog .body p").first).to_contain_text("Garden is shut out at once")
    page.locator(".answers .btn", has_text="Cancel").click()
    expect(title(page)).to_have_text("Garden")
    assert devices(trusted)["Garden"]["revoked_at"] is None
    page.locator("[data-to=revoke]").click()
    page.locator("[data-yes]").click()
    expect(page.locator(".note")).to_have_text("Garden is shut out.")
    expect(row(page, "Garden")).to_be_hidden()
    for _ in range(2):  # the list looks again
        page.wait_for_event("response", lambda answer: answer.url.endswith("/api/devices"))
    expect(page.locator(".note")).to_have_text("Garden is shut out.")
    page.locator("summary").click()
    row(page, "Garden").click()
    expect(page.locator(".facts")).to_contain_text("Taken away")
    assert devices(trusted)["Garden"]["revoked_at"] is not None


def test_a_code_is_typed_as_it_is_read_out(house: Hub, trusted: httpx.Client, page: Page) -> None:
    with house.client() as api:
        code = ask_to_pair(api, new_token())
    open_by_menu(page, "devices", "[data-to=let_in]")
    page.locator("[data-to=let_in]").click()
    page.locator("[data-send]").click()
    expect(page.locator("#device-code")).to_be_focused()
    expect(page.locator("#device-code-error")).to_have_text("Needed.")
    page.locator("#device-code").fill("222 222")
    page.locator("#device-name").fill("Door")
    page.locator("[data-send]").click()
    expect(page.locator("#device-code-error")).to_contain_text("No device shows this code now.")
    expect(page.locator("#device-name")).to_have_value("Door")
    page.locator("#device-code").fill(f"{code[:3].lower()}-{code[3:].lower()}")
    page.locator("#device-code").press("Enter")
    expect(row(page, "Door")).to_be_visible()
    assert devices(trusted)["Door"]["role"] == "host"


def test_a_qr_code_lets_in_whoever_opens_it(house: Hub, trusted: httpx.Client, page: Page, open_page: OpenPage) -> None:
    close(trusted)
    open_by_menu(page, "devices", "[data-to=let_in]")
    page.locator("[data-to=let_in]").click()
    page.locator("#device-name").fill("Kitchen")
    with page.expect_response("**/api/invitations") as answer:
        page.locator("[data-to=invite]").click()
    made = answer.value.json()
    path = page.locator("svg.qr path").get_attribute("d") or ""
    dots = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path)}
    assert dots == {(x + 4, y + 4) for y, line in enumerate(made["qr"]) for x, one in enumerate(line) if one == "1"}
    assert made["url"].startswith(board_url(house))
    new = open_page(house, made["url"].removeprefix(board_url(house, "")))
    in_step(new)
    expect(page.locator(".note")).to_have_text("Kitchen is let in as Host.")
    expect(row(page, "Kitchen").locator(".seen")).to_have_text("connected")


def test_a_manager_who_makes_himself_none_is_told_before_and_after(
    house: Hub, trusted: httpx.Client, open_page: OpenPage, watch: Watch
) -> None:
    watch.forgive("status of 403")
    page = in_step(open_as(pair(house, "manager", "Hostess").token, open_page, house))
    open_by_menu(page, "devices", "button.device >> nth=0")
    row(page, "Hostess").click()
    page.locator("dialog .roles .btn", has_text="Host").click()
    expect(page.locator("dialog .hint")).to_contain_text("it can no longer manage devices")
    page.locator("[data-send]").click()
    expect(title(page)).to_have_text("For managers")
    page.locator(".answers .btn").click()
    open_menu(page)
    expect(page.locator(".managing .state")).to_contain_text("This device: Hostess, Host")
    expect(page.locator(".managing button")).to_have_count(0)
    assert devices(trusted)["Hostess"]["role"] == "host"


def test_all_of_it_by_the_keyboard(house: Hub, trusted: httpx.Client, page: Page) -> None:
    pair(house, "host", "Zebra")

    def reach(place: str) -> None:
        for _ in range(40):
            if page.locator(f"{place}:focus").count():
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {place}")

    page.locator("#top .more").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-menu=devices]")).to_be_visible()
    reach("[data-menu=devices]")
    page.keyboard.press("Enter")
    expect(row(page, "Zebra")).to_be_visible()
    reach("button.device:has-text('Zebra')")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("Zebra")
    reach("#device-name")
    page.keyboard.press("Control+A")
    page.keyboard.type("Zenith")
    page.keyboard.press("Enter")
    expect(row(page, "Zenith")).to_be_focused()
    page.keyboard.press("Enter")
    reach("[data-to=revoke]")
    page.keyboard.press("Enter")
    expect(page.locator(".answers .btn", has_text="Cancel")).to_be_focused()
    for shown in ("Zenith", "Devices"):
        page.keyboard.press("Escape")
        expect(title(page)).to_have_text(shown)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert devices(trusted)["Zenith"]["revoked_at"] is None


# ---- Closing and opening.


def test_closing_says_who_would_be_shut_out_and_asks_twice(
    house: Hub, trusted: httpx.Client, page: Page, open_page: OpenPage
) -> None:
    stranger = in_step(open_page(house))
    open_by_menu(page, "closing", ".state.big")
    expect(page.locator(".state.big")).to_have_text("Open to every device on this network")
    here = page.locator("li.device", has_text="127.0.0.1").first
    expect(here).to_contain_text("Browser on")
    expect(here.locator(".seen")).to_have_text("connected")
    page.locator("[data-to=act]").click()
    expect(page.locator(".note p")).to_contain_text("Nothing was changed.")
    page.locator("[data-way=anyway]").click()
    expect(page.locator(".answers .btn", has_text="Cancel")).to_be_focused()
    assert ok(trusted.get("/api/access"))["access"] == "open"
    page.locator("[data-yes]").click()
    expect(page.locator(".state.big")).to_have_text("Closed to strangers")
    expect(stranger.locator(".code")).to_have_text(re.compile(r"^[2-9A-Z]{6}$"))
    page.keyboard.press("Escape")
    in_step(page)  # and not shut out itself
    open_menu(page)
    expect(page.locator(".managing .state")).to_contain_text("Closed to strangers")
    page.locator("[data-menu=closing]").click()
    page.locator("[data-to=act]").click()
    page.locator("[data-yes]").click()
    expect(page.locator(".state.big")).to_have_text("Open to every device on this network")
    assert ok(trusted.get("/api/access"))["access"] == "open"


def test_strangers_may_be_let_in_first(house: Hub, page: Page, trusted: httpx.Client, open_page: OpenPage) -> None:
    in_step(open_page(house))
    open_by_menu(page, "closing", ".state.big")
    page.locator("[data-to=act]").click()
    page.locator("[data-way=devices]").click()
    expect(title(page)).to_have_text("Devices")
    assert ok(trusted.get("/api/access"))["access"] == "open"


# ---- Who did what.


def test_the_audit_tells_device_time_and_name_and_goes_back(house: Hub, page: Page, trusted: httpx.Client) -> None:
    bar = pair(house, "host", "Bar")
    with house.client(headers=bearer(bar.token)) as api:
        rossi = ids_of(api)["Rossi"]
        ok(api.patch(f"/api/restaurants/1/guests/{rossi}", json={"notes": "Red coat"}))
    with house.client() as api:
        table = ids_of(api)["1"]
        for number in range(60):
            ok(api.patch(f"/api/restaurants/1/tables/{table}", json={"server": f"Ana {number}"}))
    last = ok(trusted.get("/api/audit", params={"restaurant_id": 1, "limit": 1}))["entries"][0]
    open_by_menu(page, "audit", ".audit li >> nth=0")
    first = page.locator(".audit li").first
    hour = (int(last["timestamp"][11:13]) + 9) % 24
    shown = re.compile(f"^0?{hour}:{last['timestamp'][14:16]}$")
    expect(first.locator("time")).to_have_text(shown)  # as it is in the restaurant
    expect(first).to_contain_text("A device that was not let in")
    expect(first).to_contain_text("Changed table 1")
    expect(page.locator(".audit li", has_text="Changed Rossi")).to_have_count(0)
    page.locator("[data-audit=more]").click()
    expect(page.locator(".audit li", has_text="Changed Rossi")).to_contain_text("Bar")
    page.locator("[data-audit=device]").select_option(label="Bar")
    expect(page.locator(".audit li")).to_have_count(1)  # found beyond the first page
    expect(page.locator(".audit li")).to_contain_text("Changed Rossi")
    page.locator("[data-audit=device]").select_option(label="All devices")
    page.locator("[data-audit=restaurant]").select_option(label="The restaurants themselves")
    expect(page.locator(".audit li", has_text="Changed the restaurant Restaurant").first).to_be_visible()


# ---- The hub's own pages, where a link shows no token.


def test_the_report_opens_and_prints_on_a_closed_hub(
    house: Hub, trusted: httpx.Client, page: Page, watch: Watch
) -> None:
    close(trusted)
    open_by_menu(page, "report", "dialog.paged")
    shown = page.frame_locator("dialog.paged iframe")
    expect(shown.locator("h2", has_text="Covers by quarter hour")).to_be_visible()
    assert shown.locator("body").evaluate("(node) => getComputedStyle(node).marginTop") == "0px", "it has its styles"
    frame = page.frames[-1]
    frame.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.locator("[data-page=print]").click()
    assert frame.evaluate("window.printed") is True
    day = shown.locator("h1 + p, .date, p").first.inner_text()
    shown.locator("a", has_text="The day before").click()
    expect(shown.locator("h1 + p, .date, p").first).not_to_have_text(day)
    with page.expect_download() as saved:
        shown.locator("a", has_text="For a spreadsheet").click()
    assert re.fullmatch(r"report-1-[\d-]{10}\.csv", saved.value.suggested_filename)
    assert "walk-ins" in saved.value.path().read_text("utf-8")
    shown.locator("a", has_text="The hub").first.click()
    expect(shown.locator("h1")).to_have_text("restohub")
    shown.locator("a", has_text="The board").first.click()
    expect(page.locator("dialog")).to_have_count(0)


# ---- What goes wrong while a screen is open.


@pytest.mark.parametrize(
    ("screen", "drawn"), [("devices", "button.device"), ("closing", "[data-access]"), ("audit", ".audit li")]
)
def test_a_device_whose_access_is_taken_away_meanwhile_is_told(
    house: Hub, trusted: httpx.Client, open_page: OpenPage, watch: Watch, screen: str, drawn: str
) -> None:
    watch.forgive("status of 401")
    device = pair(house, "manager", "Lost")
    page = in_step(open_as(device.token, open_page, house))
    open_by_menu(page, screen, f"dialog.screens {drawn} >> nth=0")
    revoke(house, device)
    if screen == "audit":  # which asks when something is pressed
        page.locator("[data-audit=device]").select_option(index=0)
    expect(title(page)).to_have_text("No longer let in")
    page.locator(".answers .btn").click()
    expect(page.locator("dialog")).to_have_count(0)  # on an open hub it goes on as a stranger
    in_step(page)


def test_a_closed_hub_shows_the_code_once_the_screen_is_closed(
    house: Hub, trusted: httpx.Client, open_page: OpenPage, watch: Watch
) -> None:
    watch.forgive("status of 401")
    device = pair(house, "manager", "Lost")
    close(trusted)
    page = in_step(open_as(device.token, open_page, house))
    open_by_menu(page, "devices", "button.device >> nth=0")
    revoke(house, device)
    expect(title(page)).to_have_text("No longer let in")
    page.locator(".answers .btn").click()
    expect(page.locator(".code")).to_have_text(re.compile(r"^[2-9A-Z]{6}$"))


def test_without_an_answer_it_says_so_and_goes_on(house: Hub, open_page: OpenPage, watch: Watch) -> None:
    watch.forgive("ERR_INTERNET_DISCONNECTED|WebSocket|Failed to load")
    with closing(Line(house)) as line:
        page = in_step(open_as(manager_of(house).token, open_page, line))
        open_by_menu(page, "devices", "button.device >> nth=0")
        with line.without_network(page):
            expect(page.locator(".note")).to_have_text("The hub does not answer. Try again in a moment.")
            row(page, "Office").click()
            page.locator("[data-send]").click()
            expect(page.locator(".note")).to_contain_text("No answer came, so this may be done or not.")
        page.keyboard.press("Escape")
        expect(title(page)).to_have_text("Devices")
        expect(page.locator(".note")).to_have_text("")


def test_a_file_that_does_not_come_is_said(house: Hub, open_page: OpenPage, watch: Watch) -> None:
    """A page from before another version of the hub: its files are gone."""
    watch.forgive("404|Failed to load")
    page = in_step(open_as(manager_of(house).token, open_page, house, new=True))
    page.route("**/devices.js*", lambda route: route.fulfill(status=404))
    open_by_menu(page, "devices", "#said")
    expect(page.locator("#said")).to_contain_text("This did not load.")
    page.unroute("**/devices.js*")
    open_by_menu(page, "devices", "button.device >> nth=0")
