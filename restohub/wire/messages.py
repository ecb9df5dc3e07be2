"""The messages of the sockets: each as a struct, and a commit as the messages of each dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Raw, Struct

from restohub.floor import model
from restohub.floor.outcomes import Params

from .entities import Guest, Restaurant, Table, Time, guest_out, restaurant_out, table_out
from .times import time_text

Dialect = Literal["realtime", "sync"]
MESSAGE_BYTES_MAX = 256 * 1024
ENVELOPE_BYTES = 1024  # more than the keys around the entities of any message take

Revision = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Part = Annotated[int, Meta(ge=1)]
Detail = Annotated[str, Meta(description="A sentence for a host to read.")]
Hint = Annotated[str, Meta(description="For the developer of the app: what to send instead.")]


class GuestChange(Struct, tag_field="entity_type", tag="guest"):
    """What a commit did to a guest: `data` is he after it, null for a delete."""

    entity_id: str
    action: model.Action
    data: Guest | None


class TableChange(Struct, tag_field="entity_type", tag="table"):
    """What a commit did to a table: `data` is it after it, null for a delete."""

    entity_id: str
    action: model.Action
    data: Table | None


Change = GuestChange | TableChange


class RevisionOf(Struct):
    """A restaurant and the revision that a socket for all restaurants begins at."""

    id: int
    revision: Revision


class ConnectionEstablished(Struct, tag_field="type", tag="connection_established", omit_defaults=True):
    """The first message: where this socket stands, and the restaurant as it is now.

    On a /realtime for all restaurants `restaurants` has the revision of each, which no other socket has. `access` is
    there alone where a closed hub does not know yet who it is: it tells nothing of the floor, and waits for an `auth`.
    """

    timestamp: Time
    restaurant_id: int | None
    restaurant: Restaurant | None
    epoch: str
    revision: Revision | None
    server_version: str
    heartbeat_seconds: int
    resumed: bool
    hub_started: Annotated[Time, Meta(description="When this run of the hub began, by its own time.")]
    restaurants: list[RevisionOf] | msgspec.UnsetType = msgspec.UNSET
    access: Literal["closed"] | msgspec.UnsetType = msgspec.UNSET


class FloorData(Struct):
    """All guests and tables of a floor, or of one part of it."""

    guests: list[Guest]
    tables: list[Table]


class FullSync(Struct, tag_field="type", tag="full_sync"):
    """The whole floor at one revision; all parts together replace what the client has."""

    timestamp: Time
    restaurant_id: int
    revision: Revision
    data: FloorData
    part: Part
    parts: Part


class DeltaUpdate(Struct, tag_field="type", tag="delta_update"):
    """Changes to lay on `previous_revision`."""

    timestamp: Time
    restaurant_id: int
    revision: Revision
    previous_revision: Revision
    part: Part
    parts: Part
    changes: list[Change]


class AtomicTransactionComplete(Struct, tag_field="type", tag="atomic_transaction_complete"):
    """One commit that belongs together: to be applied whole."""

    transaction_id: str
    timestamp: Time
    restaurant_id: int
    revision: Revision
    previous_revision: Revision
    part: Part
    parts: Part
    changes: list[Change]


NamedType = Literal[
    "guest_created", "guest_updated", "guest_deleted", "table_created", "table_updated", "table_deleted"
]


class NamedChange(Struct):
    """One change under its own name (/realtime). `echo` true: it repeats an atomic_transaction_complete just sent."""

    type: NamedType
    timestamp: Time
    restaurant_id: int
    revision: Revision
    previous_revision: Revision
    guest: Guest | None
    table: Table | None
    guestId: str | None  # noqa: N815 (the envelope's own spelling)
    tableId: str | None  # noqa: N815 (the envelope's own spelling)
    echo: bool


class RestaurantUpdated(Struct, tag_field="type", tag="restaurant_updated"):
    """One of the restaurant's own fields was changed. It is no commit of the floor and has no revision of its own."""

    timestamp: Time
    restaurant_id: int
    restaurant: Restaurant


class RestaurantDeleted(Struct, tag_field="type", tag="restaurant_deleted"):
    """A restaurant is gone, with all that it had. Told on a /realtime for all restaurants; others are closed."""

    timestamp: Time
    restaurant_id: int


class Ping(Struct, tag_field="type", tag="ping"):
    """The heartbeat. `revision` is what this socket has been sent: a client that holds less has missed something."""

    timestamp: Time
    revision: Revision | None


class Pong(Struct, tag_field="type", tag="pong"):
    """The answer to a client's ping."""

    timestamp: Time


class ErrorMessage(Struct, tag_field="type", tag="error"):
    """A message that could not be followed; the connection stays unless a close comes after it."""

    timestamp: Time
    error_code: str
    detail: Detail
    hint: Hint
    params: Params


PAST: dict[model.Action, str] = {"create": "created", "update": "updated", "delete": "deleted"}

encode = msgspec.json.Encoder().encode


def change_out(change: model.Change) -> Change:
    """A change as a client sees it."""
    if change.kind == "guest":
        return GuestChange(
            change.id, change.action, guest_out(change.entity) if isinstance(change.entity, model.Guest) else None
        )
    return TableChange(
        change.id, change.action, table_out(change.entity) if isinstance(change.entity, model.Table) else None
    )


def entry_messages(entry: model.Entry, dialect: Dialect) -> list[bytes]:
    """One commit as the messages of a dialect, each below 256 KiB, to be written together."""
    if not entry.atomic:
        if dialect == "sync":
            return delta_messages(entry.restaurant_id, entry.time, entry.revision, entry.revision - 1, entry.changes)
        return [encode(named_message(entry, change, echo=False)) for change in entry.changes]
    parts = _in_parts([encode(change_out(change)) for change in entry.changes])
    messages = [
        encode(
            AtomicTransactionComplete(
                transaction_id=entry.transaction_id,
                timestamp=time_text(entry.time),
                restaurant_id=entry.restaurant_id,
                revision=entry.revision,
                previous_revision=entry.revision - 1,
                part=number,
                parts=len(parts),
                changes=cast(Any, part),
            )
        )
        for number, part in enumerate(parts, 1)
    ]
    if dialect == "realtime":
        messages += [encode(named_message(entry, change, echo=True)) for change in entry.changes]
    return messages


def named_message(entry: model.Entry, change: model.Change, *, echo: bool) -> NamedChange:
    """A change under its own name."""
    about_guest = change.kind == "guest"
    return NamedChange(
        type=cast(NamedType, f"{change.kind}_{PAST[change.action]}"),
        timestamp=time_text(entry.time),
        restaurant_id=entry.restaurant_id,
        revision=entry.revision,
        previous_revision=entry.revision - 1,
        guest=guest_out(change.entity) if isinstance(change.entity, model.Guest) else None,
        table=table_out(change.entity) if isinstance(change.entity, model.Table) else None,
        guestId=change.id if about_guest else None,
        tableId=None if about_guest else change.id,
        echo=echo,
    )


def restaurant_message(restaurant: model.Restaurant, revision: int) -> bytes:
    """A restaurant that was changed; `revision` is its floor's, which whoever reads this has been sent."""
    changed = restaurant_out(restaurant, revision)
    return encode(RestaurantUpdated(changed.last_updated, changed.id, changed))


def deleted_message(restaurant_id: int, time: int) -> bytes:
    """A restaurant that was deleted at a time."""
    return encode(RestaurantDeleted(time_text(time), restaurant_id))


def delta_messages(
    restaurant_id: int, time: int, revision: int, previous: int, changes: Iterable[model.Change]
) -> list[bytes]:
    """Changes from `previous` to `revision` as `delta_update`s, each below 256 KiB; one at least, empty if need be."""
    parts = _in_parts([encode(change_out(change)) for change in changes])
    return [
        encode(
            DeltaUpdate(
                timestamp=time_text(time),
                restaurant_id=restaurant_id,
                revision=revision,
                previous_revision=previous,
                part=number,
                parts=len(parts),
                changes=cast(Any, part),
            )
        )
        for number, part in enumerate(parts, 1)
    ]


def change_json(change: model.Change) -> bytes:
    """A change as JSON."""
    return encode(change_out(change))


def delta_message(floor: model.Floor, previous: int, changes: bytes, part: int, parts: int) -> bytes:
    """One part of the way from revision `previous` to a floor; `changes` are JSON with commas between them."""
    return encode(
        DeltaUpdate(
            timestamp=time_text(floor.time),
            restaurant_id=floor.restaurant_id,
            revision=floor.revision,
            previous_revision=previous,
            part=part,
            parts=parts,
            changes=cast(Any, Raw(b"[" + changes + b"]")),
        )
    )


def full_sync_message(floor: model.Floor, guests: bytes, tables: bytes, part: int, parts: int) -> bytes:
    """One part of a floor; guests and tables are JSON with commas between them."""
    data = FloorData(cast(Any, Raw(b"[" + guests + b"]")), cast(Any, Raw(b"[" + tables + b"]")))
    return encode(FullSync(time_text(floor.time), floor.restaurant_id, floor.revision, data, part, parts))


def _in_parts(encoded: Sequence[bytes]) -> list[list[Raw]]:
    """Encoded items in parts that fit a message; one part at least."""
    parts: list[list[Raw]] = [[]]
    room = MESSAGE_BYTES_MAX - ENVELOPE_BYTES
    for item in encoded:
        if parts[-1] and len(item) + 1 > room:
            parts.append([])
            room = MESSAGE_BYTES_MAX - ENVELOPE_BYTES
        parts[-1].append(Raw(item))
        room -= len(item) + 1
    return parts


def text_frame(payload: bytes) -> bytes:
    """One unfragmented, unmasked text frame of a server (RFC 6455, section 5.2): the same bytes for every client."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
