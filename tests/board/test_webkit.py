"""The board in Safari's engine: it draws, its socket runs, a press and a drag work, it comes back from the bfcache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.access.closed_hub import manager, pair
from tests.board.host import BACK_MS, SAID_MS, guests
from tests.board.stage import furnish, ids_of
from tests.board.webkit import WebKit, a_window  # noqa: F401 (a fixture)
from tests.conftest import Hub
from tests.contract.answers import ok

pytestmark = pytest.mark.slow

LIVE = """return !document.documentElement.hasAttribute('data-stale')
  && document.querySelectorAll('#plan [data-table]').length === 6"""
SMALL = """return [...document.querySelectorAll('#plan [data-table]')].map((one) => one.getBoundingClientRect().width)
  .filter((width) => width < 44)"""
ROW = "return [...document.querySelectorAll('li[data-guest]')].some((one) => one.textContent.includes(arguments[0]))"
ANSWERED = "return !Object.keys(localStorage).some((key) => key.startsWith('restohub.board.outbox.'))"
LABEL = "return document.querySelector(arguments[0]).getAttribute('aria-label').includes(arguments[1])"


@pytest.fixture
def board(webkit: WebKit, floor_anew: Hub) -> WebKit:
    """The board of the module's hub in the window, in step."""
    webkit.open(floor_anew)
    webkit.until(LIVE)
    return webkit


def test_the_floor_draws_and_the_socket_runs(board: WebKit, floor_anew: Hub) -> None:
    assert board.run(SMALL) == []
    with floor_anew.client() as api:
        assert api.post("/restaurants/1/guests/", json={"name": "Ada", "partySize": 2}).is_success
    board.until(ROW, "Ada")


def test_a_press_and_a_drag_work(board: WebKit, floor_anew: Hub) -> None:
    with floor_anew.client() as api:
        ids = ids_of(api)
        table = {number: f'#plan [data-table="{ids[number]}"]' for number in "1234"}
        board.click(f'li[data-guest="{ids["Rossi"]}"]')
        board.click(table["3"])
        board.until(LABEL, table["3"], "Rossi")
        board.drag(f'li[data-guest="{ids["Anna Weber"]}"]', table["2"])
        board.until(LABEL, table["2"], "Weber")
        board.drag(table["2"], table["4"])
        board.until(LABEL, table["4"], "Weber")
        board.until(ANSWERED)  # a press is shown before the hub has it
        now = guests(api)
    assert {name: one["tableId"] for name, one in now.items()} == {
        "Rossi": ids["3"], "Anna Weber": ids["4"], "Okafor": ids["1"],
    }  # fmt: skip


@pytest.fixture
def closed(board: WebKit, floor_anew: Hub) -> Iterator[WebKit]:
    """The board on a device of a closed hub."""
    board.run("localStorage.setItem('restohub.token', arguments[0])", pair(floor_anew, "view").token)
    with manager(floor_anew) as trusted:
        ok(trusted.put("/api/access", json={"access": "closed", "anyway": True}))
        board.open(floor_anew)
        board.until(LIVE)
        yield board
        ok(trusted.put("/api/access", json={"access": "open"}))


def test_a_page_of_a_closed_hub_is_shown_with_its_styles_and_its_links(closed: WebKit) -> None:
    closed.run("document.querySelector('#top .more').click()")
    closed.run("document.querySelector('[data-menu=report]').click()")
    page = "const page = (document.querySelector('dialog.paged iframe') || {}).contentDocument;"
    closed.until(f"{page} return page && page.querySelector('h2') && getComputedStyle(page.body).marginTop === '0px'")
    title = closed.run(f"{page} return page.title")
    closed.run(f"{page} [...page.querySelectorAll('a')].find((one) => one.textContent === 'The day before').click()")
    closed.until(f"{page} return page.title !== arguments[0]", title)


def test_back_from_the_bfcache_it_is_in_step(board: WebKit, floor_anew: Hub) -> None:
    board.run(
        "window.mark = 'the same page'; addEventListener('pageshow', (event) => { persisted = event.persisted; })"
    )
    board.open(floor_anew, "/about")
    with floor_anew.client() as api:
        assert api.post("/restaurants/1/guests/", json={"name": "Ada", "partySize": 2}).is_success
    board.back()
    board.until(ROW, "Ada", wait_s=BACK_MS / 1000)
    board.until(LIVE)
    assert board.run("return [window.mark, window.persisted]") == ["the same page", True]


@pytest.fixture
def own_hub(new_hub: Callable[..., Hub]) -> Hub:
    """A furnished hub at a place of its own, of which the window keeps nothing yet."""
    hub = new_hub().start()
    with hub.client() as api:
        furnish(api)
    return hub


def test_presses_wait_where_a_browser_on_plain_http_has_no_more(webkit: WebKit, own_hub: Hub) -> None:
    webkit.open(own_hub)
    webkit.until(LIVE)
    if webkit.host != "127.0.0.1":
        assert (
            webkit.run("return [typeof crypto.randomUUID, typeof navigator.locks, typeof crypto.subtle]")
            == ["undefined"] * 3
        )
    with own_hub.client() as api:
        ids = ids_of(api)
    own_hub.kill()
    gone = "return document.querySelector('#banner').textContent.includes('The hub does not answer.')"
    webkit.until(gone, wait_s=SAID_MS / 1000)
    webkit.click(f'li[data-guest="{ids["Rossi"]}"]')
    webkit.click(f'#plan [data-table="{ids["3"]}"]')
    webkit.until("return document.querySelector('#top .live').textContent.includes('1 waits')")
    assert webkit.run("return JSON.stringify({...localStorage}).includes('Rossi')")
    own_hub.start()
    webkit.until(LIVE)
    webkit.until("return document.querySelector('#top .live').textContent === 'in step'")
    webkit.until("return !JSON.stringify([{...localStorage}, {...sessionStorage}]).includes('Rossi')")
    with own_hub.client() as api:
        assert guests(api)["Rossi"]["tableId"] == ids["3"]
