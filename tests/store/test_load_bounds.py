"""How little a start reads however large the log is: by bytes, and by removals."""

from __future__ import annotations

import asyncio
from pathlib import Path

from restohub.floor.model import DIRECTORY_ID, Action, Change, Entry, Guest, Restaurant
from restohub.limits import HUB_REMOVALS_MAX
from restohub.live.ports import Record
from restohub.store import load as loading
from restohub.store.append import Ledger
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE
from restohub.store.load import Loaded, initialise, load
from tests.floor.floor_harness import START

RESTAURANTS, GONE_EACH, BATCH = 5, 6_000, 500


def restaurant(number: int) -> Record:
    made = Restaurant(id=str(number), name="Osteria", timezone="UTC", version=number, created_revision=number)
    return Record(Entry(DIRECTORY_ID, number, START, "tx", False, (Change("restaurant", made.id, "create", made),)))


def removals(number: int) -> list[Record]:
    """Batches of deletes, of guests whom nobody saw."""
    return [
        Record(
            Entry(
                number,
                first // BATCH + 1,
                START + first,
                "tx",
                True,
                tuple(Change("guest", f"g{n}", "delete", None, 1) for n in range(first, first + BATCH)),
            )
        )
        for first in range(0, GONE_EACH, BATCH)
    ]


def loaded_after(folder: Path, records: list[Record]) -> Loaded:
    async def run() -> Loaded:
        writing = await open_writer(folder)
        try:
            await initialise(writing, "id", "epoch")
            await Ledger(writing, folder / DATABASE).append(records)
            return await load(writing)
        finally:
            await writing.close()

    return asyncio.run(run())


def test_of_all_removals_so_many_are_loaded_and_each_floor_says_from_where_it_has_them(tmp_path: Path) -> None:
    every = [restaurant(number) for number in range(1, RESTAURANTS + 1)]
    every += [record for number in range(1, RESTAURANTS + 1) for record in removals(number)]
    floors = loaded_after(tmp_path, every).floors
    assert sum(len(floor.removals) for floor in floors.values()) == HUB_REMOVALS_MAX
    for floor in floors.values():
        # As `apply` leaves it: of the revision that it names some may still be there, of all later ones all are.
        oldest = next(iter(floor.removals.values())).revision
        assert floor.removals_since <= oldest + 1
        later = [gone for gone in floor.removals.values() if gone.revision > floor.removals_since]
        assert len(later) == BATCH * (GONE_EACH // BATCH - floor.removals_since)


def test_of_a_log_of_large_commits_the_newest_are_compared_alone(tmp_path: Path) -> None:
    text, count = "x" * 2_000_000, 20
    assert len(text) * count > loading.COMPARED_BYTES_MAX
    records = [restaurant(1)]
    for number in range(1, count + 1):
        guest = Guest(id="g", first_name="Ada", party_size=2, notes=text, version=number, created_revision=1)
        action: Action = "create" if number == 1 else "update"
        change = Change("guest", "g", action, guest, number - 1)
        records.append(Record(Entry(1, number, START + number, "tx", False, (change,))))
    assert loaded_after(tmp_path, records).floors[1].revision == count
    assert asyncio.run(compared_from(tmp_path)) > 1


async def compared_from(folder: Path) -> int:
    writing = await open_writer(folder)
    try:
        return await writing.run(lambda database: loading.small_enough_from(database, 1, loading.COMPARED_BYTES_MAX))
    finally:
        await writing.close()
