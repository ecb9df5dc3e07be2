"""That a change is made whole or not at all, wherever the disk gives out, on disk and on the wire."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.faults.disk_fault_checks import CommitListener, Dump, batch, parties, rows, shown
from tests.faults.failing_disk import FOR_EVER, FailingDisk
from tests.random_seed import chosen_seed, report
from tests.tablet import State

SHORT_POINTS = 10


@dataclass
class FailingDiskHub:
    """A hub on a failing disk, a client, and a watcher who has heard every commit up to `revision`."""

    hub: Hub
    disk: FailingDisk
    api: httpx.Client
    watcher: CommitListener
    revision: int = 0

    def hear(self, revision: int) -> None:
        """The watcher hears of this commit next, and of nothing between."""
        assert self.watcher.hear() == revision
        self.revision = revision

    def untouched(self, floor: State, dump: Dump) -> None:
        """The floor is as it was, and so is each row."""
        assert shown(self.api) == floor
        assert rows(self.hub.data) == dump


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingDiskHub]:
    """One hub for all: what is refused leaves no trace, and what is made has names of its own."""
    folder = tmp_path_factory.mktemp("whole")
    disk = FailingDisk(folder)
    hub = Hub(folder / "data", env=disk.env).start()
    with hub.client() as api, hub.socket("/ws/restaurant/sync?restaurant_id=1") as socket:
        yield FailingDiskHub(hub, disk, api, CommitListener(socket))
    hub.kill()


def writes_of(scene: FailingDiskHub, size: int, name: str) -> int:
    """How many writes a batch of this size is, by making one."""
    before = scene.disk.seen("pwrite64")
    assert batch(scene.api, parties(f"{name}c", size)).status_code == 200
    scene.hear(scene.revision + 1)
    return scene.disk.seen("pwrite64") - before


def refused_whole(scene: FailingDiskHub, size: int, name: str, points: Iterable[int], times: int) -> int:
    """Have the disk run full at these of a batch's writes until it is made; at each, nothing at all is left of it.

    Returns how many of them it was refused at.
    """
    floor, dump, body = shown(scene.api), rows(scene.hub.data), parties(name, size)
    refused = 0
    for point in points:
        scene.disk.fail("pwrite64", point, errno.ENOSPC, times)
        answer = batch(scene.api, body)
        scene.disk.heal()
        if answer.status_code == 200:
            break
        refused += 1
        assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_full"), answer.text
        assert int(answer.headers["Retry-After"]) > 0
        scene.untouched(floor, dump)
    else:
        answer = batch(scene.api, body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Restohub-Revision"] == str(scene.revision + 1), "a revision was used up by a refusal"
    scene.hear(scene.revision + 1)
    return refused


@pytest.mark.parametrize(("size", "times"), [(1, 1), (2, FOR_EVER), (50, 1)], ids=["1", "2", "50"])
def test_a_disk_that_is_full_at_any_write_of_a_batch_leaves_nothing_of_it(
    scene: FailingDiskHub, size: int, times: int
) -> None:
    writes = writes_of(scene, size, f"{size}-")
    assert writes > 5, "a commit writes a head and a page for each that it changed"
    points = {1, 2, *Random(chosen_seed()).sample(range(3, writes), min(SHORT_POINTS - 2, writes - 3))}
    # The last may be past the end: what is written is a page more or less, as the trees of the database grow.
    assert refused_whole(scene, size, f"{size}", sorted(points), times) >= len(points) - 1


@pytest.mark.parametrize("size", [1, 2, 50])
def test_a_batch_with_one_fault_anywhere_is_refused_whole(scene: FailingDiskHub, size: int) -> None:
    floor, dump = shown(scene.api), rows(scene.hub.data)
    for place in range(0, size + 1, max(1, size // 10)):
        body = parties(f"v{size}", size)
        body["operations"][place]["data"] |= {"capacity": 0} if place == 0 else {"partySize": 0}
        answer = batch(scene.api, body)
        assert (answer.status_code, answer.json()["rolled_back"]) == (422, True), answer.text
    scene.untouched(floor, dump)
    assert batch(scene.api, parties(f"v{size}", size)).headers["Restohub-Revision"] == str(scene.revision + 1)
    scene.hear(scene.revision + 1)


def test_a_batch_that_the_floor_refuses_at_its_end_leaves_nothing_of_its_beginning(scene: FailingDiskHub) -> None:
    """Not a malformed operation, which is known at once, but one that cannot be done where it comes."""
    taken: dict[str, Any] = {"name": "Verdi", "partySize": 2, "tableId": "t-late"}
    body = parties("late", 3)
    body["operations"].append({"entity_type": "guest", "action": "create", "entity_id": "g-late", "data": taken})
    floor, dump = shown(scene.api), rows(scene.hub.data)
    answer = batch(scene.api, body)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "table_occupied")
    scene.untouched(floor, dump)
    assert batch(scene.api, parties("after-late", 1)).headers["Restohub-Revision"] == str(scene.revision + 1)
    scene.hear(scene.revision + 1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_at_every_single_write_leaves_nothing(
    scene: FailingDiskHub, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for size, times, step in [(1, 1, 1), (1, FOR_EVER, 1), (2, 1, 1), (2, FOR_EVER, 1), (50, 1, 1), (50, FOR_EVER, 1),
                              (499, 1, 7)]:  # fmt: skip
        refused = refused_whole(scene, size, f"e{size}-{times}", count(1, step), times)
        told.append(f"{refused} of {size}")
    report(capsys, f"all or nothing: disk full at write 1, 2, 3 … to the last, once and for ever (every seventh of the"
        f" largest): {', '.join(told)} guests refused whole, no trace left")  # fmt: skip
