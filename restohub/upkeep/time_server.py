"""Whether a time server keeps this machine's clock right."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

# As systemd's own `timedatectl` decides it: the kernel's estimate of the error grows without a time server.
CLOCK_ERROR_MAX_US = 16_000_000
# What systemd-timesyncd leaves once it has set the clock: under the hub's own unit (ProtectClock) the kernel is silent.
SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
# Loaded once: each CDLL has classes of its own, 3.4 KB in a cycle that wait for the collector, and the clock is looked
# at once a second.
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
