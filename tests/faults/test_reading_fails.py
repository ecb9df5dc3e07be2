"""A disk that fails under what is read of the past: the hub stops, rather than fail for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from restohub.store.connection import open_reader
from restohub.store.data_folder import DATABASE, FolderError
from tests.conftest import Hub

NewHub = Callable[..., Hub]
# The database's first page, which holds its schema.
HEAD_BYTES = 1024
WAIT_S = 20.0


def overwrite(path: Path) -> None:
    """Put noise over all of a file but its first page, in place, as a dying card does."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(HEAD_BYTES)
        file.write(b"\xa5" * max(0, size - HEAD_BYTES))


def test_a_past_that_cannot_be_read_stops_the_hub(new_hub: NewHub) -> None:
    hub = new_hub().start()
    assert hub.stop() == 0  # so that all of it is in the database
    hub.start()
    # By itself a hub at rest reads the first page alone, to know how long the log is: only the request meets the noise,
    # and nothing but its failure can stop the hub.
    with hub.client() as api:
        overwrite(hub.data / DATABASE)
        answer = api.post("/restaurants/1/guests", json={"id": "g1", "name": "Rossi", "partySize": 2})
    assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]
    assert hub.ended(WAIT_S) == 1
    assert f"The disk of {hub.data} failed" in hub.said()
    assert "Traceback" not in hub.said()
    with pytest.raises(httpx.TransportError):
        httpx.get(hub.url + "/health", verify=False)


def test_a_reading_connection_that_does_not_open_says_why(tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(FolderError, match="cannot be written by this user"):
        asyncio.run(open_reader(tmp_path))


def test_a_connection_that_does_not_open_leaves_no_thread_behind(tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()
    before = set(threading.enumerate())
    for _ in range(20):
        with pytest.raises(FolderError):
            asyncio.run(open_reader(tmp_path))
        assert set(threading.enumerate()) <= before
