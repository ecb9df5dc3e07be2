"""What a start costs and what it refuses: as little with a long log, and never to begin anew."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.floor.model import Change, Entry, Guest
from restohub.live.ports import Record
from restohub.store import load as loading
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE, wal_path
from restohub.store.load import load
from tests.conftest import Hub
from tests.contract.requests import new_guest
from tests.floor.floor_harness import START
from tests.store.database_files import ledger

NewHub = Callable[..., Hub]
STEPS_COUNTED = 100


def long_log(folder: Path, commits: int) -> None:
    """A log of so many commits, ten a day, each with a key."""

    def record(revision: int) -> Record:
        image = Guest(id="g", first_name="Ada", party_size=2, version=revision, created_revision=1)
        change = Change("guest", "g", "update" if revision > 1 else "create", image, revision - 1)
        return Record(
            Entry(1, revision, START + revision * 8640, "tx", False, (change,)), f"key:{revision}", b"d", b"a"
        )

    async def run() -> None:
        async with ledger(folder) as writing:
            await writing.append([record(revision) for revision in range(1, commits + 1)])

    asyncio.run(run())


def cost(folder: Path) -> int:
    """How many hundred steps of SQLite's machine a start takes to read the store."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    async def run() -> None:
        connection = await open_writer(folder)
        try:
            await connection.set_progress_handler(count, STEPS_COUNTED)
            found = await load(connection)
            assert len(found.keys) in range(50, 70)
        finally:
            await connection.close()

    asyncio.run(run())
    return counted[0]


def test_a_start_with_ten_times_the_log_reads_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "COMPARED_MAX", 100)
    costs: list[int] = []
    for commits in (1_000, 10_000):
        folder = tmp_path / str(commits)
        folder.mkdir()
        long_log(folder, commits)
        costs.append(cost(folder))
    assert costs[1] <= 1.5 * costs[0] + 10, costs


def killed(new_hub: NewHub) -> Hub:
    """A hub killed on its first evening: all that it ever kept is in its WAL."""
    hub = new_hub().start()
    with hub.client() as api:
        new_guest(api, 1)
    hub.kill()
    assert wal_path(hub.data).stat().st_size > 0
    return hub


def lose_the_wal(data: Path) -> None:
    wal_path(data).unlink()


def lose_the_database(data: Path) -> None:
    (data / DATABASE).unlink()


def lose_the_database_and_the_mark(data: Path) -> None:
    (data / DATABASE).unlink()
    (data / "restohub.mark").unlink()


def empty_the_database(data: Path) -> None:
    (data / DATABASE).write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [lose_the_wal, lose_the_database, lose_the_database_and_the_mark, empty_the_database]
)
def test_a_start_never_begins_anew_where_a_hub_kept_its_data(new_hub: NewHub, damage: Callable[[Path], None]) -> None:
    data = killed(new_hub).data
    damage(data)
    wal = wal_path(data)
    before = wal.read_bytes() if wal.exists() else None
    with pytest.raises(AssertionError, match=r"the hub ended with 1: (.*\n)*The data in .+ are damaged"):
        new_hub(data).start()
    assert (wal.read_bytes() if wal.exists() else None) == before, "what was left of it is kept"


def test_what_the_wal_held_is_there_after_a_kill(new_hub: NewHub) -> None:
    data = killed(new_hub).data
    with new_hub(data).start().client() as api:
        assert len(api.get("/restaurants/1/guests/").json()) == 1
    with sqlite3.connect(data / DATABASE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
