"""Loading at the start: the floors from the rows, checked against the newest part of the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter

from msgspec import Struct

from restohub.access.devices import Device
from restohub.access.roles import Mode
from restohub.access.staff import Person
from restohub.floor.apply import measured
from restohub.floor.model import DIRECTORY_ID, Directory, Floor, Guest, Restaurant, Table
from restohub.limits import HUB_REMOVALS_MAX, KEYS_MAX, REMOVALS_MAX
from restohub.live.key_index import KeyIndex
from restohub.live.ports import KEYS_DAYS, ClockReset

from .codec import DamageError, OtherFormatError, decode_resets, name_checksum, position_of, restaurant_at, revision_at
from .connection import Connection
from .contact_visits import CONTACT_KEY
from .errors import storage_fault
from .findings import Finding
from .history import History
from .integrity import Audit
from .schema import explain_unreadable_rows, file_of

# How far back a start compares the log with the rows; the whole of it would take longer than a start may.
COMPARED_MAX = 10_000
# So much of the log in all, each restaurant its share: a log of large batches would take all memory, and minutes.
COMPARED_BYTES_MAX = 32_000_000
KEYS = """SELECT time, position, key FROM log WHERE position BETWEEN ? AND ? AND key IS NOT NULL
    ORDER BY position DESC"""
# The length of a blob stands before it: none is read.
SIZES = """SELECT position, length(changes) + coalesce(length(answer), 0) FROM log
    WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?"""
NAMES_LOST = """SELECT NOT EXISTS (SELECT 1 FROM hub WHERE name = 'contact_key') OR EXISTS (SELECT 1 FROM log)
    AND (SELECT count(*) FROM hub WHERE name IN ('install_id', 'epoch')) < 2"""


class Loaded(Struct, frozen=True):
    """What the hub was when it last committed. `keys` are those of the last KEYS_DAYS days, KEYS_MAX at most.

    `contact_key` is what contacts are hashed with. `claimed_at` is when a client last had an epoch begin (UTC seconds),
    None where none did. `resets` are where the times of a log began anew. `devices` and `persons` belong to the hub;
    `mode` says whether it is closed, None where nobody said. `revoked` are the tokens on the list of those that were
    taken back, each with when that was: the list lies beside the database.
    """

    install_id: str
    epoch: str
    contact_key: bytes
    claimed_at: int | None
    directory: Directory
    floors: dict[int, Floor]
    keys: KeyIndex
    resets: dict[int, ClockReset]
    mode: Mode | None
    devices: list[Device]
    persons: list[Person]
    revoked: Mapping[bytes, int] = {}

    @property
    def known_until(self) -> int:
        """The newest time (UTC seconds) that the data know."""
        floors = (self.directory.time, *(floor.time for floor in self.floors.values()))
        return max((*floors, *(max(one.paired_at, one.revoked_at or 0) for one in self.devices)))


async def initialise(connection: Connection, install_id: str, epoch: str) -> None:
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
        raise storage_fault(error, "load", await connection.run(file_of)) from error


async def load(connection: Connection) -> Loaded:
    """The floors, read and checked; raises DamageError rather than begin with a floor that may be wrong.

    Raises FormatError where all checksums hold, but another version wrote what is under them; StorageFailedError where
    the disk fails, which is no damage.
    """
    try:
        audit = await connection.run(_audited)
        resets = decode_resets(audit.names["clock_resets"]) if "clock_resets" in audit.names else {}
        keys = await _keys(connection, audit, resets)
    except OtherFormatError as error:
        raise await connection.run(partial(explain_unreadable_rows, error)) from error
    except sqlite3.Error as error:
        raise storage_fault(error, "load", await connection.run(file_of)) from error
    except (TypeError, ValueError) as error:  # a flipped bit in a row's header makes a text or a number of a blob
        raise DamageError(f"a row cannot be read: {error}") from error
    return Loaded(
        install_id=audit.names["install_id"],
        epoch=audit.names["epoch"],
        contact_key=bytes.fromhex(audit.names[CONTACT_KEY]),
        claimed_at=int(audit.names["claimed_at"]) if "claimed_at" in audit.names else None,
        directory=_directory(audit),
        floors={int(one.id): _floor(audit, one) for one in _restaurants(audit)},
        keys=keys,
        resets=resets,
        mode=_mode(audit),
        devices=audit.devices,
        persons=audit.persons,
    )


def _mode(audit: Audit) -> Mode | None:
    match audit.names.get("access"):
        case "closed":
            return "closed"
        case "open":
            return "open"
        case _:
            return None


def _audited(database: sqlite3.Connection) -> Audit:
    """All rows, the newest removals, and the newest part of each log held against them; raises DamageError."""
    audit = Audit(database)
    _refuse(audit.read_names())
    _refuse(audit.read_devices())
    _refuse(audit.read_persons())
    _refuse(audit.read_rows())
    _refuse(audit.homeless())
    count = len(_restaurants(audit))
    bytes_max = COMPARED_BYTES_MAX // max(1, count)
    # A share for each, since there is no order over all: the rest is on the disk, for whoever was away for long.
    most = max(1, min(REMOVALS_MAX, HUB_REMOVALS_MAX // max(1, count)))
    for restaurant_id in (DIRECTORY_ID, *(int(one.id) for one in _restaurants(audit))):
        _refuse(audit.read_removals(restaurant_id, REMOVALS_MAX if restaurant_id == DIRECTORY_ID else most))
        since = 1
        if ends := audit.find_log(restaurant_id):
            since = max(ends[0], ends[1] - COMPARED_MAX + 1, small_enough_from(database, restaurant_id, bytes_max))
            _refuse(audit.read_log(restaurant_id, since))
        _refuse(audit.compare(restaurant_id, since))
        audit.newest.pop(restaurant_id, None)
    return audit


def _refuse(found: Iterable[Finding]) -> None:
    """Read a part of the store to its end; raises DamageError with the first finding that no start may pass over."""
    for finding in found:
        if finding.refused is not None:
            raise DamageError(finding.refused)


def small_enough_from(database: sqlite3.Connection, restaurant_id: int, bytes_max: int) -> int:
    """From which revision on a log's newest commits take no more than this, the last at least; 0: from any."""
    size = since = 0
    span = position_of(restaurant_id, 0), position_of(restaurant_id + 1, 0) - 1
    for position, length in database.execute(SIZES, (*span, COMPARED_MAX)):
        size += length
        if size > bytes_max:
            return since or revision_at(position)
        since = revision_at(position)
    return 0


def _restaurants(audit: Audit) -> list[Restaurant]:
    return [entity for entity, _ in audit.rows.get(DIRECTORY_ID, {}).values() if isinstance(entity, Restaurant)]


def _head(audit: Audit, restaurant_id: int) -> tuple[int, int]:
    """The last revision of a restaurant's log and its time; zeros where it has none."""
    return audit.logs.get(restaurant_id, (0, 0))[1], audit.times.get(restaurant_id, 0)


def _directory(audit: Audit) -> Directory:
    restaurants = {int(one.id): one for one in _restaurants(audit)}
    last_id = max([*restaurants, *(int(entity_id) for _, entity_id in audit.removals[DIRECTORY_ID])], default=0)
    revision, time = _head(audit, DIRECTORY_ID)
    return Directory(revision=revision, time=time, restaurants=restaurants, last_id=last_id)


def _floor(audit: Audit, restaurant: Restaurant) -> Floor:
    restaurant_id = int(restaurant.id)
    entities = [entity for entity, _ in audit.rows.get(restaurant_id, {}).values()]
    revision, time = _head(audit, restaurant_id)
    floor = Floor(
        restaurant_id=restaurant_id,
        revision=revision,
        time=time or restaurant.created_at,
        guests={e.id: e for e in entities if isinstance(e, Guest)},
        tables={e.id: e for e in entities if isinstance(e, Table)},
        removals=audit.removals[restaurant_id],
        removals_since=audit.removals_since[restaurant_id],
    )
    return measured(floor)


async def _keys(connection: Connection, audit: Audit, resets: dict[int, ClockReset]) -> KeyIndex:
    """The idempotency keys that are honoured, and as many older ones as the day brings with them.

    In the order in which the hub made their commits, as far as seconds tell.
    """
    spans: list[tuple[int, int]] = []
    for restaurant_id in (DIRECTORY_ID, *(int(one.id) for one in _restaurants(audit))):
        head, time = _head(audit, restaurant_id)
        upto = Floor(restaurant_id=restaurant_id, revision=head, time=time)
        low = await History(connection, resets).revision_days_back(upto, KEYS_DAYS) + 1
        spans.append((position_of(restaurant_id, low), position_of(restaurant_id, head)))

    def newest(database: sqlite3.Connection) -> KeyIndex:
        logs = [database.execute(KEYS, span) for span in spans]
        found = list(islice(merge(*logs, key=itemgetter(0), reverse=True), KEYS_MAX))
        keys = KeyIndex()
        for _, position, key in reversed(found):
            keys.add(restaurant_at(position), key, revision_at(position))
        return keys

    return await connection.run(newest)
