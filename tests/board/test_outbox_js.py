"""The board's outbox at a real hub: kept before it is sent, done once, in its place, and never silently undone."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.board.browsers import lent
from tests.board.line import Line
from tests.board.modules import a_browser, loaded, run  # noqa: F401 (fixtures)
from tests.board.stage import Place
from tests.conftest import Hub

pytestmark = pytest.mark.slow

FURNISH = """async ([restaurantId]) => { window.restaurantId = restaurantId; await help.furnish(restaurantId); help.start({ restaurantId }); await help.until(help.isLive); }"""
START = "async ([restaurantId]) => { help.start({ restaurantId }); await help.until(help.isLive); }"
GUESTS = """() => [...board.store.get().view.guests.values()].map(({ name, status, tableId, notes }) => ({ name, status, tableId, notes }))
  .sort((one, other) => (one.name < other.name ? -1 : 1))"""


@pytest.fixture
def restaurant(own_hub: Hub) -> int:
    """A restaurant of the test's own."""
    return own_hub.new_restaurant()


@pytest.fixture
def context(chrome: Browser, own_hub: Hub) -> Iterator[BrowserContext]:
    """A browser's storage, for one test."""
    with lent(chrome, own_hub.url) as blank:
        yield blank.context


@pytest.fixture
def page(own_hub: Hub, restaurant: int, context: BrowserContext) -> Page:
    """A board in step with a furnished floor."""
    return furnished(context.pages[0], own_hub, restaurant)


def furnished(page: Page, place: Place, restaurant: int) -> Page:
    """The page, as a board of a furnished floor at this place."""
    run(loaded(page, place), FURNISH, restaurant)
    return page


def guests(page: Page) -> list[dict[str, Any]]:
    """Who is on the floor that the page shows."""
    shown: list[dict[str, Any]] = run(page, GUESTS)
    return shown


def at_hub(own_hub: Hub, restaurant: int) -> dict[str, Any]:
    """Who is on the hub's floor, by name."""
    with own_hub.client() as api:
        return {one["name"]: one for one in api.get(f"/restaurants/{restaurant}/guests/").json()}


@pytest.mark.parametrize("late", ["answer", "message"])
def test_no_view_shows_a_press_undone_and_redone_whichever_of_answer_and_message_comes_first(
    page: Page, late: str
) -> None:
    script = """async ([late]) => {
      board.sync.stop();
      help.slowly({ [late]: 250 });
      help.start({ restaurantId });
      await help.until(help.isLive);
      board.views = [];
      help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2, tableId: "t1" }));
      help.press((view, acts) => acts.move(view, [...view.guests.keys()][0], "t2"));
      help.press((view, acts) => acts.dirty(view, "t2"));
      await help.until(help.isQuiet);
      return board.views.map((view) => [...view.guests.values()].map(({ tableId, status }) => `${status} ${tableId}`)
        .concat(view.tables.get("t1").status, view.tables.get("t2").status).join());
    }"""
    shown = list(dict.fromkeys(run(page, script, late)))
    assert shown == [
        "seated t1,occupied,available",
        "seated t2,available,occupied",
        "finished null,available,dirty",
    ]


def test_presses_that_follow_at_once_are_about_what_those_before_them_made(
    page: Page, own_hub: Hub, restaurant: int
) -> None:
    script = """async () => {
      help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2 }));
      const [id] = board.store.get().view.guests.keys();
      help.press((view, acts) => acts.seat(view, id, "t1"));
      help.press((view, acts) => acts.edit(view, id, { notes: "Window." }));
      help.press((view, acts) => acts.push(view, "t1", "t2"));
      help.press((view, acts) => acts.finish(view, id));
      help.press((view, acts) => acts.dirty(view, "t1"));
      await help.until(help.isQuiet);
      return [board.store.get().refusals, board.store.get().done.length];
    }"""
    assert run(page, script) == [[], 6]
    assert (at_hub(own_hub, restaurant)["Ada"]["status"], at_hub(own_hub, restaurant)["Ada"]["notes"]) == (
        "finished",
        "Window.",
    )
    undo = """async () => {
      const back = [];
      for (let act = m.state.undoAct(board.store.get()); act; act = m.state.undoAct(board.store.get())) {
        back.push(act.label.params.what.key);
        board.outbox.press(act);
      }
      await help.until(help.isQuiet);
      const { view, refusals } = board.store.get();
      return [back, refusals, view.guests.size, [...view.tables.values()].filter((one) => one.status !== "available").length];
    }"""
    names = ["act.dirty", "act.finish", "act.push", "act.edit", "act.seat", "act.walk_in"]
    assert run(page, undo) == [names, [], 0, 0]


def test_a_lost_answer_is_asked_for_again_and_nothing_is_done_twice(page: Page, own_hub: Hub, restaurant: int) -> None:
    script = """async () => {
      help.slowly({ lost: 2 });
      help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2 }));
      help.press((view, acts) => acts.walkIn(view, { name: "Ben", partySize: 2 }));
      await help.until(help.isQuiet);
      return board.store.get().refusals;
    }"""
    assert run(page, script) == []
    assert [one["name"] for one in guests(page)] == ["Ada", "Ben"]
    with own_hub.client() as api:
        assert len(api.get(f"/restaurants/{restaurant}/guests/").json()) == 2


OFFLINE = """async () => {
  await help.until((state) => !state.link.live);
  const [ada, ben] = ["Ada", "Ben"].map((name) => [...board.store.get().view.guests.values()].find((one) => one.name === name).id);
  help.press((view, acts) => acts.walkIn(view, { name: "Cem", partySize: 2 }));
  const cem = [...board.store.get().view.guests.values()].find(({ name }) => name === "Cem").id;
  help.press((view, acts) => acts.swap(view, ada, ben));
  help.press((view, acts) => acts.edit(view, ada, { notes: "Off-line." }));
  help.press((view, acts) => acts.finish(view, ben));
  help.press((view, acts) => acts.seat(view, cem, "t1"));
  return board.store.get().pending.map(({ state }) => state);
}"""
SEATED = """async () => {
  help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2, tableId: "t1" }));
  help.press((view, acts) => acts.walkIn(view, { name: "Ben", partySize: 2, tableId: "t2" }));
  await help.until(help.isQuiet);
}"""


def test_two_that_swap_are_not_shown_swapped_back_when_the_message_comes_before_the_answer(page: Page) -> None:
    run(page, SEATED)
    script = """async () => {
      help.slowly({ answer: 400 });
      const [ada, ben] = board.store.get().view.guests.keys();
      board.views = [];
      help.press((view, acts) => acts.swap(view, ada, ben));
      await help.until(help.isQuiet);
      return board.views.map((view) => view.guests.get(ada).tableId);
    }"""
    assert set(run(page, script)) == {"t2"}


AFTERWARDS = [
    {"name": "Ada", "status": "seated", "tableId": "t2", "notes": "Off-line."},
    {"name": "Ben", "status": "finished", "tableId": None, "notes": None},
    {"name": "Cem", "status": "seated", "tableId": "t1", "notes": None},
]


def test_what_was_pressed_off_line_survives_a_killed_tab_and_is_done_in_its_place(
    page: Page, own_hub: Hub, restaurant: int, context: BrowserContext
) -> None:
    run(page, SEATED)
    own_hub.kill()
    assert run(page, OFFLINE) == ["waiting"] * 5
    assert guests(page) == AFTERWARDS
    assert len(run(page, "() => help.kept()")) == 1
    page.close()
    own_hub.start()
    other = loaded(context.new_page(), own_hub)
    run(other, START, restaurant)
    run(other, """async () => {
      await help.until(() => help.kept().length === 0 && board.store.get().view.guests.size === 3);
      await help.until(help.isQuiet);
    }""")  # fmt: skip
    assert run(other, "() => board.store.get().refusals") == []
    assert guests(other) == AFTERWARDS
    assert {name: one["status"] for name, one in at_hub(own_hub, restaurant).items()} == {
        "Ada": "seated",
        "Ben": "finished",
        "Cem": "seated",
    }
    assert run(other, "() => JSON.stringify({ ...localStorage }).includes('Cem')") is False


def test_a_queue_whose_answer_was_lost_is_sent_again_as_it_was(page: Page, own_hub: Hub, restaurant: int) -> None:
    run(page, SEATED)
    own_hub.kill()
    run(page, OFFLINE)
    run(page, "() => help.slowly({ lost: 3 })")
    own_hub.start()
    run(page, "() => help.until(help.isQuiet)")
    assert run(page, "() => [board.store.get().refusals, help.kept()]") == [[], []]
    assert guests(page) == AFTERWARDS


# The first as here, the second as there, and the third, which is about both, as here.
CHOSEN = """async () => {
  await help.until((state) => state.pending.length === 3 && state.pending.every((one) => one.state === "conflict"));
  const [first, second, third] = board.store.get().pending;
  const said = [first, second, third].map(({ conflict }) => [conflict.kind, conflict.mine.notes, conflict.theirs.notes]);
  board.outbox.resolve(first.act.id, "mine");
  board.outbox.resolve(second.act.id, "theirs");
  await help.until((state) => state.pending.length === 1);
  board.outbox.resolve(third.act.id, "mine");
  await help.until(help.isQuiet);
  return said;
}"""


def test_a_conflict_is_shown_with_both_versions_and_the_host_chooses(
    own_hub: Hub, restaurant: int, context: BrowserContext
) -> None:
    with closing(Line(own_hub)) as line:
        page = furnished(context.pages[0], line, restaurant)
        run(page, SEATED)
        line.cut()
        script = """async () => {
          await help.until((state) => !state.link.live);
          for (const guest of board.store.get().view.guests.values()) help.press((view, acts) => acts.edit(view, guest.id, { notes: "Mine." }));
          help.press((view, acts) => acts.swap(view, ...view.guests.keys()));
        }"""
        run(page, script)
        with own_hub.client() as api:
            for one in at_hub(own_hub, restaurant).values():
                api.patch(f"/restaurants/{restaurant}/guests/{one['id']}", json={"notes": "Theirs."})
        line.join()
        shown = run(page, CHOSEN)
        assert shown == [["guest", "Mine.", "Theirs."], ["guest", "Mine.", "Theirs."], ["guest", None, "Theirs."]]
        assert sorted((one["name"], one["notes"], one["tableId"]) for one in guests(page)) == [
            ("Ada", "Mine.", "t2"), ("Ben", "Theirs.", "t1"),
        ]  # fmt: skip
        assert run(page, "() => help.kept()") == []


@pytest.mark.parametrize("change", ["at: one.at - 5 * 3600 * 1000", 'day: "2020-01-01"', 'epoch: "another"'])
def test_an_outbox_of_long_ago_another_day_or_history_is_held_until_the_host_decides(
    page: Page, own_hub: Hub, restaurant: int, context: BrowserContext, change: str
) -> None:
    own_hub.kill()
    run(page, """async () => {
      await help.until((state) => !state.link.live);
      help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2 }));
      help.press((view, acts) => acts.walkIn(view, { name: "Ben", partySize: 2 }));
    }""")  # fmt: skip
    age = f"""() => {{ const [key] = help.kept(); const box = JSON.parse(localStorage[key]);
      localStorage[key] = JSON.stringify({{ ...box, acts: box.acts.map((one) => ({{ ...one, {change} }})) }}); }}"""
    run(page, age)
    page.close()
    own_hub.start()
    other = loaded(context.new_page(), own_hub)
    run(other, START, restaurant)
    run(other, """async () => {
      await help.until((state) => state.pending.length === 2 && state.pending.every((one) => one.state === "held"));
      const [first, second] = board.store.get().pending;
      board.outbox.retry(first.act.id);
      board.outbox.discard(second.act.id);
      await help.until(help.isQuiet);
    }""")  # fmt: skip
    assert list(at_hub(own_hub, restaurant)) == ["Ada"]
    assert run(other, "() => help.kept()") == []


def test_a_refusal_says_what_is_in_the_way_and_its_way_on_works(page: Page, own_hub: Hub, restaurant: int) -> None:
    run(page, SEATED)
    script = """async () => {
      const stale = board.store.get().view;
      const [ada, ben] = stale.guests.keys();
      help.press((view, acts) => acts.unseat(view, ada));
      help.press((view, acts) => acts.unseat(view, ben));
      await help.until(help.isQuiet);
      const { view } = board.store.get();
      help.press(() => m.acts.seat(view, ada, "t4"));
      help.press(() => m.acts.seat(view, ben, "t4"));
      const [refused] = await help.until((state) => state.refusals.length && state.refusals);
      const way = refused.ways.find(({ action }) => action === "press");
      board.outbox.discard(refused.id);
      board.outbox.press(way.act);
      await help.until(help.isQuiet);
      return [refused.key, refused.params.table, refused.where, refused.ways.map(({ key }) => key), board.store.get().refusals];
    }"""
    key, table, where, ways, left = run(page, script)
    assert (key, table, where, ways, left) == (
        "refusal.table_taken_at", "4", {"kind": "table", "id": "t4"}, ["way.choose", "way.finish_and_seat"], [],
    )  # fmt: skip
    assert sorted(one["status"] for one in guests(page)) == ["finished", "seated"]


def test_a_press_on_what_somebody_else_changed_is_refused_and_undo_says_so_too(
    page: Page, own_hub: Hub, restaurant: int
) -> None:
    run(page, SEATED)
    stale = """async () => {
      board.stale = board.store.get().view;
      board.was = board.store.get().done.length;
    }"""
    run(page, stale)
    with own_hub.client() as api:
        for one in at_hub(own_hub, restaurant).values():
            api.patch(f"/restaurants/{restaurant}/guests/{one['id']}", json={"notes": "Theirs."})
    script = """async () => {
      await help.until((state) => [...state.view.guests.values()].every(({ notes }) => notes));
      help.press(() => m.acts.finish(board.stale, [...board.stale.guests.keys()][0]));
      await help.until((state) => state.refusals.length === 1);
      board.outbox.press(m.state.undoAct(board.store.get()));
      await help.until((state) => state.refusals.length === 2);
      return [board.store.get().refusals.map(({ key }) => key), board.store.get().done.length];
    }"""
    assert run(page, script) == [["refusal.changed_guest", "refusal.undo"], 1]


def test_where_the_browser_keeps_nothing_the_page_says_so_and_works(page: Page, own_hub: Hub, restaurant: int) -> None:
    script = """async () => {
      board.sync.stop();
      const full = () => { throw new DOMException("full", "QuotaExceededError"); };
      help.start({ restaurantId, storage: { setItem: full, getItem: full, removeItem: full } });
      await help.until(help.isLive);
      help.press((view, acts) => acts.walkIn(view, { name: "Ada", partySize: 2 }));
      const { storage } = board.store.get();
      await help.until(help.isQuiet);
      return storage;
    }"""
    assert run(page, script) == "failed"
    assert list(at_hub(own_hub, restaurant)) == ["Ada"]
