"""The report of the night as a page that prints on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape

from restohub.floor.model import Restaurant
from restohub.reports import words
from restohub.reports.business_day import BusinessDay
from restohub.reports.charts import Bar, bar_chart
from restohub.wire.night_report import NightReport, QuarterHour

from .html_templates import filled

# What fits on a sheet beside all else.
GROUPS_SHOWN = 8
HOUR_QUARTERS = 4


def report_page(report: NightReport, restaurant: Restaurant, day: BusinessDay) -> bytes:
    """The page of a report."""
    date, hours = words.long_date(day.date), restaurant.hours
    empty = '<p class="note">No party is done on this day.</p>' if words.is_empty(report) else ""
    sized = ("People", "Parties", "Told", "Waited")
    return filled(
        "report.html",
        title=escape(f"{report.restaurant}, {date}"),
        name=escape(report.restaurant),
        date=escape(date),
        covers=f"{report.finished.covers:,}",
        empty=empty,
        before=f"/restaurants/{report.restaurant_id}/reports/{day.date - timedelta(days=1)}",
        after=f"/restaurants/{report.restaurant_id}/reports/{day.date + timedelta(days=1)}",
        csv=f"/restaurants/{report.restaurant_id}/reports/{day.date}.csv",
        totals="".join(f"<dt>{name}</dt><dd>{escape(said)}</dd>" for name, said in words.totals(report)),
        quarters=bar_chart("Covers by quarter hour", _quarters(report, day, restaurant)),
        waits=bar_chart("Waits by hour: told, and as they were", _waits(report, day, restaurant)),
        quotes=escape(words.quotes(report)),
        seats=escape(words.seats(report)),
        by_hour=_table("Waits by hour", ("Came at", *sized[1:]), words.waits_by_hour(report, day.zone, hours)),
        by_size=_table("Waits by size", sized, words.waits_by_size(report)),
        turns=_table("Turns by size", ("People", "Parties", "Mean", "Median", "Longest"), words.turns(report)),
        sections=_table("Sections", ("Section", "Parties", "Covers"), words.groups(report.sections, GROUPS_SHOWN)),
        servers=_table("Servers", ("Server", "Parties", "Covers"), words.groups(report.servers, GROUPS_SHOWN)),
    )


def _quarters(report: NightReport, day: BusinessDay, restaurant: Restaurant) -> list[Bar]:
    """The quarter hours from the first hour to the last in which anybody was seated."""
    seated = [number for number, one in enumerate(report.quarter_hours) if one.covers]
    if not seated:
        return []
    first, last = seated[0] // HOUR_QUARTERS, seated[-1] // HOUR_QUARTERS + 1
    shown = report.quarter_hours[first * HOUR_QUARTERS : last * HOUR_QUARTERS]

    def bar(number: int, one: QuarterHour) -> Bar:
        time = words.clock_time(one.time, day.zone, restaurant.hours)
        return Bar(one.covers, f"{time}: {one.covers}", "" if number % HOUR_QUARTERS else time)

    return [bar(number, one) for number, one in enumerate(shown)]


def _waits(report: NightReport, day: BusinessDay, restaurant: Restaurant) -> list[Bar]:
    bars = []
    for one in report.waits.by_hour:
        time = words.clock_time(one.time, day.zone, restaurant.hours)
        told, waited = one.quoted or 0, one.actual or 0
        bars.append(Bar(told, f"{time}: told {told} min, waited {waited} min", time, waited))
    return bars


def _table(title: str, columns: Sequence[str], rows: Sequence[words.Row]) -> str:
    """A table with its heading, "" where it has no row."""
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{one}</th>' for one in columns)
    cells = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in others)}</tr>'
        for first, *others in rows
    )
    return f"<section><h2>{title}</h2><table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table></section>\n"
