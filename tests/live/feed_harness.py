"""A feed before its audience: links as slow as they are told, and clients who trust nothing they read."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import msgspec

from restohub.floor.model import Entry, Floor, Removal
from restohub.live.address_usage import Caller
from restohub.live.cursor import Cursor
from restohub.live.epoch import Epoch
from restohub.live.feed import Feed
from restohub.live.ports import Revision
from restohub.live.snapshots import Snapshots
from restohub.store.history import History
from restohub.wire.entities import guest_out, table_out
from restohub.wire.messages import MESSAGE_BYTES_MAX, Dialect
from tests.floor.floor_harness import FloorHarness
from tests.floor.strategies import Closing, Wish, some_deed

Message = dict[str, Any]
Held = dict[tuple[str, str], Any]


class SlowHistory(History):
    """The log of a story, read as slowly as it is told; it begins at revision `first`."""

    def __init__(self, story: FloorHarness) -> None:
        self.story = story
        self.first = 1
        self.asked = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    def hold(self) -> None:
        """Let who asks wait until `free` is set."""
        self.asked.clear()
        self.free.clear()

    async def first_revision(self, restaurant_id: int) -> Revision | None:  # noqa: ARG002 (there is but one)
        """The oldest revision of the log, None where it has none."""
        self.asked.set()
        await self.free.wait()
        return Revision(self.first) if self.story.log else None

    async def removals(self, floor: Floor, since: int, many: int) -> list[Removal]:  # noqa: ARG002 (there are few)
        """What left the floor between the two."""
        await asyncio.sleep(0)
        return [
            Removal(change.kind, change.id, entry.revision, entry.time)
            for entry in self.story.log[since : floor.revision]
            for change in entry.changes
            if change.entity is None
        ]


class SlowLink:
    """A way to one client that is ready or not, as it is told; `written` is all that was ever written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed: int | None = None
        self.fills_up = False
        self.heard_at = 0.0
        self.taken = 0
        self.waiting = False
        self._ready = asyncio.Event()
        self._ready.set()

    @property
    def ready(self) -> bool:
        """Whether it is ready."""
        return self._ready.is_set()

    def fill(self) -> None:
        """Take nothing from now on."""
        self._ready.clear()

    def drain(self) -> None:
        """Take everything again."""
        self._ready.set()

    def write(self, frames: bytes) -> None:
        """Keep the frames; a link that `fills_up` is full with each."""
        self.written.append(frames)
        if self.fills_up:
            self.fill()

    def let_wait(self, bytes_max: int) -> None:
        """It counts no bytes."""

    async def drained(self) -> None:
        """Return when it is ready."""
        await self._ready.wait()

    def ping(self) -> None:
        """It answers none."""

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 (a link's own signature)
        """Note the code."""
        self.closed = code


def messages(frames: bytes) -> list[Message]:
    """The JSON of unmasked, unfragmented text frames (RFC 6455, section 5.2)."""
    found: list[Message] = []
    while frames:
        assert frames[0] == 0x81, "not one whole text frame"
        size, at = frames[1], 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            size, at = int.from_bytes(frames[2 : 2 + wide], "big"), 2 + wide
        assert size <= MESSAGE_BYTES_MAX
        payload, frames = frames[at : at + size], frames[at + size :]
        assert len(payload) == size
        found.append(msgspec.json.decode(payload))
    return found


class Client:
    """Who reads one link: a floor, and an assertion for each rule that a message could break."""

    def __init__(self, link: SlowLink, *, revision: int = 0, held: Held | None = None) -> None:
        self.link = link
        self.revision = revision
        self.held: Held = held or {}
        self.kinds: list[str] = []
        self.read = 0
        self._parts: list[Message] = []

    def read_all(self) -> Client:
        """Read what was written since the last time."""
        unread, self.read = self.link.written[self.read :], len(self.link.written)
        for message in messages(b"".join(unread)):
            self.hear(message)
        return self

    def hear(self, message: Message) -> None:
        """Apply one message."""
        kind = message["type"]
        if kind in ("ping", "pong", "error", "restaurant_updated"):
            assert kind == "ping" or not self._parts, "between two parts"
            self.kinds.append(kind)
        elif kind in ("full_sync", "delta_update", "atomic_transaction_complete"):
            self._parts.append(message)
            assert [part["part"] for part in self._parts] == list(range(1, len(self._parts) + 1))
            assert len({(part["type"], part["revision"], part["parts"]) for part in self._parts}) == 1
            if message["part"] == message["parts"]:
                parts, self._parts = self._parts, []
                self.kinds.append(kind)
                self._whole(parts)
        elif message["echo"]:
            assert not self._parts, "between two parts"
            assert message["revision"] == self.revision
        else:
            assert not self._parts, "between two parts"
            self.kinds.append(kind)
            entity = "guest" if kind.startswith("guest") else "table"
            self._commit(message, [(entity, message[f"{entity}Id"], message[entity])])

    def _whole(self, parts: list[Message]) -> None:
        if parts[0]["type"] == "full_sync":
            assert parts[0]["revision"] >= self.revision, "a snapshot of the past"
            self.revision = parts[0]["revision"]
            lists = [(kind, part["data"][f"{kind}s"]) for part in parts for kind in ("guest", "table")]
            self.held = {(kind, entity["id"]): entity for kind, listed in lists for entity in listed}
            return
        changes = [change for part in parts for change in part["changes"]]
        self._commit(parts[0], [(change["entity_type"], change["entity_id"], change["data"]) for change in changes])

    def _commit(self, message: Message, changes: list[tuple[str, str, Any]]) -> None:
        assert message["previous_revision"] <= self.revision, f"a gap after {self.revision}"
        assert message["revision"] >= self.revision, f"back from {self.revision}"
        if message["type"] != "delta_update":
            assert message["previous_revision"] == self.revision == message["revision"] - 1
        for kind, entity_id, data in changes:
            if data is None:
                self.held.pop((kind, entity_id), None)
            else:
                self.held[kind, entity_id] = data
        self.revision = message["revision"]


def served(floor: Floor) -> Held:
    """What a client holds who is up to date."""
    found: Held = {("guest", guest.id): guest_out(guest) for guest in floor.guests.values()}
    found |= {("table", table.id): table_out(table) for table in floor.tables.values()}
    return {key: msgspec.json.decode(msgspec.json.encode(entity)) for key, entity in found.items()}


class FeedHarness:
    """A story whose commits are published to cursors; restaurant 1 has tables and guests from the start."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self.story = FloorHarness().furnish()
        self.past = SlowHistory(self.story)
        self.floors = {1: self.story.floor}
        self.snapshots = Snapshots(Epoch("epoch"), self.floors)
        self.feed = Feed(self.floors, self.past, self.snapshots)
        self.tasks: list[asyncio.Task[None]] = []
        self.cursors: list[tuple[Cursor, Client]] = []

    @property
    def floor(self) -> Floor:
        """The published floor."""
        return self.floors[1]

    async def enter(self, dialect: Dialect = "sync", restaurant_id: int | None = 1) -> tuple[Cursor, SlowLink, Client]:
        """A client connects: on `sync` it is sent the whole floor, on `realtime` it has it already."""
        link = SlowLink()
        cursor = Cursor(link, dialect, restaurant_id, Caller("127.0.0.1", time.monotonic, shared=True), lambda: 0)
        self.feed.join(cursor)
        if dialect == "sync":
            client = Client(link)
            self.tasks.append(asyncio.create_task(self._send(cursor)))
        else:
            cursor.revisions = {number: floor.revision for number, floor in self.floors.items()}
            client = Client(link, revision=self.floor.revision, held=served(self.floor))
            self.tasks.append(asyncio.create_task(self.feed.follow(cursor)))
        self.cursors.append((cursor, client))
        await settle()
        return cursor, link, client

    async def _send(self, cursor: Cursor) -> None:
        await self.feed.catch_up(cursor, 1, None, least=0)
        await self.feed.follow(cursor)

    def commit(self, *wishes: Wish) -> list[Entry]:
        """Have these wishes committed and published as one group."""
        before = len(self.story.log)
        for wish in wishes:
            self.story.wish(wish)
        return self.publish(before)

    def happen(self, deeds_count: int = 1) -> list[Entry]:
        """Have anything happen, and published as one group."""
        before = len(self.story.log)
        for _ in range(deeds_count):
            self.story.now += self.random.randrange(60)
            match some_deed(self.random.choice):
                case Wish() as wish:
                    self.story.wish(wish)
                case Closing(_, age_s):
                    self.story.close_day(self.story.now - age_s)
                case batch:
                    self.story.tell(tuple(self.story.operation(one) for one in batch if isinstance(one, Wish)))
        return self.publish(before)

    def publish(self, since: int) -> list[Entry]:
        """Publish what the story's log has beyond its first `since` entries."""
        entries = self.story.log[since:]
        if entries:
            self.floors[1] = self.story.floor
            self.feed.publish(entries)
        return entries

    def assert_agreed(self) -> None:
        """Every client holds the published floor."""
        for cursor, client in self.cursors:
            client.read_all()
            assert (client.revision, client.held) == (self.floor.revision, served(self.floor)), cursor.dialect

    async def close(self) -> None:
        """End the sending tasks; what they raised comes out."""
        for task in self.tasks:
            task.cancel()
        for ended in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def settle(rounds: int = 30) -> None:
    """Let every task that can go on do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)
