"""Responses: one struct for each body that the HTTP routes answer, and the headers that go with it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.access.roles import Mode
from restohub.floor import model
from restohub.floor.outcomes import NONE, Params

from .entities import Guest, GuestStatus, Table, Time
from .messages import Change, Detail, GuestChange, Hint, Revision, TableChange, change_out
from .problems import Current, ProblemDocument
from .times import time_text

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
# On every answer, uvicorn's own included: no browser takes an answer for a script or tells others where its reader was.
ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
# And on every one without a policy of its own: URLSession otherwise caches by guess; no browser loads what the hub does
# not send, or shows it inside another page.
CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
POLICY = [(b"cache-control", b"no-store"), CONTENT_POLICY]
EVERYWHERE = [*POLICY, *ALWAYS]
encode = msgspec.json.Encoder().encode


class Answer(Struct, array_like=True, frozen=True):
    """A whole HTTP answer: status, headers (lower case) and body. An idempotency key keeps it `packed`."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class OwnPolicy(Answer, array_like=True, frozen=True):
    """An answer whose own headers say whether it may be kept, and what its page may load: the board's."""


class Streamed(Struct, frozen=True):
    """An answer too long to be made at once: its body comes in pieces. `size` is in bytes, None where it is not known.

    `release` is called when it is sent, or will not be.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    size: int | None
    pieces: Iterator[bytes]
    release: Callable[[], None]


Sent = Answer | Streamed


def policy_of(answer: Sent) -> list[tuple[bytes, bytes]]:
    """What an answer is to say of keeping and loading beside its own headers."""
    return [] if isinstance(answer, OwnPolicy) else POLICY


def sent_headers(answer: Sent) -> list[tuple[bytes, bytes]]:
    """Its headers, and how long its body is where it may have one and that is known."""
    size = answer.size if isinstance(answer, Streamed) else len(answer.body)
    if answer.status == 204 or size is None:
        return answer.headers
    return [*answer.headers, (b"content-length", b"%d" % size)]


class LoggedGuestChange(GuestChange, tag_field="entity_type", tag="guest", kw_only=True):
    """A guest's latest change since the revision that was asked for."""

    revision: Revision
    timestamp: Time


class LoggedTableChange(TableChange, tag_field="entity_type", tag="table", kw_only=True):
    """A table's latest change since the revision that was asked for."""

    revision: Revision
    timestamp: Time


class Delta(Struct):
    """What changed since a revision, each entity once, at its latest, in the order of revisions."""

    restaurant_id: int
    timestamp: Time
    epoch: str
    revision: Annotated[int, Meta(ge=0, description="Where to go on from: the `since_revision` of the next request.")]
    changes: list[LoggedGuestChange | LoggedTableChange]
    has_more: bool


class Floor(Struct):
    """The whole floor at one revision."""

    restaurant_id: int
    timestamp: Time
    epoch: str
    revision: Revision
    guests: list[Guest]
    tables: list[Table]
    total_guests: Annotated[int, Meta(ge=0)]
    total_tables: Annotated[int, Meta(ge=0)]


class Seating(Struct):
    """What a status change did. `table` is the one the guest has now, else the one he lost (then `table_cleared`)."""

    success: bool
    transaction_id: str
    revision: Revision
    timestamp: Time
    guest: Guest
    table: Table | None
    table_cleared: bool
    changes: list[Change]
    guest_id: str
    old_status: GuestStatus
    new_status: GuestStatus
    changes_count: Annotated[int, Meta(ge=0)]
    processed_at: Time


Did = Literal["created", "updated", "deleted", "unchanged"]


class GuestResult(Struct, tag_field="entity_type", tag="guest"):
    """What one operation of a batch did to a guest: `data` is he as the commit leaves him."""

    entity_id: str
    status: Did
    data: Guest | None


class TableResult(Struct, tag_field="entity_type", tag="table"):
    """What one operation of a batch did to a table: `data` is it as the commit leaves it."""

    entity_id: str
    status: Did
    data: Table | None


class BatchDone(Struct):
    """What a batch did, in one commit."""

    success: bool
    transaction_id: str
    revision: Revision
    timestamp: Time
    results: list[GuestResult | TableResult]
    changes: list[Change]


class UpdateResult(Struct):
    """What became of one update of an off-line queue. `revision` is the one that holds it, else null."""

    mutation_id: str | None
    entity_id: str | None
    status: Literal["applied", "unchanged", "duplicate", "conflict", "rejected"]
    revision: Revision | None
    error_code: str | None = None
    detail: Detail | None = None
    hint: Hint | None = None
    params: Params = NONE
    current: Current = None


class QueueDone(Struct):
    """What became of an off-line queue; `success` where all of it was applied."""

    success: bool
    processed_count: Annotated[int, Meta(ge=0)]
    failed_count: Annotated[int, Meta(ge=0)]
    revision: Revision
    timestamp: Time
    results: list[UpdateResult]


class Named(Struct):
    """A guest by name, a table by number."""

    id: str
    name: str


class MadeIn(Struct):
    """What the address made of one restaurant; `itself`: the restaurant too."""

    restaurant_id: int
    name: str
    itself: bool
    guests: list[Named]
    tables: list[Named]


class Made(Struct):
    """What one address made since a time and is still there, restaurant by restaurant."""

    address: str
    since: Time
    restaurants: list[MadeIn]


class DatabaseHealth(Struct):
    """The store: whether it takes changes, its SQLite, its size.

    Others than the hub's own machine get `status` and the `warnings` that staff must know; the rest is empty or 0.
    """

    status: Literal["ok", "unavailable"]
    sqlite_version: str
    size_bytes: Annotated[int, Meta(ge=0)]
    wal_bytes: Annotated[int, Meta(ge=0)]
    free_bytes: Annotated[int, Meta(ge=0)]
    warnings: list[str]


DiscoveryState = Literal["off", "waiting", "announced", "failed"]


class Discovery(Struct, frozen=True):
    """How iPads find the hub (mDNS): as what, under which host name and addresses; else the reason why they cannot.

    `copy_at` is there while another hub runs on a copy of this hub's data: its URL. Others than the hub's own machine
    get the `state` alone.
    """

    state: DiscoveryState
    name: str
    host: str
    addresses: list[str]
    reason: str | UnsetType = UNSET
    copy_at: str | UnsetType = UNSET


class BackupHealth(Struct):
    """The last good backup: when it was made (null: none yet).

    On the hub's own machine also in which places of `backup_to` it lies, and a sentence for each where it does not; to
    others both are empty.
    """

    last: Time | None
    places: list[str]
    missing: list[str]


class TlsHealth(Struct):
    """Where the hub speaks TLS. `fingerprint`: the SHA-256 of its certificate, in hexadecimal digits, for pinning."""

    port: Annotated[int, Meta(ge=1, le=65535)]
    fingerprint: str


class Health(Struct, omit_defaults=True):
    """How the hub is. `id`: of this installation, as in its TXT record, the same for as long as its data folder.

    `access`: `closed` where devices need a token; strangers are then told nothing of the floor: the numbers are 0.
    `run`: of this run alone: two hubs that answer with one `id` and two `run`s have copies of one data folder.
    `clock_behind_seconds`: how far the machine's clock is behind the last commit. `tls`: null where there is plain HTTP
    alone.
    """

    status: Literal["healthy", "unhealthy"]
    service: str
    id: str
    run: str
    version: str
    timestamp: Time
    uptime_seconds: Annotated[int, Meta(ge=0)]
    connections: Annotated[int, Meta(ge=0)]
    restaurants: Annotated[int, Meta(ge=0)]
    database: DatabaseHealth
    discovery: Discovery
    clock_behind_seconds: Annotated[int, Meta(ge=0)]
    backup: BackupHealth
    access: Mode
    tls: TlsHealth | None
    reason: str | UnsetType = UNSET


def change_list(changes: tuple[model.Change, ...]) -> list[Change]:
    """Changes as a client sees them."""
    return [change_out(change) for change in changes]


def logged_change(change: model.Change, revision: int, time: int) -> LoggedGuestChange | LoggedTableChange:
    """One change of a delta."""
    at = time_text(time)
    match change_out(change):
        case GuestChange(entity_id, action, guest):
            return LoggedGuestChange(entity_id, action, guest, revision=revision, timestamp=at)
        case TableChange(entity_id, action, table):
            return LoggedTableChange(entity_id, action, table, revision=revision, timestamp=at)


def floor_envelope(floor: model.Floor, epoch: str) -> tuple[bytes, bytes, bytes]:
    """What `GET /api/sync/full` answers before the guests, between guests and tables, and after the tables."""
    whole = Floor(
        restaurant_id=floor.restaurant_id,
        timestamp=time_text(floor.time),
        epoch=epoch,
        revision=floor.revision,
        guests=[],
        tables=[],
        total_guests=len(floor.guests),
        total_tables=len(floor.tables),
    )
    head, between, tail = encode(whole).split(b"[]")
    return head + b"[", b"]" + between + b"[", b"]" + tail


def revision_headers(revision: int, epoch: str, transaction_id: str | None = None) -> list[tuple[bytes, bytes]]:
    """`Restohub-Revision`, `Restohub-Epoch` and, for a change, `Restohub-Transaction`."""
    headers = [(b"restohub-revision", b"%d" % revision), (b"restohub-epoch", epoch.encode())]
    if transaction_id is not None:
        headers.append((b"restohub-transaction", transaction_id.encode()))
    return headers


def json_answer(body: object, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, [JSON, *(headers or [])], encode(body))


def problem_answer(found: ProblemDocument, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer that is a problem document."""
    more = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Answer(found.status, [PROBLEM, *more], encode(found))


def packed(answer: Answer) -> bytes:
    """An answer as it is kept for who asks again: an answer says much twice, and cards wear by the byte.

    zlib's usual tables (256 KiB) take four times as long to make ready as a guest takes to pack; these are 72 KiB.
    """
    packer = zlib.compressobj(level=1, wbits=14, memLevel=4)
    return packer.compress(_pack(answer)) + packer.flush()


def unpacked(kept: bytes) -> Answer | None:
    """The answer of `packed`, None where another version kept it in a form of its own."""
    try:
        return _unpack(zlib.decompress(kept))
    except (zlib.error, msgspec.DecodeError):
        return None


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Answer).decode
