"""The units of an address: spent beyond what is there, waited for in turn, and never for others."""

from __future__ import annotations

import asyncio

import pytest

from restohub.limits import UNITS_A_SECOND, UNITS_BURST
from restohub.live import address_usage
from restohub.live.address_usage import Caller, Callers
from tests.live.test_writer import at_once


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def overdrawn(watch: SetClock, by: int = UNITS_A_SECOND) -> Caller:
    caller = Caller("10.0.0.66", watch, shared=False)
    caller.spend(UNITS_BURST + by)
    return caller


def test_a_burst_is_there_at_once_and_may_be_overdrawn_by_one_payment() -> None:
    watch = SetClock()
    caller = Caller("10.0.0.66", watch, shared=False)
    assert caller.pays_at_once(UNITS_BURST + UNITS_A_SECOND)
    assert not caller.pays_at_once(1)
    assert caller.owes_s() == 1
    watch.now_s = 1.0
    assert caller.pays_at_once(1)


def test_an_hour_brings_500_creations_and_a_megabyte() -> None:
    caller = Caller("10.0.0.66", SetClock(), shared=False)
    for bucket, burst, an_hour in ((caller.creations, 1_500, 500), (caller.growth, 4e6, 1e6)):
        assert bucket.takes(burst, 0)
        assert bucket.left(3_600) == pytest.approx(an_hour)


def test_a_shared_address_owes_nothing() -> None:
    caller = Caller("127.0.0.1", SetClock(), shared=True)
    caller.spend(1_000_000)
    assert caller.owes_s() == 0
    assert caller.pays_at_once(1_000_000)


@at_once
async def test_who_waits_is_served_in_turn() -> None:
    watch = SetClock()
    caller = overdrawn(watch, 2)
    served: list[int] = []

    async def one(number: int) -> None:
        await caller.pay(1)
        served.append(number)

    waiting = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert caller.holds
    watch.now_s = 1.0
    assert not caller.pays_at_once(1), "others wait: nobody goes before them"
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2]
    assert not caller.holds


@at_once
async def test_who_waits_too_long_has_paid_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_usage, "RATE_WAIT_S", 0.01)
    caller = overdrawn(SetClock())
    with pytest.raises(TimeoutError):
        await caller.pay(1)
    assert caller.owes_s() == 1
    assert not caller.holds


def test_who_is_waiting_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_usage, "ADDRESSES_MAX", 2)

    async def run() -> None:
        watch = SetClock()
        known = Callers((), watch, str)
        caller = known.of("10.0.0.66")
        caller.spend(UNITS_BURST + 1)
        waiting = asyncio.create_task(caller.pay_in_turn(1))
        await asyncio.sleep(0)
        for number in range(5):
            known.of(f"10.0.0.{number}")
        assert known.of("10.0.0.66") is caller
        watch.now_s = 1.0
        await waiting

    asyncio.run(run())
