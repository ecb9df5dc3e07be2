"""The routes of restaurants."""

from __future__ import annotations

from functools import partial

from restohub.floor.commands import CreateRestaurant, DeleteRestaurant, UpdateRestaurant
from restohub.floor.model import DIRECTORY_ID, Restaurant
from restohub.floor.outcomes import quoted, restaurant_not_found
from restohub.live.hub import Hub
from restohub.wire.change_answers import (
    restaurant_created_answer,
    restaurant_deleted_answer,
    restaurant_updated_answer,
)
from restohub.wire.entities import restaurant_out
from restohub.wire.inputs import read_restaurant
from restohub.wire.problems import Problem, bad_query
from restohub.wire.responses import Answer, json_answer, revision_headers

from .change_request import read_change
from .mutations import commit
from .request import Query, Request, path_restaurant


def restaurant_of(hub: Hub, restaurant_id: int) -> Restaurant:
    """A restaurant of the hub; raises Problem `restaurant_not_found`."""
    restaurant = hub.writer.directory.restaurants.get(restaurant_id)
    if restaurant is None:
        raise Problem(restaurant_not_found(restaurant_id))
    return restaurant


async def list_restaurants(request: Request) -> Answer:
    """Every restaurant of this hub, by id."""
    hub = request.hub
    found = sorted(hub.writer.directory.restaurants.items())
    return json_answer([restaurant_out(one, hub.writer.floors[number].revision) for number, one in found])


async def get_restaurant(request: Request) -> Answer:
    """One restaurant."""
    hub = request.hub
    restaurant = restaurant_of(hub, path_restaurant(request))
    revision = hub.writer.floors[int(restaurant.id)].revision
    return json_answer(restaurant_out(restaurant, revision), headers=revision_headers(revision, hub.epoch))


async def create_restaurant(request: Request) -> Answer:
    """A new restaurant: it gets the next free id."""
    hub = request.hub
    change = await read_change(request, DIRECTORY_ID)
    command = CreateRestaurant(read_restaurant(change.body, hub.knows_zone, hub.zone))
    return await commit(change, command, partial(restaurant_created_answer, hub.present))


async def update_restaurant(request: Request) -> Answer:
    """Change a restaurant's own fields."""
    hub, restaurant_id = request.hub, path_restaurant(request)
    change = await read_change(request, DIRECTORY_ID)
    fields = read_restaurant(change.body, hub.knows_zone, None)
    restaurant_of(hub, restaurant_id)
    command = UpdateRestaurant(restaurant_id, fields)
    respond = partial(restaurant_updated_answer, hub.present, hub.writer.floors, restaurant_id)
    return await commit(change, command, respond)


async def delete_restaurant(request: Request) -> Answer:
    """Remove a restaurant that has neither guests nor tables, or by its name with all of them."""
    hub, restaurant_id = request.hub, path_restaurant(request)
    named = _named(Query(request))
    change = await read_change(request, DIRECTORY_ID, needs_body=False)
    restaurant_of(hub, restaurant_id)
    command = DeleteRestaurant(restaurant_id, named)
    return await commit(change, command, partial(restaurant_deleted_answer, hub.present))


def _named(query: Query) -> str | None:
    """The name of a restaurant that is to go with its guests and tables, None where it is to be empty."""
    parts, name = query.value("with"), query.value("name")
    if parts is None:
        return None
    if sorted(parts.split(",")) != ["guests", "tables"]:
        raise bad_query("with", f"Send with=guests,tables: a restaurant goes with both, not with {quoted(parts)}.")
    if name is None:
        raise bad_query("name", "Send the restaurant's name too (name=…), so that no other one is deleted by mistake.")
    return name
