"""The entities as a client sees them: camelCase, UTC texts, every key always there."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from restohub.floor import model

from .times import time_or_none, time_text

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2024-01-15T10:30:00Z"])]
Version = Annotated[int, Meta(ge=1, le=2**53 - 1, description="The revision that last changed it.")]
GuestStatus = Annotated[
    str, Meta(description="One of " + ", ".join(model.GUEST_STATUSES) + ".", examples=["waitlist", "seated"])
]
TableStatus = Annotated[
    str, Meta(description="One of " + ", ".join(model.TABLE_STATUSES) + ".", examples=["available"])
]
Shape = Annotated[str, Meta(description="One of " + ", ".join(model.SHAPES) + ".", examples=["round"])]

TurnMinutes = Annotated[
    dict[str, Annotated[int, Meta(ge=1, le=1440)]],
    Meta(description="How many minutes a party of each size keeps its table.", examples=[{"2": 75, "4": 90}]),
]


class Guest(Struct, kw_only=True, rename="camel"):
    """A party: waitlist, walk-in or reservation."""

    id: str
    name: Annotated[str, Meta(description="firstName and lastName joined.")]
    first_name: str
    last_name: str
    party_size: Annotated[int, Meta(ge=1, le=100)]
    status: GuestStatus
    table_id: str | None
    phone: str | None
    email: str | None
    notes: str | None
    special_requests: str | None
    dietary_restrictions: tuple[str, ...]
    tags: tuple[str, ...]
    is_walk_in: bool
    quoted_wait: Annotated[int | None, Meta(description="Minutes told to the party.")]
    reservation_time: Time | None
    check_in_time: Time | None
    seated_time: Time | None
    finished_time: Time | None
    notified_time: Time | None
    arrived_count: Annotated[int | None, Meta(description="How many of the party are there.")]
    total_visits: Annotated[int, Meta(ge=0, description="Finished visits of others with this phone or e-mail.")]
    created_at: Time
    last_updated: Time
    version: Version
    phase: model.Phase


class Position(Struct):
    """Where a table stands: the app uses 0 … 1 of the floor's width and height."""

    x: float
    y: float


class Table(Struct, kw_only=True, rename="camel"):
    """A table of the floor."""

    id: str
    table_number: str
    capacity: Annotated[int, Meta(ge=1, le=100)]
    min_capacity: Annotated[int, Meta(ge=1, le=100)]
    status: TableStatus
    position: Position
    shape: Shape
    rotation: Annotated[float, Meta(description="Degrees.")]
    section: str | None
    server: Annotated[str | None, Meta(description="Who serves it.")]
    notes: str | None
    current_guest_id: str | None
    created_at: Time
    last_updated: Time
    version: Version


class Restaurant(Struct, kw_only=True, rename="camel"):
    """A restaurant of this hub."""

    id: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    name: str
    timezone: Annotated[str, Meta(description="An IANA zone.", examples=["Europe/Rome"])]
    turn_minutes: TurnMinutes | None
    locale: Annotated[str | None, Meta(description="A BCP 47 language tag.", examples=["it-IT"])]
    hours: Annotated[model.Hours | None, Meta(description="The clock: 12 or 24 hours.")]
    created_at: Time
    last_updated: Time
    revision: Annotated[int, Meta(ge=0, le=2**53 - 1, description="The last commit of its floor.")]


def guest_out(guest: model.Guest) -> Guest:
    """The guest as a client sees him."""
    return Guest(
        id=guest.id,
        name=guest.name,
        first_name=guest.first_name,
        last_name=guest.last_name,
        party_size=guest.party_size,
        status=guest.status,
        table_id=guest.table_id,
        phone=guest.phone,
        email=guest.email,
        notes=guest.notes,
        special_requests=guest.special_requests,
        dietary_restrictions=guest.dietary_restrictions,
        tags=guest.tags,
        is_walk_in=guest.is_walk_in,
        quoted_wait=guest.quoted_wait,
        reservation_time=time_or_none(guest.reservation_time),
        check_in_time=time_or_none(guest.check_in_time),
        seated_time=time_or_none(guest.seated_time),
        finished_time=time_or_none(guest.finished_time),
        notified_time=time_or_none(guest.notified_time),
        arrived_count=guest.arrived_count,
        total_visits=guest.total_visits,
        created_at=time_text(guest.created_at),
        last_updated=time_text(guest.last_updated),
        version=guest.version,
        phase=guest.phase,
    )


def table_out(table: model.Table) -> Table:
    """The table as a client sees it."""
    return Table(
        id=table.id,
        table_number=table.table_number,
        capacity=table.capacity,
        min_capacity=table.min_capacity,
        status=table.status,
        position=Position(table.position.x, table.position.y),
        shape=table.shape,
        rotation=table.rotation,
        section=table.section,
        server=table.server,
        notes=table.notes,
        current_guest_id=table.current_guest_id,
        created_at=time_text(table.created_at),
        last_updated=time_text(table.last_updated),
        version=table.version,
    )


def restaurant_out(restaurant: model.Restaurant, revision: int) -> Restaurant:
    """The restaurant as a client sees it; `revision` is its floor's."""
    return Restaurant(
        id=int(restaurant.id),
        name=restaurant.name,
        timezone=restaurant.timezone,
        turn_minutes=restaurant.turn_minutes,
        locale=restaurant.locale,
        hours=restaurant.hours,
        created_at=time_text(restaurant.created_at),
        last_updated=time_text(restaurant.last_updated),
        revision=revision,
    )


def entity_out(entity: model.Guest | model.Table) -> Guest | Table:
    """The guest or table as a client sees it."""
    return guest_out(entity) if isinstance(entity, model.Guest) else table_out(entity)
