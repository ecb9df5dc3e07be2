"""The board's socket: in step through a kill, silence and a new history, and it says which it was."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.board.browsers import lent
from tests.board.modules import a_browser, loaded, run  # noqa: F401 (fixtures)
from tests.commands import run_command
from tests.conftest import Hub

pytestmark = pytest.mark.slow

START = """async () => { await help.furnish(1); help.start(); await help.until(help.isLive); }"""


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    """A device's browser, for one test."""
    with lent(chrome) as blank:
        yield blank.context


def opened(hub: Hub, context: BrowserContext) -> Page:
    """A board in step with a furnished floor."""
    page = loaded(context.pages[0], hub)
    run(page, START)
    return page


def made(hub: Hub, name: str) -> None:
    """Somebody else adds a party."""
    with hub.client() as api:
        assert api.post("/restaurants/1/guests/", json={"name": name, "partySize": 2}).status_code == 201


def shown(page: Page, name: str) -> None:
    """Wait until the page has the party, and is in step."""
    run(
        page,
        "([name]) => help.until((state) => state.link.live && [...state.view.guests.values()].some((one) => one.name === name))",
        name,
    )


def test_a_page_that_is_shown_while_its_socket_opens_opens_no_other(hub: Hub, context: BrowserContext) -> None:
    page = loaded(context.pages[0], hub)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    run(
        page,
        """() => { help.start(); dispatchEvent(new Event("pageshow")); return help.until(help.isLive).then(() => null); }""",
    )
    assert len(sockets) == 1


def test_a_killed_hub_is_gone_and_back_it_was_restarted(new_hub: Callable[..., Hub], context: BrowserContext) -> None:
    hub = new_hub().start()
    page = opened(hub, context)
    made(hub, "Ada")
    shown(page, "Ada")
    hub.kill()
    run(page, "() => help.until((state) => state.link.state === 'hub_gone')")
    time.sleep(1)  # two starts within one second cannot be told apart
    hub.start()
    made(hub, "Ben")
    shown(page, "Ben")
    links = run(page, "() => [...new Set(board.links)]")
    assert links == ["connecting", "catching_up", "live", "hub_gone", "restarted"]


def test_a_hub_that_says_nothing_is_gone_and_one_that_wakes_is_followed_again(
    new_hub: Callable[..., Hub],
    context: BrowserContext,
) -> None:
    hub = new_hub().start()
    page = opened(hub, context)
    assert hub.process is not None
    hub.process.send_signal(signal.SIGSTOP)
    run(page, "() => help.until((state) => state.link.state === 'hub_gone')")
    hub.process.send_signal(signal.SIGCONT)
    made(hub, "Ada")
    shown(page, "Ada")


def test_a_history_that_began_anew_is_said_and_taken_whole(
    new_hub: Callable[..., Hub], context: BrowserContext
) -> None:
    hub = new_hub().start()
    page = opened(hub, context)
    hub.stop()
    run_command("identity", "new", "--data", str(hub.data)).check_returncode()
    hub.start()
    made(hub, "Ada")
    shown(page, "Ada")
    assert run(page, "() => [board.store.get().link.state, board.store.get().view.tables.size]") == ["history_anew", 8]


def test_without_a_network_it_says_so_and_the_restaurants_new_name_comes(
    new_hub: Callable[..., Hub], context: BrowserContext
) -> None:
    hub = new_hub().start()
    page = opened(hub, context)
    page.context.set_offline(True)
    run(page, "() => help.until((state) => state.link.state === 'no_network')")
    page.context.set_offline(False)
    run(page, "() => help.until(help.isLive)")
    with hub.client() as api:
        api.patch("/restaurants/1", json={"name": "Da Ada"})
    run(page, "() => help.until((state) => state.restaurant.name === 'Da Ada')")


def test_a_floor_in_parts_is_taken_together(new_hub: Callable[..., Hub], context: BrowserContext) -> None:
    hub = new_hub().start()
    long = "x" * 1900
    data = [{"name": f"Party {n}", "partySize": 2, "notes": long} for n in range(300)]
    operations = [{"entity_type": "guest", "action": "create", "data": one} for one in data]
    with hub.client() as api:
        assert api.post("/api/v1/atomic/batch", json={"operations": operations}).status_code == 200
    page = opened(hub, context)
    assert run(page, "() => [...new Set(board.views.map((view) => view.guests.size))]") == [300]
    with hub.client() as api:
        ids = [one["id"] for one in api.get("/restaurants/1/guests/").json()]
        changed = [
            {"entity_type": "guest", "action": "update", "entity_id": one, "data": {"notes": long + "y"}} for one in ids
        ]
        assert api.post("/api/v1/atomic/batch", json={"operations": changed}).status_code == 200
    run(page, "() => help.until((state) => [...state.view.guests.values()].every(({ notes }) => notes.endsWith('y')))")
    count = "() => new Set(board.views.map((view) => [...view.guests.values()].filter(({ notes }) => notes.endsWith('y')).length)).size"
    assert run(page, count) == 2
