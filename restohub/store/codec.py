"""The codec: entities and commits to rows and back, with their checksums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Raw, Struct

from restohub.floor.model import Action, Change, Entity, Guest, Kind, Removal, Restaurant, Table
from restohub.floor.visits import Served, Visit
from restohub.live.ports import REVISION_MAX, ClockReset, Revision

REVISION_BITS = REVISION_MAX.bit_length()
REMOVAL_COLUMNS = "restaurant_id, kind, id, revision, time, phone, email, checksum"
VISIT_COLUMNS = (
    "restaurant_id, at, guest_id, revision, status, walk_in, size, quoted, booked, arrived, seated, ended, "
    "table_number, capacity, section, server, phone, email, checksum"
)
INSERT_VISIT = f"INSERT INTO visit ({VISIT_COLUMNS}) VALUES ({', '.join('?' * 19)})"  # noqa: S608 (our own column names)
TYPES: dict[str, type[Entity]] = {"guest": Guest, "table": Table, "restaurant": Restaurant}

# A commit that changes nothing stands in the log only where times begin anew: it may be earlier than the one before.
NO_CHANGES = b"[]"

_encode = msgspec.json.Encoder().encode
_image_decoders = {kind: msgspec.json.Decoder(struct) for kind, struct in TYPES.items()}


class DamageError(Exception):
    """The store holds what the hub never wrote. The text says where, for a person."""


class OtherFormatError(DamageError):
    """What the store holds cannot be read. Where its checksum holds, that is no damage: another version wrote it."""


class LoggedChange(Struct, array_like=True, omit_defaults=True):
    """A change as the log keeps it; `image` is the entity's own row image, or null."""

    kind: Kind
    id: str
    action: Action
    was: int
    image: Raw
    counted: tuple[str, str] | None = None


_resets_decoder = msgspec.json.Decoder(dict[int, ClockReset])
_changes_decoder = msgspec.json.Decoder(list[LoggedChange])


def position_of(restaurant_id: int, revision: int) -> int:
    """The log's key of a restaurant's revision."""
    return restaurant_id << REVISION_BITS | revision


def revision_at(position: int) -> Revision:
    """The revision of a log's key."""
    return position & REVISION_MAX  # type: ignore[return-value]  # a call for each row would take 50 ns


def restaurant_at(position: int) -> int:
    """The restaurant of a log's key."""
    return position >> REVISION_BITS


def image_of(entity: Entity) -> bytes:
    """An entity as its row keeps it: snake_case JSON, times in seconds, defaults left out."""
    return _encode(entity)


def entity_of(kind: str, image: bytes) -> Entity:
    """The entity of a row's image; raises OtherFormatError."""
    try:
        return _image_decoders[kind].decode(image)
    except (msgspec.DecodeError, KeyError) as fault:
        raise OtherFormatError(f"an image of a {kind} cannot be read: {fault}") from None


def row_checksum(restaurant_id: int, kind: str, entity_id: str, version: int, image: bytes) -> int:
    """CRC-32 over all that an entity's row says: one flipped bit in two passes SQLite's own integrity check."""
    return crc32(f"{restaurant_id}/{kind}/{entity_id}/{version}".encode() + image)


def log_checksum(
    position: int,
    time: int,
    key: str | None,
    digest: bytes | None,
    changes: bytes,
    answer: bytes | None,
    device: str | None = None,
    person: str | None = None,
) -> int:
    """CRC-32 over all that a row of the log says; without device and person as it was before there were any."""
    given = bytes((key is not None, digest is not None, answer is not None))
    head = f"{position}/{time}/{key}/".encode()  # of a damaged row they may be anything
    start = 0 if device is None else crc32(f"{device}/".encode())
    if person is not None:
        start = crc32(f"{person}/".encode(), start)
    return crc32(b"%b%b%b%b%b" % (given, head, digest or b"", changes, answer or b""), start)


def name_checksum(name: str, value: str) -> int:
    """CRC-32 over what a row of the hub's own names says."""
    return crc32(f"{name}={value}".encode())


def removal_checksum(removal: tuple[object, ...]) -> int:
    """CRC-32 over restaurant, kind, id, revision, time, phone and e-mail of a removal."""
    return crc32(_encode(removal))


def read_removal(row: Sequence[Any]) -> Removal:
    """The removal of a row (its seven values and their checksum); raises DamageError."""
    if removal_checksum(tuple(row[:7])) != row[7]:
        raise DamageError(f"the removal of {row[1]} {row[2]} of restaurant {row[0]} fails its checksum")
    _, kind, entity_id, revision, time, phone, email, _ = row
    return Removal(kind, entity_id, revision, time, None if phone is None else (phone, email))


def visit_row(restaurant_id: int, visit: Visit) -> tuple[object, ...]:
    """A visit as its row keeps it, with its checksum."""
    served = visit.served
    row = (
        restaurant_id,
        visit.at,
        visit.guest_id,
        visit.revision,
        visit.status,
        int(visit.is_walk_in),
        visit.party_size,
        visit.quoted_wait,
        visit.reservation_time,
        visit.check_in_time,
        visit.seated_time,
        visit.ended,
        *((None,) * 4 if served is None else (served.table_number, served.capacity, served.section, served.server)),
        visit.phone,
        visit.email,
    )
    return (*row, crc32(_encode(row)))


def read_visit(row: Sequence[Any]) -> Visit:
    """The visit of a row; raises DamageError."""
    if crc32(_encode(tuple(row[:-1]))) != row[-1]:
        raise DamageError(f"the visit of guest {row[2]} of restaurant {row[0]} fails its checksum")
    _, at, guest_id, revision, status, walk_in, size, quoted, booked, arrived, seated, ended, *rest = row
    table_number, capacity, section, server, phone, email, _ = rest
    return Visit(
        guest_id=guest_id,
        revision=revision,
        at=at,
        status=status,
        is_walk_in=walk_in == 1,
        party_size=size,
        quoted_wait=quoted,
        reservation_time=booked,
        check_in_time=arrived,
        seated_time=seated,
        ended=ended,
        served=None if table_number is None else Served(table_number, capacity, section, server),
        phone=phone,
        email=email,
    )


def encode_changes(changes: tuple[Change, ...], images: list[bytes]) -> bytes:
    """The changes of a commit as the log keeps them; `images` are their entities' (b"null" where one is gone)."""
    return encode_logged(
        [
            LoggedChange(change.kind, change.id, change.action, change.was, Raw(image), change.counted)
            for change, image in zip(changes, images, strict=True)
        ]
    )


def encode_logged(changes: list[LoggedChange]) -> bytes:
    """The changes of a commit as a row of the log has them."""
    return _encode(changes)


def encode_resets(resets: dict[int, ClockReset]) -> str:
    """The newest reset of each restaurant's log as the store keeps it."""
    return _encode(resets).decode()


def decode_resets(text: str) -> dict[int, ClockReset]:
    """The resets of `encode_resets`; raises OtherFormatError."""
    try:
        return _resets_decoder.decode(text)
    except msgspec.DecodeError as fault:
        raise OtherFormatError(f"the hub's own clock_resets cannot be read: {fault}") from None


def decode_changes(blob: bytes) -> list[LoggedChange]:
    """The changes of a row of the log, images unread; raises OtherFormatError."""
    try:
        return _changes_decoder.decode(blob)
    except msgspec.DecodeError as fault:
        raise OtherFormatError(f"a commit of the log cannot be read: {fault}") from None


def whole_change(logged: LoggedChange) -> Change:
    """A change of the log with its entity read."""
    entity = None if logged.action == "delete" else entity_of(logged.kind, bytes(logged.image))
    return Change(logged.kind, logged.id, logged.action, entity, logged.was, logged.counted)
