"""People in the store: hashes that end, guests that are taken out, and rows that cannot be read meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from restohub.floor.commands import CloseDay, Create, GuestFields
from restohub.floor.forgetting import Person, person_of
from restohub.live.ports import IDLE_S, StorageUnavailableError
from restohub.store.append import CHECKPOINT_PAGES, cut_wal
from restohub.store.codec import position_of
from restohub.store.data_folder import DATABASE
from restohub.store.eraser import Eraser, clean_pages
from restohub.store.erasure_list import FILE
from restohub.store.people import People
from restohub.store.verification import verify_folder
from tests.floor.floor_harness import FloorHarness
from tests.random_seed import chosen_seed
from tests.store.database_files import fill, history, ledger, sql

# Of more than one reading each, and no multiple of it.
EARLIER, GUESTS = 300, 500
PHONE = "+39 06 555 1234"
# Rows that are found by this word; it is searched for by its beginning, as a page may split it.
WORD, BEGINNING = b"zaphodbeeblebrox", b"zaphodb"
STORIES, TRANSACTIONS = 10, 4
# So few pages that there are many steps, and more than others write between two.
PAGES_A_STEP = 32
OTHERS = 200
# The positions of the rows of each restaurant's log.
Rows = dict[int, list[int]]
INSERT_ROW = "INSERT INTO log (position, time, checksum, changes) VALUES (?, 1, 0, ?)"
DELETE_ROW = "DELETE FROM log WHERE position = ?"
INSERT_REMOVAL = """INSERT INTO removal (restaurant_id, kind, id, revision, time, phone, email, checksum)
    VALUES (1, 'guest', ?, ?, 1, ?, ?, 0)"""
BLANK_REMOVALS = "UPDATE removal SET phone = NULL, email = NULL"
BLANK_ROWS = "UPDATE log SET changes = zeroblob(length(changes)) WHERE substr(changes, 1, 7) = ?"


@asynccontextmanager
async def people_of(folder: Path) -> AsyncIterator[People]:
    """What the store knows of people, over the data of a folder."""
    async with ledger(folder) as writing, history(folder) as past:
        yield People(folder, past, Eraser(writing), b"")


async def at_once(work: Callable[[], Awaitable[int]]) -> int:
    """Do a step: there is no writer to wait for."""
    return await work()


def close_of(story: FloorHarness, first: int, many: int) -> None:
    """So many guests with a phone come, finish, and leave the floor by one commit."""
    ids = tuple(f"g{number}" for number in range(first, first + many))
    for one in ids:
        fields = GuestFields(first_name="Anna", party_size=2, phone=PHONE, status="finished")
        story.tell(Create(kind="guest", id=one, fields=fields))
    story.tell(CloseDay(ids, story.floor.time + 1, story.floor.revision))


def test_hashes_end_of_all_who_left_by_one_commit(tmp_path: Path) -> None:
    story = FloorHarness()
    close_of(story, 0, EARLIER)
    close_of(story, EARLIER, GUESTS)

    async def run() -> set[str]:
        await fill(tmp_path, story)
        async with people_of(tmp_path) as people:
            return await people.end_hashes(1, story.floor.time + 1, at_once)

    assert len(asyncio.run(run())) == EARLIER + GUESTS
    assert sql(tmp_path, "SELECT count(*) FROM removal WHERE phone <> ''") == [(0,)]


def damaged(folder: Path, story: FloorHarness, old: str, new: str) -> None:
    """Change what the commits of a story say, as a disk does; they stay JSON."""
    for entry in story.log:
        damage = "UPDATE log SET changes = CAST(replace(CAST(changes AS TEXT), ?, ?) AS BLOB) WHERE position = ?"
        sql(folder, damage, old, new, position_of(1, entry.revision))


@pytest.mark.parametrize(
    ("person", "old", "new"),
    [
        (person_of(b"", None, PHONE, None), f'"phone":"{PHONE}"', f'"phone":{"1" * (len(PHONE) + 2)}'),
        (Person(id="g0"), '"party_size":2', '"party_size":""'),
    ],
    ids=["while it is searched", "while it is taken out"],
)
def test_a_damaged_image_leaves_the_person_for_later(person: Person, old: str, new: str, tmp_path: Path) -> None:
    story = FloorHarness()
    close_of(story, 0, 1)

    async def run() -> None:
        await fill(tmp_path, story)
        async with people_of(tmp_path) as people:
            damaged(tmp_path, story, old, new)  # a start reads the newest part of a log alone
            ids = await people.found(story.floor, person, ())
            await people.scrub(story.floor, ids, at_once)

    with pytest.raises(StorageUnavailableError, match="the data are damaged"):
        asyncio.run(run())


def test_a_list_beside_the_backups_that_cannot_be_read_is_told_like_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with people_of(tmp_path) as people:
            people.keep([])
            (tmp_path / "backups").mkdir()
            (tmp_path / "backups" / FILE).write_text("torn")
            people.keep_beside_backups()

    with pytest.raises(StorageUnavailableError, match="The list of erasures"):
        asyncio.run(run())


def test_a_damaged_commit_stays_to_be_found_after_it_was_rewritten(tmp_path: Path) -> None:
    story = FloorHarness()
    close_of(story, 0, 1)

    async def run() -> None:
        await fill(tmp_path, story)
        async with ledger(tmp_path) as writing, history(tmp_path) as past:
            damaged(tmp_path, story, '"party_size":2', '"party_size":3')
            await People(tmp_path, past, Eraser(writing), b"").scrub(story.floor, {"g0"}, at_once)

    asyncio.run(run())
    assert 1 in {one.revision for one in verify_folder(tmp_path, lambda *_: None).faults}


def moved_rows(connection: sqlite3.Connection, there: Rows, chance: Random, many: int, word: bytes) -> None:
    """Write and delete rows of the hub's own log and of two restaurants', with removals: SQLite moves rows in pages."""
    for _ in range(many):
        log = there[chance.choice([0, 1, 1, 1, 2])]
        if chance.random() < 0.7 or len(log) == 1:
            log.append(log[-1] + 1)
            connection.execute(INSERT_ROW, (log[-1], word * chance.randint(1, chance.choice([5, 60, 200]))))
        else:
            gone = log.pop(chance.choice([0, chance.randrange(len(log) - 1)]))
            connection.execute(DELETE_ROW, (gone,))
            connection.execute(INSERT_REMOVAL, (f"{gone}", gone, word.decode(), word.decode()))


async def left_of_rows(folder: Path, chance: Random, busy: bool) -> int:
    """How often the word is left in the files once all rows that had it were written over and the pages cleaned.

    `busy`: others write rows meanwhile and afterwards, which have the word in no part of theirs.
    """
    there = {restaurant_id: [position_of(restaurant_id, 1000)] for restaurant_id in range(3)}
    async with ledger(folder) as writing:

        def write(many: int, word: bytes) -> Awaitable[None]:
            return writing.transact(lambda connection: moved_rows(connection, there, chance, many, word))

        async def between(work: Callable[[], Awaitable[int]]) -> int:
            done = await work()
            if busy:
                await write(chance.randint(0, 8), b"other")
                writing.pages_due = CHECKPOINT_PAGES
                assert not writing.upkeep_due(IDLE_S), "pages that are written would leave the write-ahead log unseen"
            return done

        for _ in range(TRANSACTIONS):
            await write(chance.randint(50, 400), WORD)
        await writing.transact(lambda connection: connection.execute(BLANK_ROWS, (BEGINNING,)))
        await writing.transact(lambda connection: connection.execute(BLANK_REMOVALS))
        await writing.visit(cut_wal)
        await clean_pages(Eraser(writing), between)
        if busy:
            await write(OTHERS, b"other")
        return sum(path.read_bytes().count(BEGINNING) for path in folder.glob(f"{DATABASE}*"))


@pytest.mark.parametrize("busy", [False, True], ids=["at rest", "busy"])
def test_no_copy_of_a_row_is_left_in_any_page(busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restohub.store.eraser.PAGES_A_STEP", PAGES_A_STEP)
    seed = chosen_seed()
    for story in range(STORIES):
        folder = tmp_path / f"{story}"
        folder.mkdir()
        assert asyncio.run(left_of_rows(folder, Random(seed + story), busy)) == 0
