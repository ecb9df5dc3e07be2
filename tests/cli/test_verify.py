"""The command `restohub verify`: what it says, how it ends, and what it does on a read-only disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.floor.floor_harness import FloorHarness
from tests.store.database_files import checkpointed, sql
from tests.store.test_verification import NewHub, folder, killed, picture, story

__all__ = ["folder", "story"]


def verify(*args: str | Path, wrap: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The command's end."""
    return run_command("verify", *map(str, args), wrap=wrap)


def test_the_command_says_what_it_found_and_ends_by_it(folder: Path, story: FloorHarness) -> None:
    guests, tables = len(story.floor.guests), len(story.floor.tables)
    told = verify(folder)
    assert (told.returncode, told.stderr) == (0, "")
    assert f"are sound: 1 restaurant, {guests} guests and {tables} tables on the floor" in told.stdout
    body = json.loads(verify(folder, "--json").stdout)
    assert (body["sound"], body["guests"], body["faults"]) == (True, guests, [])
    guest_id = next(iter(story.floor.guests))
    sql(folder, "UPDATE entity SET checksum = checksum + 1 WHERE id = ?", guest_id)
    checkpointed(folder)
    told = verify(folder)
    assert told.returncode == 1
    assert "restaurant 1, revision " in told.stdout
    assert f"guest {guest_id}: A row cannot be read: it fails its checksum." in told.stdout
    assert "Ada" not in told.stdout
    told = verify(folder, "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["faults"][0]["entity_id"] == guest_id


def test_the_command_refuses_a_running_hub_in_a_sentence(new_hub: NewHub) -> None:
    hub = new_hub().start()
    told = verify(hub.data)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"A hub serves the data folder {hub.data}. Stop it first, or verify a copy.\n"
    assert hub.stop() == 0
    assert verify(hub.data).returncode == 0


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="mounts a folder read-only as root")
def test_a_read_only_disk_is_read_with_its_wal(new_hub: NewHub) -> None:
    data = killed(new_hub).data
    before = picture(data)
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    told = verify(data, wrap=("unshare", "-m", "sh", "-c", mount, str(data)))
    assert (told.returncode, told.stderr) == (0, "")
    assert "30 guests" in told.stdout
    assert picture(data) == before
