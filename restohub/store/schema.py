"""The schema: the format that this version reads, and the migrations of older data.

One number, SQLite's `user_version`, says the format of all that is stored: tables, images, changes, kept answers. It is
that of the newest migration, so whoever changes what is written, a new field included, adds a migration that brings
older data there. An older or newer format is said to be that, not damage; beside it, each start leaves the version that
it is of, for people.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path

from .codec import OtherFormatError
from .contact_visits import FORMAT, hash_contacts
from .data_folder import FolderError

WRITTEN_BY = "written_by"
BEFORE_RELEASES = "a restohub before 0.1.0, in a format that no release reads"

# What SQL cannot do: rows that are rewritten get new checksums. Run after the file of its number, in its transaction.
STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {FORMAT: hash_contacts}


class FormatError(FolderError):
    """The data are whole, but of a format that this version does not read: an older one, or a newer one."""


def migrations() -> list[tuple[int, str]]:
    """Every migration: the `user_version` that it leads to, and its SQL."""
    folder = files("restohub.store") / "migrations"
    found = [(int(file.name[:4]), file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(found)


def format_of(database: sqlite3.Connection, path: Path) -> int:
    """The format of a database, 0 where it is new; raises FormatError for one that this version cannot read.

    Before 0.1.0 tables changed under the same number: those lack columns, and have none that is unknown.
    """
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    steps = migrations()
    if version > steps[-1][0]:
        raise FormatError(
            f"The database {path} was written by a newer restohub ({_writer(database)}format {version}, this one reads "
            f"up to {steps[-1][0]}). Its data are not damaged. Install that version or a newer one."
        )
    expected, found = _columns_at(version), _columns(database)
    if found < expected and {table for table, _ in found} == {table for table, _ in expected}:
        raise _older(path)
    return version


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring data of this format to the newest one, in one transaction: cut anywhere, they are the one or the other."""
    steps = [(number, sql) for number, sql in migrations() if number > version]
    if not steps:
        return
    database.execute("BEGIN IMMEDIATE")
    for number, sql in steps:
        for statement in statements(sql):
            database.execute(statement)
        if number in STEPS:
            STEPS[number](database)
        database.execute(f"PRAGMA user_version = {number}")
    database.execute("COMMIT")


def statements(sql: str) -> list[str]:
    """The statements of a script one by one: `executescript` would commit in silence."""
    found: list[str] = []
    pending = ""
    for line in sql.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found


def _older(path: Path | str, writer: str = BEFORE_RELEASES) -> FormatError:
    return FormatError(
        f"The database {path} was written by {writer}. Its data are not damaged. Keep the folder, "
        "and open it with the version that wrote it; for this version choose another folder with --data."
    )


def explain_unreadable_rows(fault: OtherFormatError, database: sqlite3.Connection) -> FormatError:
    """What it means that rows cannot be read though their checksums hold: another version wrote them."""
    path = file_of(database)
    wrote = _writer(database).removesuffix(", ")
    return _older(path, f"restohub {wrote}, in a format that this one lacks ({fault})" if wrote else BEFORE_RELEASES)


def file_of(database: sqlite3.Connection) -> Path:
    """The file that a connection is to."""
    return Path(database.execute("PRAGMA database_list").fetchone()[2])


def _writer(database: sqlite3.Connection) -> str:
    """The version that wrote a database last, as far as it says so."""
    with suppress(sqlite3.Error):
        for (value,) in database.execute("SELECT value FROM hub WHERE name = ?", (WRITTEN_BY,)):
            return f"{value}, "
    return ""


def tables_of(version: int) -> set[str]:
    """The tables of a format."""
    return {table for table, _ in _columns_at(version)}


def _columns_at(version: int) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as blank:
        for number, sql in migrations():
            if number <= version:
                blank.executescript(sql)
        return _columns(blank)


def _columns(database: sqlite3.Connection) -> set[tuple[str, str]]:
    sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    return set(database.execute(sql))
