"""Times: RFC 3339 in, whole UTC seconds inside, `2024-01-15T10:30:00Z` out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import cast

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = (
    -2208988800,
    253370764800,
)  # 1900-01-01 and 9999-01-01: outside, an offset overflows on its way to UTC


@lru_cache(4096)
def time_or_none(seconds: int | None) -> str | None:
    """Whole UTC seconds as `2024-01-15T10:30:00Z`: Swift's `.iso8601` decoder fails on fractions, so there are none."""
    if seconds is None:
        return None
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"  # Windows has no `fromtimestamp` before 1970


# The same for a time that is never missing, with the same memory.
time_text = cast(Callable[[int], str], time_or_none)


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
