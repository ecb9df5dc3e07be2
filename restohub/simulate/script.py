"""The script's agenda: what will happen, and the requests that come of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from msgspec import Struct

HOSTS = 10
Operation = tuple[str, str, dict[str, Any]]


class Event(Struct, frozen=True):
    """One request of one host, `minute` minutes after the opening.

    `after` are the numbers of the earlier events that must be answered first, since they touch the same guests or
    tables: so the hosts may work all at once, and yet the evening ends the same. A path that begins with `/guests` or
    `/tables` is one of the restaurant's. `answer` is the status to expect, `commits` how many revisions it makes.
    """

    number: int
    minute: float
    host: int
    what: str
    method: str
    path: str
    body: Any
    after: tuple[int, ...]
    answer: int = 200
    commits: int = 1


class Script:
    """What has been asked so far (`events`), and the agenda of what is still to happen, in the order of time."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now = 0.0
        self.events: list[Event] = []
        self._touched: dict[str, int] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._entries = count()

    def later(self, minute: float, happens: Callable[[], None]) -> None:
        """Put it on the agenda."""
        heapq.heappush(self._agenda, (max(minute, self.now), next(self._entries), happens))

    def play_out(self) -> list[Event]:
        """Let everything happen until nothing is left on the agenda."""
        while self._agenda:
            self.now, _, happens = heapq.heappop(self._agenda)
            happens()
        return self.events

    def ask(self, what: str, method: str, path: str, body: Any, *ids: str, answer: int = 200, commits: int = 1) -> None:
        """A request of any host, that touches the guests and tables of these ids."""
        after = tuple(sorted({self._touched[one] for one in ids if one in self._touched}))
        number, host = len(self.events), self.rng.randrange(HOSTS)
        self.events.append(Event(number, self.now, host, what, method, path, body, after, answer, commits))
        self._touched.update(dict.fromkeys(ids, number))

    def status(self, what: str, guest_id: str, status: str, *tables: str, answer: int = 200, **fields: Any) -> None:
        """A guest's status by the atomic route; `tables` are the ones it touches."""
        path, body = f"/guests/{guest_id}/status/atomic", {"status": status, **fields}
        self.ask(what, "PUT", path, body, guest_id, *tables, answer=answer, commits=int(answer == 200))

    def batch(self, what: str, operations: list[Operation], *more_ids: str) -> None:
        """Updates that happen together, each of them (kind, id, data)."""
        body = [
            {"entity_type": kind, "entity_id": entity_id, "action": "update", "data": data}
            for kind, entity_id, data in operations
        ]
        ids = [*(entity_id for _, entity_id, _ in operations), *more_ids]
        self.ask(what, "POST", "/api/v1/atomic/batch", {"operations": body}, *ids)
