"""The route that tells the hub's own machine what one address made lately, for `restohub remove`."""

from __future__ import annotations

from restohub.floor.model import Floor, Guest, Restaurant, Table
from restohub.wire.problems import bad_query, problem
from restohub.wire.responses import Answer, Made, MadeIn, Named, json_answer
from restohub.wire.times import time_text

from .client_address import is_address, is_own_machine
from .request import Query, Request


async def list_made(request: Request) -> Answer:
    """The guests, tables and restaurants that an address made since a time and that are still there."""
    if not is_own_machine(request.scope):
        hint = "Only the hub's own machine is told who made what. Say `restohub remove` there."
        raise problem("not_permitted", hint, detail="Only the hub's own machine is told who made what.")
    query = Query(request)
    query.allow_only("from", "since")
    given, since = query.value("from"), query.time("since")
    if given is None or not is_address(given):
        raise bad_query("from", "Name the address: from=192.168.1.66, or a network as the hub names it.")
    if since is None:
        raise bad_query("since", "Give a start time: since=2024-01-15T10:30:00Z.")
    writer = request.hub.writer
    address = request.hub.callers.address_of(given)
    found = [
        _made_in(restaurant, writer.floors[number], address, since)
        for number, restaurant in sorted(writer.directory.restaurants.items())
    ]
    return json_answer(
        Made(address, time_text(since), [one for one in found if one.itself or one.guests or one.tables])
    )


def _made_in(restaurant: Restaurant, floor: Floor, address: str, since: int) -> MadeIn:
    def mine(one: Guest | Table | Restaurant) -> bool:
        return one.created_from == address and one.created_at >= since

    return MadeIn(
        restaurant_id=floor.restaurant_id,
        name=restaurant.name,
        itself=mine(restaurant),
        guests=[Named(guest.id, guest.name) for guest in floor.guests.values() if mine(guest)],
        tables=[Named(table.id, table.table_number) for table in floor.tables.values() if mine(table)],
    )
