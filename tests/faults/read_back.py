"""A data folder opened as a start opens it, and held against what the hub is known to have written."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec

from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE, FolderLock
from restohub.store.load import initialise, load

LOG = "SELECT position, time, checksum, key, digest, changes, answer FROM log ORDER BY position"
ROWS = "SELECT restaurant_id, kind, id, image FROM entity"
REVISION_BITS = 40

Rows = dict[tuple[int, str, str], bytes]
Heads = dict[int, int]


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """Every row of the log that the hub wrote, by restaurant and revision, from a folder that nothing happened to."""

    log: dict[int, list[tuple[Any, ...]]]
    _rows: dict[tuple[tuple[int, int], ...], Rows] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> WrittenLog:
        """The history of a folder whose hub has stopped."""
        with sqlite3.connect(folder / DATABASE) as connection:
            found: dict[int, list[tuple[Any, ...]]] = {}
            for row in connection.execute(LOG):
                found.setdefault(row[0] >> REVISION_BITS, []).append(row)
        connection.close()
        return cls(found)

    def rows_at(self, heads: Heads) -> Rows:
        """What the log's changes leave, up to these revisions."""
        known = tuple(sorted(heads.items()))
        if known not in self._rows:
            self._rows[known] = self._folded(heads)
        return self._rows[known]

    def _folded(self, heads: Heads) -> Rows:
        rows: Rows = {}
        for restaurant, head in heads.items():
            for row in self.log.get(restaurant, [])[:head]:
                for kind, entity_id, action, _, image, *_ in msgspec.json.decode(row[5]):
                    if action == "delete":
                        rows.pop((restaurant, kind, entity_id), None)
                    else:
                        rows[restaurant, kind, entity_id] = msgspec.json.encode(image)
        return rows


async def read_back(folder: Path, history: WrittenLog) -> Heads:
    """Open a folder as a start does, assert that it holds a beginning of this history whole, and return how much.

    What is asserted: the start takes it, SQLite finds it sound, the log is the history's own without a gap, and the
    rows are what the log's changes leave.
    """
    with FolderLock(folder):
        connection = await open_writer(folder)
        try:
            await initialise(connection, "install", "epoch")
            loaded = await load(connection)
            heads = {number: floor.revision for number, floor in loaded.floors.items()} | {0: loaded.directory.revision}
            await _assert_whole(connection, history, heads)
        finally:
            await connection.close()
    return heads


async def _assert_whole(connection: aiosqlite.Connection, history: WrittenLog, heads: Heads) -> None:
    sound = [row[0] for row in await connection.execute_fetchall("PRAGMA integrity_check")]
    assert sound == ["ok"], sound
    log = list(await connection.execute_fetchall(LOG))
    expected = [row for number in sorted(heads) for row in history.log.get(number, [])[: heads[number]]]
    assert log == expected, "the log is not a beginning of what was written"
    rows = {(row[0], row[1], row[2]): row[3] for row in await connection.execute_fetchall(ROWS)}
    assert rows == history.rows_at(heads), "the rows are not what the log leaves"
