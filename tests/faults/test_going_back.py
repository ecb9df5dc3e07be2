"""The promise that history that went back is noticed, and no client lays the one on top of the other."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.contract.requests import SYNC_BATCH
from tests.tablet import REALTIME, SYNC, Tablet, agree, full_sync

CLIENTS = 50
FEW = 4
REVISIONS = 500
PAST = 600
Restore = Callable[[Path, Path], Path]


def in_a_new_folder(copy: Path, data: Path) -> Path:
    """The whole folder under another name."""
    return Path(shutil.copytree(copy, data.with_name("restored")))


def in_its_place(copy: Path, data: Path) -> Path:
    """The whole folder in place of the old one."""
    shutil.rmtree(data)
    return Path(shutil.copytree(copy, data))


def over_the_old_files(copy: Path, data: Path) -> Path:
    """The copy's bytes in the old files: the same folder, the same inodes, the times that the copy had."""
    return Path(shutil.copytree(copy, data, dirs_exist_ok=True))


def the_database_alone(copy: Path, data: Path) -> Path:
    """Only the database file."""
    shutil.copy2(copy / "restohub.db", data / "restohub.db")
    return data


def change(api: httpx.Client, count: int, word: str) -> None:
    """So many commits, each of a guest's notes."""
    made = [{"entity_type": "guest", "entity_id": f"g{n % 10}", "data": {"notes": f"{word}{n}"}} for n in range(count)]
    for start in range(0, count, REVISIONS):
        answer = api.post(SYNC_BATCH, json={"updates": made[start : start + REVISIONS]})
        assert answer.status_code == 200, answer.text


def with_a_copy(folder: Path) -> tuple[Hub, Path]:
    """A hub with ten guests that was copied while it was stopped, and runs again."""
    hub, copy = Hub(folder / "data").start(), folder / "copy"
    with hub.client() as api:
        for number in range(10):
            guest = {"id": f"g{number}", "name": "Ada", "partySize": 2}
            assert api.post("/restaurants/1/guests/", json=guest).status_code == 201
    hub.stop()
    shutil.copytree(hub.data, copy)
    return hub.start(), copy


async def comes_back(hub: Hub, tablet: Tablet) -> None:
    """One client resumes with what it holds, and has to take all anew."""
    held = tablet.epoch
    await tablet.resume()
    assert (tablet.resumed, tablet.epoch != held) == (False, True)


@pytest.mark.parametrize(
    ("put_back", "clients", "made_since"),
    [
        (in_its_place, CLIENTS, 0),
        pytest.param(in_a_new_folder, FEW, PAST, marks=pytest.mark.long),
        (over_the_old_files, FEW, PAST),
        pytest.param(the_database_alone, FEW, PAST, marks=pytest.mark.long),
    ],
)
def test_whoever_holds_more_than_a_copy_that_was_put_back_takes_all_anew(
    tmp_path: Path, put_back: Restore, clients: int, made_since: int
) -> None:
    """`made_since`: the hub may be past what the clients hold when they come back."""
    hub, copy = with_a_copy(tmp_path)

    async def evening() -> None:
        tablets = [Tablet(hub.ws_url, 1, (SYNC, REALTIME)[number % 2]) for number in range(clients)]
        await asyncio.gather(*(tablet.connect() for tablet in tablets))
        with hub.client() as api:
            change(api, REVISIONS, "before")
        await asyncio.gather(*(tablet.wait_for(REVISIONS + 10) for tablet in tablets))
        await asyncio.gather(*(tablet.leave() for tablet in tablets))
        hub.stop()
        hub.data = put_back(copy, hub.data)
        hub.start()
        with hub.client() as api:
            change(api, made_since, "after")
            told: Any = api.get("/health").json()["database"]["warnings"]
        assert any("put back" in warning for warning in told), told
        await asyncio.gather(*(comes_back(hub, tablet) for tablet in tablets))
        await agree(tablets, hub, 1)
        await asyncio.gather(*(tablet.leave() for tablet in tablets))

    try:
        asyncio.run(evening())
    finally:
        hub.kill()


def roll_back_the_disk(copy: Path, data: Path) -> None:
    """The database of the copy, and nothing to be seen: as where the whole disk was rolled back, or had lied."""
    the_database_alone(copy, data)
    found = (data / "restohub.mark").stat()
    value = f"{found.st_ctime_ns}/{found.st_mtime_ns}"
    with sqlite3.connect(data / "restohub.db") as database:
        changed = "UPDATE hub SET value = ?, checksum = ? WHERE name = 'mark'"
        database.execute(changed, (value, zlib.crc32(f"mark={value}".encode())))
    database.close()


@pytest.mark.parametrize("over_http", [False, pytest.param(True, marks=pytest.mark.long)])
def test_one_who_holds_more_than_a_disk_that_went_back_has_everybody_take_all_anew(
    tmp_path: Path, over_http: bool
) -> None:
    hub, copy = with_a_copy(tmp_path)

    async def evening() -> None:
        behind, *ahead = [Tablet(hub.ws_url, 1, (SYNC, REALTIME)[number % 2]) for number in range(FEW)]
        await behind.connect()
        await behind.leave()
        await asyncio.gather(*(tablet.connect() for tablet in ahead))
        with hub.client() as api:
            change(api, REVISIONS, "before")
        await asyncio.gather(*(tablet.wait_for(REVISIONS + 10) for tablet in ahead))
        await asyncio.gather(*(tablet.leave() for tablet in ahead))
        hub.stop()
        roll_back_the_disk(copy, hub.data)
        hub.start()
        await behind.resume()
        assert behind.resumed
        if over_http:
            with hub.client() as api:
                query: Any = {"since_revision": ahead[0].revision, "epoch": ahead[0].epoch}
                assert api.get("/api/sync/delta", params=query).status_code == 410
        await asyncio.gather(*(comes_back(hub, tablet) for tablet in ahead))
        assert await behind.closed() == 1001
        await comes_back(hub, behind)
        with hub.client() as api:
            assert any("went back" in warning for warning in api.get("/health").json()["database"]["warnings"])
            change(api, PAST, "after")
        await agree([behind, *ahead], hub, 1)
        await asyncio.gather(*(tablet.leave() for tablet in (behind, *ahead)))
        hub.kill()  # the new epoch outlives the process, or another one begins: the old one never comes back
        hub.start()
        assert full_sync(hub.url, 1)["epoch"] != copy_epoch

    copy_epoch = full_sync(hub.url, 1)["epoch"]
    try:
        asyncio.run(evening())
    finally:
        hub.kill()


def test_the_next_start_after_a_copy_was_put_back_keeps_the_epoch_and_says_no_more(tmp_path: Path) -> None:
    hub, copy = with_a_copy(tmp_path)
    hub.stop()
    in_its_place(copy, hub.data)
    told: list[tuple[str, bool]] = []
    try:
        for _ in range(2):
            hub.start()
            with hub.client() as api:
                warnings = api.get("/health").json()["database"]["warnings"]
                told.append((api.get("/api/sync/full").json()["epoch"], any("put back" in one for one in warnings)))
            hub.stop()
    finally:
        hub.kill()
    assert told == [(told[0][0], True), (told[0][0], False)]
