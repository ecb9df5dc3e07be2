"""The reserve: on a disk that is full deletes are still taken, and nothing else until there is room."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.faults.disk_fault_checks import make_room, stuff

DISK = "24m"
HEAVY = "x" * 1990
RESERVE = "restohub.reserve"
NewHub = Callable[..., Hub]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system; skipped where this process may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def batch(api: httpx.Client, operations: list[dict[str, Any]]) -> httpx.Response:
    return api.post("/api/v1/atomic/batch", json={"operations": operations})


def junk(first: int, count: int) -> list[dict[str, Any]]:
    data = {"name": "Junk", "partySize": 2, "notes": HEAVY, "specialRequests": HEAVY}
    return [
        {"entity_type": "guest", "action": "create", "entity_id": f"j{n}", "data": data}
        for n in range(first, first + count)
    ]


def gone(ids: list[str]) -> list[dict[str, Any]]:
    return [{"entity_type": "guest", "action": "delete", "entity_id": one} for one in ids]


def fill(api: httpx.Client) -> list[str]:
    """Make junk until the disk is full: the ids of what is there."""
    made = 0
    while (answer := batch(api, junk(made, 200))).status_code == 200:
        made += 200
        assert made < 20_000, "the disk never was full"
    assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_full"), answer.text
    while batch(api, junk(made, 1)).status_code == 200:
        made += 1
    return [f"j{n}" for n in range(made)]


def test_on_a_small_disk_an_eighth_is_kept(new_hub: NewHub, disk: Path) -> None:
    new_hub(disk / "data").start()
    kept = (disk / "data" / RESERVE).stat().st_size
    free = kept + shutil.disk_usage(disk).free  # and what a start itself has written since
    assert free // 9 < kept <= free // 8 + 100_000


def test_junk_that_filled_the_disk_can_be_deleted_and_then_the_evening_goes_on(new_hub: NewHub, disk: Path) -> None:
    hub = new_hub(disk / "data").start()
    with hub.client() as api:
        rossi = api.post("/restaurants/1/guests", json={"name": "Rossi", "partySize": 2}).json()["id"]
        ids = fill(api)
        assert len(ids) > 800
        assert batch(api, gone(ids[:100])).status_code == 200
        assert not (hub.data / RESERVE).exists()
        refused = api.patch(f"/restaurants/1/guests/{rossi}", json={"notes": "by the window"})
        assert (refused.status_code, refused.json()["error_code"]) == (503, "storage_full")
        assert "takes only deletes" in refused.json()["detail"]
        health = api.get("/health")
        assert (health.status_code, "takes only deletes" in health.json()["reason"]) == (503, True)
        for first in range(100, len(ids), 250):
            updates = [{**one, "data": {}} for one in gone(ids[first : first + 250])]
            answer = api.post("/api/sync/batch", json={"updates": updates})
            assert (answer.status_code, answer.json()["failed_count"]) == (200, 0), answer.text
        until_taken(api, rossi)
        assert (hub.data / RESERVE).exists()
        assert api.get("/health").status_code == 200
        assert [guest["name"] for guest in api.get("/restaurants/1/guests").json()] == ["Rossi"]


def test_a_disk_that_another_program_filled_takes_deletes_too_and_after_a_restart_as_well(
    new_hub: NewHub, disk: Path
) -> None:
    hub = new_hub(disk / "data").start()
    with hub.client() as api:
        ids = [one["entity_id"] for one in junk(0, 3)]
        assert batch(api, junk(0, 3)).status_code == 200
        other = api.post("/restaurants", json={"name": "Junk"}).json()["id"]
        query = f"restaurant_id={other}"
        assert api.post(f"/api/v1/atomic/batch?{query}", json={"operations": junk(0, 50)}).status_code == 200
        stuff(disk)
        # What pages the database and its WAL have already may still take a change or two.
        for number in range(50):
            if batch(api, junk(100 + number, 100)).status_code == 503:
                break
        assert api.delete(f"/restaurants/1/guests/{ids[0]}").status_code == 204
        assert api.delete(f"/restaurants/1/guests/{ids[1]}").status_code == 204
        assert api.delete(f"/restaurants/{other}?with=guests,tables&name=Junk").status_code == 204
    hub.stop()
    hub.start()
    with hub.client() as api:
        assert api.delete(f"/restaurants/1/guests/{ids[2]}").status_code == 204
        make_room(disk)
        deadline = time.monotonic() + 20
        while batch(api, junk(9_000, 1)).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def until_taken(api: httpx.Client, guest: str) -> None:
    """Ask until a change is made again."""
    deadline = time.monotonic() + 20
    while (answer := api.patch(f"/restaurants/1/guests/{guest}", json={"notes": "by the window"})).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
