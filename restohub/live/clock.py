"""The clock: the one place that reads the time and makes ids."""

from __future__ import annotations

import os
import time
from random import Random

# Seeded by the system. An id must be another's never, but no secret: asking the system for each costs a call.
_random = Random()


class Clock:
    """The hub's time: the machine's, unless that is behind; then on from the last commit by the monotonic clock.

    A Pi without Internet wakes up in the past. Minutes must stay true there, even where the date is not: so once the
    hub's time is ahead it stays so, until the machine's clock is set right. `started_at` is the hub's time when this
    run began, `started` the monotonic clock's.
    """

    def __init__(self, last_commit: int = 0) -> None:
        self._last_commit = float(last_commit)
        self._at = self.monotonic()
        self.started = self._at
        self.started_at = self.now()
        self._offset = self.machine_time() - self.started

    def now(self) -> int:
        """Whole UTC seconds, never before the last commit."""
        return int(self._now())

    def commit_time(self) -> int:
        """The time for a commit that is made now; from here on no earlier one is given."""
        self._last_commit, self._at = self._now(), self.monotonic()
        return int(self._last_commit)

    def go_by_machine(self) -> None:
        """Take the machine's time for right, though it is earlier than the last commit."""
        self._last_commit, self._at = 0.0, self.monotonic()

    def behind_s(self) -> int:
        """How many seconds the machine's clock is behind the hub's time."""
        return max(0, round(self._now() - self.machine_time()))

    def machine_time(self) -> float:
        """UTC seconds of the machine's clock, which anyone may set to anything."""
        return time.time()

    def moved_s(self) -> float:
        """How many seconds the machine's clock was moved since this was last asked: forward, or (negative) back."""
        offset = self.machine_time() - self.monotonic()
        moved, self._offset = offset - self._offset, offset
        return moved

    def monotonic(self) -> float:
        """Seconds of a clock that no one sets."""
        return time.monotonic()

    def _now(self) -> float:
        return max(self.machine_time(), self._last_commit + (self.monotonic() - self._at))


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): Python 3.11 has none. Ids made in a row sort by their millisecond."""
    ms, bits = time.time_ns() // 1_000_000, _random.getrandbits(74)
    parts = (ms >> 16, ms & 0xFFFF, bits & 0xFFF, 0x8000 | bits >> 12 & 0x3FFF, bits >> 26)
    return "%08x-%04x-7%03x-%04x-%012x" % parts  # noqa: UP031 (a fifth of the time of an f-string's parts)


def new_epoch() -> str:
    """A short random string that no other history of this hub will have."""
    return os.urandom(6).hex()
