"""The meaning of SQLite's errors: refuse and recover, stop, or call the data damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from restohub.live.ports import StorageFailedError, StorageFullError, StorageUnavailableError

from .codec import DamageError
from .data_folder import FolderError
from .snapshot import parts

PRIMARY_CODE_MASK = 0xFF
PIECE_BYTES = 1024 * 1024

# What `storage_fault` leaves as it is reaches whoever ends a command for a person, and is caught there by this name.
DatabaseError = sqlite3.Error

Doing = Literal["open", "load", "write", "inspect"]
Meaning = Callable[[sqlite3.Error, Path | None], Exception]


class UnseenError(Exception):
    """The database could not be looked at, or not in time; the text says why. It may be well."""


class Row(NamedTuple):
    """What one code means, by what the hub was doing. Whoever reads history while it serves has it as for a write."""

    open: Meaning
    load: Meaning
    write: Meaning
    inspect: Meaning


def storage_fault(error: sqlite3.Error, doing: Doing, path: Path | None = None) -> Exception:
    """What an error of SQLite means for the hub; an error of our own (a constraint, bad SQL) comes back as it is.

    Of a page that the system cannot read SQLite says that it is malformed: before the database at `path` is called
    damaged, the system is asked.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE_MASK
    meaning: Meaning = getattr(MEANINGS.get(code, OTHERS), doing)
    fault = meaning(error, path)
    if code == sqlite3.SQLITE_CORRUPT and path is not None and (why := _cannot_be_read(path.parent)):
        return StorageFailedError(why)
    return fault


def _cannot_be_read(folder: Path) -> str | None:
    for path in parts(folder):
        try:
            with path.open("rb", buffering=0) as file:
                while file.read(PIECE_BYTES):
                    pass
        except OSError as error:
            return f"{path} cannot be read ({error.strerror})"
    return None


def _refused(error_type: Callable[[str], Exception], why: str) -> Meaning:
    return lambda _error, _path: error_type(why)


def _said(error: sqlite3.Error) -> str:
    return f"SQLite says {getattr(error, 'sqlite_errorname', 'SQLITE_ERROR')}: {error}"


def _failed(error: sqlite3.Error, _path: Path | None) -> Exception:
    return StorageFailedError(_said(error))


def _damaged(error: sqlite3.Error, _path: Path | None) -> Exception:
    return DamageError(_said(error))


def _unreadable(error: sqlite3.Error, _path: Path | None) -> Exception:
    return DamageError(str(error))


def _no_database(error: sqlite3.Error, path: Path | None) -> Exception:
    return DamageError(f"{path} is not a database that can be read ({error})")


def _not_this_user(error: sqlite3.Error, path: Path | None) -> Exception:
    return FolderError(
        f"The database {path} cannot be written by this user ({error}). "
        "Give this user the right to write it, or start the hub as the user who made it."
    )


def _unseen(_error: sqlite3.Error, _path: Path | None) -> Exception:
    return UnseenError("This user may not read it.")


def _as_it_is(error: sqlite3.Error, _path: Path | None) -> Exception:
    return error


FULL = _refused(StorageFullError, "the disk is full")
READ_ONLY = _refused(StorageUnavailableError, "the disk is read-only")
HELD = _refused(StorageUnavailableError, "another program holds the database")
FORBIDDEN = _refused(StorageUnavailableError, "the database file may not be written")

# A disk that fails is no damage: what it holds may be whole. Nor is damage that a running hub finds (its memory may be
# right) a reason to restore a backup: it stops, and its next start says what there is.
MEANINGS = {
    sqlite3.SQLITE_FULL: Row(open=FULL, load=FULL, write=FULL, inspect=FULL),
    sqlite3.SQLITE_BUSY: Row(open=HELD, load=HELD, write=HELD, inspect=HELD),
    sqlite3.SQLITE_LOCKED: Row(open=HELD, load=HELD, write=HELD, inspect=HELD),
    sqlite3.SQLITE_READONLY: Row(open=_not_this_user, load=READ_ONLY, write=READ_ONLY, inspect=READ_ONLY),
    sqlite3.SQLITE_PERM: Row(open=_not_this_user, load=FORBIDDEN, write=FORBIDDEN, inspect=FORBIDDEN),
    sqlite3.SQLITE_CANTOPEN: Row(open=_not_this_user, load=_failed, write=_failed, inspect=_unseen),
    sqlite3.SQLITE_IOERR: Row(open=_failed, load=_failed, write=_failed, inspect=_failed),
    sqlite3.SQLITE_CORRUPT: Row(open=_no_database, load=_damaged, write=_failed, inspect=_no_database),
    sqlite3.SQLITE_NOTADB: Row(open=_no_database, load=_damaged, write=_failed, inspect=_no_database),
    sqlite3.SQLITE_ERROR: Row(open=_as_it_is, load=_unreadable, write=_as_it_is, inspect=_no_database),
}
OTHERS = Row(open=_as_it_is, load=_unreadable, write=_as_it_is, inspect=_as_it_is)
