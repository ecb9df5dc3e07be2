"""The routes of restaurants themselves."""

from __future__ import annotations

from collections.abc import Sequence

from restohub.floor.commands import CreateRestaurant, DeleteRestaurant, UpdateRestaurant
from restohub.floor.model import DIRECTORY_ID, Floor, Restaurant
from restohub.floor.verdicts import quoted, restaurant_not_found
from restohub.live.group_commit import Answering, Done, Result
from restohub.live.hub import Hub
from restohub.wire.entities import restaurant_out
from restohub.wire.inputs import read_restaurant
from restohub.wire.problems import Problem, bad_query
from restohub.wire.responses import Answer, json_answer, revision_headers

from .mutations import Asked, change, done
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

    async def making(asked: Asked) -> tuple[CreateRestaurant, Answering]:
        fields = read_restaurant(asked.body, asked.hub.knows_zone, asked.hub.zone)
        return CreateRestaurant(fields), _answer_created(asked.hub)

    return await change(request, DIRECTORY_ID, making)


async def update_restaurant(request: Request) -> Answer:
    """Change a restaurant's own fields."""
    restaurant_id = path_restaurant(request)

    async def making(asked: Asked) -> tuple[UpdateRestaurant, Answering]:
        fields = read_restaurant(asked.body, asked.hub.knows_zone, None)
        restaurant_of(asked.hub, restaurant_id)
        return UpdateRestaurant(restaurant_id, fields), _answer_updated(asked.hub, restaurant_id)

    return await change(request, DIRECTORY_ID, making)


async def delete_restaurant(request: Request) -> Answer:
    """Remove a restaurant that has neither guests nor tables, or by its name with all of them."""
    restaurant_id = path_restaurant(request)
    named = _named(Query(request))

    async def making(asked: Asked) -> tuple[DeleteRestaurant, Answering]:
        restaurant_of(asked.hub, restaurant_id)
        return DeleteRestaurant(restaurant_id, named), _answer_deleted(asked.hub)

    return await change(request, DIRECTORY_ID, making, needs_body=False)


def _named(query: Query) -> str | None:
    """The name of a restaurant that is to go with its guests and tables, None where it is to be empty."""
    parts, name = query.one("with"), query.one("name")
    if parts is None:
        return None
    if sorted(parts.split(",")) != ["guests", "tables"]:
        raise bad_query("with", f"Send with=guests,tables: a restaurant goes with both, not with {quoted(parts)}.")
    if name is None:
        raise bad_query("name", "Send the restaurant's name too (name=…), so that no other one is deleted by mistake.")
    return name


def _headers(hub: Hub, result: Done) -> list[tuple[bytes, bytes]]:
    """A restaurant's own fields are no part of its log: its change has no revision and no version."""
    return [(b"restohub-epoch", hub.epoch.encode()), (b"restohub-transaction", result.transaction_id.encode())]


def _answer_created(hub: Hub) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
        result = done(results)
        made = result.accepted.changes[0].entity
        assert isinstance(made, Restaurant)
        location = (b"location", f"/restaurants/{made.id}".encode())
        return json_answer(restaurant_out(made, 0), 201, [*_headers(hub, result), location])

    return answering


def _answer_updated(hub: Hub, restaurant_id: int) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
        result = done(results)
        accepted = result.accepted
        after = accepted.changes[0].entity if accepted.changes else accepted.unchanged
        assert isinstance(after, Restaurant)
        revision = hub.writer.floors[restaurant_id].revision
        return json_answer(restaurant_out(after, revision), headers=_headers(hub, result))

    return answering


def _answer_deleted(hub: Hub) -> Answering:
    def answering(results: Sequence[Result], floor: Floor) -> Answer:  # noqa: ARG001 (every answering takes it)
        return Answer(204, _headers(hub, done(results)), b"")

    return answering
