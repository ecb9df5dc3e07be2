"""Tables for a spreadsheet: CSV that opens as it is meant, and in which no text is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from restohub.floor.model import Guest
from restohub.floor.visits import Visit
from restohub.wire.access_bodies import AuditEntry
from restohub.wire.entities import guest_out
from restohub.wire.night_report import NightReport
from restohub.wire.times import time_or_none

Cell = str | int | bool | None | Sequence[str]

# A spreadsheet takes what begins with one of these for a formula, and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Excel takes a file without this mark for the machine's old code page.
MARK = "\ufeff"

REPORT_COLUMNS = ("part", "group", "parties", "covers", "quoted", "actual", "mean", "median", "longest", "chairs")
AUDIT_COLUMNS = (
    "revision",
    "timestamp",
    "device_id",
    "device",
    "person_id",
    "person",
    "action",
    "entity_type",
    "entity_id",
)
VISIT_COLUMNS = (
    "restaurant_id", "guest_id", "time", "status", "walk_in", "party_size", "quoted_wait", "reservation_time",
    "check_in_time", "seated_time", "ended", "table_number", "capacity", "section", "server",
)  # fmt: skip
GUEST_COLUMNS = (
    "id", "firstName", "lastName", "partySize", "status", "phone", "email", "notes", "specialRequests",
    "dietaryRestrictions", "tags", "isWalkIn", "quotedWait", "reservationTime", "checkInTime", "seatedTime",
    "finishedTime", "notifiedTime", "arrivedCount", "totalVisits", "createdAt", "lastUpdated",
)  # fmt: skip


def harmless(cell: Cell) -> Cell:
    """A cell as it may stand in a spreadsheet; numbers are what they are, lists one text."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int) or cell is None:
        return cell
    text = cell if isinstance(cell, str) else ", ".join(cell)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def rows_as_csv(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV (RFC 4180), without the mark at the beginning."""
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return made.getvalue()


def report_csv(report: NightReport) -> bytes:
    """A report as one table: a row for each number or group of it."""
    return (MARK + rows_as_csv([REPORT_COLUMNS, *_report_rows(report)])).encode()


def _report_rows(report: NightReport) -> Iterator[Sequence[Cell]]:
    """Each row has the ten columns; what a part does not have is empty."""
    counts = {
        "finished": report.finished,
        "walk-ins": report.walk_ins,
        "reservations": report.reservations,
        "no-shows": report.no_shows,
        "cancelled": report.cancelled,
        "left": report.left,
    }
    for name, one in counts.items():
        yield (name, report.date, one.parties, one.covers, *[None] * 6)
    waits, turns, use = report.waits, report.turns, report.tables
    yield ("waits", report.date, waits.parties, None, waits.quoted, waits.actual, *[None] * 4)
    for name, parties in (("sooner", waits.sooner), ("on time", waits.on_time), ("later", waits.later)):
        yield ("quotes", name, parties, *[None] * 7)
    for by_size in waits.by_size:
        yield ("waits by size", by_size.size, by_size.parties, None, by_size.quoted, by_size.actual, *[None] * 4)
    for hour in waits.by_hour:
        yield ("waits by hour", hour.time, hour.parties, None, hour.quoted, hour.actual, *[None] * 4)
    yield ("turns", report.date, turns.parties, *[None] * 3, turns.mean, *[None] * 3)
    for turn in turns.by_size:
        yield ("turns by size", turn.size, turn.parties, *[None] * 3, turn.mean, turn.median, turn.longest, None)
    for quarter in report.quarter_hours:
        yield ("covers by quarter hour", quarter.time, None, quarter.covers, *[None] * 6)
    yield ("tables used", use.used, use.seatings, use.covers, *[None] * 5, use.chairs)
    for part, groups in (("section", report.sections), ("server", report.servers)):
        for group in groups:
            yield (part, group.name, group.parties, group.covers, *[None] * 6)


def audit_csv(entries: Iterable[AuditEntry]) -> bytes:
    """Who did what as a table: a row for each entry, the latest first."""
    rows = ([getattr(one, column) for column in AUDIT_COLUMNS] for one in entries)
    return (MARK + rows_as_csv([AUDIT_COLUMNS, *rows])).encode()


def visit_cells(restaurant_id: int, visit: Visit) -> Sequence[Cell]:
    """A visit as a row under VISIT_COLUMNS."""
    served = visit.served
    table = (None,) * 4 if served is None else (served.table_number, served.capacity, served.section, served.server)
    times = (visit.reservation_time, visit.check_in_time, visit.seated_time, visit.ended)
    return (
        restaurant_id,
        visit.guest_id,
        time_or_none(visit.at),
        visit.status,
        visit.is_walk_in,
        visit.party_size,
        visit.quoted_wait,
        *map(time_or_none, times),
        *table,
    )


def guest_cells(restaurant_id: int, guest: Guest) -> Sequence[Cell]:
    """A guest on the floor as a row under `restaurant_id` and GUEST_COLUMNS."""
    shown = guest_out(guest)
    names = {field.encode_name: field.name for field in structs.fields(shown)}
    return (restaurant_id, *(getattr(shown, names[column]) for column in GUEST_COLUMNS))
