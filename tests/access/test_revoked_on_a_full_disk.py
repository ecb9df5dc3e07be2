"""A disk that takes nothing: a device that is revoked is shut out all the same, and strangers hear one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.access.closed_hub import bearer, end_of, manager, pair
from tests.conftest import Hub, next_message
from tests.contract.answers import ok, problem
from tests.faults.disk_fault_checks import make_room, stuff


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB; skipped where this process may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_it_is_shut_out_until_the_hub_starts_again(new_hub: Callable[..., Hub], disk: Path) -> None:
    hub = new_hub(disk / "data", "--access", "closed").start()
    device, known = pair(hub, "host"), pair(hub, "view")
    forwarded = {"X-Forwarded-For": "192.168.1.66"}
    with (
        manager(hub) as trusted,
        hub.client(headers=bearer(device.token)) as api,
        hub.socket("/realtime?restaurant_id=1", additional_headers=bearer(device.token)) as socket,
    ):
        next_message(socket)
        stuff(disk)
        # What pages the WAL has already may still take a change or two.
        while (answer := trusted.patch(f"/api/devices/{device.id}", json={"role": "host"})).status_code == 200:
            pass
        assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_full")
        guest = {"name": "Rossi", "partySize": 2, "notes": "n" * 2000}
        while api.post("/restaurants/1/guests", json=guest).status_code != 503:
            pass
        answer = trusted.delete(f"/api/devices/{device.id}")
        assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_full")
        assert end_of(socket) == (4401, "token_invalid")
        problem(api.get("/restaurants"), 401, "token_invalid")
        told = trusted.get("/health", headers={**forwarded, "Authorization": ""})
        said = trusted.get("/health", headers={**forwarded, **bearer(known.token)})
        assert (told.status_code, told.json()["reason"]) == (503, "changes cannot be saved now")
        assert "disk" in said.json()["reason"]
    assert hub.stop() == 0
    make_room(disk)
    with hub.start().client(headers=bearer(device.token)) as api:
        ok(api.get("/restaurants/1"))
