"""A migration that is killed at any step: the data are of the old format or of the new one, and whole."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from restohub.floor.forgetting import Person
from restohub.live.ports import Erasure
from restohub.store.connection import open_writer
from restohub.store.data_folder import DATABASE
from restohub.store.erasure_list import write_list
from restohub.store.schema import migrations
from restohub.store.verification import verify_folder
from tests.commands import run_command
from tests.conftest import Hub, free_port
from tests.faults.disk_fault_checks import rows
from tests.store.keep_data import KEPT

NewHub = Callable[..., Hub]
OLD, NEW = 1, migrations()[-1][0]
# Opens copies of a folder, each in a process that is killed at the migration's statement of that number, before or
# after SQLite has done it, until one comes to its end. They are forked: most of what each would cost is imports.
KILLED = """
import asyncio, os, pathlib, shutil, signal, sys
from restohub.store import connection
kept, cuts, after = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3] == "after"
class Counted:
    def __init__(self, database, kill_at):
        self.database, self.kill_at, self.done = database, kill_at, 0
    def execute(self, sql, *args):
        self.done += 1
        if self.done == self.kill_at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = self.database.execute(sql, *args)
        if self.done == self.kill_at and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
migrate = connection.migrate
async def begin():
    pass
for step in range(1, 50):
    folder = shutil.copytree(kept, cuts / str(step))
    child = os.fork()
    if child == 0:
        connection.migrate = lambda database, version: migrate(Counted(database, step), version)
        asyncio.run(connection.open_writer(folder, begin))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        break
    assert status == -signal.SIGKILL, status
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A copy of the data of the oldest release."""
    return Path(shutil.copytree(sorted(KEPT.iterdir())[0], tmp_path / "data"))


def format_of(folder: Path) -> int:
    """The format that the data have after the next one to open them."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_step_leaves_the_old_data_or_the_new(when: str, kept: Path, tmp_path: Path) -> None:
    before, formats = rows(kept), []
    cuts = tmp_path / "cuts"
    cuts.mkdir()
    subprocess.run([sys.executable, "-c", KILLED, str(kept), str(cuts), when], check=True, timeout=100)
    *killed, whole = sorted(cuts.iterdir(), key=lambda one: int(one.name))
    assert format_of(whole) == NEW
    for folder in killed:
        assert verify_folder(folder, lambda *_: None).faults == []
        # A column that a later format adds is empty in what was there before.
        after = {
            name: [row[: len(old[0])] for row in found] for name, found in rows(folder).items() if (old := before[name])
        }
        assert {name: found for name, found in after.items() if name != "hub"} == {
            name: found for name, found in before.items() if name != "hub" and found
        }
        formats.append(format_of(folder))
        asyncio.run(opened(folder))
        assert format_of(folder) == NEW
    assert set(formats) <= {OLD, NEW}
    assert formats == sorted(formats)
    assert OLD in formats
    assert len(formats) >= NEW - OLD + 3, "each format is a step at least, beside those of the beginning and the end"


async def opened(folder: Path) -> None:
    """Open it as the next start does."""
    await (await open_writer(folder)).close()


def test_a_backup_is_made_before_a_migration_and_holds_the_old_format(kept: Path, new_hub: NewHub) -> None:
    before = rows(kept)
    hub = new_hub(kept).start()
    assert hub.stop() == 0
    assert "a backup is made before they are brought to the new one" in hub.said()
    [path] = (kept / "backups").glob("*.gz")
    back = kept.parent / "back"
    assert run_command("restore", str(path), "--data", str(back)).returncode == 0
    assert format_of(back) == OLD
    assert rows(back)["log"] == before["log"]
    assert new_hub(back).start().stop() == 0
    assert format_of(back) == NEW


def test_older_data_are_put_back_while_somebody_is_still_to_be_forgotten(kept: Path, new_hub: NewHub) -> None:
    write_list(kept, [Erasure(id="e", restaurant_id=1, person=Person(id="nobody"), asked=1)])
    assert new_hub(kept).start().stop() == 0
    assert format_of(kept) == NEW


def test_without_room_for_that_backup_the_start_is_refused_and_nothing_changed(kept: Path, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        data = Path(shutil.copytree(kept, place / "data"))
        before = rows(data)
        done = run_command("serve", "--data", str(data), "--no-advertise", "--host", "127.0.0.1", "--port", "0")
        assert done.returncode != 0
        port = str(free_port())
        done = run_command("serve", "--data", str(data), "--no-advertise", "--host", "127.0.0.1", "--port", port)
        assert done.returncode == 1
        assert "brought to the new one only after a backup: There is no room" in done.stderr
        assert (rows(data), format_of(data)) == (before, OLD)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
