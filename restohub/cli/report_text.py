"""A report as text on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date

from restohub.reports import words
from restohub.reports.business_day import zone_of
from restohub.text import printable
from restohub.wire.night_report import NightReport

GROUPS_SHOWN = 20
BAR_COLUMNS = 40
HOUR_QUARTERS = 4


def print_report(report: NightReport) -> str:
    """The report in lines for a person."""
    day = words.long_date(date.fromisoformat(report.date))
    zone = zone_of(report.timezone) or UTC
    lines = [f"{printable(report.restaurant)}, {day} ({report.timezone})"]
    if words.is_empty(report):
        return "\n".join([*lines, "No party is done on this day."])
    lines += [f"{name:20} {said}" for name, said in words.totals(report)]
    lines += ["", words.quotes(report), words.seats(report), *_covers(report)]
    sized = ("People", "Parties", "Told", "Waited")
    lines += _table("Waits by hour", ("Came at", *sized[1:]), words.waits_by_hour(report, zone, None))
    lines += _table("Waits by size", sized, words.waits_by_size(report))
    lines += _table("Turns by size", ("People", "Parties", "Mean", "Median", "Longest"), words.turns(report))
    lines += _table("Sections", ("Section", "Parties", "Covers"), words.groups(report.sections, GROUPS_SHOWN))
    lines += _table("Servers", ("Server", "Parties", "Covers"), words.groups(report.servers, GROUPS_SHOWN))
    return "\n".join(lines)


def _covers(report: NightReport) -> list[str]:
    """Bars of the covers by quarter hour."""
    seated = [number for number, one in enumerate(report.quarter_hours) if one.covers]
    if not seated:
        return []
    zone = zone_of(report.timezone) or UTC
    shown = report.quarter_hours[seated[0] : seated[-1] + 1]
    most = max(one.covers for one in shown)
    times = [words.clock_time(one.time, zone, None) for one in shown]
    bars = [
        f"  {time} {one.covers:5,} {'#' * (BAR_COLUMNS * one.covers // most)}".rstrip()
        for time, one in zip(times, shown, strict=True)
    ]
    return ["", "Covers by quarter hour", *bars]


def _table(title: str, columns: Sequence[str], rows: Sequence[words.Row]) -> list[str]:
    """A table with its heading, nothing where it has no row."""
    if not rows:
        return []
    shown = [columns, *([printable(first, 40), *others] for first, *others in rows)]
    widths = [max(len(row[number]) for row in shown) for number in range(len(columns))]
    return ["", title, *("  " + "  ".join(_aligned(row, widths)) for row in shown)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A name on the left, numbers on the right of their columns."""
    numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return [row[0].ljust(widths[0]), *numbers]
