"""Who made a commit is known for 90 days, whatever the log keeps, over a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from restohub.live.ports import DAY_S, Author
from restohub.store import audit_rows
from restohub.store.verification import verify_folder
from restohub.upkeep import retention as rules
from tests.store.database_files import ledger, prune_log, sql
from tests.upkeep.test_retention import NOON, commits, days, house, look


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP_COMMITS", 10)


def audited(folder: Path) -> list[tuple[int, str]]:
    """The revisions whose authors outlast their commits, and who that was."""
    rows = sql(folder, "SELECT position, device FROM audit ORDER BY number")
    return [(position % (1 << 40), device) for position, device in rows]


def authors(folder: Path, upto: int, many: int) -> list[Author]:
    """What the history says of the latest commits."""

    async def run() -> list[Author]:
        async with house(folder) as one:
            return await one.history.authors(1, upto, many)

    return asyncio.run(run())


def test_who_made_a_commit_is_known_for_ninety_days_whatever_the_log_keeps(tmp_path: Path) -> None:
    commits(tmp_path, days(101), by=lambda revision: "stand" if revision % 2 else None)
    assert look(tmp_path) == range(94, 102)
    assert audited(tmp_path) == [(revision, "stand") for revision in range(3, 95, 2)], "90 days before revision 93"
    found = authors(tmp_path, 101, 20)
    assert [one.revision for one in found] == [*range(101, 93, -1), *range(93, 69, -2)]
    assert {(one.device, one.changes) for one in found[8:]} == {("stand", (("guest", "g", "update"),))}
    assert [one.revision for one in authors(tmp_path, 94, 3)] == [94, 93, 91]
    assert [one.revision for one in authors(tmp_path, 90, 2)] == [89, 87]
    assert verify_folder(tmp_path, lambda *_: None).sound
    assert sql(tmp_path, "SELECT time FROM audit WHERE position % (1 << 40) = 91") == [(NOON + 90 * DAY_S,)]


def test_a_clock_that_was_ahead_ends_little_of_the_audit(tmp_path: Path) -> None:
    times = days(60)
    commits(tmp_path, [*times[:40], *(time + 400 * DAY_S for time in times[40:])], by=lambda _: "stand")
    assert look(tmp_path) == range(53, 61)
    assert len([revision for revision, _ in audited(tmp_path) if revision <= 40]) == 16, "two for each of 12"


def test_the_audit_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_rows, "AUDIT_MAX", 25)
    commits(tmp_path, days(60), by=lambda _: "stand")
    look(tmp_path)
    assert [revision for revision, _ in audited(tmp_path)] == list(range(28, 53))


def test_a_damaged_commit_leaves_nothing_in_the_audit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    commits(tmp_path, days(20), by=lambda _: "stand")
    sql(tmp_path, "UPDATE log SET device = 'somebody' WHERE position % (1 << 40) = 5")
    prune_log(tmp_path, 10)  # a start would look at it, and refuse it among the newest 10,000
    assert audited(tmp_path) == [(revision, "stand") for revision in range(1, 11) if revision != 5]
    assert "Who made revision 5 is not kept" in caplog.text
    sql(tmp_path, "UPDATE audit SET device = 'somebody' WHERE position % (1 << 40) = 7")
    report = verify_folder(tmp_path, lambda *_: None)
    assert [(one.detail, one.revision) for one in report.faults] == [("An entry of the audit fails its checksum.", 7)]


def test_of_a_removed_restaurant_the_audit_goes_with_the_log(tmp_path: Path) -> None:
    commits(tmp_path, days(30), by=lambda _: "stand")

    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.prune(1, 1, 10)
            while await writing.forget_removals(1, 3):
                pass

    asyncio.run(run())
    assert audited(tmp_path) == []
