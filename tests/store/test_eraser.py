"""The eraser's steps on pages: no stale copy of a row is left, whatever SQLite moved before."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest

from restohub.live.ports import StorageUnavailableError
from restohub.store.append import UPSERT, Ledger, cut_wal
from restohub.store.codec import NO_CHANGES, log_checksum, position_of, row_checksum
from restohub.store.connection import PAGE_BYTES, open_writer
from restohub.store.data_folder import DATABASE, wal_path
from restohub.store.eraser import Eraser, clean_pages
from restohub.store.stale_pages import FRAME_BYTES, HEADERS, TABLE_LEAF
from tests.faults.file_search import finds, free_pages
from tests.random_seed import chosen_seed

WORD = "zaphodbeeblebrox"
ROUNDS = 12_000
STEP = 500
CUTS, SECTOR = 5, 512


@asynccontextmanager
async def ledger_of(folder: Path) -> AsyncIterator[Ledger]:
    """A ledger on a new database."""
    connection = await open_writer(folder)
    try:
        yield Ledger(connection, folder / DATABASE)
    finally:
        await connection.close()


async def at_once(work: Callable[[], Awaitable[int]]) -> int:
    """Do a step: there is no writer to wait for."""
    return await work()


def image(chance: Random, mine: bool) -> bytes:
    """A row's blob of a length by chance, with the word in it or not; some reach into overflow pages."""
    text = (f"{WORD} " if mine else "n") * chance.randint(1, 12) + "m" * chance.choice([0, 20, 80, 300, 900, 2500])
    return b'"' + text.encode() + b'"'


def churn(database: sqlite3.Connection, chance: Random) -> None:
    """Rows that come, change and go: entities, and the logs of several restaurants, pruned at their old ends."""
    there: list[str] = []
    for first in range(1, ROUNDS, STEP):
        database.execute("BEGIN")
        for step in range(first, first + STEP):
            change_entity(database, chance, there, step)
            position, blob = position_of(chance.choice([1, 1, 2, 3]), step), image(chance, chance.random() < 0.2)
            row = (position, 0, log_checksum(position, 0, None, None, blob, None), blob)
            database.execute("INSERT INTO log (position, time, checksum, changes) VALUES (?, ?, ?, ?)", row)
        for one in (1, 2, 3):
            span = position_of(one, 0), position_of(one, max(0, first - 4000))
            database.execute("DELETE FROM log WHERE position BETWEEN ? AND ?", span)
        database.execute("COMMIT")
    database.execute("UPDATE removal SET phone = NULL, email = NULL")
    database.execute("UPDATE entity SET image = CAST('\"\"' AS BLOB) WHERE id LIKE 'p%'")
    for position, blob in database.execute("SELECT position, changes FROM log").fetchall():
        if WORD.encode() in blob:
            new = NO_CHANGES.ljust(len(blob))
            database.execute("UPDATE log SET changes = ? WHERE position = ?", (new, position))


def change_entity(database: sqlite3.Connection, chance: Random, there: list[str], step: int) -> None:
    """Make, change or delete one."""
    act = chance.random()
    if act < 0.3 or not there:
        there.append(f"{'p' if chance.random() < 0.2 else 'o'}{step}")
    if act > 0.8:
        who = there.pop(chance.randrange(len(there)))
        contact = WORD if who[0] == "p" else None
        database.execute("DELETE FROM entity WHERE id = ?", (who,))
        database.execute("INSERT INTO removal VALUES (1, 'guest', ?, ?, 1, ?, ?, 0)", (who, step, contact, contact))
    else:
        who = chance.choice(there)
        blob, values = image(chance, who[0] == "p"), (1, "guest", who, step)
        database.execute(UPSERT, (*values, row_checksum(*values, blob), blob))


@pytest.mark.parametrize("zeroing", ["FAST", "OFF"])
def test_no_stale_copy_of_a_row_is_left(zeroing: str, tmp_path: Path) -> None:
    asyncio.run(no_copy_is_left(Random(chosen_seed()), zeroing, tmp_path))


async def no_copy_is_left(chance: Random, zeroing: str, tmp_path: Path) -> None:
    """Churn, with what SQLite zeroes by itself as the hub has it or with nothing, clean, search; then cut the power."""
    async with ledger_of(tmp_path) as ledger:

        def churning(database: sqlite3.Connection) -> int:
            database.execute("COMMIT")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"PRAGMA secure_delete = {zeroing}")
            churn(database, chance)
            database.execute("PRAGMA secure_delete = FAST")
            database.execute("BEGIN")
            return 0

        await ledger.transact(churning)
        await ledger.visit(cut_wal)
        assert finds(tmp_path, [WORD]) != [], "SQLite has left copies"
        before, rows = (tmp_path / DATABASE).read_bytes(), entities(tmp_path)
        await clean_pages(Eraser(ledger), at_once)
        after = (tmp_path / DATABASE).read_bytes()
        assert finds(tmp_path, [WORD]) == []
        assert [page for page in free_pages(tmp_path / DATABASE) if any(page)] == []
        assert entities(tmp_path) == rows
    for _ in range(CUTS):
        (tmp_path / DATABASE).write_bytes(cut(before, after, chance))
        assert entities(tmp_path) == rows


def first_cell(database: Path) -> int:
    """Where the first page of rows that has any says at which place of it the first is."""
    content = database.read_bytes()
    pages = range(PAGE_BYTES, len(content), PAGE_BYTES)
    return next(at for at in pages if content[at] == TABLE_LEAF and any(content[at + 3 : at + 5])) + HEADERS[TABLE_LEAF]


@pytest.mark.parametrize(
    ("at", "what"),
    [
        (16, "the pages of the database are not such"),
        (39, "the free list has not as many pages"),
        (PAGE_BYTES + 5, "page 2 of the"),
        (None, "page [0-9]+ of the"),
    ],
)
def test_nothing_is_zeroed_where_a_page_is_not_what_it_has_to_be(at: int | None, what: str, tmp_path: Path) -> None:
    async def run() -> bytes:
        async with ledger_of(tmp_path) as ledger:
            await ledger.visit(cut_wal)
            with (tmp_path / DATABASE).open("r+b") as file:
                file.seek(first_cell(tmp_path / DATABASE) if at is None else at)
                file.write(b"\xff")
            before = (tmp_path / DATABASE).read_bytes()
            with pytest.raises(StorageUnavailableError, match=f"the data are damaged: {what}"):
                await clean_pages(Eraser(ledger), at_once)
            return before

    before = asyncio.run(run())
    assert (tmp_path / DATABASE).read_bytes() == before


def test_zeros_behind_the_write_ahead_log_are_no_pages(tmp_path: Path) -> None:
    """As a power cut leaves them: the file was made longer, and what it was to hold had not come."""

    async def run() -> None:
        async with ledger_of(tmp_path) as ledger:
            await ledger.transact(lambda connection: connection.execute("UPDATE hub SET value = value"))
            with wal_path(tmp_path).open("ab") as file:
                file.write(bytes(40 * FRAME_BYTES))
            await clean_pages(Eraser(ledger), at_once)
            assert wal_path(tmp_path).stat().st_size == 0

    asyncio.run(run())


def cut(before: bytes, after: bytes, chance: Random) -> bytes:
    """The file after a power cut: each sector as it was, or as it was to be."""
    assert len(before) == len(after)
    sectors = range(0, len(before), SECTOR)
    return b"".join(chance.choice((before, after))[at : at + SECTOR] for at in sectors)


def entities(folder: Path) -> list[tuple[object, ...]]:
    """The entities in their order, and the log."""
    with closing(sqlite3.connect(f"{(folder / DATABASE).as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = database.execute("SELECT id, version, checksum, image FROM entity ORDER BY rowid").fetchall()
        return [*rows, *database.execute("SELECT position, time, key, digest, changes, answer FROM log")]
