"""The rules of restaurants: how one is made, renamed, and removed, empty or with all that it has."""

from __future__ import annotations

from msgspec import UNSET, structs

from restohub.limits import RESTAURANTS_MAX

from .commands import CreateRestaurant, DeleteRestaurant, DirectoryCommand, RestaurantFields, UpdateRestaurant
from .model import Change, Directory, Floor, Restaurant, Stamp
from .outcomes import Accepted, Outcome, Refused, restaurant_name_differs, restaurant_not_empty, restaurant_not_found
from .size_limits import restaurant_limit_refusal


def decide_directory(
    directory: Directory,
    floors: dict[int, Floor],
    command: DirectoryCommand,
    stamp: Stamp,
    restaurants_max: int = RESTAURANTS_MAX,
) -> Accepted | Refused:
    """What the command does to the hub's restaurants as the commit `stamp`, or why it is refused."""
    if isinstance(command, CreateRestaurant):
        full = restaurant_limit_refusal(len(directory.restaurants), restaurants_max)
        return full or _create(directory, command, stamp)
    present = directory.restaurants.get(command.id)
    if present is None:
        return restaurant_not_found(command.id)
    if isinstance(command, DeleteRestaurant):
        return _delete(present, floors[command.id], command)
    return _update(present, command, stamp)


def _create(directory: Directory, command: CreateRestaurant, stamp: Stamp) -> Accepted:
    assert command.fields.name is not UNSET
    assert command.fields.timezone is not UNSET
    blank = Restaurant(
        id=str(directory.last_id + 1),
        name=command.fields.name,
        timezone=command.fields.timezone,
        created_at=stamp.time,
        last_updated=stamp.time,
        version=stamp.revision,
        created_revision=stamp.revision,
        created_from=stamp.created_from,
    )
    made = structs.replace(blank, **_given(command.fields))
    return Accepted((Change("restaurant", made.id, "create", made),), (Outcome("restaurant", made.id, "created"),))


def _delete(present: Restaurant, floor: Floor, command: DeleteRestaurant) -> Accepted | Refused:
    """Its guests and tables go with it: nobody can ask for them again, so no change of theirs is told or kept."""
    if command.named is None and (floor.guests or floor.tables):
        return restaurant_not_empty(present, len(floor.guests), len(floor.tables))
    if command.named is not None and _as_queried(command.named) != _as_queried(present.name):
        return restaurant_name_differs(present, command.named)
    gone = Change("restaurant", present.id, "delete", None, present.version)
    return Accepted((gone,), (Outcome("restaurant", present.id, "deleted"),))


def _as_queried(name: str) -> str:
    """A name as a query may have made it: Swift's URLQueryItem does not escape `+`, which is read as a space."""
    return name.replace("+", " ")


def _given(fields: RestaurantFields) -> dict[str, object]:
    """The fields that were sent, by name."""
    sent = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return {name: value for name, value in sent.items() if value is not UNSET}


def _update(present: Restaurant, command: UpdateRestaurant, stamp: Stamp) -> Accepted:
    after = structs.replace(present, **_given(command.fields))
    if after == present:
        return Accepted((), (Outcome("restaurant", present.id, "unchanged"),), present)
    after = structs.replace(after, last_updated=stamp.time, version=stamp.revision)
    change = Change("restaurant", present.id, "update", after, present.version)
    return Accepted((change,), (Outcome("restaurant", present.id, "updated"),))
