"""The schemas of request bodies, for the OpenAPI document and the reference."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.floor.model import Action

from .inputs import GuestInput, Id, RestaurantInput, TableInput

Data = Annotated[
    Any,
    Meta(
        description="The fields of the guest or table; not needed for a delete.",
        extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{s.__name__}"} for s in (GuestInput, TableInput)]},
    ),
]
# As a text only in words: of what may be a number or a text, generators of clients make nothing that one would use.
RestaurantId = (
    Annotated[int, Meta(ge=1, le=2**53 - 1, description="Its digits as a text are taken too. Null names none.")] | None
)
IfMatch = Annotated[
    int,
    Meta(ge=1, le=2**53 - 1, description="The version that it must have had before the batch; not for a create."),
]
MutationId = Annotated[str, Meta(min_length=1, max_length=200)]


class NewGuest(GuestInput, kw_only=True, rename="camel"):
    """A new guest: needs a partySize, and a name or a firstName.

    Each name is taken in snake_case too, and the older `guestName`, `phoneNumber`, `assignedTableId`, `arrivalTime`.
    """

    party_size: Annotated[int, Meta(ge=1, le=100)]


class NewTable(TableInput, kw_only=True, rename="camel"):
    """A new table: needs a tableNumber and a capacity.

    Each name is taken in snake_case too, and the older `number` (integer or string) for `tableNumber`.
    """

    table_number: Annotated[str, Meta(min_length=1, max_length=20)]
    capacity: Annotated[int, Meta(ge=1, le=100)]


class NewRestaurant(RestaurantInput, kw_only=True, rename="camel"):
    """A new restaurant: needs a name; `timezone` is by default that of the hub's machine."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]


class SeatingRequest(Struct, kw_only=True, rename="camel"):
    """The new status of a guest, and the table he gets. `tableId` is taken as `table_id` and `assignedTableId` too."""

    status: Annotated[str, Meta(examples=["seated"])]
    table_id: str | UnsetType | None = UNSET
    allow_over_capacity: bool | UnsetType = UNSET


class OperationRequest(Struct, kw_only=True):
    """One operation of a batch. Each name is taken in camelCase too."""

    entity_type: Literal["guest", "table"]
    action: Action
    entity_id: Id | UnsetType | None = UNSET
    data: Data | UnsetType = UNSET
    if_match: IfMatch | UnsetType = UNSET
    restaurant_id: RestaurantId | UnsetType = UNSET


class OlderOperation(Struct, kw_only=True):
    """One operation in the app's older form."""

    id: Id | UnsetType | None = UNSET
    operation: Action
    data: Data | UnsetType = UNSET
    if_match: IfMatch | UnsetType = UNSET
    restaurant_id: RestaurantId | UnsetType = UNSET


class BatchRequest(Struct, kw_only=True):
    """Operations that happen together or not at all: `operations`, or the older form's `guests` and then `tables`.

    `transaction_id` is an idempotency key as well. Each name is taken in camelCase too.
    """

    transaction_id: Annotated[str, Meta(pattern="^[\\x20-\\x7e]{1,200}$")] | UnsetType | None = UNSET
    restaurant_id: RestaurantId | UnsetType = UNSET
    operations: Annotated[list[OperationRequest], Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    guests: Annotated[list[OlderOperation], Meta(max_length=500)] | UnsetType = UNSET
    tables: Annotated[list[OlderOperation], Meta(max_length=500)] | UnsetType = UNSET


class QueuedUpdate(Struct, kw_only=True):
    """One update of an off-line queue; `base_version` is the version that the client had. Taken in camelCase too."""

    entity_type: Literal["guest", "table"]
    entity_id: Id | UnsetType | None = UNSET
    action: Action = "update"
    data: Data | UnsetType = UNSET
    mutation_id: MutationId | UnsetType | None = UNSET
    base_version: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType | None = UNSET
    restaurant_id: RestaurantId | UnsetType = UNSET


class QueueRequest(Struct, kw_only=True):
    """An off-line queue, each update on its own.

    `applied_mutation_ids` are of updates that this device sent before: what those changed counts against no
    `base_version`.
    """

    updates: Annotated[list[QueuedUpdate], Meta(min_length=1, max_length=500)]
    restaurant_id: RestaurantId | UnsetType = UNSET
    applied_mutation_ids: Annotated[list[MutationId], Meta(max_length=2_000)] | UnsetType | None = UNSET
