"""Times for people: in the restaurant's zone, not in UTC, unless the zone is not for everyone."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from restohub.live.hub import Hub
from restohub.wire.times import EPOCH


def local_time(hub: Hub, seconds: int | None = None) -> str:
    """The hub's time, or these UTC seconds, in the first restaurant's zone: `22 November 2026, 19:08 (Europe/Rome)`."""
    first = min(hub.writer.directory.restaurants.items(), default=None)
    zone = first[1].timezone if first else hub.zone
    return f"{time_in(zone, hub.clock.now() if seconds is None else seconds)} ({zone})"


def utc_time(seconds: int) -> str:
    """Whole UTC seconds as they are: `22 November 2026, 18:08 (UTC)`."""
    return f"{time_in('UTC', seconds)} (UTC)"


def time_in(zone: str, seconds: int) -> str:
    """Whole UTC seconds in a zone: `22 November 2026, 19:08`; in UTC where this machine does not know the zone."""
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = ZoneInfo("UTC")
    return f"{(EPOCH + timedelta(seconds=seconds)).astimezone(there):%d %B %Y, %H:%M}".lstrip("0")
