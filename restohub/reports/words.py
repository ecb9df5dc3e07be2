"""A report in words: the numbers that a page and a terminal show, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo

from restohub.floor.model import Hours
from restohub.text import printable
from restohub.wire.night_report import Group, NightReport, PartyCount

Row = tuple[str, ...]
# Of a section or a server: what stays on one line of a sheet.
NAME_MAX = 32


def long_date(day: date) -> str:
    """`Friday, 27 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B %Y}"


def clock_time(text: str, zone: tzinfo, hours: Hours | None) -> str:
    """A time of the wire by the restaurant's own clock: `19:30`, or `7:30 pm` where it counts 12 hours."""
    there = datetime.fromisoformat(text).astimezone(zone or UTC)
    if hours == 12:
        return f"{there.hour % 12 or 12}:{there:%M} {'am' if there.hour < 12 else 'pm'}"
    return f"{there:%H:%M}"


def counted(one: PartyCount) -> str:
    """`48 parties, 131 covers`."""
    return f"{many(one.parties, 'party', 'parties')}, {many(one.covers, 'cover', 'covers')}"


def many(count: int, one: str, more: str) -> str:
    """A number and its noun."""
    return f"{count:,} {one if count == 1 else more}"


def minutes(count: int | None) -> str:
    """Minutes, a dash where there are none to tell."""
    return "–" if count is None else f"{count:,} min"


def is_empty(report: NightReport) -> bool:
    """Whether nobody was done on that day."""
    parties = (report.finished, report.no_shows, report.cancelled, report.left)
    return not any(one.parties for one in parties)


def totals(report: NightReport) -> list[Row]:
    """What came of the parties."""
    return [
        ("Served", counted(report.finished)),
        ("Walk-ins", counted(report.walk_ins)),
        ("Reservations", counted(report.reservations)),
        ("No-shows", counted(report.no_shows)),
        ("Cancelled", counted(report.cancelled)),
        ("Left before a table", counted(report.left)),
    ]


def quotes(report: NightReport) -> str:
    """How good the quoted waits were."""
    waits = report.waits
    if not waits.parties:
        return "No party that was told a wait was seated."
    return (
        f"{many(waits.parties, 'party was', 'parties were')} told {minutes(waits.quoted)} and waited "
        f"{minutes(waits.actual)} on average: {waits.on_time:,} within 5 minutes of it, {waits.sooner:,} sooner, "
        f"{waits.later:,} later."
    )


def seats(report: NightReport) -> str:
    """How the tables were used."""
    use = report.tables
    if not use.seatings:
        return "No party that was served had a table."
    filled = f"{100 * use.covers // use.chairs} %" if use.chairs else "none"
    return (
        f"{many(use.used, 'table', 'tables')}, {many(use.seatings, 'seating', 'seatings')}: "
        f"{use.covers:,} of {many(use.chairs, 'chair', 'chairs')} filled ({filled})."
    )


def waits_by_size(report: NightReport) -> list[Row]:
    """Size, parties, quoted and actual wait; sizes of which nobody waited are left out."""
    return [
        (one.size, f"{one.parties:,}", minutes(one.quoted), minutes(one.actual))
        for one in report.waits.by_size
        if one.parties
    ]


def waits_by_hour(report: NightReport, zone: tzinfo, hours: Hours | None) -> list[Row]:
    """Hour of arrival, parties, quoted and actual wait."""
    return [
        (clock_time(one.time, zone, hours), f"{one.parties:,}", minutes(one.quoted), minutes(one.actual))
        for one in report.waits.by_hour
    ]


def turns(report: NightReport) -> list[Row]:
    """Size, parties, mean, median and longest turn."""
    return [
        (one.size, f"{one.parties:,}", minutes(one.mean), minutes(one.median), minutes(one.longest))
        for one in report.turns.by_size
        if one.parties
    ]


def groups(found: Sequence[Group], most: int) -> list[Row]:
    """Sections or servers with their parties and covers; what is beyond the most is one row."""
    names = [printable(one.name or "none", NAME_MAX) for one in found[:most]]
    shown: list[Row] = [(name, f"{one.parties:,}", f"{one.covers:,}") for name, one in zip(names, found, strict=False)]
    if rest := found[most:]:
        parties, covers = sum(one.parties for one in rest), sum(one.covers for one in rest)
        shown.append((f"{len(rest)} others", f"{parties:,}", f"{covers:,}"))
    return shown
