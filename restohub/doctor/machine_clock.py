"""Check of the machine's clock: whether it can be right, and whether a time server keeps it so."""

from __future__ import annotations

from datetime import timedelta

from restohub.live.clock import Clock
from restohub.text import duration
from restohub.upkeep.time_server import is_synchronized
from restohub.wire.times import EPOCH

from .report import Check

# This restohub was made in the first of these years, and is long out of use in the last.
YEARS = (2026, 2045)
BEHIND_S_MAX = 60


def check_clock(last_commit: int | None) -> Check:
    """Whether the machine's clock can be right, and is kept right."""
    name = "clock"
    now, behind = Clock().now(), Clock(last_commit or 0).behind_s()
    at = local_time_text(now)
    fix = "Let the machine reach a time server (the Internet, many routers): sudo timedatectl set-ntp true"
    if not YEARS[0] <= (EPOCH + timedelta(seconds=now)).year <= YEARS[1]:
        return Check(name, "wrong", f"{at}: that cannot be right.", fix)
    if behind > BEHIND_S_MAX:
        found = f"{at}, but the last change was saved {duration(behind)} later: the clock is behind, or was ahead then."
        return Check(name, "wrong", found, f"{fix}. Once it is right for an hour, the hub goes by it.")
    if is_synchronized() is False:
        found = f"{at}. No time server keeps it right, so it may drift, and start wrong after a power cut."
        return Check(name, "warning", found, fix)
    return Check(name, "well", f"{at}.")


def local_time_text(seconds: int) -> str:
    """UTC seconds for a person, in the machine's own zone."""
    return f"{(EPOCH + timedelta(seconds=seconds)).astimezone():%d %B %Y, %H:%M}".lstrip("0")
