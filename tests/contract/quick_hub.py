"""Hubs whose clocks run faster than the machine's: half a minute of theirs is over in one and a half seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

SPEED = 20
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
needs_quick_clock = pytest.mark.skipif(LIBRARY is None, reason="libfaketime makes a hub's clocks run faster")


def quick_clock(begin: str = "+0") -> dict[str, str]:
    """The environment of a hub all of whose clocks, the monotonic one too, run SPEED times as fast.

    `begin` is when they begin: now, or `@2026-11-27 08:59:00` of UTC.
    """
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{begin} x{SPEED}", "TZ": "UTC"}
