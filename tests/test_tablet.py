"""The proof that the shadow iPad sees what it is there to see: each breach of the contract, seeded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.tablet import ENTITY_KEYS, REALTIME, SYNC, Message, Tablet

NOW = "2024-01-15T10:30:00Z"
HELLO: Message = {
    "type": "connection_established", "timestamp": NOW, "restaurant_id": 1, "restaurant": {}, "epoch": "e1",
    "revision": 5, "server_version": "1", "heartbeat_seconds": 30, "resumed": False,
}  # fmt: skip
BARE = {"timestamp": NOW, "restaurant_id": 1}
GUEST = {**dict.fromkeys(ENTITY_KEYS["guest"]), "id": "g1", "version": 6}
TABLE = {**dict.fromkeys(ENTITY_KEYS["table"]), "id": "t1", "version": 6}
SNAPSHOT = {"type": "full_sync", **BARE, "revision": 5, "data": {"guests": [], "tables": []}, "part": 1, "parts": 1}


def told(entity: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A change that creates."""
    kind = "table" if entity is TABLE else "guest"
    return {"entity_type": kind, "entity_id": entity["id"], "action": "create", "data": entity, **other}


def delta(*changes: dict[str, Any], **other: Any) -> Message:
    """Revision 6 as a `delta_update`."""
    frame = {"revision": 6, "previous_revision": 5, "part": 1, "parts": 1, "changes": changes or [told(GUEST)]}
    return {"type": "delta_update", **BARE, **frame, **other}


def named(**other: Any) -> Message:
    """Revision 6 as a `guest_created`."""
    what = {"guest": GUEST, "table": None, "guestId": "g1", "tableId": None, "echo": False}
    return {"type": "guest_created", **BARE, "revision": 6, "previous_revision": 5, **what, **other}


def whole(**other: Any) -> Message:
    """Revision 6 as a transaction."""
    return delta(type="atomic_transaction_complete", transaction_id="x1", **other)


def without(message: Message, key: str) -> Message:
    """The same with a key missing."""
    return {name: value for name, value in message.items() if name != key}


def heard(path: str, talk: list[Message | bytes], hello: Message = HELLO) -> Tablet:
    """A tablet after a server of our own has said the snapshot of revision 5, and then `talk`."""

    async def say(sock: ServerConnection) -> None:
        await sock.send(json.dumps(hello))
        if path == REALTIME:
            await sock.recv()
        for message in [SNAPSHOT, *talk]:
            await sock.send(message if isinstance(message, bytes) else json.dumps(message))

    async def evening() -> Tablet:
        async with serve(say, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            tablet = await Tablet(f"ws://127.0.0.1:{port}", 1, path).connect()
            assert await tablet.closed() == 1000
        return tablet

    return asyncio.run(evening())


TABLE_FIRST = [told(TABLE), told(GUEST)]
HALF = told({**GUEST, "tableId": "t1"})
BREACHES: list[tuple[str, str, list[Message | bytes]]] = [
    ("a repeat", SYNC, [delta(), delta()]),
    ("a gap", SYNC, [delta(revision=7, previous_revision=6)]),
    ("out of order", SYNC, [delta(revision=7, previous_revision=6), delta()]),
    ("several commits in one", REALTIME, [named(revision=7)]),
    ("an entity twice", SYNC, [delta(told(GUEST), told(GUEST))]),
    ("a table before a guest", SYNC, [delta(*TABLE_FIRST)]),
    ("half a transaction", SYNC, [delta(HALF)]),
    ("an old version", SYNC, [delta(told({**GUEST, "version": 5}))]),
    ("a version from the future", SYNC, [delta(told({**GUEST, "version": 7}))]),
    ("two ids", SYNC, [delta(told(GUEST, entity_id="g2"))]),
    ("no data", SYNC, [delta(told(GUEST, data=None))]),
    ("data of what is gone", SYNC, [delta(told(GUEST, action="delete"))]),
    ("an entity without a key", SYNC, [delta(told(without(GUEST, "phase")))]),
    ("a message without a key", REALTIME, [without(named(), "tableId")]),
    ("an unknown type", REALTIME, [{"type": "news", **BARE}]),
    ("a named message where none belongs", SYNC, [named()]),
    ("a table in a guest's message", REALTIME, [named(tableId="t1")]),
    ("a binary message", SYNC, [json.dumps(delta()).encode()]),
    ("another restaurant", SYNC, [delta(restaurant_id=2)]),
    ("a fraction of a second", SYNC, [delta(timestamp="2024-01-15T10:30:00.5Z")]),
    ("over 256 KiB", SYNC, [delta(told({**GUEST, "notes": "é" * 140_000}))]),
    ("a part missing", SYNC, [delta(parts=2), delta(part=2, parts=3)]),
    ("a part out of turn", SYNC, [delta(part=2, parts=2), delta(parts=2)]),
    ("a commit between two parts", REALTIME, [delta(parts=2), named(), delta(part=2, parts=2)]),
    ("another message's part between two", SYNC, [delta(parts=2), whole(), delta(part=2, parts=2)]),
    ("an echo before its whole", REALTIME, [named(echo=True), whole()]),
    ("an echo unlike its whole", REALTIME, [whole(), named(echo=True, guest={**GUEST, "notes": "no"})]),
    ("a ping that knows more", SYNC, [{"type": "ping", "timestamp": NOW, "revision": 6}]),
    ("an older snapshot", SYNC, [delta(), SNAPSHOT]),
    ("an error", SYNC, [{"type": "error", "timestamp": NOW, "error_code": "internal_error", "detail": "No."}]),
]


@pytest.mark.parametrize(("path", "talk"), [breach[1:] for breach in BREACHES], ids=[breach[0] for breach in BREACHES])
def test_a_tablet_sees_a_breach(path: str, talk: list[Message | bytes]) -> None:
    assert heard(path, talk).faults


def test_a_hello_that_promises_another_revision_than_the_snapshot_is_a_breach() -> None:
    assert heard(SYNC, [], {**HELLO, "revision": 6}).faults


PING: Message = {"type": "ping", "timestamp": NOW, "revision": 5}
WELL: dict[str, tuple[str, list[Message | bytes]]] = {
    "a plain change": (SYNC, [delta()]),
    "a plain change by its name": (REALTIME, [named()]),
    "a transaction and its echo": (REALTIME, [whole(), named(echo=True)]),
    "parts, and a ping between": (SYNC, [delta(parts=2), PING, delta(told(TABLE), part=2, parts=2)]),
    "several commits in a delta": (SYNC, [delta(revision=9, previous_revision=3)]),
}


@pytest.mark.parametrize("case", WELL)
def test_a_tablet_finds_no_fault_with_what_the_contract_says(case: str) -> None:
    tablet = heard(*WELL[case])
    assert tablet.faults == []
    assert tablet.guests == {"g1": GUEST}
    assert len(tablet.applied[-1]) == 1


def test_a_restaurant_of_a_floor_that_is_not_here_is_a_fault() -> None:
    told_so = {"type": "restaurant_updated", **BARE, "restaurant": {"name": "Osteria", "revision": 5}}
    tablet = heard(SYNC, [told_so])
    assert (tablet.faults, tablet.restaurant["name"]) == ([], "Osteria")
    assert heard(SYNC, [{**told_so, "restaurant": {"revision": 6}}]).faults
