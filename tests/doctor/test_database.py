"""The look at a database that a hub is writing: never a false alarm, never in the hub's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from restohub.store.data_folder import is_served
from restohub.store.errors import UnseenError
from restohub.store.inspection import inspect_database
from restohub.store.sqlite_version import has_wal_reset_bug
from tests.conftest import Hub

NewHub = Callable[..., Hub]
LOOKS = 25


def test_a_look_while_hosts_write_finds_one_moment_each_time(new_hub: NewHub) -> None:
    hub = new_hub().start()
    over = threading.Event()

    def write(host: int) -> int:
        made = 0
        with hub.client() as api:
            while not over.is_set():
                guest = {"name": f"Host {host}", "partySize": 2}
                assert api.post("/restaurants/1/guests", json=guest).status_code == 201
                made += 1
        return made

    with ThreadPoolExecutor(4) as hosts:
        writing = [hosts.submit(write, host) for host in range(4)]
        try:
            looks = [asyncio.run(inspect_database(hub.data, 20)) for _ in range(LOOKS)]
        finally:
            over.set()
        made = sum(one.result() for one in writing)
    revisions = [seen.revisions for seen in looks if seen is not None and seen.whole]
    assert len(revisions) == LOOKS
    assert revisions == sorted(revisions)
    assert revisions[0] < revisions[-1] <= made + 1
    assert hub.stop() == 0
    after = asyncio.run(inspect_database(hub.data, 20))
    assert after is not None
    assert after.revisions == made + 1


def test_a_look_that_takes_too_long_is_given_up(new_hub: NewHub) -> None:
    hub = new_hub().start()
    with pytest.raises(UnseenError, match="too large"):
        asyncio.run(inspect_database(hub.data, 0))
    assert hub.stop() == 0


def test_a_folder_is_served_while_a_hub_holds_it(new_hub: NewHub, tmp_path: Path) -> None:
    hub = new_hub()
    assert not is_served(hub.data)
    hub.start()
    assert is_served(hub.data)
    hub.kill()
    assert not is_served(hub.data)
    assert not is_served(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("version", "has"),
    [("3.6.23", False), ("3.7.0", True), ("3.40.1", True), ("3.44.5", True), ("3.44.6", False), ("3.45.0", True),
     ("3.50.7", False), ("3.51.2", True), ("3.51.3", False), ("3.52.0", False)],
)  # fmt: skip
def test_the_versions_with_the_wal_reset_bug_are_known(version: str, has: bool) -> None:
    assert has_wal_reset_bug(tuple(int(part) for part in version.split("."))) is has
