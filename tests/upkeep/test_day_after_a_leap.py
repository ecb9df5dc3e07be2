"""The close of the day after a leap of the clock (contract.md, "The close of the day")."""

from __future__ import annotations

import asyncio

from restohub.floor.commands import Create, GuestFields
from restohub.live.group_commit import Step
from restohub.upkeep.day_close import close_days
from tests.faults.simulated_evening import Core, answering
from tests.faults.simulation import SimulatedDisk, VirtualLoop

HOUR, DAY = 3600.0, 24 * 3600.0
GUESTS = {"left": GuestFields(first_name="Ada", party_size=2, status="left")}
GUESTS["expected"] = GuestFields(first_name="Bob", party_size=2, status="confirmed")


async def on_the_floor(loop: VirtualLoop, after_s: list[float]) -> list[set[str]]:
    """Who is on the floor so long after a start whose clock is a month ahead of all that was saved."""
    core = await Core(SimulatedDisk()).start()
    for name, fields in GUESTS.items():
        step = Step(command=Create(kind="guest", id=name, fields=fields), transaction_id=name)
        await core.hub.writer.submit(1, [step], answering)
    loop.clock_off_s = 30 * DAY
    began = loop.time()
    core.spawn(close_days(core.hub))
    found = []
    for moment in after_s:
        await asyncio.sleep(60)  # the looks that are due now
        loop.pass_by(began + moment - loop.time())
        await asyncio.sleep(60)
        found.append(set(core.hub.writer.floors[1].guests))
    assert all(not task.done() for task in core.tasks), core.tasks
    await core.crash()
    return found


def test_nobody_leaves_for_a_day_and_nobody_who_is_expected_for_a_week() -> None:
    loop = VirtualLoop(1)
    try:
        moments = [120.0, 23 * HOUR, 25 * HOUR, 6 * DAY, 9 * DAY]
        found = loop.run_until_complete(on_the_floor(loop, moments))
    finally:
        loop.close()
    both, expected = {"left", "expected"}, {"expected"}
    assert found == [both, both, expected, expected, set()]
