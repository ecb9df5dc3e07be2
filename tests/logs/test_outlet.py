"""Who may say how much in the log, on a clock of the test's own or through a pipe."""

from __future__ import annotations

import logging
import os

from restohub.limits import ADDRESSES_MAX, LINES_A_MINUTE
from restohub.logs.events import event
from restohub.logs.outlet import (
    BYTES_A_MINUTE,
    FEW_LINES,
    SOURCES_BYTES_A_MINUTE,
    SUMS_MAX,
    Budget,
    Outlet,
    SourceCounts,
)

LINE_BYTES = 200


def minute(budget: Budget, now: float, flooding: int, *, was_busy: bool) -> None:
    """So many addresses flood the log; another that has little to say is heard all the same."""
    for _ in range(flooding):
        told = SourceCounts("restohub.ipads", was_busy=was_busy)
        assert sum(told.takes(LINE_BYTES, now, budget) for _ in range(100)) <= LINES_A_MINUTE
    other = SourceCounts("restohub.ipads")
    assert all(other.takes(LINE_BYTES, now, budget) for _ in range(FEW_LINES)), now


def test_those_who_flood_the_log_for_a_day_leave_room_for_another() -> None:
    budget = Budget(SOURCES_BYTES_A_MINUTE["restohub.ipads"], 0.0)
    for number in range(24 * 60):
        minute(budget, 60.0 * number, 10, was_busy=number > 0)


def test_a_busy_address_gets_its_twenty_lines_where_nobody_else_speaks() -> None:
    busy = SourceCounts("restohub.ipads")
    assert sum(busy.takes(LINE_BYTES, 0.0, Budget(BYTES_A_MINUTE, 0.0)) for _ in range(100)) == LINES_A_MINUTE


def record(address: str | None, text: str = "An iPad joined") -> logging.LogRecord:
    """A line about an address."""
    made = logging.LogRecord("restohub.ipads", logging.INFO, "", 0, text, None, None)
    vars(made).update(event("ipad_joined", **({} if address is None else {"address": address})))
    return made


def written(*addresses: str | None, shared: tuple[str, ...] = ()) -> list[str]:
    """What comes out when these have one line each."""
    reading, writing = os.pipe()
    outlet = Outlet(writing, shared)
    for address in addresses:
        outlet.handle(record(address))
    outlet.close()
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        return pipe.read().splitlines()


def test_the_sum_names_the_address_and_how_many_lines_were_left_out() -> None:
    lines = written(*["192.168.1.66"] * (1240 + LINES_A_MINUTE), "192.168.1.67")
    assert len(lines) == LINES_A_MINUTE + 2
    assert lines[-1] == "… 1,240 more from 192.168.1.66 in the last minute."


def test_lines_about_no_address_and_about_a_shared_one_have_their_sources_bound_alone() -> None:
    assert len(written(*[None] * 100)) == 100
    assert len(written(*["192.168.1.1"] * 100, shared=("192.168.1.1",))) == 100


def test_many_who_flood_get_few_sums() -> None:
    many = [f"10.0.{n // 250}.{n % 250}" for n in range(50)]
    lines = written(*(address for address in many for _ in range(100)))
    sums = [line for line in lines if line.startswith("…")]
    assert len(sums) == SUMS_MAX + 1
    assert sums[-1].endswith("more joined or left in the last minute.")
    assert len(lines) - len(sums) + sum(int(line.split()[1].replace(",", "")) for line in sums) == 5000


def test_no_more_addresses_are_remembered_than_there_is_room_for() -> None:
    reading, writing = os.pipe()
    outlet = Outlet(writing)
    for n in range(ADDRESSES_MAX + 100):
        outlet.handle(record(f"fd00::{n:x}", "x"))
    assert len(outlet._addresses) == ADDRESSES_MAX
    outlet.close()
    os.close(reading)
    os.close(writing)


def test_an_address_that_was_busy_is_remembered_as_such_for_a_minute() -> None:
    reading, writing = os.pipe()
    outlet = Outlet(writing)
    for address in (*["10.0.0.1"] * FEW_LINES, "10.0.0.2"):
        outlet.handle(record(address))
    outlet.say_left_out()
    for address in ("10.0.0.1", "10.0.0.2"):
        outlet.handle(record(address))
    assert {address: told.was_busy for address, told in outlet._addresses.items()} == {
        "10.0.0.1": True,
        "10.0.0.2": False,
    }
    outlet.say_left_out()
    assert outlet._busy == frozenset()
    outlet.close()
    os.close(reading)
    os.close(writing)
