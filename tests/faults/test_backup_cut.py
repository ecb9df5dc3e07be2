"""Backups of a busy hub, and backups that are cut: equal to what was there, or not there at all."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from restohub.store.data_folder import DATABASE
from restohub.store.restore import check_backup
from restohub.store.verification import verify_folder
from tests.commands import WAIT_S, run_command
from tests.conftest import Hub
from tests.faults.disk_fault_checks import batch, parties, rows, shown
from tests.faults.loaded_hub import AT_ONCE, backed_up, backing_up, changing, left
from tests.faults.read_back import WrittenLog, read_back
from tests.random_seed import chosen_seed

NewHub = Callable[..., Hub]
BACKUPS, BACKUPS_LONG = 3, 100
KILLS, KILLS_LONG = 4, 200


def of_a_busy_hub(hub: Hub, folder: Path, count: int) -> None:
    """Back up a hub that is changed all the time; each restores, audits, and is a beginning of its history."""
    restored: list[Path] = []
    with changing(hub) as answered:
        for number in range(count):
            known = set(answered)
            path = backed_up(hub.data)
            restored.append(folder / f"restored{number}")
            done = run_command("restore", str(path), "--data", str(restored[-1]))
            assert done.returncode == 0, done.stderr
            there = {row[2] for row in rows(restored[-1])["entity"] if row[1] == "guest"}
            gone = {row[2] for row in rows(restored[-1])["removal"]}
            assert known <= there | gone, "what was answered before is in it"
    with hub.client() as api:
        assert set(answered[-AT_ONCE:]) <= {guest["id"] for guest in shown(api)["guests"]}
    assert hub.stop() == 0
    history = WrittenLog.of(hub.data)
    for data in restored:
        assert verify_folder(data, lambda *_: None).faults == []
        asyncio.run(read_back(data, history))
        shutil.rmtree(data)


def test_backups_of_a_busy_hub_equal_what_it_was(new_hub: NewHub, tmp_path: Path) -> None:
    of_a_busy_hub(new_hub(None, "--backup-days", "1").start(), tmp_path, BACKUPS)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_backups_of_a_busy_hub_equal_what_it_was(new_hub: NewHub, tmp_path: Path) -> None:
    of_a_busy_hub(new_hub().start(), tmp_path, BACKUPS_LONG)


def killed_in_backups(hub: Hub, place: Path, count: int) -> None:
    """Kill backups at any moment: what has a name is whole, the hub goes on, and the next backup sweeps up."""
    chance = random.Random(chosen_seed())
    place.mkdir()
    with changing(hub):
        began = time.monotonic()
        backed_up(hub.data, "--to", str(place))
        took_s = time.monotonic() - began
        [copies] = place.glob("restohub-*")
        for _ in range(count):
            process = backing_up(hub.data, "--to", str(place))
            time.sleep(chance.uniform(0, took_s))
            process.kill()
            process.wait(WAIT_S)
            for folder in (hub.data / "backups", copies):
                for path in folder.glob("*.gz"):
                    check_backup(path, lambda _: None)
        backed_up(hub.data, "--to", str(place))
        assert left(hub.data / "backups") == left(copies) == set()
    assert hub.stop() == 0
    asyncio.run(read_back(hub.data, WrittenLog.of(hub.data)))
    assert verify_folder(hub.data, lambda *_: None).sound


def test_a_kill_inside_a_backup_leaves_no_half_of_one(new_hub: NewHub, tmp_path: Path) -> None:
    killed_in_backups(new_hub().start(), tmp_path / "place", KILLS)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_hundred_kills_inside_backups_leave_no_half_of_one(new_hub: NewHub, tmp_path: Path) -> None:
    killed_in_backups(new_hub().start(), tmp_path / "place", KILLS_LONG)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB; skipped where this process may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def stuff(place: Path, left_bytes: int) -> Path:
    """Leave so much room."""
    stuffing = place / "stuffing"
    with stuffing.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place).free - left_bytes)
    return stuffing


def test_a_full_disk_refuses_the_backup_and_no_change(new_hub: NewHub, disk: Path) -> None:
    hub = new_hub(disk / "data").start()
    with hub.client() as api:
        assert batch(api, parties("before", 3)).status_code == 200
        good = backed_up(hub.data)
        stuffing = stuff(disk, 4_000_000)
        done = run_command("backup", "--data", str(hub.data))
        assert done.returncode == 1
        assert "There is no room for a backup" in done.stderr
        assert batch(api, parties("meanwhile", 3)).status_code == 200
        assert [path.name for path in (hub.data / "backups").glob("*.gz")] == [good.name]
        assert left(hub.data / "backups") == set()
        stuffing.unlink()
        backed_up(hub.data)


def fill(hub: Hub, batches: int) -> None:
    """About 200 KB for each batch that cannot be packed much."""
    with hub.client() as api:
        for number in range(batches):
            body = parties(f"many{number}", 100)
            for operation in body["operations"][1:]:
                operation["data"]["notes"] = random.randbytes(900).hex()
            assert batch(api, body).status_code == 200


def test_a_place_that_is_full_gets_no_half_of_a_backup(new_hub: NewHub, disk: Path, tmp_path: Path) -> None:
    hub = new_hub(tmp_path / "data").start()
    backed_up(hub.data, "--to", str(disk))
    fill(hub, 2)
    stuff(disk, 20_000)
    done = run_command("backup", "--data", str(hub.data), "--to", str(disk))
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert len(list((hub.data / "backups").glob("*.gz"))) == 2
    [copies] = disk.glob("restohub-*")
    assert len(list(copies.glob("*.gz"))) == 1
    assert left(copies) == set()


def test_a_place_that_is_pulled_while_it_is_written_is_said_and_the_own_backup_stands(
    new_hub: NewHub, disk: Path, tmp_path: Path
) -> None:
    hub = new_hub(tmp_path / "data").start()
    backed_up(hub.data, "--to", str(disk))
    fill(hub, 10)
    [copies] = disk.glob("restohub-*")
    complained = tmp_path / "complained"
    with complained.open("wb") as err:
        process = backing_up(hub.data, "--to", str(disk), err=err.fileno())
    deadline = time.monotonic() + WAIT_S
    for folder, look_again_s in ((hub.data / "backups", 0.01), (copies, 0.0005)):
        while not left(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(look_again_s)
    for path in copies.iterdir():
        path.unlink()
    copies.rmdir()
    assert process.wait(WAIT_S) == 1
    said = complained.read_text()
    assert "but not everywhere: " in said
    assert str(disk) in said
    assert len(list((hub.data / "backups").glob("*.gz"))) == 2
    assert list(disk.iterdir()) == []


def test_a_hub_that_stops_while_it_is_backed_up_stops_in_good_order(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub().start()
    with hub.client() as api:
        for number in range(10):
            assert batch(api, parties(f"many{number}", 200)).status_code == 200
        floor = shown(api)
    process, made = backing_up(hub.data), hub.data / "backups"
    while process.poll() is None and not (made.exists() and left(made)):
        time.sleep(0.005)
    assert hub.stop() == 0
    process.wait(WAIT_S)
    with hub.start().client() as api:
        assert shown(api) == floor
    hub.stop(signal.SIGTERM)
    assert verify_folder(hub.data, lambda *_: None).sound
    assert (hub.data / DATABASE).exists()
