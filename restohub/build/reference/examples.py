"""The evening that is played for the reference: a request for each route, and the messages that it causes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from restohub.access.adoption import candidates
from restohub.floor.model import DIRECTORY_ID, Entry, Floor, Guest, Restaurant, Table
from restohub.live.deltas import changes_since, latest
from restohub.live.hub import Hub
from restohub.web.route import Route
from restohub.web.routes import ROUTES
from restohub.web.socket_access import greeting_of_closed
from restohub.wire.entities import restaurant_out
from restohub.wire.messages import (
    ConnectionEstablished,
    Ping,
    Pong,
    RevisionOf,
    change_json,
    deleted_message,
    delta_message,
    encode,
    entry_messages,
    full_sync_message,
    restaurant_message,
)
from restohub.wire.problems import error_message
from restohub.wire.responses import DatabaseHealth, Health
from restohub.wire.responses import encode as encode_answer
from restohub.wire.socket_state import HEARTBEAT_S, SendError, SocketState
from restohub.wire.streamed_lists import entity_json
from restohub.wire.times import time_text

from .error_examples import provoke_errors
from .sample_hub import ANNA, BAR, ENDPOINT, MANAGER_TOKEN, PIN, UNPAIRED, UPTIME_S, Exchange, SampleHub, sample_hub


class Ask(Struct, frozen=True):
    """A request of the evening. The first to a route is an example of it, another one where it is `shown` too."""

    method: str
    target: str
    body: Any = None
    sent: dict[str, str] = {}
    shown: bool = False


class Examples(Struct, frozen=True):
    """What the evening left: exchanges by route and by error code, messages by name, those of one seating."""

    routes: dict[str, tuple[Exchange, ...]]
    errors: dict[str, Exchange | bytes]
    messages: dict[str, bytes]
    seating: tuple[bytes, ...]


DATABASE = DatabaseHealth("ok", "3.45.1", 65_536, 0, 24_000_000_000, [])
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
# How many commits the client of the compacted delta missed.
MISSED = 7
GUESTS, TABLES = "/restaurants/1/guests", "/restaurants/1/tables"
KEY = {"Idempotency-Key": "5b1f0c6e-create-g1"}
MANAGER = {"Authorization": f"Bearer {MANAGER_TOKEN}"}
UNPAIRED_ID = candidates([UNPAIRED])[0].id
# A token that a new device made for itself, made up as well.
NEW_TOKEN = "rsto_YW5vdGhlci1vbmUtZm9yLXRoZS1yZWZlcmVuY2UtYWw"
NEW_DEVICE = {"Authorization": f"Bearer {NEW_TOKEN}"}
WHOLE_GUEST = {
    "id": "g1", "name": "Anna Rossi", "partySize": 4, "status": "waitlist", "tableId": None, "phone": "",
    "notes": "Asks for the window", "version": 4,
}  # fmt: skip
BATCH = {
    "transaction_id": "9d2c7b1e-open-terrace",
    "restaurant_id": 1,
    "operations": [
        {"entity_type": "guest", "action": "update", "entity_id": "g2", "data": {"tableId": "t12"}},
        {"entity_type": "table", "action": "create", "entity_id": "t30", "data": {"tableNumber": "30", "capacity": 8}},
    ],
}
FAILING_BATCH = {
    "operations": [
        {"entity_type": "table", "action": "update", "entity_id": "t14", "data": {"section": "Terrace"}},
        {"entity_type": "guest", "action": "create", "data": {"name": "Weber", "partySize": 2, "tableId": "t12"}},
    ]
}
QUEUE = {
    "updates": [
        {"mutation_id": "ipad2-41", "entity_type": "guest", "entity_id": "g2", "data": {"notes": "Allergic to nuts"}},
        {
            "mutation_id": "ipad2-42", "entity_type": "guest", "entity_id": "g2", "data": {"partySize": 4},
            "base_version": 5,
        },
    ]
}  # fmt: skip

EVENING = (
    Ask("GET", "/restaurants"),
    Ask("POST", "/restaurants", {"name": "Osteria sul Mare", "timezone": "Europe/Rome"}),
    Ask("GET", "/restaurants/1"),
    Ask("PUT", "/restaurants/1", {"name": "Trattoria da Carlo", "timezone": "Europe/Paris"}),
    Ask("PATCH", "/restaurants/1", {"timezone": "Europe/Rome"}),
    Ask("DELETE", "/restaurants/2"),
    Ask("POST", TABLES, {"id": "t12", "tableNumber": "12", "capacity": 4, "section": "Window"}),
    Ask("POST", TABLES, {"id": "t14", "tableNumber": "14", "capacity": 2}),
    Ask("POST", TABLES, {"id": "t99", "tableNumber": "99", "capacity": 6}),
    Ask("POST", GUESTS, {"id": "g1", "name": "Anna Rossi", "partySize": 4, "quotedWait": 20}, KEY),
    Ask("POST", GUESTS, {
        "id": "g2", "firstName": "Jean", "lastName": "Martin", "partySize": 2, "phone": "+33 1 23 45 67 89",
        "reservationTime": "2024-01-15T20:00:00+01:00",
    }),
    Ask("POST", GUESTS, {"id": "g3", "name": "Li", "partySize": 2}),
    Ask("GET", GUESTS + "?status=waitlist&limit=1"),
    Ask("GET", GUESTS + "/g1"),
    Ask("PUT", GUESTS + "/g1", WHOLE_GUEST),
    Ask("PATCH", GUESTS + "/g2", {"partySize": 3}, {"If-Match": '"5"'}),
    Ask("DELETE", GUESTS + "/g3"),
    Ask("PUT", GUESTS + "/g1/status/atomic", {"status": "seated", "tableId": "t12"}),
    Ask("PUT", GUESTS + "/g2/status/atomic?new_status=Running%20Late", shown=True),
    Ask("GET", TABLES + "?section=Window"),
    Ask("GET", TABLES + "/t12"),
    Ask("PUT", TABLES + "/t14", {"position": {"x": 0.75, "y": 0.2}, "server": "Marco"}),
    Ask("PATCH", TABLES + "/t12", {"status": "available"}),
    Ask("DELETE", TABLES + "/t99"),
    Ask("POST", "/api/v1/atomic/batch", BATCH),
    Ask("POST", "/api/v1/atomic/batch", FAILING_BATCH, shown=True),
    Ask("POST", "/api/sync/batch?restaurant_id=1", QUEUE),
    Ask("GET", "/restaurants/1/reports/2024-01-15"),
    Ask("GET", "/api/sync/full?restaurant_id=1"),
    Ask("GET", "/api/sync/delta?restaurant_id=1&since_revision=13&epoch=5f1c0a9e44d2"),
    Ask("POST", "/api/pairing", {"token_sha256": sha256(NEW_TOKEN.encode()).hexdigest(), "name": "iPad"}),
    Ask("GET", "/api/pairing", None, NEW_DEVICE),
    Ask("GET", "/api/devices", None, MANAGER),
    Ask("POST", "/api/devices", {"code": "K7XR2M", "name": "Host stand", "role": "host"}, MANAGER),
    Ask("GET", "/api/access", None, MANAGER),
    Ask("POST", "/api/adoptions", {"visitor": UNPAIRED_ID, "name": "Bar iPad", "role": "host"}, MANAGER),
    Ask("POST", "/api/invitations", {"name": "Terrace", "role": "host"}, MANAGER),
    Ask("PATCH", f"/api/devices/{BAR.id}", {"role": "host"}, MANAGER),
    Ask("DELETE", f"/api/devices/{BAR.id}", None, MANAGER),
    Ask("PUT", "/api/access", {"access": "open"}, MANAGER),
    Ask("GET", "/api/audit?limit=2", None, MANAGER),
    Ask("POST", "/api/staff", {"name": "Marco", "role": "host", "pin": "2580"}, MANAGER),
    Ask("GET", "/api/staff", None, NEW_DEVICE),
    Ask("POST", "/api/sign-in", {"person_id": ANNA.id, "pin": PIN}, NEW_DEVICE),
    Ask("GET", "/api/sign-in", None, NEW_DEVICE),
    Ask("PATCH", f"/api/staff/{ANNA.id}", {"role": "manager"}, MANAGER),
    Ask("POST", "/api/step-up", {"person_id": ANNA.id, "pin": PIN}, NEW_DEVICE),
    Ask("DELETE", "/api/sign-in", None, NEW_DEVICE),
    Ask("DELETE", f"/api/staff/{ANNA.id}", None, MANAGER),
    Ask("GET", "/api/made?from=127.0.0.1&since=2024-01-15T00:00:00Z"),
    Ask("POST", "/restaurants/1/people", {"phone": "+33 1 23 45 67 89"}),
    Ask("POST", "/restaurants/1/erasures", {"phone": "+33 1 23 45 67 89", "backups": "renew"}),
    Ask("GET", "/restaurants/1/erasures/0198c0de-0000-7000-8000-00000000e7a5"),
    Ask("GET", "/api/sync/health"),
    Ask("GET", "/health"),
)  # fmt: skip


async def play() -> Examples:
    """Play the evening on the sample hub; what it leaves is always the same."""
    async with sample_hub() as stage:
        routes: dict[str, tuple[Exchange, ...]] = {}
        opening: Floor | None = None
        for ask in EVENING:
            exchange = await stage.ask(ask.method, ask.target, ask.body, ask.sent)
            name = route_of(exchange).name
            if name not in routes or ask.shown:
                routes[name] = (*routes.get(name, ()), exchange)
            if opening is None and stage.hub.writer.floors[1].guests:
                opening = stage.hub.writer.floors[1]
        assert opening is not None
        messages = {**_told(stage.entries), **await _small_talk(stage, opening)}
        seating = next(e for e in stage.entries if e.atomic and len(e.changes) > 1)
        errors = await provoke_errors(stage)
    played = {one.name: routes[one.name] for one in ROUTES if one.name in routes}
    return _settled(Examples(played, errors, messages, tuple(entry_messages(seating, "realtime"))))


def _settled(examples: Examples) -> Examples:
    """The same with what is of one run or one machine made up: ids that the hub gave, its SQLite, its disk."""
    ids = {one.encode(): one.encode() for one in (ENDPOINT.id, BAR.id)}

    def given(found: re.Match[bytes]) -> bytes:
        return ids.setdefault(found[0], b"0198c0de-0000-7000-8000-%012d" % len(ids))

    def bodies(one: Exchange) -> Exchange:
        answer = _well(one.answer) if one.target.endswith("health") else one.answer
        return structs.replace(one, body=UUID.sub(given, one.body), answer=UUID.sub(given, answer))

    def headers(one: Exchange) -> Exchange:
        return structs.replace(
            one, got={name: UUID.sub(given, text.encode()).decode() for name, text in one.got.items()}
        )

    def error(one: Exchange | bytes) -> Exchange | bytes:
        return headers(bodies(one)) if isinstance(one, Exchange) else UUID.sub(given, one)

    routes = {name: tuple(map(bodies, several)) for name, several in examples.routes.items()}
    errors = {name: error(one) for name, one in examples.errors.items()}
    messages = {name: UUID.sub(given, one) for name, one in examples.messages.items()}
    seating = tuple(UUID.sub(given, one) for one in examples.seating)
    return Examples({name: tuple(map(headers, several)) for name, several in routes.items()}, errors, messages, seating)


def _well(answer: bytes) -> bytes:
    health = msgspec.json.decode(answer, type=Health)
    return encode_answer(structs.replace(health, uptime_seconds=UPTIME_S, database=DATABASE))


def route_of(exchange: Exchange) -> Route:
    """The route that a request was made to; raises StopIteration for none."""
    path = exchange.target.partition("?")[0]
    return next(one for one in ROUTES if one.method == exchange.method and one.pattern.fullmatch(path))


def _told(entries: list[Entry]) -> dict[str, bytes]:
    """The first message of each kind that the evening's commits made on the two sockets."""
    found: dict[str, bytes] = {}
    for entry in entries:
        for message in _messages_of(entry):
            told = msgspec.json.decode(message)
            if not told.get("echo"):
                found.setdefault(told["type"], message)
    return found


def _messages_of(entry: Entry) -> list[bytes]:
    """The messages of a commit on both sockets, of the first restaurant or of the restaurants themselves."""
    if entry.restaurant_id == DIRECTORY_ID:
        updated = [change.entity for change in entry.changes if change.action == "update"]
        return [restaurant_message(one, 0) for one in updated if isinstance(one, Restaurant)]
    if entry.restaurant_id != 1:
        return []
    return [*entry_messages(entry, "realtime"), *entry_messages(entry, "sync")]


async def _small_talk(stage: SampleHub, opening: Floor) -> dict[str, bytes]:
    """The messages that belong to no commit."""
    hub, floors = stage.hub, stage.hub.writer.floors
    now = time_text(hub.clock.now())
    floor = floors[1]
    joined = (now, hub.version, HEARTBEAT_S)
    started = time_text(hub.clock.started_at)
    said = SocketState(1, 0).on_message('{"type": "subscribe"}', 0)[0]
    assert isinstance(said, SendError)
    everyone = [RevisionOf(one.restaurant_id, one.revision) for one in floors.values()]
    return {
        "connection_established": _greeting(hub, joined, opening, resumed=False),
        "connection_established for all": encode(
            ConnectionEstablished(now, None, None, hub.epoch, None, hub.version, HEARTBEAT_S, False, started, everyone)
        ),
        "connection_established resumed": _greeting(hub, joined, floor, resumed=True),
        "connection_established of a closed hub": encode(greeting_of_closed(hub)),
        "full_sync": full_sync_message(
            opening, _joined(opening.guests.values()), _joined(opening.tables.values()), 1, 1
        ),
        "delta_update of nothing": delta_message(floor, floor.revision, b"", 1, 1),
        "delta_update compacted": await _compacted(hub, floor),
        "restaurant_deleted": deleted_message(2, hub.clock.now()),
        "ping": encode(Ping(now, floor.revision)),
        "pong": encode(Pong(now)),
        "error": encode(error_message(said.refused, hub.clock.now())),
    }


def _joined(entities: Iterable[Guest | Table]) -> bytes:
    return b",".join(map(entity_json, entities))


async def _compacted(hub: Hub, floor: Floor) -> bytes:
    """What a client is sent that missed several commits."""
    since = floor.revision - MISSED
    changed = await changes_since(floor, since, hub.history)
    assert changed is not None
    changes = sorted((latest(one).change for one in changed), key=lambda change: change.kind)
    return delta_message(floor, since, b",".join(map(change_json, changes)), 1, 1)


def _greeting(hub: Hub, joined: tuple[str, str, int], floor: Floor, *, resumed: bool) -> bytes:
    now, version, heartbeat_s = joined
    restaurant = restaurant_out(hub.writer.directory.restaurants[floor.restaurant_id], floor.revision)
    return encode(
        ConnectionEstablished(
            now,
            floor.restaurant_id,
            restaurant,
            hub.epoch,
            floor.revision,
            version,
            heartbeat_s,
            resumed,
            time_text(hub.clock.started_at),
            UNSET,
        )
    )  # fmt: skip


CLIENT_MESSAGES = (
    (
        b'{"type": "auth", "token": "%b"}' % NEW_TOKEN.encode(),
        "This is my token: for browsers, which cannot send a header with the handshake. A closed hub waits for it for "
        "5 s; an open hub takes it in silence.",
    ),
    (b'{"type": "ping"}', "Are you there? The hub answers with a `pong` at once."),
    (b'{"type": "pong"}', "The answer to the hub's `ping`. Anything else that you send would do as well."),
    (b'{"type": "request_full_sync"}', "Send me the whole floor: a `full_sync` follows."),
    (
        b'{"type": "request_delta", "since_revision": 41}',
        "Send me what I missed: a `delta_update` follows, empty if need be, or the whole floor where the log does not "
        "reach back that far.",
    ),
)
