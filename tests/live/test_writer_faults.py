"""What a failing disk does to those who wait: a refusal, a recovery, or the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from restohub.live import writer as writing
from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError
from restohub.store.append import CHECKPOINT_PAGES
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer
from tests.conftest import WAIT_S
from tests.floor.floor_harness import fold, held
from tests.live.test_writer import at_once
from tests.live.writer_harness import Desk, desk, guest, keys, note, outcome, outcomes, said, settle

FULL, UNAVAILABLE = StorageFullError("the disk is full"), StorageUnavailableError("the disk is read-only")
BUG = RuntimeError("a bug")
CODES: dict[Exception | None, str] = {FULL: "storage_full", UNAVAILABLE: "storage_unavailable", BUG: "internal_error"}
FAILED = StorageFailedError("SQLite says SQLITE_IOERR: disk I/O error")


@pytest.mark.parametrize(("fault", "code"), [(FULL, "storage_full"), (UNAVAILABLE, "storage_unavailable")])
@at_once
async def test_a_disk_that_takes_nothing_refuses_that_group_alone(fault: Exception, code: str) -> None:
    async with desk() as one:
        assert await outcome(one.submit(guest("g1"))) == "committed 1"
        one.disk.faults.append(fault)
        tasks = [one.submit(guest(f"g{n}"), keys=[f"k{n}"]) for n in range(2, 7)]
        with pytest.raises(Problem) as refused:
            await tasks[0]
        assert dict(refused.value.headers)["Retry-After"].isdigit()
        assert await outcomes(*tasks) == [code] * 5
        assert (one.floor.revision, sorted(one.floor.guests), one.writer.keys) == (1, ["g1"], keys())
        assert len(one.published) == 1
        assert one.writer.trouble() == str(fault)
        assert await outcome(one.submit(guest("g2"), keys=["k2"])) == "committed 2"
        assert one.writer.trouble() is None


@at_once
async def test_a_full_disk_is_tried_again_by_itself() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "RECOVERY_PROBE_S", 0)
        async with desk() as one:
            one.disk.faults.extend([FULL, FULL, UNAVAILABLE, None])
            assert await outcome(one.submit(guest("g1"))) == "storage_full"
            assert one.writer.trouble() is not None
            while one.writer.trouble() is not None:
                await asyncio.sleep(0)
            assert not one.disk.faults


@at_once
async def test_reads_and_refusals_go_on_while_the_disk_is_full() -> None:
    async with desk() as one:
        await outcome(one.submit(guest("g1")))
        one.disk.faults.append(FULL)
        assert await outcome(one.submit(guest("g2"))) == "storage_full"
        assert await outcome(one.submit(note("nobody", "x"))) == "guest_not_found"
        assert one.writer.trouble() == "the disk is full", "a refusal wrote nothing, so it proved nothing"
        assert "g1" in one.floor.guests


async def failing_desk(fail: Callable[[Desk], None]) -> None:
    """A writer whose disk fails for good while one group is in hand and another waits."""
    one = Desk()
    running = asyncio.create_task(one.writer.run())
    assert await outcome(one.submit(guest("g1"))) == "committed 1"
    one.disk.hold()
    fail(one)
    in_hand = [one.submit(guest("g2")), one.submit(guest("g3"))]
    await one.disk.asked.wait()
    waiting = [one.submit(guest("g4")), one.submit(guest("g5"))]
    await settle()
    one.disk.free.set()
    with pytest.raises(StorageFailedError):
        await running
    assert await outcomes(*in_hand) == ["outcome_unknown"] * 2
    assert await outcomes(*waiting) == ["storage_unavailable"] * 2
    assert await outcome(one.submit(guest("g6"))) == "shutting_down"
    assert (one.floor.revision, len(one.published)) == (1, 1)
    assert one.writer.trouble() is not None


@at_once
async def test_a_disk_that_failed_ends_the_writer_and_each_caller_hears_what_is_known() -> None:
    await failing_desk(lambda one: one.disk.faults.append(FAILED))


@at_once
async def test_a_disk_that_fails_at_a_checkpoint_ends_the_writer_after_the_answers() -> None:
    one = Desk()
    running = asyncio.create_task(one.writer.run())
    one.disk.pages_due = CHECKPOINT_PAGES
    one.disk.checkpoint_faults.append(FAILED)
    assert await outcome(one.submit(guest("g1"))) == "committed 1"
    with pytest.raises(StorageFailedError):
        await running


@at_once
async def test_a_disk_that_is_full_at_a_checkpoint_loses_nothing() -> None:
    async with desk() as one:
        one.disk.pages_due = CHECKPOINT_PAGES
        one.disk.checkpoint_faults.append(FULL)
        assert await outcomes(one.submit(guest("g1"))) == ["committed 1"]
        await settle()
        assert one.writer.trouble() == "the disk is full"
        assert await outcome(one.submit(guest("g2"))) == "committed 2"
        await settle()
        assert one.disk.checkpoints == 2


@at_once
async def test_a_disk_that_fails_while_a_group_is_taken_one_by_one_ends_the_writer() -> None:
    one = Desk()
    running = asyncio.create_task(one.writer.run())
    one.disk.guilty = lambda record: record.entry.changes[0].id == "bad"
    one.disk.faults.extend([None, FAILED])
    tasks = [one.submit(guest(name)) for name in ("g1", "bad", "g2", "g3")]
    with pytest.raises(StorageFailedError):
        await running
    assert await outcomes(*tasks) == ["committed 1", "internal_error", "outcome_unknown", "outcome_unknown"]
    assert one.floor.revision == len(one.disk.entries) == 1


@at_once
async def test_a_disk_that_is_full_while_a_group_is_taken_one_by_one_refuses_only_those_it_did_not_take() -> None:
    async with desk() as one:
        one.disk.guilty = lambda record: record.entry.changes[0].id == "bad"
        one.disk.faults.extend([None, FULL, None])
        tasks = [one.submit(guest(name)) for name in ("g1", "bad", "g2", "g3")]
        assert await outcomes(*tasks) == ["committed 1", "internal_error", "storage_full", "committed 2"]


async def storm(seed: int) -> None:
    """Bursts of requests over a disk that fails in every way it may and stay up."""
    random = Random(seed)
    async with desk() as one:
        committed: list[int] = []
        possible: set[str] = set()
        for burst in range(20):
            fault = random.choice((None, None, FULL, UNAVAILABLE, BUG))
            one.disk.faults.append(fault)
            if random.random() < 0.3:
                possible.add("internal_error")
                one.disk.guilty = lambda record: record.entry.changes[0].id.endswith("3")
            tasks = []
            for n in range(random.randrange(1, 8)):
                names = [f"g{burst}-{n}-{m}" for m in range(random.randrange(1, 4))]
                used = [random.choice((None, f"k{random.randrange(9)}")) for _ in names]
                tasks.append(one.submit(*(guest(name) for name in names), keys=used))
            for answer in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(answer, Problem):
                    # By the fault of this burst, or for one that no disk takes.
                    assert answer.refused.code in {CODES.get(fault), *possible}
                    continue
                assert isinstance(answer, Answer)
                words = [str(step).split() for step in said(answer)["steps"]]
                committed += [int(number) for what, number in words if what == "committed"]
            one.disk.faults.clear()
        revisions = [entry.revision for entry in one.disk.entries]
        assert revisions == list(range(1, one.floor.revision + 1))
        assert committed == revisions, "what was answered is what is durable, in its order"
        assert [entry for entries in one.published for entry in entries] == one.disk.entries
        assert fold({}, one.disk.entries) == held(one.floor)
        records = [record for group in one.disk.appends for record in group]
        assert one.writer.keys == keys(*((1, record.key, record.entry.revision) for record in records if record.key))


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_disk_does_the_answers_are_what_is_durable(seed: int) -> None:
    asyncio.run(storm(seed))


@at_once
async def test_a_writer_at_rest_answers_a_roll_call() -> None:
    async with desk() as one:
        for _ in range(3):
            await asyncio.wait_for(one.writer.confirm_alive(), WAIT_S)


@at_once
async def test_a_writer_whose_disk_hangs_answers_a_roll_call_when_it_is_back() -> None:
    async with desk() as one:
        one.disk.hold()
        change = one.submit(guest("g1"))
        await one.disk.asked.wait()
        call = asyncio.create_task(one.writer.confirm_alive())
        given_up = asyncio.create_task(one.writer.confirm_alive())
        await settle()
        assert not call.done()
        given_up.cancel()
        one.disk.free.set()
        assert await outcome(change) == "committed 1"
        await asyncio.wait_for(call, WAIT_S)


@at_once
async def test_a_writer_whose_disk_is_full_answers_a_roll_call() -> None:
    async with desk() as one:
        one.disk.faults.append(FULL)
        assert await outcome(one.submit(guest("g1"))) == "storage_full"
        await asyncio.wait_for(one.writer.confirm_alive(), WAIT_S)


@at_once
async def test_roll_calls_do_not_put_off_what_an_idle_hub_does() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "RECOVERY_PROBE_S", 0.05)
        async with desk() as one:
            one.disk.faults.append(FULL)
            assert await outcome(one.submit(guest("g1"))) == "storage_full"
            async with asyncio.timeout(WAIT_S):
                while one.writer.trouble() is not None:
                    await one.writer.confirm_alive()
                    await asyncio.sleep(0)
