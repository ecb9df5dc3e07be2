"""That all logs together stay within their bytes, and whose commits go where they do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from restohub.live.group_commit import Step
from restohub.store.history import BYTES
from restohub.upkeep import log_size as sizes
from restohub.upkeep import retention as rules
from tests.live.writer_harness import answering, note, outcome
from tests.store.database_files import RESTAURANT, ledger, open_restaurant, sql
from tests.upkeep.test_retention import NOON, commits, house, kept


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP_COMMITS", 10)


def test_the_longest_log_is_shortened_where_all_take_too_much_whatever_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "LOG_BYTES_MAX", 200 * 60)
    monkeypatch.setattr(sizes, "ROWS_A_QUERY", 7)
    commits(tmp_path, [NOON] * 20, keyed=lambda _: True)

    async def open_another() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([open_restaurant(structs.replace(RESTAURANT, id="2", version=2, created_revision=2))])

    asyncio.run(open_another())
    commits(tmp_path, [NOON] * 200, keyed=lambda _: True, restaurant_id=2)

    async def run() -> None:
        async with house(tmp_path) as one:
            await one.retention.prune_once()
            assert one.writer.keys.revision(2, f"key:{kept(tmp_path, 2).start - 1}") is None
            assert one.writer.keys.revision(2, f"key:{kept(tmp_path, 2).start}") == kept(tmp_path, 2).start

    asyncio.run(run())
    assert kept(tmp_path) == range(1, 21), "what floods one restaurant takes nothing of another's"
    assert bytes_in(tmp_path, 1) + bytes_in(tmp_path, 2) <= 200 * 60
    assert bytes_in(tmp_path, 2) >= 200 * 60 - bytes_in(tmp_path, 1) - 10 * 400, "no more went than one step of ten"


def test_a_log_that_grew_is_counted_on_from_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "LOG_BYTES_MAX", 100 * 300)
    commits(tmp_path, [NOON] * 50)

    async def run() -> None:
        async with house(tmp_path) as one:
            await one.retention.prune_once()
            assert kept(tmp_path) == range(1, 51)
            for number in range(100):
                await outcome(
                    asyncio.ensure_future(
                        one.writer.submit(
                            1, [Step(command=note("g", f"note {number}"), transaction_id="tx")], answering
                        )
                    )
                )
            await one.retention.prune_once()

    asyncio.run(run())
    assert bytes_in(tmp_path, 1) <= 100 * 300
    assert kept(tmp_path).stop == 151
    assert kept(tmp_path).start > 1


def bytes_in(folder: Path, restaurant_id: int) -> int:
    """What the log of a restaurant weighs."""
    [(size,)] = sql(folder, f"SELECT sum({BYTES}) FROM log WHERE position >> 40 = ?", restaurant_id)
    return int(size)
