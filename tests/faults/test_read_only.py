"""The disk that takes no more writes, as a worn card: the floor stays readable, nothing is pretended."""

from __future__ import annotations

import errno
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import httpx
import pytest

from restohub.store.read_only import MEMORY
from tests.conftest import Hub
from tests.faults.disk_fault_checks import CommitListener, batch, parties, shown
from tests.faults.failing_disk import FOR_EVER, FailingDisk
from tests.faults.strace_run import need

WAIT_S = 20.0
NewHub = Callable[..., Hub]


class RemountableDisk:
    """A file system of its own that can be made read-only."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def remount(self, mode: str) -> None:
        """Take writes (`rw`), or take none (`ro`)."""
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.place)], check=True, timeout=20)

    def wear_out(self) -> None:
        """Have the kernel find an error in the file system and take no more writes, open files or not."""
        device = subprocess.run(
            ["findmnt", "-no", "SOURCE", str(self.place)], capture_output=True, check=True, text=True
        )
        Path(f"/sys/fs/ext4/{Path(device.stdout.strip()).name}/trigger_fs_error").write_text("1")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[RemountableDisk]:
    """An ext4 of 16 MiB in a file; skipped where this process may not mount one."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    image.write_bytes(bytes(16 * 2**20))
    subprocess.run([need("mkfs.ext4"), "-q", "-F", str(image)], check=True, timeout=60)
    command = ["mount", "-o", "loop,errors=remount-ro", str(image), str(place)]
    if subprocess.run(command, check=False, capture_output=True, timeout=20).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield RemountableDisk(place)
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)


def refused(answer: httpx.Response) -> bool:
    """Whether a change was refused for the disk's sake, and says so."""
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_unavailable"), answer.text
    assert "read-only" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    return True


def unwell(api: httpx.Client) -> bool:
    """Whether health says that the disk is read-only."""
    answer = api.get("/health")
    return answer.status_code == 503 and answer.json()["reason"] == "the disk is read-only"


def test_a_disk_that_goes_read_only_under_load_leaves_the_floor_readable(
    new_hub: NewHub, disk: RemountableDisk
) -> None:
    hub = new_hub(disk.place).start()
    with hub.client() as api, hub.socket("/ws/restaurant/sync?restaurant_id=1") as socket:
        watcher = CommitListener(socket)
        for number in range(3):
            assert batch(api, parties(f"before{number}", 2)).status_code == 200
        floor = shown(api)
        disk.wear_out()
        for number in range(3):
            assert refused(batch(api, parties(f"after{number}", 2)))
        assert unwell(api)
        assert shown(api) == floor
        assert watcher.hear() == 3
    hub.kill()
    for stop in (Hub.kill, Hub.stop):  # what the one leaves behind, the next takes away
        again = new_hub(disk.place).start()
        assert len(copies(again)) == 1
        with again.client() as api:
            assert shown(api) == floor
        stop(again)
    assert (again.process and again.process.returncode, copies(again)) == (0, [])


def copies(hub: Hub) -> list[Path]:
    """The copies of a hub's data in memory."""
    return list(MEMORY.glob(f"restohub-{crc32(bytes(hub.data.absolute())):08x}-*"))


def test_a_disk_that_takes_writes_again_is_noticed_without_a_restart(tmp_path: Path, new_hub: NewHub) -> None:
    faults = FailingDisk(tmp_path)
    hub = new_hub(tmp_path / "data", env=faults.env).start()
    with hub.client() as api, hub.socket("/ws/restaurant/sync?restaurant_id=1") as socket:
        watcher = CommitListener(socket)
        assert batch(api, parties("before", 2)).status_code == 200
        faults.fail("pwrite64", 3, errno.EROFS, FOR_EVER)
        assert refused(batch(api, parties("after", 2)))
        assert unwell(api)
        faults.heal()
        begun = time.monotonic()
        while unwell(api):
            assert time.monotonic() - begun < WAIT_S
            time.sleep(0.02)
        assert batch(api, parties("after", 2)).status_code == 200
        assert watcher.hear() == 2
    assert hub.stop() == 0


def test_a_hub_that_starts_on_a_read_only_disk_shows_every_answered_change(
    new_hub: NewHub, disk: RemountableDisk
) -> None:
    """After a power cut the newest changes are in the WAL alone, which a start must read and may not write."""
    data = disk.place
    hub = new_hub(data).start()
    with hub.client() as api:
        for number, size in enumerate((499, 2, 2)):  # a checkpoint comes after the first
            assert batch(api, parties(f"before{number}", size)).status_code == 200
        floor = shown(api)
    hub.kill()
    disk.remount("ro")
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    shut = new_hub(data).start()
    with shut.client() as api, shut.socket("/ws/restaurant/sync?restaurant_id=1") as socket:
        assert shown(api) == floor
        assert unwell(api)
        assert refused(batch(api, parties("after", 1)))
        assert CommitListener(socket).hear() == 3
        # A repeat is answered from the log.
        assert batch(api, parties("before2", 2)).headers["Idempotency-Replayed"] == "true"
        assert api.get("/api/sync/delta", params={"since_revision": 0}).json()["revision"] == 3
    assert re.search("another hub serves", second_hub(data), re.I)
    assert {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()} == before
    disk.remount("rw")
    assert shut.process is not None
    assert shut.process.wait(WAIT_S) == 1
    assert "can be written again. Restart the hub" in shut.said()
    assert "Traceback" not in shut.said()
    with new_hub(data).start().client() as api:
        assert shown(api) == floor
        assert batch(api, parties("after", 1)).status_code == 200


def second_hub(data: Path) -> str:
    """What a second hub on a folder says before it ends."""
    with pytest.raises(AssertionError) as ended:
        Hub(data).start()
    return str(ended.value)


def test_a_new_folder_on_a_read_only_disk_is_refused_with_what_to_do(disk: RemountableDisk) -> None:
    disk.remount("ro")
    assert re.search("Read-only file system.* choose another folder", second_hub(disk.place))
