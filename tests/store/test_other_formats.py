"""Data of another format: called older or newer, never damaged, by the hub, the doctor and `verify`."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from restohub.store.codec import name_checksum, row_checksum
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE, LOCK, MARK, MARK_TEXT
from restohub.store.disk_reserve import RESERVE
from restohub.store.schema import WRITTEN_BY, migrations
from tests.commands import environment, run_command
from tests.doctor.run_doctor import files
from tests.store.database_files import sql
from tests.store.keep_data import KEPT

NEWEST = migrations()[-1][0]
# As the first commits of restohub made it, under the same number.
FIRST_HUB = "CREATE TABLE hub (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
OLDER, NEWER = "open it with the version that wrote it", "Install that version"


def command(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """A command's end."""
    return run_command(*map(str, args), env=environment())


def of_the_first_commits(folder: Path) -> None:
    """A database whose table `hub` has no checksums yet."""
    folder.mkdir()
    (folder / MARK).write_text(MARK_TEXT)
    [(_, script)] = [one for one in migrations() if one[0] == 1]
    for statement in [
        FIRST_HUB,
        *(part for part in script.split(";\n") if "CREATE" in part and "TABLE hub" not in part),
    ]:
        sql(folder, statement)
    sql(folder, "INSERT INTO hub VALUES ('install_id', 'a'), ('epoch', 'b')")
    sql(folder, "PRAGMA user_version = 1")


async def migrated(folder: Path) -> None:
    """Bring data to the present format."""
    await (await open_writer(folder)).close()


def of_a_newer_one(folder: Path) -> None:
    """A database of a format to come."""
    shutil.copytree(KEPT / "0.1.0", folder)
    sql(folder, "INSERT OR REPLACE INTO hub VALUES (?, '9.8.7', ?)", WRITTEN_BY, name_checksum(WRITTEN_BY, "9.8.7"))
    sql(folder, "PRAGMA user_version = 99")


def with_a_row_of_another(folder: Path) -> None:
    """A sound row that no reader of this version knows, under the present number."""
    shutil.copytree(KEPT / "0.1.0", folder)
    asyncio.run(migrated(folder))
    image = b'{"party":["Anna",4]}'
    where = (1, "guest", "anna", 12)
    sql(folder, "UPDATE entity SET image = ?, checksum = ? WHERE id = 'anna'", image, row_checksum(*where, image))


@pytest.mark.parametrize(
    ("make", "says", "advice"),
    [
        (of_the_first_commits, "was written by a restohub before 0.1.0, in a format that no release reads.", OLDER),
        (of_a_newer_one, f"was written by a newer restohub (9.8.7, format 99, this one reads up to {NEWEST}).", NEWER),
        (with_a_row_of_another, "was written by a restohub before 0.1.0, in a format that no release reads.", OLDER),
    ],
)
def test_data_of_another_format_are_said_to_be_that_and_left_as_they_are(
    make: Callable[[Path], None], says: str, advice: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    make(folder)
    (folder / LOCK).touch()  # as each start leaves it
    before = files(folder)
    served = command("serve", "--data", folder, "--host", "127.0.0.1", "--no-advertise")
    assert (served.returncode, served.stdout) == (1, "")
    assert f"The database {folder / DATABASE} {says} Its data are not damaged. " in served.stderr
    assert advice in served.stderr
    verified = command("verify", folder)
    assert verified.returncode == 1
    examined = command("doctor", "--data", folder)
    assert examined.returncode == 1
    for said in (served.stderr, verified.stderr, " ".join(examined.stdout.split())):
        assert says in said
        assert "are damaged" not in said
        assert "is damaged" not in said
        assert "Traceback" not in said
    left = files(folder)
    left.pop(RESERVE, None)  # where rows are read before they are found to be another's: zeros, which each start makes
    assert left == before
