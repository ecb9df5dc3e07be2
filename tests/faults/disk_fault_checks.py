"""What is asked of a hub whose disk fails: changes, the floor as it shows it, the rows as they lie."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection

from restohub.store.data_folder import DATABASE
from tests.tablet import State, canonical

Dump = dict[str, list[tuple[Any, ...]]]
# More than fifty messages in a second close a socket.
PING_EVERY_S = 0.025
TABLES = {
    "hub": "SELECT * FROM hub WHERE name <> 'probe' ORDER BY name",
    "entity": "SELECT * FROM entity ORDER BY restaurant_id, kind, id",
    "removal": "SELECT * FROM removal ORDER BY restaurant_id, kind, id",
    "log": "SELECT * FROM log ORDER BY position",
}


def stuff(disk: Path) -> None:
    """Leave no room at all on a disk: what is asked of it next is refused."""
    with contextlib.suppress(OSError), (disk / "stuffing").open("wb", buffering=0) as file:  # there is no room left
        while file.write(bytes(1024)) == 1024:
            pass


def make_room(disk: Path) -> None:
    """Give back what `stuff` took."""
    (disk / "stuffing").unlink()


def rows(folder: Path) -> Dump:
    """Every row of the database that means something, byte for byte, read beside the hub."""
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return {table: connection.execute(query).fetchall() for table, query in TABLES.items()}
    finally:
        connection.close()


def parties(name: str, count: int) -> dict[str, Any]:
    """The body of a batch that makes `count` guests; the first takes a table that is made before it."""
    table: dict[str, Any] = {"entity_type": "table", "action": "create", "entity_id": f"t-{name}"}
    table["data"] = {"tableNumber": name[:20], "capacity": 4}
    guests = [
        {
            "entity_type": "guest",
            "action": "create",
            "entity_id": f"g-{name}-{number}",
            "data": {"name": "Rossi", "partySize": 2, "notes": "n" * 100, "tableId": None if number else f"t-{name}"},
        }
        for number in range(count)
    ]
    return {"transaction_id": f"tx-{name}", "operations": [table, *guests]}


def batch(api: httpx.Client, body: dict[str, Any]) -> httpx.Response:
    """Ask for a batch."""
    return api.post("/api/v1/atomic/batch", json=body)


def shown(api: httpx.Client, restaurant: int = 1) -> State:
    """The floor as the hub tells it."""
    answer = api.get("/api/sync/full", params={"restaurant_id": restaurant})
    assert answer.status_code == 200, answer.text
    return canonical(answer.json()["guests"], answer.json()["tables"])


class CommitListener:
    """A socket of one restaurant that hears every commit once, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.revision = 0

    def hear(self) -> int:
        """Read all that was sent so far, which a pong ends; the revision that is held then."""
        time.sleep(PING_EVERY_S)
        self._socket.send('{"type": "ping"}')
        while (message := json.loads(self._socket.recv(timeout=20)))["type"] != "pong":
            if message.get("part", 1) > 1:
                assert message["revision"] == self.revision
            elif "previous_revision" in message:
                assert message["previous_revision"] == self.revision, f"a gap or a repeat after {self.revision}"
                self.revision = message["revision"]
            elif message["type"] == "full_sync":
                self.revision = message["revision"]
        return self.revision
