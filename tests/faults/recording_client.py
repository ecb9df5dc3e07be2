"""A host of the fault tests: one who asks, repeats and gives up, and writes down what he was told."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

import httpx

from tests.conftest import Hub
from tests.faults.history import Asked, Change, History, Json, digest, digest_of_changes, digest_of_floor

TABLES = 10
GUESTS_MAX = 6
# Retries must not take the machine from the hub that starts.
AGAIN_S = 0.3
ANSWER_WAIT_S = 15.0
# A client may give up while its request is still under way, and ask again.
PATIENCE_S = (0.0, 0.02)


class RecordingClient:
    """One who asks: each request with a key, again after a lost answer and now and then without need."""

    def __init__(self, hub: Hub, restaurant: int, name: str, chance: random.Random, history: History) -> None:
        self.hub, self.restaurant, self.name = hub, restaurant, name
        self.chance, self.history = chance, history
        self.root = f"/restaurants/{restaurant}"
        self.guests: list[str] = []
        self.revision = 0
        self.patience_s = self.endurance_s = ANSWER_WAIT_S
        self.pause_s = 0.0
        self.repeats_max = 1
        self.reuses = 0.0
        self.reused: list[Asked] = []
        self._made = 0
        options: Any = {"timeout": ANSWER_WAIT_S, "verify": False, "trust_env": False}
        self._steady = httpx.AsyncClient(**options)
        # Every repetition comes over a connection of its own.
        self._fresh = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), **options)

    async def work(self, until: asyncio.Event) -> None:
        """Ask one thing after the other until told to stop."""
        while not until.is_set():
            await self.ask_something()
            await asyncio.sleep(self.chance.uniform(0, self.pause_s))

    async def leave(self) -> None:
        """Hang up."""
        await self._steady.aclose()
        await self._fresh.aclose()

    def new_id(self, what: str) -> str:
        """An id that nobody else makes."""
        self._made += 1
        return f"{self.name}-{what}{self._made}"

    async def furnish(self) -> None:
        """Put up the restaurant's tables."""
        for number in range(TABLES):
            place = {"x": number / TABLES, "y": 0.5}
            table = {"id": f"t{number}", "tableNumber": str(number), "capacity": 8, "position": place}
            await self.change("POST", f"{self.root}/tables/", table)

    async def ask_something(self) -> None:  # noqa: C901 (one branch for each request)
        """One request of those that a host makes, chosen by chance."""
        if len(self.guests) < 2 or (len(self.guests) < GUESTS_MAX and self.chance.random() < 0.2):
            await self._arrive()
            return
        guest, table = self.chance.choice(self.guests), f"t{self.chance.randrange(TABLES)}"
        guest_path, atomic = f"{self.root}/guests/{guest}", f"{self.root}/guests/{guest}/status/atomic"
        word = self.new_id("word")
        match self.chance.randrange(12):
            case 0 | 1:
                await self.change("PATCH", guest_path, {"notes": word})
            case 2 | 3:
                await self.change("PUT", atomic, {"status": "seated", "tableId": table})
            case 4:
                await self.change("PUT", atomic, {"status": "finished"})
            case 5:
                await self.change("PATCH", guest_path, {"tableId": table})
            case 6:
                await self.change("PUT", f"{self.root}/tables/{table}", {"status": "dirty"})
            case 7:
                await self.change("POST", "/api/v1/atomic/batch", self._pair(guest, word))
            case 8:
                await self._queue(word)
            case 9:
                await self._count(guest_path)
            case 10:
                await self._part(guest_path, guest)
            case _:
                await self._read(guest_path)

    async def _arrive(self) -> None:
        guest = self.new_id("guest")
        party = {"id": guest, "name": f"Party {guest}", "partySize": self.chance.randint(1, 8), "notes": None}
        await self.change("POST", f"{self.root}/guests/", party)
        self.guests.append(guest)

    async def _part(self, path: str, guest: str) -> None:
        self.guests.remove(guest)
        await self.change("DELETE", path, None)

    def _pair(self, guest: str, word: str) -> Json:
        who = [("guest", guest), *(("table", f"t{n}") for n in self.chance.sample(range(TABLES), 3))]
        ops = [
            {"entity_type": kind, "entity_id": id_, "action": "update", "data": {"notes": word}} for kind, id_ in who
        ]
        return {"restaurant_id": self.restaurant, "operations": ops}

    async def _queue(self, word: str) -> None:
        updates = [
            {"entity_type": "guest", "entity_id": guest, "data": {"notes": f"{word}/{n}"}, "mutation_id": f"{word}/{n}"}
            for n, guest in enumerate(self.chance.sample(self.guests, 2))
        ]
        keys = tuple(f"{word}/{n}" for n in range(len(updates)))
        path = f"/api/sync/batch?restaurant_id={self.restaurant}"
        await self.change("POST", path, {"updates": updates}, keys=keys)

    async def _count(self, path: str) -> None:
        """One more, where nobody has changed the guest since he was read."""
        read = await self.read(path)
        if read is not None and read.status == 200:
            wait = ((read.answer["quotedWait"] or 0) + 1) % 1440
            await self.change("PATCH", path, {"quotedWait": wait}, match=read.answer["version"])

    async def _read(self, guest_path: str) -> None:
        restaurant = f"restaurant_id={self.restaurant}"
        delta = f"/api/sync/delta?{restaurant}&since_revision={self.revision}"
        full = f"/api/sync/full?{restaurant}"
        paths = [full, full, f"{self.root}/guests/", guest_path, delta]
        await self.read(self.chance.choice(paths))

    async def change(
        self, method: str, path: str, body: Any, *, keys: tuple[str, ...] = (), match: int | None = None
    ) -> Asked | None:
        """Ask until it is answered, and then a few times more; the first answer, None where none came for long."""
        keys = keys or (self.new_id("key"),)
        repeats = self.chance.randint(0, self.repeats_max) if self.chance.random() < 0.3 or self.repeats_max > 1 else 0
        deadline, answered, kept = time.monotonic() + self.endurance_s, None, False
        client = self._steady
        while answered is None or repeats:
            asked = Asked(self.name, method, path, body, keys, match, time.monotonic())
            if answered is None and client is self._steady and self.repeats_max > 1 and self.chance.random() < 0.3:
                twin = Asked(self.name, method, path, body, keys, match, asked.invoked)
                await asyncio.gather(self._send(client, asked), self._send(self._fresh, twin))
            else:
                await self._send(client, asked)
            client = self._fresh
            kept = kept or asked.again
            if asked.returned is not None and asked.status != 503:
                repeats = repeats - 1 if answered is not None else repeats
                answered = answered or asked
                if not made_a_commit(asked):
                    break
            elif time.monotonic() > deadline:
                break
            else:
                await asyncio.sleep(AGAIN_S * self.chance.random())
        # What was given again was kept: of an answer alone one cannot know, it may have changed nothing at the head.
        if kept and len(keys) == 1 and self.chance.random() < self.reuses:
            await self.reuse(keys[0])
        return answered

    async def reuse(self, key: str) -> None:
        """Send another request under a key that was used, to be refused."""
        path, body = f"{self.root}/tables/t0", {"notes": f"under {key}"}
        asked = Asked(self.name, "PATCH", path, body, (), None, time.monotonic())
        await self._send(self._fresh, asked, key)
        if asked.returned is not None and asked.status != 503:
            self.reused.append(asked)

    async def read(self, path: str) -> Asked | None:
        """Ask for something once; None where no answer came."""
        asked = Asked(self.name, "GET", path, None, (), None, time.monotonic())
        await self._send(self._steady, asked)
        return None if asked.returned is None else asked

    async def _send(self, client: httpx.AsyncClient, asked: Asked, reused_key: str | None = None) -> None:
        """One attempt; what came of it stands in `asked`."""
        self.history.asked.append(asked)
        headers = {} if asked.match is None else {"If-Match": f'"{asked.match}"'}
        if len(asked.keys) == 1 and not asked.path.startswith("/api/sync/batch"):
            headers["Idempotency-Key"] = asked.keys[0]
        if reused_key is not None:
            headers["Idempotency-Key"] = reused_key
        impatient = asked.keys and self.chance.random() < 0.05
        patience = self.chance.uniform(*PATIENCE_S) if impatient else self.patience_s
        with contextlib.suppress(httpx.TransportError, TimeoutError):  # not answered: it may have been done, or not
            async with asyncio.timeout(patience):
                body = {} if asked.body is None else {"json": asked.body}
                answer = await client.request(asked.method, self.hub.url + asked.path, headers=headers, **body)
            self._note(asked, answer)

    def _note(self, asked: Asked, answer: httpx.Response) -> None:
        asked.returned, asked.status = time.monotonic(), answer.status_code
        if "restohub-revision" in answer.headers:
            asked.revision = int(answer.headers["restohub-revision"])
            self.revision = max(self.revision, asked.revision)
        asked.again = "idempotency-replayed" in answer.headers
        asked.answer = answer.json() if answer.content else None
        if asked.method == "GET" and answer.status_code == 200:
            asked.effect = _effect(asked.path, asked.answer)
            asked.answer = asked.answer if "/guests/" in asked.path and isinstance(asked.answer, dict) else None


def made_a_commit(asked: Asked) -> bool:
    """Whether an answer says that a commit was made: only such a one is kept for a repetition."""
    if asked.status >= 400:
        return False
    if asked.answer is None:
        return True
    if "version" in asked.answer:
        return bool(asked.answer["version"] == asked.revision)
    return bool(asked.answer.get("changes", True))


def _effect(path: str, answer: Any) -> str:
    """The digest of what a read says."""
    if path.startswith("/api/sync/full"):
        return digest_of_floor(answer["guests"], answer["tables"])
    if path.startswith("/api/sync/delta"):
        assert not answer["has_more"]
        changes = answer["changes"]
        return digest_of_changes(
            Change(one["entity_type"], one["entity_id"], one["action"], one["data"]) for one in changes
        )
    return digest_of_floor(answer, ()) if isinstance(answer, list) else digest(answer)
