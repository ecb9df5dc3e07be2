"""Business days: from one closing to the next, in the restaurant's zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from restohub.wire.times import EPOCH

CLOSING_HOUR = 4
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Every time that a guest may have lies between.
FIRST, LAST = date(1900, 1, 1), date(9998, 12, 30)


class BusinessDay(Struct, frozen=True):
    """A day by its date, from `start` to before `end` (UTC seconds); it has 23, 24 or 25 hours."""

    date: date
    start: int
    end: int
    zone: tzinfo


def zone_of(timezone: str) -> tzinfo | None:
    """The zone of this name, None where this machine does not know it."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def closing_before(now: int, zone: tzinfo) -> int:
    """The newest closing that has passed (UTC seconds)."""
    return _closing(_date_at(now, zone), zone)


def business_day(day: date, timezone: str) -> BusinessDay:
    """The business day that begins on this date; by UTC where this machine does not know the zone."""
    zone = zone_of(timezone) or UTC
    return BusinessDay(day, _closing(day, zone), _closing(day + timedelta(days=1), zone), zone)


def business_day_at(seconds: int, timezone: str) -> BusinessDay:
    """The business day that a time (UTC seconds) is in."""
    return business_day(_date_at(seconds, zone_of(timezone) or UTC), timezone)


def read_date(text: str) -> date | None:
    """A date such as 2026-11-27, None where it is none that a report can be of."""
    try:
        found = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None
    return found if found is not None and FIRST <= found <= LAST else None


def in_zone(seconds: int, zone: tzinfo) -> datetime:
    """A time (UTC seconds) as the clock of a zone shows it; Windows has no `fromtimestamp` before 1970."""
    return (EPOCH + timedelta(seconds=seconds)).astimezone(zone)


def _date_at(seconds: int, zone: tzinfo) -> date:
    here = in_zone(seconds, zone)
    closing = here.replace(hour=CLOSING_HOUR, minute=0, second=0, microsecond=0, fold=0)
    return (here - timedelta(days=1)).date() if closing > here else here.date()


def _closing(day: date, zone: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, CLOSING_HOUR, tzinfo=zone).timestamp())
