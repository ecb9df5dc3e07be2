"""This file is what a decision may be: accepted with its changes, or refused with words that a host can read."""

from __future__ import annotations

from msgspec import Struct

from .nouns import Change, Entity, Guest, Restaurant, Table

# A UUID has 36 characters, a status or the name of a field fewer.
QUOTED_MAX = 40


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong with the input. `pointer` is a JSON pointer into the data of the command."""

    pointer: str
    detail: str


class Occupied(Struct, frozen=True):
    """What stands in the way at a table: the table and whoever has it."""

    table: Table
    guest: Guest | None


class Refused(Struct, frozen=True):
    """Why a command was not done: a code of CONTRACT section 5, a sentence, the faults, and what is there instead.

    `wait_s`: in so many seconds it can be done, where waiting is all that it needs.
    """

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    current: Entity | Occupied | None = None
    wait_s: int = 0


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


def quoted(text: str) -> str:
    """What a client sent, as it is told in a sentence: in quotes, and only its beginning where it is long."""
    shown = repr(text[:QUOTED_MAX])  # which writes up to ten characters for one
    if len(text) <= QUOTED_MAX and len(shown) <= 2 * QUOTED_MAX:
        return shown
    return f"{shown[: QUOTED_MAX + 1]}…{shown[0]}"


def not_found(kind: str, entity_id: str, field: str | None = None) -> Refused:
    """No such guest or table here; `field` is the key that named it."""
    detail = f"This restaurant has no {kind} with the id {quoted(entity_id)}."
    return Refused(f"{kind}_not_found", detail, (Fault(f"/{field}", detail),) if field else ())


def invalid(pointer: str, detail: str) -> Refused:
    """One field that cannot be as it was sent."""
    return Refused("validation_failed", detail, (Fault(pointer, detail),))


def already_exists(kind: str, entity_id: str, present: Entity | None) -> Refused:
    """The id was given to another entity, present or gone."""
    gone = "" if present is not None else ", and a deleted one's id is not given again"
    detail = f"There is a {kind} with the id {quoted(entity_id)} already{gone}. Choose another id."
    return Refused("already_exists", detail, (Fault("/id", detail),), present)


def version_conflict(present: Entity) -> Refused:
    """The client's picture of the entity is older than what is here."""
    detail = f"{_called(present)} is at version {present.version} now, not at the one that was expected. Look again."
    return Refused("version_conflict", detail, (), present)


def table_occupied(table: Table, guest: Guest | None, verb: str = "") -> Refused:
    """Another party has the table."""
    who = f"{guest.name} (party of {guest.party_size})" if guest else "someone"
    how = "taken by" if table.status == "occupied" else "held for"
    return Refused("table_occupied", f"Table {table.table_number} is {how} {who}.{verb}", (), Occupied(table, guest))


def table_unavailable(table: Table) -> Refused:
    """The table is out of service."""
    return Refused("table_unavailable", f"Table {table.table_number} is out of service.", (), table)


def party_exceeds_capacity(table: Table, capacity: int, guest: Guest) -> Refused:
    """The party is larger than the table seats."""
    detail = (
        f"Table {table.table_number} seats {capacity}, {guest.name} is a party of {guest.party_size}. "
        'Send "allowOverCapacity": true to do it all the same.'
    )
    return Refused("party_exceeds_capacity", detail, (), table)


def table_number_taken(holder: Table) -> Refused:
    """Another table has the number."""
    detail = f"There is a table {holder.table_number} already. Choose another number."
    return Refused("table_number_taken", detail, (Fault("/tableNumber", detail),), holder)


def limit_reached(full: str, remedy: str) -> Refused:
    """There would be more than there may be: what is full, and what to do."""
    return Refused("limit_reached", f"{full} {remedy}")


def answer_too_large() -> Refused:
    """The entities that a batch names are more than one answer may hold."""
    detail = "The guests and tables of this batch are too much for one answer. Split the batch."
    return Refused("body_too_large", detail)


def restaurant_not_found(restaurant_id: int) -> Refused:
    """No such restaurant on this hub."""
    return Refused("restaurant_not_found", f"This hub has no restaurant {restaurant_id}.")


def restaurant_not_empty(restaurant: Restaurant, guests: int, tables: int) -> Refused:
    """A restaurant that still has guests or tables is not deleted."""
    detail = f"{restaurant.name} still has {guests} guests and {tables} tables. Delete those first."
    return Refused("restaurant_not_empty", detail, (), restaurant)


def restaurant_name_differs(restaurant: Restaurant, named: str) -> Refused:
    """A restaurant that is to go with all that it has goes by its name alone."""
    detail = f"Restaurant {restaurant.id} is called {restaurant.name}, not {quoted(named)}. Nothing was deleted."
    return Refused("restaurant_name_differs", detail, (Fault("?name", detail),), restaurant)


def _called(entity: Entity) -> str:
    """What a person calls it."""
    return f"Table {entity.table_number}" if isinstance(entity, Table) else entity.name
