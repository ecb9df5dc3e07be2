"""This file is how times are written: RFC 3339 in, whole UTC seconds inside, `2024-01-15T10:30:00Z` out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = (
    -2208988800,
    253370764800,
)  # 1900-01-01 and 9999-01-01: outside, an offset overflows on its way to UTC


@lru_cache(4096)
def time_text(seconds: int) -> str:
    """Whole UTC seconds as `2024-01-15T10:30:00Z`: Swift's `.iso8601` decoder fails on fractions, so there are none."""
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"  # Windows has no `fromtimestamp` before 1970


@lru_cache(4096)
def time_or_none(seconds: int | None) -> str | None:
    """The same for a time that may be missing."""
    return None if seconds is None else time_text(seconds)


def read_time(text: str) -> int | None:
    """Whole UTC seconds of an RFC 3339 date-time with an offset (fractions dropped), None where it is none."""
    match = RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, offset = match.groups()
    try:
        seconds = int(datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace('Z', '+00:00')}").timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if EARLIEST <= seconds < LATEST else None
