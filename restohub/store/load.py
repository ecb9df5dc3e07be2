"""The start: the floors read from the rows, and the newest part of the log held against them."""

from __future__ import annotations

import sqlite3
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter

import aiosqlite
from msgspec import Struct

from restohub.floor.apply import measured
from restohub.floor.model import (
    DIRECTORY_ID,
    Directory,
    Entity,
    Floor,
    Guest,
    Removal,
    Restaurant,
    Table,
)
from restohub.limits import HUB_REMOVALS_MAX, KEYS_MAX, REMOVALS_MAX
from restohub.live.key_index import Keys
from restohub.live.ports import KEYS_DAYS, ClockReset, StorageFullError, StorageUnavailableError

from .codec import (
    NO_CHANGES,
    REMOVAL_COLUMNS,
    DamageError,
    LoggedChange,
    OtherFormatError,
    decode_changes,
    decode_resets,
    entity_of,
    log_checksum,
    name_checksum,
    position_of,
    read_removal,
    restaurant_at,
    revision_at,
    row_checksum,
)
from .connection import Connection
from .errors import storage_fault
from .history import History
from .schema_version import meaning_of

# How far back a start compares the log with the rows; the whole of it would take longer than a start may.
COMPARED_MAX = 10_000
# So much of the log in all, each restaurant its share: a log of large batches would take all memory, and minutes.
COMPARED_BYTES_MAX = 32_000_000
# Each by itself is one step down the b-tree; both in one query read the whole log.
LOG_ENDS = """SELECT (SELECT min(position) FROM log WHERE position BETWEEN ?1 AND ?2),
    (SELECT max(position) FROM log WHERE position BETWEEN ?1 AND ?2)"""
KEYS = """SELECT time, position, key FROM log WHERE position BETWEEN ? AND ? AND key IS NOT NULL
    ORDER BY position DESC"""
# The length of a blob stands before it: none is read.
SIZES = """SELECT position, length(changes) + coalesce(length(answer), 0) FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?"""
NAMES_LOST = """SELECT EXISTS (SELECT 1 FROM log)
    AND (SELECT count(*) FROM hub WHERE name IN ('install_id', 'epoch')) < 2"""


class Loaded(Struct, frozen=True):
    """What the hub was when it last committed. `keys` are those of the last KEYS_DAYS days, KEYS_MAX at most.

    `claimed_at` is when a client last had an epoch begin (UTC seconds), None where none did. `resets` are where the
    times of a log began anew.
    """

    install_id: str
    epoch: str
    claimed_at: int | None
    directory: Directory
    floors: dict[int, Floor]
    keys: Keys
    resets: dict[int, ClockReset]


async def initialise(connection: aiosqlite.Connection, install_id: str, epoch: str) -> None:
    """Give a new store its names; one that has them keeps them. Raises DamageError."""
    names = [
        (name, value, name_checksum(name, value)) for name, value in (("install_id", install_id), ("epoch", epoch))
    ]
    try:
        [(lost,)] = await connection.execute_fetchall(NAMES_LOST)
        if lost:
            raise DamageError("the hub's own names are lost")
        await connection.executemany("INSERT OR IGNORE INTO hub (name, value, checksum) VALUES (?, ?, ?)", names)
    except sqlite3.Error as error:
        raise _unreadable(error) from error


async def load(connection: Connection) -> Loaded:
    """The floors, read and checked; raises DamageError rather than begin with a floor that may be wrong.

    Raises FormatError where all checksums hold, but another version wrote what is under them.
    """
    try:
        return await _load(connection)
    except OtherFormatError as error:
        raise await connection.run(partial(meaning_of, error)) from error
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    except (TypeError, ValueError) as error:  # a flipped bit in a row's header makes a text or a number of a blob
        raise DamageError(f"a row cannot be read: {error}") from error


def _unreadable(error: sqlite3.Error) -> Exception:
    """What an error of SQLite at the start means: damage, unless the disk itself says that it cannot."""
    fault = storage_fault(error)
    return fault if isinstance(fault, StorageFullError | StorageUnavailableError) else DamageError(str(fault))


async def _load(connection: Connection) -> Loaded:
    names = {}
    for name, value, checksum in await connection.execute_fetchall("SELECT name, value, checksum FROM hub"):
        if name != "probe" and name_checksum(name, value) != checksum:
            raise DamageError(f"the hub's own {name} fails its checksum")
        names[name] = value
    resets = decode_resets(names["clock_resets"]) if "clock_resets" in names else {}
    entities = await _entities(connection)
    directory_rows = entities.pop(DIRECTORY_ID, {})
    restaurants = {int(e.id): e for e in directory_rows.values() if isinstance(e, Restaurant)}
    heads: list[tuple[int, int, int]] = []
    bytes_max = COMPARED_BYTES_MAX // max(1, len(restaurants))
    removals, _ = await _removals(connection, DIRECTORY_ID, REMOVALS_MAX)
    head, time = await _checked_log(connection, DIRECTORY_ID, directory_rows, removals, REMOVALS_MAX, bytes_max)
    heads.append((DIRECTORY_ID, head, time))
    last_id = max([*restaurants, *(int(entity_id) for _, entity_id in removals)], default=0)
    directory = Directory(revision=head, time=time, restaurants=restaurants, last_id=last_id)
    for restaurant_id in entities.keys() - restaurants.keys():
        raise DamageError(f"there are guests or tables of a restaurant {restaurant_id} that does not exist")
    floors: dict[int, Floor] = {}
    # A share for each, since there is no order over all: the rest is on the disk, for whoever was away for long.
    most = max(1, min(REMOVALS_MAX, HUB_REMOVALS_MAX // max(1, len(restaurants))))
    for restaurant_id, restaurant in restaurants.items():
        rows = entities.pop(restaurant_id, {})
        removals, since = await _removals(connection, restaurant_id, most)
        head, time = await _checked_log(connection, restaurant_id, rows, removals, most, bytes_max)
        heads.append((restaurant_id, head, time))
        floor = Floor(
            restaurant_id=restaurant_id,
            revision=head,
            time=time or restaurant.created_at,
            guests={e.id: e for e in rows.values() if isinstance(e, Guest)},
            tables={e.id: e for e in rows.values() if isinstance(e, Table)},
            removals=removals,
            removals_since=since,
        )
        floors[restaurant_id] = measured(floor)
    return Loaded(
        install_id=names["install_id"],
        epoch=names["epoch"],
        claimed_at=int(names["claimed_at"]) if "claimed_at" in names else None,
        directory=directory,
        floors=floors,
        keys=await _keys(connection, heads, resets),
        resets=resets,
    )


async def _entities(connection: aiosqlite.Connection) -> dict[int, dict[tuple[str, str], Entity]]:
    """Every entity by restaurant, kind and id; each row's checksum is held against it."""
    found: dict[int, dict[tuple[str, str], Entity]] = {}
    sql = "SELECT restaurant_id, kind, id, version, checksum, image FROM entity ORDER BY rowid"
    for restaurant_id, kind, entity_id, version, checksum, image in await connection.execute_fetchall(sql):
        if row_checksum(restaurant_id, kind, entity_id, version, image) != checksum:
            raise DamageError(f"the row of {kind} {entity_id} of restaurant {restaurant_id} fails its checksum")
        entity = entity_of(kind, image)
        found.setdefault(restaurant_id, {})[kind, entity_id] = entity
    return found


async def _checked_log(
    connection: aiosqlite.Connection,
    restaurant_id: int,
    rows: dict[tuple[str, str], Entity],
    removals: dict[tuple[str, str], Removal],
    removals_max: int,
    bytes_max: int,
) -> tuple[int, int]:
    """The last revision of a restaurant's log and its time, after its newest part was held against the rows."""
    ends = position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1
    [(low, high)] = await connection.execute_fetchall(LOG_ENDS, ends)
    versions = (entity.version for entity in rows.values())
    newest_row = max([*versions, *(removal.revision for removal in removals.values())], default=0)
    if high is None:
        if newest_row:
            raise DamageError(f"restaurant {restaurant_id} has rows up to revision {newest_row} and no log")
        return 0, 0
    first, head = revision_at(low), revision_at(high)
    if newest_row > head:
        raise DamageError(f"restaurant {restaurant_id} has a row of revision {newest_row}, its log ends at {head}")
    compared_from = max(first, head - COMPARED_MAX + 1, await _small_enough_from(connection, low, high, bytes_max))
    newest, time = await _newest_changes(connection, position_of(restaurant_id, compared_from), high)
    _compare(restaurant_id, rows, newest, compared_from)
    _compare_removals(restaurant_id, removals, removals_max, newest, compared_from)
    return head, time


async def _small_enough_from(connection: aiosqlite.Connection, low: int, high: int, bytes_max: int) -> int:
    """From which revision on a log's newest commits take no more than this, the last at least; 0: from any."""
    size, since = 0, int(revision_at(high))
    for position, length in await connection.execute_fetchall(SIZES, (low, high, COMPARED_MAX)):
        size += length
        if size > bytes_max:
            return since
        since = revision_at(position)
    return 0


async def _newest_changes(
    connection: aiosqlite.Connection, low: int, high: int
) -> tuple[dict[tuple[str, str], tuple[int, LoggedChange]], int]:
    """The latest change of each entity between two positions of the log, and the last commit's time."""
    newest: dict[tuple[str, str], tuple[int, LoggedChange]] = {}
    expected, time = low, 0
    sql = """SELECT position, time, checksum, key, digest, changes, answer FROM log
        WHERE position BETWEEN ? AND ? ORDER BY position"""
    for position, row_time, checksum, key, digest, changes, answer in await connection.execute_fetchall(
        sql, (low, high)
    ):
        where = f"revision {revision_at(expected)} of restaurant {restaurant_at(expected)}"
        if position != expected:
            raise DamageError(f"the log has a gap: {where} is missing")
        if log_checksum(position, row_time, key, digest, changes, answer) != checksum:
            raise DamageError(f"{where} fails its checksum in the log")
        if row_time < time and changes != NO_CHANGES:
            raise DamageError(f"{where} was committed before the one that it follows")
        for change in decode_changes(changes):
            newest[change.kind, change.id] = (revision_at(position), change)
        expected, time = expected + 1, row_time
    if expected != high + 1:
        raise DamageError(f"the log of restaurant {restaurant_at(high)} cannot be read up to its end")
    return newest, time


def _compare(
    restaurant_id: int,
    rows: dict[tuple[str, str], Entity],
    newest: dict[tuple[str, str], tuple[int, LoggedChange]],
    compared_from: int,
) -> None:
    """Every entity that the newest part of the log names must be as it says, and every newer row must be named."""
    for (kind, entity_id), (revision, change) in newest.items():
        entity = rows.get((kind, entity_id))
        logged = None if change.action == "delete" else entity_of(kind, bytes(change.image))
        if entity != logged:
            raise DamageError(
                f"{kind} {entity_id} of restaurant {restaurant_id} is not as revision {revision} of the log left it"
            )
    for (kind, entity_id), entity in rows.items():
        if entity.version >= compared_from and (kind, entity_id) not in newest:
            raise DamageError(
                f"{kind} {entity_id} of restaurant {restaurant_id} says revision {entity.version}, "
                "which does not name it in the log"
            )


def _compare_removals(
    restaurant_id: int,
    removals: dict[tuple[str, str], Removal],
    removals_max: int,
    newest: dict[tuple[str, str], tuple[int, LoggedChange]],
    compared_from: int,
) -> None:
    """What the newest part of the log removed must be among the removals, and the other way round."""
    oldest = next(iter(removals.values())).revision if len(removals) == removals_max else 0
    logged = {who: revision for who, (revision, change) in newest.items() if change.action == "delete"}
    for (kind, entity_id), revision in logged.items():
        removal = removals.get((kind, entity_id))
        if revision > oldest and (removal is None or removal.revision != revision):
            raise DamageError(f"the removal of {kind} {entity_id} of restaurant {restaurant_id} is lost")
    for who, removal in removals.items():
        if removal.revision >= compared_from and logged.get(who) != removal.revision:
            raise DamageError(
                f"revision {removal.revision} of restaurant {restaurant_id} did not remove {' '.join(who)}"
            )


async def _keys(connection: Connection, heads: list[tuple[int, int, int]], resets: dict[int, ClockReset]) -> Keys:
    """The idempotency keys that are honoured, and as many older ones as the day brings with them.

    `heads` are each restaurant, its last revision and the time of that. In the order in which the hub made their
    commits, as far as seconds tell.
    """
    spans: list[tuple[int, int]] = []
    for restaurant_id, head, time in heads:
        upto = Floor(restaurant_id=restaurant_id, revision=head, time=time)
        low = await History(connection, resets).revision_days_back(upto, KEYS_DAYS) + 1
        spans.append((position_of(restaurant_id, low), position_of(restaurant_id, head)))

    def newest(database: sqlite3.Connection) -> Keys:
        logs = [database.execute(KEYS, span) for span in spans]
        found = list(islice(merge(*logs, key=itemgetter(0), reverse=True), KEYS_MAX))
        keys = Keys()
        for _, position, key in reversed(found):
            keys.add(restaurant_at(position), key, revision_at(position))
        return keys

    return await connection.run(newest)


async def _removals(
    connection: aiosqlite.Connection, restaurant_id: int, most: int
) -> tuple[dict[tuple[str, str], Removal], int]:
    """The newest removals of a restaurant, oldest first, and the revision since which they are all of them."""
    sql = f"SELECT {REMOVAL_COLUMNS} FROM removal WHERE restaurant_id = ? ORDER BY revision DESC LIMIT ?"  # noqa: S608 (our own column names)
    rows = await connection.execute_fetchall(sql, (restaurant_id, most))
    newest = [read_removal(row) for row in rows]
    removals: dict[tuple[str, str], Removal] = {(one.kind, one.id): one for one in reversed(newest)}
    return removals, newest[-1].revision if len(newest) == most else 0
