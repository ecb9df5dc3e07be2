"""Whether a time server keeps this machine's clock right."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

# The test that `timedatectl` uses: without a time server the kernel's estimate of the error grows.
CLOCK_ERROR_MAX_US = 16_000_000
# systemd-timesyncd touches this file once it has set the clock; under ProtectClock the kernel does not answer.
SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
# Loaded once: each CDLL makes classes of its own, 3.4 KB of cycles for the collector, and the clock is checked every
# second.
LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


class Timex(ctypes.Structure):
    """The head of Linux's struct timex (adjtimex(2)), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    )


def is_synchronized() -> bool | None:
    """Whether a time server keeps this machine's clock, None where the system does not say."""
    if LIBC is None:
        return None
    answer = Timex()
    if LIBC.adjtimex(ctypes.byref(answer)) < 0:
        return True if SYNCHRONIZED.exists() else None
    return int(answer.maxerror) < CLOCK_ERROR_MAX_US
