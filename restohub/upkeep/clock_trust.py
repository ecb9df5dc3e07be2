"""Trust in the machine's clock: whether one that is behind the hub's time is right all the same."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

# A smaller lead needs no reset: real time catches up within the hour that the hub would wait.
BEHIND_S = 3600
# A machine without a hardware clock is set by a time server within minutes of reaching one.
STEADY_S = 3600
# A clock that shows a time before this release is wrong (1 January 2026).
MADE_AT = 1_767_225_600
# A gap this long in the log is more than days off: the commits after it were dated by a clock that had jumped.
LEAP_S = 7 * 24 * 3600
# The longest time that can have passed on the machine since the last commit before the gap.
IN_USE_S = 31 * 24 * 3600

Verdict = Literal["well", "behind", "waiting", "right"]


class ClockReading(Struct, frozen=True):
    """What is known of a machine's clock: `now` is what it says (UTC seconds), `behind_s` less than the hub's time.

    `steady_s`: for how long it has been behind without a jump, by a clock that no one sets. `kept`: whether a time
    server keeps it, None where the system does not say. `around`: the last commit before `now` and the first after it,
    None where the logs do not tell.
    """

    now: int
    behind_s: int
    steady_s: float
    kept: bool | None = None
    around: tuple[int, int] | None = None


def judge_clock(sight: ClockReading) -> Verdict:
    """Whether the clock is `right`, and the hub's own time wrong: then times must begin anew.

    `behind`: it may as well be the machine's that is wrong, one that woke up in the past; so the hub goes on from its
    last commit. `waiting`: it is believable, and must stay so for an hour.

    Two things can tell. A time server that keeps the clock now. Else the logs: on a machine that woke up in the past it
    is a time that the hub has lived through, and commits follow it closely, or one before the hub's first commit (1970,
    the day on which a system was made). Where the log leaps over the present time by more than a week, and the hub was
    in use shortly before, its last commits were made on a clock that was ahead.
    """
    if sight.behind_s <= BEHIND_S:
        return "well"
    if not (_kept(sight) or _leapt_over(sight)):
        return "behind"
    return "waiting" if sight.steady_s < STEADY_S else "right"


def _kept(sight: ClockReading) -> bool:
    return sight.kept is True and sight.now >= MADE_AT


def _leapt_over(sight: ClockReading) -> bool:
    if sight.around is None:
        return False
    before, after = sight.around
    return 0 <= sight.now - before <= IN_USE_S and after - sight.now > LEAP_S
