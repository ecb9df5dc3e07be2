"""What a report counts: parties, waits, turns, quarter hours of any day, tables, sections, and what it leaves out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from restohub.floor.model import Restaurant
from restohub.floor.visits import Served, Visit
from restohub.limits import REPORT_GROUPS_MAX
from restohub.reports.business_day import business_day, business_day_at, read_date
from restohub.reports.night import Night
from restohub.wire.night_report import Group, NightReport, PartyCount, QuarterHour, TurnsBySize, WaitsByHour

ROME = Restaurant(id="1", name="Da Carlo", timezone="Europe/Rome")
EVENING = int(datetime.fromisoformat("2026-11-27T19:00:00+01:00").timestamp())
NUMBER = iter(range(10**6))


def visit(**facts: Any) -> Visit:
    """A finished party of two at 19:00, with these facts."""
    usual = {"at": EVENING, "status": "finished", "is_walk_in": True, "party_size": 2}
    return Visit(guest_id=f"g{next(NUMBER)}", revision=1, **{**usual, **facts})


def report(*visits: Visit, day: str = "2026-11-27", timezone: str = "Europe/Rome") -> NightReport:
    night = Night(ROME, business_day(date.fromisoformat(day), timezone))
    night.add_visits(visits)
    return night.report()


def test_parties_are_counted_by_what_became_of_them() -> None:
    found = report(
        visit(party_size=4),
        visit(party_size=3, is_walk_in=False),
        visit(status="no_show", party_size=6, is_walk_in=False),
        visit(status="cancelled", party_size=2),
        visit(status="left", party_size=5),
        visit(status="left", party_size=1),
    )
    assert (found.finished, found.walk_ins, found.reservations) == (
        PartyCount(2, 7), PartyCount(1, 4), PartyCount(1, 3),
    )  # fmt: skip
    assert (found.no_shows, found.cancelled, found.left) == (PartyCount(1, 6), PartyCount(1, 2), PartyCount(2, 6))


def test_waits_are_of_those_who_were_told_one_and_were_seated() -> None:
    def waited(told: int | None, minutes: int, size: int = 2, came: int = EVENING) -> Visit:
        return visit(quoted_wait=told, check_in_time=came, seated_time=came + 60 * minutes, party_size=size)

    found = report(
        waited(20, 18), waited(20, 25), waited(20, 26), waited(20, 14), waited(30, 30, 5, EVENING + 3675),
        waited(None, 90), waited(10, -5), visit(quoted_wait=10, check_in_time=EVENING), visit(quoted_wait=10),
    ).waits  # fmt: skip
    assert (found.parties, found.quoted, found.actual) == (5, 22, 23)
    at_once = report(waited(0, 4), waited(10, 0), waited(20, 15)).waits
    assert (at_once.parties, at_once.sooner, at_once.on_time) == (3, 1, 2), "to have no wait contradicts nothing"
    assert (found.sooner, found.on_time, found.later) == (1, 3, 1)
    assert [(one.size, one.parties, one.quoted, one.actual) for one in found.by_size] == [
        ("1-2", 4, 20, 21), ("3-4", 0, None, None), ("5-6", 1, 30, 30), ("7+", 0, None, None),
    ]  # fmt: skip
    assert found.by_hour == [
        WaitsByHour("2026-11-27T18:00:00Z", 4, 20, 21),
        WaitsByHour("2026-11-27T19:00:00Z", 1, 30, 30),
    ]


def test_turns_are_from_the_table_to_the_end() -> None:
    def turned(minutes: int, size: int = 4, status: str = "finished") -> Visit:
        return visit(seated_time=EVENING, ended=EVENING + 60 * minutes, party_size=size, status=status)

    found = report(
        turned(60), turned(80), turned(130), turned(-10), turned(45, 9), turned(99, status="cancelled")
    ).turns
    assert (found.parties, found.mean) == (4, 79)
    assert found.by_size[1:] == [
        TurnsBySize("3-4", 3, 90, 80, 130), TurnsBySize("5-6", 0, None, None, None), TurnsBySize("7+", 1, 45, 45, 45),
    ]  # fmt: skip
    assert report(*(turned(minutes) for minutes in (50, 0, 40, 10, 30))).turns.by_size[1] == TurnsBySize(
        "3-4", 5, 26, 30, 50
    )


@pytest.mark.parametrize(
    ("day", "timezone", "quarters"),
    [
        ("2026-10-24", "Europe/Rome", 100),
        ("2026-10-25", "Europe/Rome", 96),
        ("2026-03-28", "Europe/Rome", 92),
        ("2026-11-27", "Europe/Rome", 96),
        ("2026-04-04", "Australia/Lord_Howe", 98),
        ("2026-11-27", "Nowhere/Unknown", 96),
    ],
)
def test_a_day_has_the_quarter_hours_that_the_clock_gives_it(day: str, timezone: str, quarters: int) -> None:
    found = report(day=day, timezone=timezone).quarter_hours
    assert len(found) == quarters
    assert all(one.covers == 0 for one in found)


def test_covers_are_in_the_quarter_hour_in_which_they_were_seated() -> None:
    night = business_day(date(2026, 10, 24), "Europe/Rome")  # 02:30 comes twice
    twice = [int(datetime.fromisoformat(f"2026-10-25T02:30:00+0{offset}:00").timestamp()) for offset in (2, 1)]
    seated = [visit(at=time, seated_time=time, party_size=size) for time, size in zip(twice, (3, 4), strict=True)]
    late = visit(at=night.end - 1, seated_time=night.end + 60)  # after the close: in no quarter of this day
    found = [one for one in report(*seated, late, day="2026-10-24").quarter_hours if one.covers]
    assert found == [QuarterHour("2026-10-25T00:30:00Z", 3), QuarterHour("2026-10-25T01:30:00Z", 4)]


def test_the_day_is_from_closing_to_closing() -> None:
    closing = datetime.fromisoformat("2026-11-28T04:00:00+01:00").timestamp()
    assert business_day_at(int(closing) - 1, "Europe/Rome").date == date(2026, 11, 27)
    assert business_day_at(int(closing), "Europe/Rome").date == date(2026, 11, 28)
    night = business_day(date(2026, 11, 27), "Europe/Rome")
    assert (night.end, night.end - night.start) == (int(closing), 86_400)


@pytest.mark.parametrize(
    "text", ["2026-11-31", "20261127", "2026-11-27T00:00", "1899-12-31", "9999-01-01", "", "today"]
)
def test_what_is_no_date_of_a_report_is_none(text: str) -> None:
    assert read_date(text) is None


def test_tables_and_chairs_sections_and_servers() -> None:
    window, bar = Served("7", 4, "Window", "Mia"), Served("9", 2, "Bar", "Mia")
    cancelled = visit(served=bar, status="cancelled")
    found = report(
        visit(served=window, party_size=3), visit(served=window), visit(served=bar), visit(party_size=1), cancelled
    )
    use = found.tables
    assert (use.used, use.seatings, use.chairs, use.covers) == (2, 3, 10, 7)
    assert found.sections == [Group("Window", 2, 5), Group("Bar", 1, 2), Group(None, 1, 1)]
    assert found.servers == [Group("Mia", 3, 7), Group(None, 1, 1)]


def test_of_very_many_sections_only_the_largest_are_named() -> None:
    many = [visit(served=Served("1", 4, f"S{n}", f"W{n}"), party_size=1 + n % 50) for n in range(200)]
    told = report(*many)
    for found in (told.sections, told.servers):
        assert len(found) == REPORT_GROUPS_MAX
        assert found[0].covers == 50
        assert found[-1].covers >= 38
