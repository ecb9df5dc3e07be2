"""A rush at the door: several clients who change two floors at once, every way that the contract has."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.conftest import WAIT_S, Hub

HOSTS = 3
BIG_BATCH = 60


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A change that was answered with success: the revision that holds it, and texts that only it wrote."""

    restaurant: int
    revision: int
    transaction: str
    texts: tuple[str, ...]


class Rush:
    """The hosts of one evening; `acknowledged` is what they were answered."""

    def __init__(self, seed: int, *, changes_each: int = 12, big_batches: int = 8) -> None:
        self.seed = seed
        self.changes_each = changes_each
        self.big_batches = big_batches
        self.acknowledged: list[Acknowledged] = []
        self.restaurants: list[int] = []

    def play(self, hub: Hub) -> None:
        """Have the hosts work, and two who only watch, until all is answered."""
        self.restaurants = [1, hub.new_restaurant()]
        with watchers(hub, self.restaurants) as told, ThreadPoolExecutor(HOSTS) as hosts:
            working = [hosts.submit(self._host, hub, number) for number in range(HOSTS)]
            for done in working:
                done.result()
            with hub.client() as api:
                for number in range(self.big_batches):
                    self._big_batch(api, number)
                self._changes(api, Random(f"{self.seed}/after"), "after", self.changes_each)
            heads = {one.restaurant: one.revision for one in sorted(self.acknowledged, key=lambda one: one.revision)}
            deadline = time.monotonic() + WAIT_S
            while not heads.items() <= told.items():
                assert time.monotonic() < deadline, f"of {heads} the watchers were told {told}"
                time.sleep(0.02)

    def _host(self, hub: Hub, number: int) -> None:
        with hub.client() as api:
            self._changes(api, Random(f"{self.seed}/{number}"), f"h{number}", self.changes_each)

    def _changes(self, api: httpx.Client, random: Random, host: str, count: int) -> None:
        seated: list[tuple[int, str]] = []
        for turn in range(count):
            name, restaurant = f"{self.seed}-{host}-{turn}", random.choice(self.restaurants)
            if not seated or turn % 3 == 0:
                self._pair(api, restaurant, name)
                seated.append((restaurant, name))
                continue
            restaurant, guest = random.choice(seated)
            url, note = f"/restaurants/{restaurant}/guests/g-{guest}", f"<{name}>"
            match random.randrange(5):
                case 0:
                    self._hold(restaurant, api.patch(url, json={"notes": note}, headers=key(name)), note)
                case 1:
                    body = {"name": note, "partySize": 2, "email": f"{name}@example.org"}
                    self._hold(restaurant, api.post(f"/restaurants/{restaurant}/guests/", json=body), note)
                case 2:
                    body = {"status": "seated", "tableId": f"t-{guest}"}
                    self._hold(restaurant, api.put(f"{url}/status/atomic", json=body, headers=key(name)))
                case 3:
                    self._queue(api, restaurant, guest, name)
                case _:
                    self._hold(restaurant, api.delete(url, headers=key(name)), f"g-{guest}")
                    seated.remove((restaurant, guest))

    def _pair(self, api: httpx.Client, restaurant: int, name: str) -> None:
        """A table and the guest who takes it, together."""
        table = {"tableNumber": name[-20:], "capacity": 4, "notes": f"<t {name}>"}
        guest = {"name": "Rossi", "partySize": 2, "tableId": f"t-{name}", "notes": f"<g {name}>", "phone": name[-30:]}
        operations = [
            operation("table", "create", f"t-{name}", table),
            operation("guest", "create", f"g-{name}", guest),
        ]
        self._batch(api, restaurant, name, operations, f"<t {name}>", f"<g {name}>")

    def _big_batch(self, api: httpx.Client, number: int) -> None:
        """Enough guests at once for the WAL to be brought into the file, and begun anew, after a few."""
        restaurant, first = self.restaurants[number % 2], number < 2
        texts = [f"<{self.seed}-{number}-{guest}>" for guest in range(BIG_BATCH)]
        operations = [
            operation("guest", "create", f"big-{guest}", {"name": "Verdi", "partySize": 2, "notes": text})
            if first
            else operation("guest", "update", f"big-{guest}", {"notes": text})
            for guest, text in enumerate(texts)
        ]
        self._batch(api, restaurant, f"{self.seed}-big-{number}", operations, *texts)

    def _batch(
        self, api: httpx.Client, restaurant: int, name: str, operations: list[dict[str, Any]], *texts: str
    ) -> None:
        body = {"restaurant_id": restaurant, "transaction_id": f"batch-{name}", "operations": operations}
        self._hold(restaurant, api.post("/api/v1/atomic/batch", json=body), *texts)

    def _queue(self, api: httpx.Client, restaurant: int, guest: str, name: str) -> None:
        """Two changes that an iPad made off-line: each is a commit of its own, both before the one answer."""
        notes = [f"<{name}/{n}>" for n in range(2)]
        updates = [
            {"entity_type": "guest", "entity_id": f"g-{guest}", "data": {"notes": note}, "mutation_id": note}
            for note in notes
        ]
        answer = api.post("/api/sync/batch", params={"restaurant_id": restaurant}, json={"updates": updates})
        assert answer.json()["success"], answer.text
        self._hold(restaurant, answer, notes[-1])

    def _hold(self, restaurant: int, answer: httpx.Response, *texts: str) -> None:
        """Keep what was acknowledged."""
        assert answer.is_success, answer.text
        revision, transaction = (answer.headers[f"Restohub-{name}"] for name in ("Revision", "Transaction"))
        self.acknowledged.append(Acknowledged(restaurant, int(revision), transaction, texts))


def operation(kind: str, action: str, entity_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """One operation of a batch."""
    return {"entity_type": kind, "action": action, "entity_id": entity_id, "data": data}


def key(name: str) -> dict[str, str]:
    """An idempotency key of its own."""
    return {"Idempotency-Key": f"key-{name}"}


@contextlib.contextmanager
def watchers(hub: Hub, restaurants: list[int]) -> Iterator[dict[int, int]]:
    """Two sockets that read all they are sent; the last revision of each restaurant that the one for all was told."""
    told: dict[int, int] = {}
    sockets = [hub.socket(f"/ws/restaurant/sync?restaurant_id={restaurants[0]}"), hub.socket("/realtime")]
    threads = [
        threading.Thread(target=read_all, args=(sock, heads), daemon=True)
        for sock, heads in zip(sockets, ({}, told), strict=True)
    ]
    for thread in threads:
        thread.start()
    yield told
    for sock, thread in zip(sockets, threads, strict=True):
        sock.close()
        thread.join(10)


def read_all(sock: ClientConnection, told: dict[int, int]) -> None:
    """Read until the socket is closed, and note the last revision of each restaurant."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = json.loads(sock.recv())
            if "revision" in message:
                told[message["restaurant_id"]] = message["revision"]
