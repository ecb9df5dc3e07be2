"""Regulars: for how long a guest who comes again is counted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.conftest import START_WAIT_S, Hub

NewHub = Callable[..., Hub]
PHONE = "+39 06 555 1234"


def visits_counted(hub: Hub, guest_id: str) -> int:
    """How often a guest with the phone has been here, by what the hub says of a new one."""
    with hub.client() as api:
        guest = {"id": guest_id, "name": "Anna", "partySize": 2, "phone": PHONE}
        return int(api.post("/restaurants/1/guests", json=guest).json()["totalVisits"])


@pytest.mark.parametrize(("days", "counted"), [("365", 1), ("0", 0)])
def test_hashes_end_with_their_days(days: str, counted: int, new_hub: NewHub) -> None:
    hub = new_hub(None, "--regular-days", days).start()
    assert visits_counted(hub, "first") == 0
    with hub.client() as api:
        api.patch("/restaurants/1/guests/first", json={"status": "finished"})
        assert api.delete("/restaurants/1/guests/first").status_code == 204
    assert visits_counted(hub, "second") == 0, "a delete counts nobody"
    hub.stop()
    with closing(sqlite3.connect(hub.data / "restohub.db")) as database:
        [(hashed,)] = database.execute("SELECT count(*) FROM visit WHERE phone IS NOT NULL").fetchall()
    assert hashed == 1
    hub.start()
    deadline = time.monotonic() + START_WAIT_S
    wanted = counted
    while hashes(hub) != wanted:
        assert time.monotonic() < deadline, hashes(hub)
        time.sleep(0.05)


def hashes(hub: Hub) -> int:
    """How many hashes of a contact the store has."""
    with closing(sqlite3.connect(f"{(hub.data / 'restohub.db').as_uri()}?mode=ro", uri=True)) as database:
        found = 0
        for table in ("removal", "visit"):
            found += database.execute(f"SELECT count(*) FROM {table} WHERE phone <> '' OR email <> ''").fetchone()[0]
        return found
