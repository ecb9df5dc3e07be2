"""When a clock behind the hub's time is believed, and when the hub goes on from its last change."""

from __future__ import annotations

import gc

import pytest

from restohub.upkeep.clock_trust import MADE_AT, ClockReading, Verdict, judge_clock
from restohub.upkeep.time_server import is_synchronized

DAY = 24 * 3600
NOW = MADE_AT + 500 * DAY
HOUR = 3600.0

# What is the case; whether a time server keeps the clock; the commits around its time, in days from it; for how long it
# has been so.
CASES: list[tuple[str, bool | None, tuple[float, float] | None, float, Verdict]] = [
    ("saved on a clock 400 days ahead, set right by hand", False, (-1, 400), HOUR, "right"),
    ("the same on a system that says nothing of time servers", None, (-1, 400), HOUR, "right"),
    ("the same, not for an hour yet", False, (-1, 400), HOUR - 1, "waiting"),
    ("the same, in a house that had been closed for a month", False, (-29, 400), HOUR, "right"),
    ("the same, in a hub of which nobody knows when it was used before", False, None, HOUR, "behind"),
    ("the same, kept by a time server now", True, None, HOUR, "right"),
    ("the same, kept by a time server since a minute", True, None, 60.0, "waiting"),
    ("woke up at its last hour of yesterday, no Internet", False, (-0.01, 0.01), 10 * HOUR, "behind"),
    ("woke up three days ago, in the midst of what was saved", False, (-0.001, 0.001), 10 * HOUR, "behind"),
    ("woke up when it was last shut down, before two closed days", False, (-0.1, 2.7), 10 * HOUR, "behind"),
    ("woke up on the day its system was made, before the first change", False, None, 10 * HOUR, "behind"),
    ("the same on a system that says nothing of time servers", None, None, 10 * HOUR, "behind"),
    ("woke up half a year before the log begins, which was pruned", False, None, 10 * HOUR, "behind"),
    ("woke up between the hub's first evening and its second, in spring", False, (-100, 60), 10 * HOUR, "behind"),
]


@pytest.mark.parametrize(("case", "kept", "around_days", "steady_s", "found"), CASES, ids=[case[0] for case in CASES])
def test_a_clock_behind_is_believed_where_something_tells_that_it_is_right(
    case: str, kept: bool | None, around_days: tuple[float, float] | None, steady_s: float, found: Verdict
) -> None:
    around = around_days and (NOW + round(around_days[0] * DAY), NOW + round(around_days[1] * DAY))
    assert judge_clock(ClockReading(NOW, 300 * DAY, steady_s, kept, around)) == found


@pytest.mark.parametrize("kept", [True, False, None])
def test_no_clock_of_before_restohub_was_made_is_right(kept: bool | None) -> None:
    assert judge_clock(ClockReading(0, NOW, 10 * HOUR, kept)) == "behind"
    assert judge_clock(ClockReading(MADE_AT - 1, NOW, 10 * HOUR, kept)) == "behind"


@pytest.mark.parametrize(("behind_s", "found"), [(0, "well"), (60, "well"), (3600, "well"), (3601, "right")])
def test_a_clock_that_is_behind_by_an_hour_or_less_is_let_be(behind_s: int, found: Verdict) -> None:
    assert judge_clock(ClockReading(NOW, behind_s, 10 * HOUR, True, (NOW - 1, NOW + 400 * DAY))) == found


def test_the_hole_in_the_log_must_be_longer_than_a_week_and_begin_in_the_last_month() -> None:
    def found(before: int, after: int) -> Verdict:
        return judge_clock(ClockReading(NOW, 300 * DAY, HOUR, None, (before, after)))

    week, in_use = 7 * DAY, 31 * DAY
    assert found(NOW - in_use, NOW + week + 1) == "right"
    assert found(NOW - in_use - 1, NOW + week + 1) == "behind"
    assert found(NOW, NOW + week) == "behind"
    assert found(NOW + 1, NOW + week + 1) == "behind"


def test_to_look_for_a_time_server_leaves_nothing_to_the_collector() -> None:
    """The hub does so once a second, and its collector comes by once in half an hour."""
    is_synchronized()
    gc.collect()
    for _ in range(10):
        is_synchronized()
    assert gc.collect() == 0
