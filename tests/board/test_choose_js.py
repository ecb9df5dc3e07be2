"""What the board picks out of a floor: lists, turns, fitting tables, covers, marks, times."""

# ruff: noqa: E501 (the page's scripts keep their lines)

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.board.modules import a_browser, a_page, run  # noqa: F401 (fixtures)

VIEW = """
  const guest = (id, fields) => [id, { id, name: id, partySize: 2, phase: "waiting", status: "waitlist", tableId: null, phone: null,
    reservationTime: null, checkInTime: null, seatedTime: null, quotedWait: null, dietaryRestrictions: [], tags: [], totalVisits: 0,
    createdAt: "2024-01-15T18:00:00Z", version: 1, ...fields }];
  const table = (id, fields) => [id, { id, tableNumber: id, capacity: 4, minCapacity: 1, status: "available", section: null, server: null,
    notes: null, currentGuestId: null, version: 1, ...fields }];
  const view = (guests, tables = []) => ({ guests: new Map(guests), tables: new Map(tables) });
  const ids = (list) => list.map((one) => one.id);
  const now = Date.parse("2024-01-15T19:00:00Z");
  const c = m.choose;
"""


def picked(page: Page, script: str) -> Any:
    """What this script, with the names of VIEW, answers."""
    return run(page, f"() => {{ {VIEW} {script} }}")


def test_lists_are_by_arrival_and_bookings_by_time_and_business_day(engine: Page) -> None:
    assert picked(
        engine,
        """const floor = view([guest("b", { checkInTime: "2024-01-15T18:30:00Z" }), guest("a", { checkInTime: "2024-01-15T18:40:00Z" }),
        guest("s", { phase: "seated" }), guest("late", { phase: "expected", reservationTime: "2024-01-16T00:30:00Z" }),
        guest("next", { phase: "expected", reservationTime: "2024-01-16T18:30:00Z" }),
        guest("early", { phase: "expected", reservationTime: "2024-01-15T17:30:00Z" })]);
        return [ids(c.waiting(floor)), ids(c.seated(floor)), ids(c.booked(floor, "2024-01-15", "Europe/Rome"))];""",
    ) == [["b", "a"], ["s"], ["early", "late"]]


def test_who_is_due_and_who_is_late(engine: Page) -> None:
    assert picked(
        engine,
        """const at = (time) => guest(time, { phase: "expected", reservationTime: `2024-01-15T${time}:00Z` });
        const floor = view([at("18:40"), at("18:50"), at("19:20"), at("20:00")]);
        const { due, late } = c.due(floor, now);
        return [ids(due), ids(late), [...floor.guests.values()].filter((one) => c.overdue(one, now)).map(({ id }) => id)];""",
    ) == [["19:20"], ["18:40", "18:50"], ["18:40"]]


def test_who_is_late_stays_so_all_evening_wherever_the_restaurant_is(engine: Page) -> None:
    assert picked(
        engine,
        """const at = (time) => guest(time, { phase: "expected", reservationTime: time });
        const floor = view([at("2024-01-15T03:50:00Z"), at("2024-01-14T03:50:00Z")]);
        return ids(c.due(floor, Date.parse("2024-01-15T04:40:00Z"), "America/Los_Angeles").late);""",
    ) == ["2024-01-15T03:50:00Z"]


@pytest.mark.parametrize(
    ("minutes", "size", "turns", "stage", "over"),
    [
        (59, 2, None, "early", 0),
        (61, 2, None, "soon", 0),
        (75, 2, None, "over", 0),
        (87, 2, None, "over", 12),
        (87, 3, None, "soon", 0),
        (40, 5, {"2": 30, "4": 40}, "over", 0),
    ],
)
def test_a_turn_has_three_stages(engine: Page, minutes: int, size: int, turns: Any, stage: str, over: int) -> None:
    script = """([minutes, partySize, turnMinutes]) => {
      const now = Date.parse("2024-01-15T19:00:00Z");
      const seatedTime = m.hub.timeText(now - 60000 * minutes);
      return m.choose.stage({ seatedTime, partySize }, { turnMinutes }, now);
    }"""
    shown = run(engine, script, minutes, size, turns)
    assert (shown["stage"], shown["minutes"], shown["over"]) == (stage, minutes, over)


def test_the_best_fit_is_the_smallest_free_table_that_is_meant_for_so_few(engine: Page) -> None:
    assert picked(
        engine,
        """const floor = view([], [table("10", { capacity: 4 }), table("9", { capacity: 4 }), table("2", { capacity: 2, status: "dirty" }),
        table("3", { capacity: 3, minCapacity: 3 }), table("4", { capacity: 2, currentGuestId: "x" })]);
        return [ids(c.fits(floor, { partySize: 2 })), c.bestFit(floor, { partySize: 5 })];""",
    ) == [["9", "10", "3"], None]


def test_covers_of_the_next_quarter_hours_count_who_booked_or_has_a_table_held(engine: Page) -> None:
    shown = picked(
        engine,
        """const at = (id, time, fields) => guest(id, { phase: "expected", reservationTime: time && `2024-01-15T${time}:00Z`, ...fields });
        return c.covers(view([at("a", "18:50"), at("b", "19:14", { partySize: 4 }), at("c", "19:15"), at("d", null), at("e", "23:00"),
        guest("w", { tableId: "t" }), guest("x", {})]), now);""",
    )
    assert [one["covers"] for one in shown] == [8, 2, 0, 0, 0, 0, 0, 0]


def test_marks_sections_and_the_next_server(engine: Page) -> None:
    assert picked(
        engine,
        """const floor = view([guest("a", { phase: "seated", partySize: 5, seatedTime: "2024-01-15T18:00:00Z" })],
        [table("1", { section: "Hall ", server: "Ada", currentGuestId: "a" }), table("2", { section: "hall", server: "Ben" })]);
        const marked = { dietaryRestrictions: ["nuts"], tags: ["VIP", "High chair", "Geburtstag"], totalVisits: 2 };
        return [c.marks(marked), c.marks({}), c.sections(floor), c.nextServer(floor)];""",
    ) == [
        ["allergy", "vip", "birthday", "high_chair", "visits"],
        [],
        [{"name": "Hall", "server": None, "tables": 2, "covers": 5}],
        {"server": "Ben", "covers": 0},
    ]


def test_tables_pushed_together_keep_their_own_note_and_come_apart_exactly(engine: Page) -> None:
    together, apart = picked(
        engine,
        """let floor = view([], [table("12.5", { capacity: 4 }), table("13", { capacity: 2, notes: "Wobbles." })]);
        const press = (act) => { const { changes } = m.predict.outcome({ ...floor, epoch: "e" }, act.operations, { at: now });
          floor = m.floor.applyChanges(floor, changes.map((one) => ({ ...one, data: { ...one.data, version: one.data.version + 1 } }))); };
        const shown = () => [...floor.tables.values()].map(({ capacity, status, notes }) => [capacity, status, notes]);
        press(m.acts.push(floor, "12.5", "13"));
        const first = [shown(), ids(c.joined(floor).get("12.5"))];
        press(m.acts.pull(floor, "12.5"));
        return [first, shown()];""",
    )
    pushed = [6, "available", None], [2, "outOfService", "Pushed to table 12.5. · Wobbles."]
    assert together == [list(pushed), ["13"]]
    assert apart == [[4, "available", None], [2, "available", "Wobbles."]]


def test_search_is_by_part_of_a_name_or_of_a_phone_without_its_signs(engine: Page) -> None:
    assert picked(
        engine,
        """const floor = view([guest("Rossi", { phone: "+39 06-123" }), guest("Weber", { phase: "done" }), guest("Webster", {})]);
        return [c.find(floor, "WEB"), c.find(floor, "3906"), c.find(floor, "06"), c.find(floor, " ")].map(ids);""",
    ) == [["Webster", "Weber"], ["Rossi"], [], []]


def test_every_act_that_is_possible_is_named_once_and_one_is_first(engine: Page) -> None:
    shown = picked(
        engine,
        """const floor = { epoch: "e", ...view([guest("w", {}), guest("s", { phase: "seated", status: "seated", tableId: "1" }),
        guest("h", { phase: "expected", status: "confirmed", tableId: "2" }), guest("d", { phase: "done", status: "left" })],
        [table("1", { status: "occupied", currentGuestId: "s" }), table("2", { status: "reserved", currentGuestId: "h" }), table("3"),
        table("4", { status: "dirty" }), table("5", { status: "outOfService" }), table("6", { status: "outOfService", notes: "Pushed to table 3." })]) };
        const all = [...[..."wshd"].map((id) => ({ kind: "guest", id })), ...[..."123456"].map((id) => ({ kind: "table", id }))];
        return all.map((selection) => m.acts.possible(floor, selection, now).map(({ key, primary }) => (primary ? `${key}!` : key)));""",
    )
    for keys in shown:
        assert len({key.rstrip("!") for key in keys}) == len(keys), keys
        assert sum(key.endswith("!") for key in keys) == 1, keys
    firsts = [next(key for key in keys if key.endswith("!")) for keys in shown]
    assert firsts == [
        "seat_at!", "finish!", "arrive!", "unseat!", "finish!", "seat_held!", "walk_in!", "clean!", "unblock!", "pull!",
    ]  # fmt: skip


def test_the_hubs_clock_is_followed_whatever_this_device_believes(engine: Page) -> None:
    script = """() => {
      let device = 3 * 3600 * 1000;
      const clock = m.hub.createClock(() => device);
      const shown = [clock.known()];
      clock.observe("2024-01-15T10:00:00Z");
      device += 700;
      clock.observe("2024-01-15T10:00:01Z");
      shown.push(clock.now());
      device += 3000;
      clock.observe("2024-01-15T10:00:03Z");
      shown.push(clock.now());
      clock.observe("2024-01-15T09:00:00Z");
      return [...shown, m.hub.timeText(clock.now()), m.hub.businessDay(Date.parse("2024-01-16T02:59:59Z"), "Europe/Rome"),
        m.hub.businessDay(Date.parse("2024-01-16T03:00:00Z"), "Europe/Rome")];
    }"""
    start = 1_705_312_800_000
    told = ["2024-01-15T09:00:00Z", "2024-01-15", "2024-01-16"]
    assert run(engine, script) == [False, start + 1000, start + 4000, *told]
