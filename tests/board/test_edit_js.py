"""What the board works out by itself, in a real browser: times of a day, floors to start from, a floor being edited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page, Route

import restohub
from tests.board.browsers import chromium, lent
from tests.board.modules import FLAGS

MODULES = Path(restohub.__file__).parent / "web" / "board"
ORIGIN = "http://modules.local"
LOAD = """async (names) => {
  window.m = {};
  for (const name of names) window.m[name] = await import(`/${name}.js`);
  window.table = (id, more = {}) => [id, {
    id, tableNumber: id, capacity: 4, minCapacity: 1, shape: "round", rotation: 0, section: null, server: null,
    position: {x: 0.1, y: 0.1}, status: "available", currentGuestId: null, version: 3, ...more,
  }];
}"""
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")


def answer(route: Route) -> None:
    """A module by its path, and an empty page for all else: no hub is needed."""
    name = route.request.url.removeprefix(f"{ORIGIN}/")
    if name.endswith(".js"):
        route.fulfill(body=(MODULES / name).read_text("utf-8"), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Modules</title>", content_type="text/html")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page that has the modules under `m`, on a device whose own zone is far from every restaurant's."""
    with lent(chromium(*FLAGS), ORIGIN, timezone_id="Pacific/Kiritimati") as made:
        made.route("**/*", answer)
        made.goto(f"{ORIGIN}/")
        made.evaluate(LOAD, ["party", "draft", "first"])
        yield made


def moments(zone: str) -> list[tuple[str, int, int]]:
    """A year of days with the time that a restaurant's clock shows, and the moment that Python says it is."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    wanted = []
    while day.year == 2026:
        for minutes in (0, 90, 150, 165, 1170):
            shown = (day + timedelta(minutes=minutes)).replace(tzinfo=ZoneInfo(zone))
            wanted.append((day.strftime("%Y-%m-%d"), minutes, int(shown.timestamp() * 1000)))
        day += timedelta(days=1)
    return wanted


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_and_time_are_the_restaurants_own_when_clocks_change_too(page: Page, zone: str) -> None:
    wanted = moments(zone)
    found = page.evaluate("([days, zone]) => days.map(([day, at]) => m.party.momentOf(day, at, zone))", [wanted, zone])
    wrong = [(day, at) for (day, at, moment), got in zip(wanted, found, strict=True) if got != moment]
    assert wrong == []


def test_times_that_are_offered_for_today_are_still_to_come(page: Page) -> None:
    now = int(datetime(2026, 7, 1, 19, 10, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)
    today, later = page.evaluate(
        "(now) => ['2026-07-01', '2026-07-02'].map((day) => m.party.picks(day, now, 'Europe/Berlin'))", now
    )
    assert today == [1170, 1200, 1230, 1260, 1290]
    assert {720, 1080, 1200} <= set(later)
    assert page.evaluate("() => m.party.dayAfter('2026-12-31')") == "2027-01-01"


def send(api: httpx.Client, restaurant: int, operations: list[dict[str, Any]]) -> httpx.Response:
    """One batch to the hub."""
    body = {"restaurant_id": restaurant, "operations": operations}
    return api.post("/api/v1/atomic/batch", json=body)


@pytest.mark.parametrize(("kind", "count"), [("bistro", 12), ("dining", 30), ("empty", 0)])
def test_a_floor_to_start_from_is_taken_by_the_hub(
    page: Page, api: httpx.Client, restaurant: int, kind: str, count: int
) -> None:
    operations = page.evaluate("(kind) => m.first.starter(kind, (section) => section)", kind)
    assert len(operations) == count
    if operations:
        assert send(api, restaurant, operations).status_code == 200
    tables = api.get(f"/restaurants/{restaurant}/tables/").json()
    assert len({table["tableNumber"] for table in tables}) == count
    spots = [(table["position"]["x"] * 760, table["position"]["y"] * 560) for table in tables]
    assert all(0 <= table["position"][axis] <= 1 for table in tables for axis in "xy")
    near = [(a, b) for i, a in enumerate(spots) for b in spots[:i] if (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 < 80**2]
    assert near == []


SWAP = """([one, other, spare]) => {
  let draft = m.draft.createDraft(new Map([one, other, spare].map((made) => [made.id, made])));
  draft = m.draft.change(draft, [
    [one.id, {tableNumber: other.tableNumber, capacity: 6}],
    [other.id, {tableNumber: one.tableNumber}],
  ]);
  draft = m.draft.change(draft, [[spare.id, null]]);
  const made = {isNew: true, tableNumber: spare.tableNumber, shape: "booth", capacity: 4, position: {x: 0.5, y: 0.5}};
  draft = m.draft.change(draft, [["n1", made]]);
  return m.draft.operations(draft);
}"""


def test_numbers_that_change_hands_and_one_that_is_given_again_are_saved_as_one_batch(
    page: Page, api: httpx.Client, restaurant: int
) -> None:
    path = f"/restaurants/{restaurant}/tables/"
    made = [api.post(path, json={"tableNumber": number, "capacity": 4}).json() for number in ("1", "2", "3")]
    operations = page.evaluate(SWAP, made)
    versions = {table["id"]: table["version"] for table in made}
    assert all(one["if_match"] == versions[one["entity_id"]] for one in operations if one["action"] != "create")
    answered = send(api, restaurant, operations)
    assert answered.status_code == 200, answered.text
    after = {table["id"]: table for table in api.get(path).json()}
    assert {made[0]["id"]: "2", made[1]["id"]: "1", "n1": "3"} == {
        key: one["tableNumber"] for key, one in after.items()
    }
    assert after[made[0]["id"]]["capacity"] == 6


def test_what_others_did_meanwhile_goes_under_the_edits_and_is_named(page: Page) -> None:
    notes, left = page.evaluate("""() => {
      let draft = m.draft.createDraft(new Map(["a", "b", "c", "d"].map((id) => table(id))));
      const edits = [["a", {section: "Bar"}], ["b", {capacity: 6}], ["c", null], ["d", {rotation: 15}]];
      draft = m.draft.change(draft, edits);
      const now = new Map([table("a", {currentGuestId: "g", version: 8}), table("b", {capacity: 2, version: 9}),
        table("c", {currentGuestId: "h", version: 8})]);
      const met = m.draft.rebase(draft, now);
      return [met.notes.map(({kind, table, fields}) => [kind, table.id, fields]), m.draft.operations(met.draft)];
    }""")
    assert notes == [["kept", "a", []], ["both", "b", ["capacity"]], ["seated", "c", []], ["gone", "d", []]]
    assert [(one["entity_id"], one["if_match"], one["data"]) for one in left] == [
        ("a", 8, {"section": "Bar"}),
        ("b", 9, {"capacity": 6}),
    ]


def test_undo_takes_back_a_whole_drag_and_ends_at_the_hubs_floor(page: Page) -> None:
    steps = page.evaluate("""() => {
      let draft = m.draft.createDraft(new Map([table("a"), table("b")]));
      for (const x of [0.2, 0.3, 0.4]) draft = m.draft.change(draft, [["a", {position: {x, y: 0.1}}]], "drag 1");
      draft = m.draft.change(draft, [["b", null]]);
      const counts = [m.draft.operations(draft).length];
      for (let i = 0; i < 3; i += 1) { draft = m.draft.undo(draft); counts.push(m.draft.operations(draft).length); }
      return counts;
    }""")
    assert steps == [2, 1, 0, 0]


def test_what_the_hub_would_refuse_is_found_before_it_is_sent(page: Page) -> None:
    found = page.evaluate("""() => {
      let draft = m.draft.createDraft(new Map([table("a"), table("b"), table("c", {currentGuestId: "g"}), table("d")]));
      draft = m.draft.change(draft, [["b", {tableNumber: " A"}], ["c", {capacity: 2}], ["d", {tableNumber: " "}]]);
      return m.draft.faults(draft, new Map([["g", {partySize: 4}]])).map(({id, kind}) => [id, kind]);
    }""")
    assert found == [["b", "taken"], ["c", "small"], ["d", "blank"]]


def test_new_tables_never_pile_up_and_a_dragged_one_falls_in_line(page: Page) -> None:
    places, last, snapped, free = page.evaluate("""() => {
      const tables = new Map();
      for (let i = 0; i < 30; i += 1) tables.set(i, {tableNumber: String(i + 1), position: m.draft.freePlace(tables)});
      return [[...tables.values()].map(({position}) => [position.x, position.y]), m.draft.nextNumber(tables),
        m.draft.snap({x: 0.507, y: 0.3}, [{x: 0.5, y: 0.9}]), m.draft.snap({x: 0.43, y: 0.3}, [{x: 0.5, y: 0.9}])];
    }""")
    assert len({tuple(place) for place in places}) == 30
    assert min(abs(a[0] - b[0]) * 800 + abs(a[1] - b[1]) * 620 for i, a in enumerate(places) for b in places[:i]) >= 100
    assert last == "31"
    assert snapped == {"position": {"x": 0.5, "y": 0.3}, "lines": {"x": True, "y": False}}
    assert free["position"] == {"x": 0.425, "y": 0.3}
    assert page.evaluate("() => [m.draft.turned(345, 15), m.draft.turned(0, -15), m.draft.turned(7, 15)]") == [
        0,
        345,
        15,
    ]
