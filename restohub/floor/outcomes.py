"""The outcomes of a decision: accepted with its changes, or refused with words that a host can read."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from .model import Change, Entity, Entry, Floor, Guest, Restaurant, Table

# A UUID has 36 characters, a status or the name of a field fewer.
QUOTED_MAX = 40
ID_MAX = 64
# What a host is told of a mistake that only the app can have made.
MISUNDERSTOOD = "The app sent something that this hub does not understand."

Counted = Literal["guests", "tables", "restaurants", "devices", "staff", "erasures", "floor_bytes", "hub_bytes"]


class Params(Struct, frozen=True, gc=False):
    """What the sentence `detail` is made of, so that an app can say it in its own language.

    Which of these a code has is fixed for each code.
    """

    table: Annotated[str, Meta(description="The table's number.")] | UnsetType = UNSET
    guest: Annotated[str | None, Meta(description="The guest's name; null where nobody wrote the party down.")] | (
        UnsetType
    ) = UNSET
    party: Annotated[int | None, Meta(description="How many people the party is.")] | UnsetType = UNSET
    capacity: Annotated[int, Meta(description="How many people the table seats.")] | UnsetType = UNSET
    held: Annotated[bool, Meta(description="The table is held for the guest, who does not sit there yet.")] | (
        UnsetType
    ) = UNSET
    name: Annotated[str, Meta(description="The guest's name, or the table's number.")] | UnsetType = UNSET
    entity_type: Literal["guest", "table"] | UnsetType = UNSET
    entity_id: Annotated[str, Meta(description="The id that was sent.")] | UnsetType = UNSET
    restaurant_id: Annotated[int | None, Meta(description="The id that was sent; null where it is no number.")] | (
        UnsetType
    ) = UNSET
    restaurant: Annotated[str, Meta(description="The restaurant's name.")] | UnsetType = UNSET
    guests: Annotated[int, Meta(description="How many guests it has.")] | UnsetType = UNSET
    tables: Annotated[int, Meta(description="How many tables it has.")] | UnsetType = UNSET
    devices: Annotated[int, Meta(description="How many devices it concerns.")] | UnsetType = UNSET
    counted: Annotated[Counted, Meta(description="What there is too much of.")] | UnsetType = UNSET
    count: Annotated[int, Meta(description="How many, or how many bytes, there are.")] | UnsetType = UNSET
    limit: Annotated[int, Meta(description="How many, or how many bytes, there may be.")] | UnsetType = UNSET
    seconds: Annotated[int, Meta(description="In so many seconds it can be done.")] | UnsetType = UNSET
    field: Annotated[str | None, Meta(description="The field in camelCase; null where it is none that is known.")] | (
        UnsetType
    ) = UNSET
    host: Annotated[str, Meta(description="The name by which the hub was asked.")] | UnsetType = UNSET
    origin: Annotated[str | None, Meta(description="Where the web page is from; null where there are several.")] | (
        UnsetType
    ) = UNSET


NONE = Params()


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong with the input.

    `pointer` is a JSON pointer into the data of the command, `hint` says to a developer what to send, `detail` says it
    to a host. `field` is the field's name in camelCase where it is one of an entity's.
    """

    pointer: str
    hint: str
    detail: str = MISUNDERSTOOD
    field: str | None = None


class Occupied(Struct, frozen=True):
    """What stands in the way at a table: the table and whoever has it."""

    table: Table
    guest: Guest | None


class Refused(Struct, frozen=True):
    """Why a command was not done: a code of contract.md, "Error codes", its words, the faults, what is there.

    `detail` is a sentence for a host, `hint` says to a developer what to send instead; where one of them is empty, that
    of the code is told. `params` are those of the code. `wait_s`: in so many seconds it can be done, where waiting is
    all that it needs.
    """

    code: str
    detail: str = ""
    faults: tuple[Fault, ...] = ()
    current: Entity | Occupied | None = None
    wait_s: int = 0
    hint: str = ""
    params: Params = NONE


class Outcome(Struct, frozen=True):
    """What one operation did: `created`, `updated`, `deleted` or `unchanged`."""

    kind: str
    id: str
    status: str


class Accepted(Struct, frozen=True):
    """What a command does: the changes of its commit (none: no commit), and what each operation did.

    `unchanged` is the restaurant that a command would have changed to what it is already. `grown`: by how many bytes
    the floor is heavier afterwards.
    """

    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...] = ()
    unchanged: Restaurant | None = None
    grown: int = 0


class BatchRefused(Struct, frozen=True):
    """Why a batch was not done: each failing operation's index and refusal, in order."""

    refusals: tuple[tuple[int, Refused], ...]


class Done(Struct, frozen=True, kw_only=True):
    """What became of a step that was accepted; `entry` is None where it changed nothing."""

    accepted: Accepted
    entry: Entry | None
    before: Floor
    after: Floor
    transaction_id: str
    time: int


class Repeated(Struct, frozen=True):
    """The step's key was used before, by the commit of this revision."""

    revision: int


Result = Done | Refused | BatchRefused | Repeated


def quoted(text: str) -> str:
    """What a client sent, as it is told in a sentence: in quotes, and only its beginning where it is long."""
    shown = repr(text[:QUOTED_MAX])  # which writes up to ten characters for one
    if len(text) <= QUOTED_MAX and len(shown) <= 2 * QUOTED_MAX:
        return shown
    return f"{shown[: QUOTED_MAX + 1]}…{shown[0]}"


def not_found(kind: Literal["guest", "table"], entity_id: str, field: str | None = None) -> Refused:
    """No such guest or table here; `field` is the key that named it."""
    detail = f"This {kind} was removed, or never was here."
    hint = f"This restaurant has no {kind} with the id {quoted(entity_id)}. Take the full sync."
    faults = (Fault(f"/{field}", hint, detail, field),) if field else ()
    return Refused(f"{kind}_not_found", detail, faults, None, 0, hint, Params(entity_id=entity_id[:ID_MAX]))


def invalid(field: str, hint: str, detail: str) -> Refused:
    """One field that cannot be as it was sent."""
    fault = Fault(f"/{field}", hint, detail, field)
    return Refused("validation_failed", detail, (fault,), None, 0, hint, Params(field=field))


def already_exists(kind: Literal["guest", "table"], entity_id: str, present: Entity | None) -> Refused:
    """The id was given to another entity, present or gone."""
    gone = "" if present is not None else ", and a deleted one's id is not given again"
    hint = f"There is a {kind} with the id {quoted(entity_id)} already{gone}. Choose another id."
    detail = f"This {kind} was added before."
    params = Params(entity_type=kind, entity_id=entity_id)
    return Refused("already_exists", detail, (Fault("/id", hint, detail, "id"),), present, 0, hint, params)


def version_conflict(present: Guest | Table) -> Refused:
    """The client's picture of the entity is older than what is here."""
    is_table = isinstance(present, Table)
    name = present.table_number if isinstance(present, Table) else present.name
    detail = f"{'Table ' * is_table}{name} was changed by someone else meanwhile. Look again before you change it."
    hint = (
        f"It is at version {present.version} now, not at the one that was expected. "
        "Show `current`, and send again what is wanted."
    )
    params = Params(entity_type="table" if is_table else "guest", name=name)
    return Refused("version_conflict", detail, (), present, 0, hint, params)


def version_differs(present: Guest | Table, before: Guest | Table | None) -> Refused:
    """It is not at the version that was named; `before`: as its batch found it, None where the batch made it."""
    if before is not None:
        return version_conflict(before)
    hint = "It is made in this very batch, so it had no version before."
    return structs.replace(version_conflict(present), current=None, hint=hint)


def table_occupied(table: Table, guest: Guest | None, then: str = "") -> Refused:
    """Another party has the table; `then` is what a host can do first, where that is not to choose another one."""
    who = f"{guest.name} (party of {guest.party_size})" if guest else "someone"
    held = table.status != "occupied"
    detail = f"Table {table.table_number} is {'held for' if held else 'taken by'} {who}.{then}"
    params = Params(
        table=table.table_number,
        guest=guest.name if guest else None,
        party=guest.party_size if guest else None,
        held=held,
    )
    return Refused("table_occupied", detail, (), Occupied(table, guest), params=params)


def table_unavailable(table: Table) -> Refused:
    """The table is out of service."""
    detail = f"Table {table.table_number} is out of service."
    return Refused("table_unavailable", detail, (), table, params=Params(table=table.table_number))


def party_exceeds_capacity(table: Table, capacity: int, guest: Guest) -> Refused:
    """The party is larger than the table seats."""
    detail = f"Table {table.table_number} seats {capacity}, {guest.name} is a party of {guest.party_size}."
    params = Params(table=table.table_number, guest=guest.name, party=guest.party_size, capacity=capacity)
    return Refused("party_exceeds_capacity", detail, (), table, params=params)


def table_number_taken(holder: Table) -> Refused:
    """Another table has the number."""
    number = holder.table_number
    detail = f"There is a table {number} already. Choose another number."
    hint = f"The table with the id {quoted(holder.id)} has this number: send another tableNumber."
    fault = Fault("/tableNumber", hint, detail, "tableNumber")
    return Refused("table_number_taken", detail, (fault,), holder, 0, hint, Params(table=number))


def limit_reached(counted: Counted, count: int, limit: int, detail: str, hint: str = "") -> Refused:
    """There would be more than there may be: of what, how many there are and may be, and what a host can do."""
    params = Params(counted=counted, count=count, limit=limit)
    return Refused("limit_reached", detail, hint=hint, params=params)


def rate_limited(detail: str, wait_s: int, hint: str = "") -> Refused:
    """Whoever asks has used up what it may for now; in `wait_s` seconds it can be done."""
    return Refused("rate_limited", detail, wait_s=wait_s, hint=hint, params=Params(seconds=wait_s))


def answer_too_large() -> Refused:
    """The entities that a batch names are more than one answer may hold."""
    hint = "The guests and tables of this batch are too much for one answer. Split the batch."
    return Refused("body_too_large", hint=hint)


def restaurant_not_found(restaurant_id: int | str) -> Refused:
    """No such restaurant on this hub; what is no number is told as it was sent."""
    number = restaurant_id if isinstance(restaurant_id, int) else None
    shown = restaurant_id if isinstance(restaurant_id, int) else quoted(restaurant_id)
    hint = f"This hub has no restaurant {shown}. `GET /restaurants` lists those that it has."
    return Refused("restaurant_not_found", hint=hint, params=Params(restaurant_id=number))


def restaurant_not_empty(restaurant: Restaurant, guests: int, tables: int) -> Refused:
    """A restaurant that still has guests or tables is not deleted."""
    detail = f"{restaurant.name} still has {_many(guests, 'guest')} and {_many(tables, 'table')}. Delete those first."
    params = Params(restaurant=restaurant.name, guests=guests, tables=tables)
    return Refused("restaurant_not_empty", detail, (), restaurant, params=params)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def restaurant_name_differs(restaurant: Restaurant, named: str) -> Refused:
    """A restaurant that is to go with all that it has goes by its name alone."""
    detail = f"This restaurant is called {restaurant.name}, not {quoted(named)}. Nothing was deleted."
    hint = f"Send `name` as restaurant {restaurant.id} has it, or make sure that it is this one that is to go."
    return Refused(
        "restaurant_name_differs",
        detail,
        (Fault("?name", hint, detail),),
        restaurant,
        0,
        hint,
        Params(restaurant=restaurant.name),
    )
