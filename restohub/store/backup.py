"""The making of a backup: rows copied in small steps, the copy audited in full, packed, and only then given its name.

It runs in a process of its own, while a hub serves the folder or not: in the hub's own process closing the database
file would drop the locks that SQLite has on it. The connection is read-only, since one that writes and closes last
would bring the hub's log into the file and delete it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from restohub.limits import BACKUP_FREE_BYTES, BACKUP_STEP_BYTES

from .backup_file import (
    BackupError,
    Manifest,
    Pace,
    check_bytes,
    description_of,
    description_path,
    is_encrypted,
    pack,
    synced,
)
from .backup_folder import (
    PARTIAL,
    PlaceState,
    erase_set_aside,
    found_in,
    give_name,
    is_marked,
    mark,
    note_places,
    one_at_a_time,
    place_folder,
    remove,
    remove_old,
    sweep,
)
from .closed_mark import mark_closed, was_closed
from .codec import DamageError
from .data_folder import DATABASE, FolderError, locked_while_read, size_of, wal_path
from .encryption import encrypt, fault_of
from .erasure_list import ListError, is_under_way, merge_lists, stamp
from .revoked_list import add_revoked, read_revoked
from .schema import format_of, migrations
from .snapshot import readable_at
from .verification import check_database, heads

# What a value takes in a row beside its own bytes, about.
VALUE_BYTES = 8
PAGE_BYTES = 1024
ERASING = (
    "No backup was made, since somebody is being forgotten in the data. Try again in a minute; a hub that is stopped "
    "goes on with that when it is started."
)
LAST_COMMIT = "SELECT max(time) FROM log"
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
SCHEMA = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"


class Wish(Struct, frozen=True):
    """What is to be backed up, when (UTC seconds) and by which version; `days` are those that backups are kept.

    `places` get a copy where they are marked; `new_places` are marked first. `key` is an age public key to which it is
    encrypted. `renew`: older backups are removed in each folder that has this one. `beside_hub`: a hub that runs asks
    for it, so the folder is not locked: where that hub is killed, the next must not find it taken by what it left.
    """

    data: Path
    now: int
    version: str
    days: int
    places: Sequence[Path] = ()
    new_places: Sequence[Path] = ()
    key: str | None = None
    renew: bool = False
    beside_hub: bool = False


class Made(Struct, frozen=True):
    """A backup that was made, and how each place fared."""

    path: Path
    size_bytes: int
    manifest: Manifest
    places: list[PlaceState]


class Source(Struct, frozen=True):
    """What was copied: the hub, the format, the last commit's time, and by table and log how much there is."""

    hub: str
    format: int
    last_commit: int
    rows: dict[str, int]
    heads: dict[int, tuple[int, int]]


def make_backup(wish: Wish, pace: Pace) -> Made:
    """Make a backup in the data folder, copy it to the places, remove what is too old.

    Raises BackupError, FolderError, DamageError; nothing of a backup is left then.
    """
    path = wish.data / DATABASE
    if not size_of(path):
        raise BackupError(f"There are no data of a hub in {wish.data} to back up. Name their folder with --data.")
    if wish.key is not None and (fault := fault_of(wish.key)):
        raise BackupError(f"No backup was made. {fault}")
    try:
        with one_at_a_time(wish.data) as folder:
            merge_lists(wish.data, folder)  # where that fails, older backups would not be removed: none is made
            made, manifest = _made(wish, folder, pace)
            places = [*wish.new_places, *wish.places]
            # Should a place hang (a network share that is away), this is what is known of it.
            note_places(
                wish.data, [PlaceState(str(one), f"The last backup has not reached {one} yet.") for one in places]
            )
            states = [_to_place(made, manifest, place, wish, pace) for place in places]
            note_places(wish.data, states)
            _tidy(folder, wish)
            erase_set_aside(wish.data, wish.now)
            return Made(made, size_of(made), manifest, states)
    except sqlite3.Error as error:
        raise BackupError(f"The database {path} cannot be copied: {error}.") from error
    except OSError as error:
        raise BackupError(f"The backup of {wish.data} cannot be written ({error.strerror}).") from error


def _made(wish: Wish, folder: Path, pace: Pace) -> tuple[Path, Manifest]:
    scratch = folder / f"{PARTIAL}{os.getpid()}"
    scratch.mkdir(mode=0o700)
    try:
        copy, packed = scratch / DATABASE, scratch / "packed"
        careful = _leaving_room(folder, _unless_erased(wish.data, pace))
        _need_room(wish.data, folder)
        source = _copied(wish, copy, careful)
        manifest = _audited(source, copy, wish)
        pack(copy, packed, manifest, careful)
        copy.unlink()
        if wish.key is not None:
            packed = _encrypted(packed, manifest, wish.key, careful)
        careful(0)
        return give_name(packed, folder, manifest.time, wish.data), manifest
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _encrypted(packed: Path, manifest: Manifest, key: str, pace: Pace) -> Path:
    """A packed backup, encrypted, with its description beside it."""
    sealed = packed.with_name("sealed")
    encrypt(packed, sealed, key, pace)
    description_path(sealed).write_bytes(description_of(sealed, manifest))
    return sealed


def _need_room(data: Path, folder: Path) -> None:
    """Raise BackupError where the disk has no room for a copy and what it is packed into."""
    needed = 2 * (size_of(data / DATABASE) + size_of(wal_path(data))) + BACKUP_FREE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"There is no room for a backup on the disk of {folder}: {free / 1e6:,.0f} MB are free, and "
            f"{needed / 1e6:,.0f} MB are needed while it is made. Free some space."
        )


def _leaving_room(folder: Path, pace: Pace) -> Pace:
    """A pace that ends a backup before the hub's changes lack room."""

    def careful(done: int) -> None:
        if shutil.disk_usage(folder).free < BACKUP_FREE_BYTES // 2:
            raise BackupError(f"The disk of {folder} has become full, so the backup was given up. Free some space.")
        pace(done)

    return careful


def _unless_erased(data: Path, pace: Pace) -> Pace:
    """A pace that ends a backup once somebody is to be forgotten whom it may hold."""
    before = stamp(data)

    def careful(done: int) -> None:
        if stamp(data) != before:
            raise BackupError(ERASING)
        pace(done)

    return careful


@contextmanager
def _reading(wish: Wish) -> Iterator[sqlite3.Connection]:
    """A connection that reads a folder's database at one moment, and leaves no trace in it."""
    with ExitStack() as stack:
        uri = f"{(wish.data / DATABASE).absolute().as_uri()}?mode=ro"
        if not wish.beside_hub:
            with suppress(FolderError):  # a hub serves it
                stack.enter_context(locked_while_read(wish.data))
                uri = stack.enter_context(readable_at(wish.data))
        yield stack.enter_context(closing(sqlite3.connect(uri, uri=True, isolation_level=None)))


def _copied(wish: Wish, copy: Path, pace: Pace) -> Source:
    """Copy every row that there is at one moment; raises BackupError, FolderError, sqlite3.Error, OSError."""
    with _reading(wish) as source, closing(sqlite3.connect(copy, isolation_level=None)) as target:
        for pragma in ("query_only = ON", "wal_autocheckpoint = 0", "trusted_schema = OFF"):
            source.execute(f"PRAGMA {pragma}")
        source.execute("BEGIN")
        number = format_of(source, wish.data / DATABASE)
        # Data of an older format are served, and go on with it, only after a backup.
        if number == migrations()[-1][0] and is_under_way(wish.data):
            raise BackupError(ERASING)
        for pragma in (f"page_size = {PAGE_BYTES}", "journal_mode = OFF", "synchronous = OFF", "cache_size = -4096"):
            target.execute(f"PRAGMA {pragma}")
        for (sql,) in source.execute(SCHEMA).fetchall():
            target.execute(sql)
        target.execute(f"PRAGMA user_version = {number}")
        with copy.open("r+b", buffering=0) as file:
            rows = {}
            for (name,) in source.execute(TABLES).fetchall():
                rows[name] = 0
                for batch in _batches(source, name):
                    _insert(target, name, batch)
                    rows[name] += len(batch)
                    synced(file)
                    pace(BACKUP_STEP_BYTES)
        [(hub,)] = source.execute("SELECT value FROM hub WHERE name = 'install_id'").fetchall() or [("",)]
        return Source(hub, number, source.execute(LAST_COMMIT).fetchone()[0] or 0, rows, heads(source))


def _batches(source: sqlite3.Connection, table: str) -> Iterator[list[Any]]:
    """The rows of a table, about a step's bytes at a time."""
    batch: list[Any] = []
    size = 0
    for row in source.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 (a name of the hub's own schema)
        batch.append(row)
        size += sum(VALUE_BYTES + (len(value) if isinstance(value, str | bytes) else 0) for value in row)
        if size >= BACKUP_STEP_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _insert(target: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    places = ", ".join("?" * len(rows[0]))
    target.execute("BEGIN")
    target.executemany(f'INSERT INTO "{table}" VALUES ({places})', rows)  # noqa: S608 (a name of the hub's own schema)
    target.execute("COMMIT")


def _audited(source: Source, copy: Path, wish: Wish) -> Manifest:
    """What the copy holds, once all of it was read and is what the source had; raises DamageError."""
    report = check_database(f"{copy.absolute().as_uri()}?mode=ro", wish.data / DATABASE, lambda _done, _total: None)
    if not report.sound:
        raise DamageError(report.faults[0].detail.rstrip("."))
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as database:
        rows = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in source.rows}  # noqa: S608 (a name of the hub's own schema)
    if (rows, report.logs) != (source.rows, source.heads):
        raise DamageError("the copy does not hold what was read")
    return Manifest(
        hub=source.hub,
        time=max(wish.now, source.last_commit),
        revisions=sum(last for _, last in report.logs.values()),
        format=source.format,
        version=wish.version,
        bytes=size_of(copy),
    )


def _to_place(made: Path, manifest: Manifest, place: Path, wish: Wish, pace: Pace) -> PlaceState:
    """Copy a backup to a place, and remove the old ones there; what keeps it from that is said, not raised."""
    try:
        if place in wish.new_places:
            mark(place, manifest.hub, wish.data)
        if not is_marked(place, manifest.hub):
            raise BackupError(
                f"{place} is not there, or is not set up for this hub. Plug it in, or run "
                f"`restohub backup --to {place}`."
            )
        _carried(made, manifest.time, place_folder(place, manifest.hub), wish, pace)
    except (BackupError, ListError, OSError) as error:
        said = f"{place} cannot be written ({error.strerror})." if isinstance(error, OSError) else str(error)
        return PlaceState(str(place), said)
    return PlaceState(str(place))


def _carried(made: Path, time: int, folder: Path, wish: Wish, pace: Pace) -> None:
    """Copy a backup step by step, read it again, and give it its name.

    A folder numbers its backups by itself: after a new disk the data folder begins anew. Raises BackupError, OSError.
    """
    sweep(folder)
    new = folder / f"{PARTIAL}{made.name}"
    try:
        with made.open("rb", buffering=0) as source, new.open("xb") as target:
            while step := source.read(BACKUP_STEP_BYTES):
                target.write(step)
                synced(target)
                pace(len(step))
        if is_encrypted(made):
            shutil.copyfile(description_path(made), description_path(new))
        check_bytes(new)
        give_name(new, folder, time, wish.data)
    finally:
        new.unlink(missing_ok=True)
        description_path(new).unlink(missing_ok=True)
    _tidy(folder, wish)


def _tidy(folder: Path, wish: Wish) -> None:
    """Remove what need not be kept in a folder with the new backup, and have the lists that outlast it beside it."""
    if wish.renew:
        for one in found_in(folder)[1:]:
            remove(one.path)
    remove_old(folder, wish.now, wish.days)
    merge_lists(wish.data, folder)
    add_revoked(folder, read_revoked(wish.data))
    mark_closed(folder, closed=was_closed(wish.data))
