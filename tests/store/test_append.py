"""That a group of commits is written whole or not at all, and what each failure of the disk means."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from restohub.floor.model import Change, Entry, Guest
from restohub.live.ports import Record, StorageFailedError, StorageFullError, StorageUnavailableError
from restohub.store.append import Ledger
from restohub.store.connection import Connection
from restohub.store.data_folder import DATABASE
from restohub.store.errors import storage_fault
from restohub.store.load import load
from tests.floor.floor_harness import START, FloorHarness
from tests.store.database_files import fill, ledger, loaded_floor, sql


def record(revision: int, *, time: int = START, key: str | None = None) -> Record:
    """The commit that makes guest `gREVISION`."""
    guest = Guest(id=f"g{revision}", first_name="Ada", party_size=2, version=revision, created_revision=revision)
    change = Change("guest", guest.id, "create", guest)
    return Record(Entry(1, revision, time, "tx", False, (change,)), key)


def error_of(code: int) -> sqlite3.OperationalError:
    fault = sqlite3.OperationalError(f"fault {code}")
    fault.sqlite_errorcode = code
    return fault


class FailingStatements:
    """SQLite's own connection over a failing disk."""

    def __init__(self, connection: sqlite3.Connection, fail: Callable[[str], None]) -> None:
        self._connection = connection
        self._fail = fail

    def execute(self, statement: str, values: Sequence[Any] = ()) -> object:
        self._fail(statement)
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Any]) -> object:
        self._fail(statement)
        return self._connection.executemany(statement, rows)


class FailingConnection:
    """A connection over a failing disk: the statement that contains `where` fails with `code`, and so does undoing."""

    def __init__(self, connection: Connection, where: str, code: int, *, undoing_fails: bool = False) -> None:
        self._connection = connection
        self.where, self.code, self.undoing_fails = where, code, undoing_fails

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def _fail(self, statement: str) -> None:
        if self.where in statement:
            raise error_of(self.code)

    async def run(self, work: Callable[[Any], object]) -> object:
        return await self._connection.run(lambda connection: work(FailingStatements(connection, self._fail)))

    async def execute_fetchall(self, statement: str, values: Iterable[Any] = ()) -> Iterable[object]:
        self._fail(statement)
        return await self._connection.execute_fetchall(statement, values)

    async def rollback(self) -> None:
        await self._connection.rollback()
        if self.undoing_fails:
            raise error_of(sqlite3.SQLITE_IOERR)


def failing(
    writing: Ledger, where: str, code: int = sqlite3.SQLITE_FULL, *, undoing_fails: bool = False
) -> tuple[Ledger, FailingConnection]:
    connection = FailingConnection(writing._connection, where, code, undoing_fails=undoing_fails)
    return Ledger(cast(Connection, connection), writing.path), connection


STATEMENTS = ("BEGIN", "INTO entity", "INTO log", "COMMIT")
MEANINGS = {
    sqlite3.SQLITE_FULL: StorageFullError,
    sqlite3.SQLITE_READONLY: StorageUnavailableError,
    sqlite3.SQLITE_BUSY: StorageUnavailableError,
    sqlite3.SQLITE_IOERR: StorageFailedError,
    sqlite3.SQLITE_IOERR_FSYNC: StorageFailedError,
    sqlite3.SQLITE_CORRUPT: StorageFailedError,
    sqlite3.SQLITE_NOTADB: StorageFailedError,
}


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
@pytest.mark.parametrize("where", STATEMENTS)
def test_an_append_that_fails_anywhere_writes_nothing(
    tmp_path: Path, where: str, code: int, meaning: type[Exception]
) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            broken, disk = failing(writing, where, code)
            with pytest.raises(meaning):
                await broken.append([record(2), record(3)])
            assert (await load(writing._connection)).floors[1].revision == 1
            disk.where = "nothing"
            await broken.append([record(2)])
        assert sorted((await loaded_floor(tmp_path)).guests) == ["g1", "g2"]

    asyncio.run(run())


def replace_database(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("take_away", [Path.unlink, replace_database], ids=["removed", "replaced"])
def test_a_database_that_is_taken_away_while_it_is_written_has_failed(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    """SQLite would write on into a file that no start will ever find."""

    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            take_away(tmp_path / DATABASE)
            with pytest.raises(StorageFailedError, match="removed or replaced"):
                await writing.append([record(2)])

    asyncio.run(run())


def test_a_disk_that_cannot_even_undo_has_failed(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            broken, _ = failing(writing, "COMMIT", sqlite3.SQLITE_IOERR, undoing_fails=True)
            with pytest.raises(StorageFailedError):
                await broken.append([record(1)])

    asyncio.run(run())


def test_a_fault_of_our_own_is_undone_too(tmp_path: Path) -> None:
    """The writer then takes the group one by one, and the innocent must find no transaction open."""

    async def run() -> None:
        async with ledger(tmp_path) as writing:
            with pytest.raises(OverflowError):
                await writing.append([record(1), record(2, time=2**70)])
            assert not writing._connection.in_transaction
            await writing.append([record(1)])
        assert sorted((await loaded_floor(tmp_path)).guests) == ["g1"]

    asyncio.run(run())


def test_a_revision_that_exists_is_not_written_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            with pytest.raises(sqlite3.IntegrityError):
                await writing.append([record(2), record(1)])
            await writing.append([record(2)])
        assert (await loaded_floor(tmp_path)).revision == 2

    asyncio.run(run())


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
@pytest.mark.parametrize("where", ["BEGIN", "INSERT OR REPLACE", "COMMIT"])
def test_a_probe_fails_as_an_append_would(tmp_path: Path, where: str, code: int, meaning: type[Exception]) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            broken, _ = failing(writing, where, code)
            with pytest.raises(meaning):
                await broken.probe()
            assert not writing._connection.in_transaction
            await writing.probe()

    asyncio.run(run())


def test_a_probe_changes_nothing_that_a_start_reads(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            before = await load(writing._connection)
            await writing.probe()
            assert await load(writing._connection) == before

    asyncio.run(run())


def test_a_checkpoint_that_fails_says_so_and_stays_due(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            broken, disk = failing(writing, "wal_checkpoint", sqlite3.SQLITE_IOERR)
            broken.pages_due = 7
            with pytest.raises(StorageFailedError):
                await broken.upkeep()
            assert broken.pages_due == 7
            disk.where = "nothing"
            await broken.upkeep()
            assert broken.pages_due == 0

    asyncio.run(run())


def test_a_checkpoint_brings_the_log_into_the_database_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with ledger(tmp_path) as writing:
            await writing.append([record(1)])
            assert writing.pages_due > 0
            [(_, in_wal, brought)] = await writing._connection.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")
            assert in_wal == brought > 0

    asyncio.run(run())


def test_of_an_entity_that_changes_often_in_a_group_only_the_last_image_is_a_row(tmp_path: Path) -> None:
    story = FloorHarness().furnish()
    guest = story.floor.guests["g1"]
    for revision in range(story.floor.revision + 1, story.floor.revision + 50):
        guest = structs.replace(guest, party_size=revision % 5 + 1, version=revision)
        change = Change("guest", "g1", "update", guest, revision - 1)
        story.log.append(Entry(1, revision, story.now, "tx", False, (change,)))
    asyncio.run(fill(tmp_path, story))
    assert asyncio.run(loaded_floor(tmp_path)).guests["g1"] == guest
    assert sql(tmp_path, "SELECT count(*) FROM entity WHERE id = 'g1'") == [(1,)]
    assert sql(tmp_path, "SELECT count(*) FROM log") == [(1 + len(story.log),)]


def test_an_error_that_is_no_fault_of_the_disk_comes_back_as_it_is() -> None:
    ours = sqlite3.IntegrityError("UNIQUE constraint failed")
    assert storage_fault(ours, "write") is ours
