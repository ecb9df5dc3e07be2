"""The commands: what may be asked of a floor, as structs of plain values."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .model import Entity, Hours, Position

Maybe = UnsetType
EntityKind = Literal["guest", "table"]


class GuestFields(Struct, frozen=True, kw_only=True):
    """The fields of a guest that a request gives; UNSET is "not sent", None is "clear"."""

    name: str | Maybe = UNSET
    first_name: str | Maybe = UNSET
    last_name: str | Maybe = UNSET
    party_size: int | Maybe = UNSET
    status: str | Maybe = UNSET
    table_id: str | Maybe | None = UNSET
    phone: str | Maybe | None = UNSET
    email: str | Maybe | None = UNSET
    notes: str | Maybe | None = UNSET
    special_requests: str | Maybe | None = UNSET
    dietary_restrictions: tuple[str, ...] | Maybe = UNSET
    tags: tuple[str, ...] | Maybe = UNSET
    is_walk_in: bool | Maybe = UNSET
    quoted_wait: int | Maybe | None = UNSET
    reservation_time: int | Maybe | None = UNSET
    check_in_time: int | Maybe | None = UNSET
    seated_time: int | Maybe | None = UNSET
    finished_time: int | Maybe | None = UNSET
    notified_time: int | Maybe | None = UNSET
    arrived_count: int | Maybe | None = UNSET
    allow_over_capacity: bool = False


class TableFields(Struct, frozen=True, kw_only=True):
    """The fields of a table that a request gives; UNSET is "not sent", None is "clear"."""

    table_number: str | Maybe = UNSET
    capacity: int | Maybe = UNSET
    min_capacity: int | Maybe = UNSET
    status: str | Maybe = UNSET
    position: Position | Maybe = UNSET
    shape: str | Maybe = UNSET
    rotation: float | Maybe = UNSET
    section: str | Maybe | None = UNSET
    server: str | Maybe | None = UNSET
    notes: str | Maybe | None = UNSET
    current_guest_id: str | Maybe | None = UNSET
    allow_over_capacity: bool = False


class RestaurantFields(Struct, frozen=True, kw_only=True):
    """The fields of a restaurant that a request gives."""

    name: str | Maybe = UNSET
    timezone: str | Maybe = UNSET
    turn_minutes: dict[str, int] | Maybe | None = UNSET
    locale: str | Maybe | None = UNSET
    hours: Hours | Maybe | None = UNSET


Fields = GuestFields | TableFields


class Visits(Struct, frozen=True):
    """What history knew at `revision` of retired guests: their ids by phone and e-mail.

    The keys are those of `contacts.contact_keys`.
    """

    revision: int = 0
    ids: dict[str, frozenset[str]] = {}


class Create(Struct, frozen=True, kw_only=True):
    """Make a guest or table. `taken`: history knows that this id was used before."""

    kind: EntityKind
    id: str
    fields: Fields
    taken: bool = False
    visits: Visits = Visits()


class Update(Struct, frozen=True, kw_only=True):
    """Merge fields into a guest or table.

    `seen` is the entity at the `version` that the client sent along, where the log still has it: what equals it counts
    as not sent. `base_version` asks for conflicts with anything later; `base` is the entity at that version (with the
    device's own changes since, where an off-line queue asks), None where the log does not know it. `if_match` holds the
    versions that are accepted, None where any is.
    """

    kind: EntityKind
    id: str
    fields: Fields
    if_match: tuple[int, ...] | None = None
    seen: Entity | None = None
    base_version: int | None = None
    base: Entity | None = None
    visits: Visits = Visits()


class Delete(Struct, frozen=True, kw_only=True):
    """Remove a guest or table; its id stays taken.

    `base_version` asks for a conflict with any later change; `base` is what is there, where there was none.
    """

    kind: EntityKind
    id: str
    if_match: tuple[int, ...] | None = None
    base_version: int | None = None
    base: Entity | None = None


Operation = Create | Update | Delete


class CloseDay(Struct, frozen=True):
    """Take from the floor those of these guests who are done, or were expected at `expected_before` or earlier.

    Both only where they are unchanged since `before` (UTC seconds), or since revision `upto`: the times up to there are
    of before the clock was set right. Without `expected_before` who is expected stays.
    """

    ids: tuple[str, ...]
    before: int
    upto: int = 0
    expected_before: int | None = None


class CreateRestaurant(Struct, frozen=True):
    """Make a restaurant; it gets the next free id."""

    fields: RestaurantFields


class UpdateRestaurant(Struct, frozen=True):
    """Merge fields into a restaurant."""

    id: int
    fields: RestaurantFields


class DeleteRestaurant(Struct, frozen=True):
    """Remove a restaurant that has neither guests nor tables; with `named`, which must be its name, whatever it has."""

    id: int
    named: str | None = None


DirectoryCommand = CreateRestaurant | UpdateRestaurant | DeleteRestaurant
