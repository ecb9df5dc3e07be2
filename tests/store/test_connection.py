"""How the data folder is opened: its settings, its schema, its lock, its one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import aiosqlite
import pytest

from restohub.store import schema as store_format
from restohub.store.codec import DamageError
from restohub.store.connection import open_reader, open_writer
from restohub.store.data_folder import DATABASE, LOCK, MARK, FolderError, FolderLock
from restohub.store.schema import migrations, statements
from tests.floor.floor_harness import FloorHarness
from tests.store.database_files import fill, loaded_floor, sql

BROKEN = "CREATE TABLE extra (a INTEGER) STRICT;\nDELETE FROM entity;\nCREATE TABLE extra (a INTEGER) STRICT;\n"
SOUND = "CREATE TABLE extra (\n    a INTEGER -- a; b\n) STRICT;\nCREATE INDEX extra_a ON extra (a);\n"


async def pragma(connection: aiosqlite.Connection, name: str) -> object:
    rows = list(await connection.execute_fetchall(f"PRAGMA {name}"))
    return rows[0][0]


def test_the_writing_connection_is_set_for_safety_and_small_writes(tmp_path: Path) -> None:
    async def run() -> None:
        connection = await open_writer(tmp_path)
        found = {
            name: await pragma(connection, name)
            for name in ("journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "mmap_size", "query_only")
        }
        await connection.close()
        full = 2
        assert found == {
            "journal_mode": "wal",
            "synchronous": full,
            "page_size": 1024,
            "wal_autocheckpoint": 0,
            "mmap_size": 0,
            "query_only": 0,
        }

    asyncio.run(run())


def test_a_reopened_store_has_the_same_settings(tmp_path: Path) -> None:
    async def run() -> None:
        await (await open_writer(tmp_path)).close()
        connection = await open_writer(tmp_path)
        assert await pragma(connection, "page_size") == 1024
        assert await pragma(connection, "synchronous") == 2
        assert await pragma(connection, "wal_autocheckpoint") == 0
        await connection.close()

    asyncio.run(run())


def test_a_reading_connection_cannot_write_nor_checkpoint_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        writing = await open_writer(tmp_path)
        reading = await open_reader(tmp_path)
        assert await pragma(reading, "query_only") == 1
        assert await pragma(reading, "wal_autocheckpoint") == 0
        for statement in ("INSERT INTO hub VALUES ('a', 'b', 0)", "DELETE FROM log", "CREATE TABLE x (a)"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await reading.execute(statement)
        await reading.close()
        await writing.close()

    asyncio.run(run())


def test_every_table_is_strict(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path, FloorHarness()))
    tables = [row for row in sql(tmp_path, "PRAGMA table_list") if not row[1].startswith("sqlite_")]
    assert {row[1] for row in tables} == {"hub", "entity", "removal", "log", "visit", "device", "person", "audit"}
    assert all(row[5] == 1 for row in tables)


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path, FloorHarness()))
    sql(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(FolderError, match=r"newer restohub \(format 99, this one reads up to \d+\).* Install"):
        asyncio.run(open_writer(tmp_path))
    assert sql(tmp_path, "PRAGMA user_version") == [(99,)]


def test_migrations_are_numbered_from_one_without_a_gap_and_hold_nothing_but_whole_statements() -> None:
    steps = migrations()
    assert [number for number, _ in steps] == list(range(1, len(steps) + 1))
    for _, script in steps:
        assert "".join(statements(script)) == script


def test_a_migration_that_fails_leaves_the_old_store_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = FloorHarness().furnish()
    asyncio.run(fill(tmp_path, story))
    known = migrations()
    with monkeypatch.context() as patched:
        patched.setattr(store_format, "migrations", lambda: [*known, (len(known) + 1, BROKEN)])
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            asyncio.run(open_writer(tmp_path))
    assert sql(tmp_path, "PRAGMA user_version") == [(len(known),)]
    assert sql(tmp_path, "SELECT name FROM sqlite_schema WHERE name = 'extra'") == []
    assert asyncio.run(loaded_floor(tmp_path)) == story.floor


def test_a_migration_that_succeeds_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = FloorHarness().furnish()
    asyncio.run(fill(tmp_path, story))
    known = migrations()
    monkeypatch.setattr(store_format, "migrations", lambda: [*known, (len(known) + 1, SOUND)])
    for _ in range(2):
        assert asyncio.run(loaded_floor(tmp_path)) == story.floor
    assert sql(tmp_path, "PRAGMA user_version") == [(len(known) + 1,)]
    assert len(sql(tmp_path, "SELECT name FROM sqlite_schema WHERE name LIKE 'extra%'")) == 2


def test_a_second_hub_on_one_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with FolderLock(tmp_path):  # noqa: SIM117 (the first must hold while the second is refused)
        with pytest.raises(FolderError, match=r"Another hub serves .* already\. Stop it first, or choose"):
            FolderLock(tmp_path).__enter__()


def test_the_folder_is_free_again_when_its_hub_is_gone(tmp_path: Path) -> None:
    for _ in range(2):
        with FolderLock(tmp_path / "new" / "folder") as lock:
            assert (lock.folder / LOCK).exists()


def test_a_folder_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FolderError, match=r"is not a folder\. Choose another with --data"):
            FolderLock(folder).__enter__()


def test_a_folder_that_came_without_its_mark_is_marked_at_the_next_start(tmp_path: Path) -> None:
    """Such as one into which a backup was copied: from then on a lost database is damage there too."""
    asyncio.run(fill(tmp_path, FloorHarness()))
    (tmp_path / MARK).unlink()
    asyncio.run(loaded_floor(tmp_path))
    (tmp_path / DATABASE).unlink()
    with pytest.raises(DamageError, match="gone or empty"):
        asyncio.run(open_writer(tmp_path))


def test_a_mark_that_cannot_be_read_is_a_mark_all_the_same(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path, FloorHarness()))
    (tmp_path / MARK).write_bytes(b"\xff")
    asyncio.run(loaded_floor(tmp_path))
    (tmp_path / DATABASE).unlink()
    with pytest.raises(DamageError, match="gone or empty"):
        asyncio.run(open_writer(tmp_path))


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(b"These are the reservations of 1987.\n" * 100)
    with pytest.raises(DamageError, match="is not a database"):
        asyncio.run(open_writer(tmp_path))
    assert path.read_bytes().startswith(b"These are")


def test_a_database_that_cannot_be_opened_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / DATABASE).mkdir()
        try:
            with pytest.raises(FolderError, match="cannot be written by this user"):
                await open_writer(tmp_path)
        finally:  # its thread must end before the loop does
            await asyncio.to_thread(join_workers)

    asyncio.run(run())


def join_workers() -> None:
    for thread in threading.enumerate():
        if "connection_worker" in thread.name:
            thread.join()
