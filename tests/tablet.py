"""A shadow iPad: it speaks the wire contract over one socket and shares no code with the hub."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import Hub
from tests.fields import GUEST, TABLE

Entity = dict[str, Any]
Message = dict[str, Any]
State = dict[str, list[Entity]]

REALTIME = "/realtime"
SYNC = "/ws/restaurant/sync"
MESSAGE_BYTES_MAX = 256 * 1024
WAIT_S = 20.0
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def words(text: str) -> frozenset[str]:
    """The keys that a message or an entity always has."""
    return frozenset(text.split())


ENTITY_KEYS = {"guest": frozenset(GUEST), "table": frozenset(TABLE)}
HELLO_KEYS = words("type timestamp restaurant_id restaurant epoch revision server_version heartbeat_seconds resumed")
COMMIT_KEYS = words("type timestamp restaurant_id revision previous_revision")
PARTED_KEYS = {
    "full_sync": words("type timestamp restaurant_id revision data part parts"),
    "delta_update": COMMIT_KEYS | words("part parts changes"),
    "atomic_transaction_complete": COMMIT_KEYS | words("transaction_id part parts changes"),
}
ACTIONS = {"created": "create", "updated": "update", "deleted": "delete"}
NAMED_KEYS = dict.fromkeys(
    (f"{kind}_{done}" for kind in ("guest", "table") for done in ACTIONS),
    COMMIT_KEYS | words("guest table guestId tableId echo"),
)
RESTAURANT_KEYS = words("type timestamp restaurant_id restaurant")
KEYS = {"ping": words("type timestamp revision"), "restaurant_updated": RESTAURANT_KEYS, **PARTED_KEYS, **NAMED_KEYS}


class LostError(AssertionError):
    """The connection ended before what was waited for came; what came was as it should be."""


class Tablet:
    """One iPad at one restaurant: the floor as it was told, and every breach of the contract that it saw.

    `applied` has one list of revisions for each connection; `faults` are sentences, and a message with a fault is not
    applied. A fresh connection takes the snapshot, asking for it on `/realtime`. `source` is the address to connect
    from, where that is not left to the system.
    """

    def __init__(self, ws_url: str, restaurant_id: int, path: str = REALTIME) -> None:
        self.url = f"{ws_url}{path}?restaurant_id={restaurant_id}"
        self.restaurant_id = restaurant_id
        self.path = path
        self.source: tuple[str, int] | None = None
        self.guests: dict[str, Entity] = {}
        self.tables: dict[str, Entity] = {}
        self.revision = 0
        self.epoch = ""
        self.resumed = False
        self.applied: list[list[int]] = []
        self.faults: list[str] = []
        self.close_code: int | None = None
        self._parts: list[Message] = []
        self._whole = False
        self._promised: int | None = None
        self._reads = asyncio.Event()
        self._moved = asyncio.Event()

    async def __aenter__(self) -> Tablet:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def connect(self) -> Tablet:
        """Connect as one that holds nothing; return when the whole floor is held."""
        await self._open(self.url, resuming=False)
        if self.path == REALTIME:
            await self._socket.send('{"type": "request_full_sync"}')
        await self.wait_for(0)
        return self

    async def resume(self) -> Tablet:
        """Connect again from the revision that is held; return when what was missed is held."""
        since = f"{self.url}&since_revision={self.revision}&epoch={self.epoch}"
        await self.wait_for(await self._open(since, resuming=True))
        return self

    async def leave(self) -> None:
        """Close the socket as an app does that goes to the background."""
        self.read_on()
        await self._socket.close()
        await asyncio.wait([self._reader])

    async def cut(self) -> None:
        """Lose the connection without a word, as out of Wi-Fi (the hub sees a TCP reset)."""
        transport = self._socket.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        self._reader.cancel()
        await asyncio.wait([self._reader])

    def pause(self) -> None:
        """Stop reading: what the hub sends fills the buffers between."""
        self._reads.clear()

    def read_on(self) -> None:
        """Read again after `pause`."""
        self._reads.set()

    async def closed(self, wait_s: float = WAIT_S) -> int | None:
        """The code the hub closed with, once it has (1006: the connection ended without one)."""
        try:
            await asyncio.wait_for(asyncio.shield(self._reader), wait_s)
        except TimeoutError:
            raise AssertionError(f"the hub has not closed it within {wait_s} s") from None
        return self.close_code

    async def wait_for(self, revision: int, wait_s: float = WAIT_S) -> None:
        """Return when the floor is held at `revision` or later; AssertionError if it is not within `wait_s`."""
        with contextlib.suppress(TimeoutError):  # what is missing is told below
            async with asyncio.timeout(wait_s):
                while (self.revision < revision or not self._whole) and not (self._reader.done() or self.faults):
                    self._moved.clear()
                    await self._moved.wait()
        if not self._whole or self.revision < revision:
            told = f"at {self.revision} not {revision}, closed with {self.close_code}, faults: {self.faults}"
            raise (LostError if self._reader.done() and not self.faults else AssertionError)(told)

    def state(self) -> State:
        """The floor as a value that can be compared with `full_sync_state`."""
        return canonical(self.guests.values(), self.tables.values())

    async def _open(self, url: str, *, resuming: bool) -> int:
        """Connect and take the hello; the revision at which what follows will end."""
        self._socket: ClientConnection = await connect(
            url, compression=None, max_size=2**20, ping_interval=None, proxy=None, local_addr=self.source
        )
        hello: Message = json.loads(await self._socket.recv())
        assert hello["type"] == "connection_established", hello
        assert hello.keys() >= HELLO_KEYS, f"a hello without {HELLO_KEYS - hello.keys()}"
        self._parts, self.close_code, revision = [], None, int(hello["revision"])
        self.applied.append([])
        self.resumed = hello["resumed"]
        self._whole = resuming and self.resumed
        if self._whole:
            assert (hello["epoch"], True) == (self.epoch, revision >= self.revision), f"resumed from ahead: {hello}"
        else:
            self.guests, self.tables = {}, {}
            self.revision = revision if self.path == REALTIME and not resuming else 0
        untold = revision != self.revision or (self.path == SYNC and not self._whole)
        self._promised = revision if untold else None
        self.epoch, self.restaurant = hello["epoch"], hello["restaurant"]
        self.read_on()
        self._reader = asyncio.create_task(self._read())
        return revision

    async def _read(self) -> None:
        try:
            while True:
                await self._reads.wait()
                text = await self._socket.recv()
                try:
                    await self._hear(text)
                except (AssertionError, KeyError, TypeError, ValueError) as fault:
                    self.faults.append(f"{fault!r} in {text[:300]!r}")
                    self._moved.set()
        except ConnectionClosed as closed:
            self.close_code = closed.rcvd.code if closed.rcvd else 1006
        finally:
            self._moved.set()

    async def _hear(self, text: str | bytes) -> None:
        assert isinstance(text, str), "a binary message"
        assert len(text.encode()) <= MESSAGE_BYTES_MAX, "over 256 KiB"
        message: Message = json.loads(text)
        kind = message["type"]
        assert kind in KEYS, "a type unknown or not asked for"
        assert message.keys() >= KEYS[kind], f"{KEYS[kind] - message.keys()} are missing"
        assert TIME.fullmatch(message["timestamp"]), "not a time"
        assert message.get("restaurant_id", self.restaurant_id) == self.restaurant_id, "of another restaurant"
        if kind == "ping":
            with contextlib.suppress(ConnectionClosed):  # `_read` finds it too
                await self._socket.send(json.dumps({"type": "pong", "timestamp": message["timestamp"]}))
            assert self._parts or message["revision"] == self.revision, f"pinged at {self.revision}"
        elif kind in PARTED_KEYS:
            self._gather(message)
        elif kind == "restaurant_updated":
            assert not self._parts, "between two parts"
            assert message["restaurant"]["revision"] == self.revision, (
                f"of a floor that is not here, at {self.revision}"
            )
            self.restaurant = message["restaurant"]
        else:
            assert not self._parts, "between two parts"
            assert self.path == REALTIME, "a named message"
            self._named(message)

    def _gather(self, message: Message) -> None:
        """Keep a part, and apply all when the last one is there."""
        first, number = (self._parts or [message])[0], len(self._parts) + 1
        alike = ("type", "revision", "previous_revision", "parts", "transaction_id")
        self._parts.append(message)
        if any(first.get(key) != message.get(key) for key in alike) or message["part"] != number:
            self._parts = []
            raise AssertionError(f"not part {number} of {first['type']} {first['revision']}")
        if number == message["parts"]:
            parts, self._parts = self._parts, []
            if message["type"] == "full_sync":
                self._replace(parts)
            else:
                self._commit(message, [change for part in parts for change in part["changes"]])

    def _replace(self, parts: list[Message]) -> None:
        """The snapshot takes the place of all that was held."""
        assert parts[0]["revision"] >= self.revision, f"a snapshot older than {self.revision}"
        for held, kind in ((self.guests, "guest"), (self.tables, "table")):
            listed = [entity for part in parts for entity in part["data"][f"{kind}s"]]
            held.clear()
            for entity in listed:
                assert entity.keys() >= ENTITY_KEYS[kind], f"{ENTITY_KEYS[kind] - entity.keys()} are missing"
                held[entity["id"]] = entity
            assert len(held) == len(listed), f"a {kind} twice"
        self._whole = True
        self._move_to(parts[0]["revision"])

    def _named(self, message: Message) -> None:
        """A named message is a commit of one change, or the echo of a change that was applied already."""
        kind, done = message["type"].split("_")
        other = "table" if kind == "guest" else "guest"
        assert (message[other], message[f"{other}Id"]) == (None, None), f"a {other} in it"
        entity_id, data, revision = message[f"{kind}Id"], message[kind], message["revision"]
        if message["echo"]:
            assert revision <= self.revision, f"an echo before its whole, at {self.revision}"
            held = (self.guests if kind == "guest" else self.tables).get(entity_id)
            assert revision < self.revision or held == data, "an echo unlike its whole"
        else:
            change = {"entity_type": kind, "entity_id": entity_id, "action": ACTIONS[done], "data": data}
            self._commit(message, [change])

    def _commit(self, message: Message, changes: list[Entity]) -> None:
        """Apply one commit (or a delta that makes up for several) where the contract's rule says so."""
        revision, previous = message["revision"], message["previous_revision"]
        assert revision > self.revision, f"a repeat at {self.revision}"
        assert previous <= self.revision, f"a gap at {self.revision}"
        assert previous == revision - 1 or message["type"] == "delta_update", "several commits in one"
        order = [(change["entity_type"], change["entity_id"]) for change in changes]
        assert len(set(order)) == len(order), "an entity twice"
        assert [kind for kind, _ in order] == sorted(kind for kind, _ in order), "a table before a guest"
        for change in changes:
            kind, entity_id, data = change["entity_type"], change["entity_id"], change["data"]
            held = self.guests if kind == "guest" else self.tables
            assert (change["action"] == "delete") == (data is None), "data of what is gone, or none of what is there"
            if data is None:
                held.pop(entity_id, None)
                continue
            assert data.keys() >= ENTITY_KEYS[kind], f"{ENTITY_KEYS[kind] - data.keys()} are missing"
            assert data["id"] == entity_id, "two ids"
            assert previous < data["version"] <= revision, f"version {data['version']} of {entity_id}"
            held[entity_id] = data
        self.applied[-1].append(revision)
        self._move_to(revision)

    def _move_to(self, revision: int) -> None:
        promised, self._promised, self.revision = self._promised, None, revision
        self._moved.set()
        assert promised in (None, revision), f"the hello promised {promised}"
        seats = {(guest["id"], guest["tableId"]) for guest in self.guests.values() if guest["tableId"] is not None}
        taken = {(t["currentGuestId"], t["id"]) for t in self.tables.values() if t["currentGuestId"] is not None}
        assert seats == taken or not self._whole, f"half a transaction: {seats ^ taken}"


def canonical(guests: Iterable[Entity], tables: Iterable[Entity]) -> State:
    """A floor as a value: what it holds, sorted by id."""
    return {
        "guests": sorted(guests, key=lambda guest: str(guest["id"])),
        "tables": sorted(tables, key=lambda table: str(table["id"])),
    }


def full_sync(url: str, restaurant_id: int) -> dict[str, Any]:
    """The body of `GET /api/sync/full`."""
    query = {"restaurant_id": restaurant_id}
    answer = httpx.get(f"{url}/api/sync/full", params=query, timeout=20, trust_env=False, verify=False)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def full_sync_state(url: str, restaurant_id: int) -> State:
    """The floor as the server tells it."""
    body = full_sync(url, restaurant_id)
    return canonical(body["guests"], body["tables"])


async def agree(tablets: Sequence[Tablet], hub: Hub, restaurant_id: int) -> None:
    """Assert that all tablets and the server hold the same floor, and that no tablet saw a breach."""
    served = await asyncio.to_thread(full_sync, hub.url, restaurant_id)
    for tablet in tablets:
        await tablet.wait_for(served["revision"])
    floor = canonical(served["guests"], served["tables"])
    for number, tablet in enumerate(tablets):
        assert tablet.faults == [], f"tablet {number} on {tablet.path}"
        assert tablet.revision == served["revision"], f"tablet {number} on {tablet.path}"
        assert tablet.state() == floor, f"tablet {number} on {tablet.path}"
