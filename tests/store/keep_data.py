"""The making of a data folder that is kept as a test: `python -m tests.store.keep_data VERSION`.

To be run once for each released version, with its code. What it makes, `kept/VERSION/`, is never made again: later
versions must open it (`test_kept.py`). Beside the folder's database and mark stands what a client saw and was answered.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from restohub.store.data_folder import DATABASE, MARK
from tests.conftest import Hub

KEPT = Path(__file__).parent / "kept"
SEEN = "seen.json"
# A change is asked again with these: what was answered must come again.
KEYED: dict[str, Any] = {
    "method": "POST",
    "url": "/restaurants/1/guests/",
    "headers": {"Idempotency-Key": "kept-1"},
    "json": {"id": "anna", "name": "Anna Rössi", "partySize": 4, "phone": "+39 06 5550 102", "tableId": "t1"},
}
BATCH: dict[str, Any] = {
    "method": "POST",
    "url": "/api/v1/atomic/batch",
    "json": {
        "transaction_id": "kept-2",
        "restaurant_id": 2,
        "operations": [
            {"entity_type": kind, "action": "create", "data": data}
            for kind, data in (
                ("table", {"id": "w1", "tableNumber": "W1", "capacity": 2}),
                ("guest", {"id": "ben", "name": "Ben", "partySize": 2, "tableId": "w1"}),
            )
        ],
    },
}
QUEUE: dict[str, Any] = {
    "method": "POST",
    "url": "/api/sync/batch?restaurant_id=1",
    "json": {
        "updates": [
            {
                "entity_type": "guest",
                "action": "create",
                "entity_id": "carla",
                "mutation_id": "kept-3",
                "data": {"name": "Carla", "partySize": 2, "email": "carla@example.org"},
            }
        ]
    },
}


def fill(api: httpx.Client) -> None:
    """A floor with all that a store holds: entities of each kind, updates, removals, a deleted restaurant."""
    for method, url, body in (
        ("PATCH", "/restaurants/1", {"name": "Trattoria Rossi", "timezone": "Europe/Rome"}),
        ("POST", "/restaurants", {"name": "Weinhaus", "timezone": "Europe/Berlin"}),
        ("POST", "/restaurants", {"name": "Closed", "timezone": "UTC"}),
        ("DELETE", "/restaurants/3", None),
        ("POST", "/restaurants/1/tables/", {"id": "t1", "tableNumber": "1", "capacity": 4, "section": "Terrace"}),
        ("POST", "/restaurants/1/tables/", {"id": "t2", "tableNumber": "2", "capacity": 2, "shape": "round"}),
        ("POST", "/restaurants/1/tables/", {"id": "t3", "tableNumber": "3", "capacity": 6, "status": "outOfService"}),
        ("POST", "/restaurants/1/tables/", {"id": "gone", "tableNumber": "9", "capacity": 2}),
        ("DELETE", "/restaurants/1/tables/gone", None),
        (
            "POST",
            "/restaurants/1/guests/",
            {"id": "earlier", "name": "Anna", "partySize": 2, "phone": "+39 06 5550 102"},
        ),
        ("PATCH", "/restaurants/1/guests/earlier", {"status": "seated"}),
        ("PATCH", "/restaurants/1/guests/earlier", {"status": "finished"}),
        ("DELETE", "/restaurants/1/guests/earlier", None),
        ("POST", "/restaurants/1/guests/", {"id": "dora", "name": "Dora", "partySize": 2, "notes": "window"}),
        ("PATCH", "/restaurants/1/guests/dora", {"partySize": 3, "specialRequests": "high chair"}),
    ):
        answer = api.request(method, url, json=body)
        assert answer.is_success, (url, answer.text)


def seen(api: httpx.Client) -> dict[str, Any]:
    """What a client sees of each floor, but for its time and epoch."""
    found = {}
    for one in api.get("/restaurants").json():
        floor = api.get(f"/api/sync/full?restaurant_id={one['id']}").json()
        found[str(one["id"])] = {key: floor[key] for key in ("revision", "guests", "tables")} | {"restaurant": one}
    return found


def keep(version: str) -> Path:
    """Make the folder of this version; raises FileExistsError where it was made before."""
    folder = KEPT / version
    folder.mkdir(parents=True)
    with TemporaryDirectory() as scratch:
        hub = Hub(Path(scratch) / "first").start()
        with hub.client() as api:
            fill(api)
            answers = [api.request(**request).json() for request in (KEYED, BATCH, QUEUE)]
        assert hub.stop() == 0
        # A second epoch: the hub finds that this is a copy.
        copy = Path(shutil.copytree(hub.data, Path(scratch) / "second"))
        again = Hub(copy).start()
        with again.client() as api:
            changed = api.patch("/restaurants/1/guests/dora", json={"partySize": 5})
            assert changed.is_success
            told = {"floors": seen(api), "answers": answers}
        assert again.stop() == 0
        for name in (DATABASE, MARK):
            shutil.copyfile(copy / name, folder / name)
    (folder / SEEN).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return folder


if __name__ == "__main__":
    print(keep(sys.argv[1]))
