"""How the store's tests open real SQLite files, fill them, and damage them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from restohub.floor.model import DIRECTORY_ID, Change, Entry, Floor, Restaurant
from restohub.live.ports import Record
from restohub.store.append import Ledger
from restohub.store.codec import name_checksum
from restohub.store.connection import open_reader, open_writer
from restohub.store.contact_visits import CONTACT_KEY
from restohub.store.data_folder import DATABASE
from restohub.store.history import History
from restohub.store.load import Loaded, initialise, load
from tests.floor.floor_harness import START, FloorHarness

RESTAURANT = Restaurant(
    id="1",
    name="Trattoria",
    timezone="Europe/Rome",
    created_at=START,
    last_updated=START,
    version=1,
    created_revision=1,
)


@asynccontextmanager
async def ledger(folder: Path) -> AsyncIterator[Ledger]:
    """The writing end of the store in `folder`; a new one has restaurant 1."""
    connection = await open_writer(folder)
    try:
        await initialise(connection, "install", "epoch")
        # Of the empty key, as a story of the floor is told: so what is written follows from the story.
        named = "UPDATE hub SET value = '', checksum = ? WHERE name = ?"
        await connection.execute(named, (name_checksum(CONTACT_KEY, ""), CONTACT_KEY))
        writing = Ledger(connection, folder / DATABASE)
        if (await load(connection)).directory.revision == 0:
            await writing.append([open_restaurant(RESTAURANT)])
        yield writing
    finally:
        await connection.close()


def prune_log(folder: Path, upto: int) -> None:
    """Take the commits up to this one out of the log of restaurant 1, as the hub does; all else stays as it is."""

    async def run() -> None:
        connection = await open_writer(folder)
        await Ledger(connection, folder / DATABASE).prune(1, 1, upto)
        await connection.close()

    asyncio.run(run())


@asynccontextmanager
async def history(folder: Path) -> AsyncIterator[History]:
    """The reading end of the store in `folder`."""
    connection = await open_reader(folder)
    try:
        yield History(connection)
    finally:
        await connection.close()


def open_restaurant(restaurant: Restaurant) -> Record:
    """The commit that makes a restaurant, numbered as it is."""
    change = Change("restaurant", restaurant.id, "create", restaurant)
    return Record(Entry(DIRECTORY_ID, int(restaurant.id), START, "tx", False, (change,)))


async def fill(folder: Path, story: FloorHarness, groups: Sequence[int] = ()) -> None:
    """Write a story's log, in groups of these sizes and the rest at once."""
    records = [Record(entry) for entry in story.log]
    async with ledger(folder) as writing:
        for size in groups:
            if records[:size]:
                await writing.append(records[:size])
            records = records[size:]
        if records:
            await writing.append(records)


async def loaded(folder: Path) -> Loaded:
    """What a start reads."""
    connection = await open_writer(folder)
    try:
        return await load(connection)
    finally:
        await connection.close()


async def loaded_floor(folder: Path, restaurant_id: int = 1) -> Floor:
    """The floor that a start reads."""
    return (await loaded(folder)).floors[restaurant_id]


def sql(folder: Path, statement: str, *values: object) -> list[Any]:
    """Run one statement on the file behind the hub's back, as damage does; the rows that it gives."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def checkpointed(folder: Path) -> Path:
    """The database file with all of the WAL in it, and no WAL beside it."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / DATABASE
