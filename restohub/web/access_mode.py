"""The routes that close the hub to strangers and open it again, and say whom that concerns."""

from __future__ import annotations

from restohub.floor.outcomes import Params, Refused
from restohub.live.hub import Hub
from restohub.wire.access_bodies import AccessRequest, AccessState, read_access_body, unpaired_out
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer, json_answer

from .adopted import name_sockets
from .adoption_routes import adoptable, continued_by, sockets_of_visitors, visitor_key
from .device_routes import keep_access, read_json_body
from .policy import confirm_role
from .request import Request


async def get_access(request: Request) -> Answer:
    """Whether the hub is closed, and who was here without a token."""
    name_sockets(request.hub)
    return json_answer(_state(request.hub))


async def put_access(request: Request) -> Answer:
    """Close the hub to devices without a token, or open it again, at once and durably."""
    hub = request.hub
    asked = read_access_body(await read_json_body(request), AccessRequest)
    confirm_role(request)
    name_sockets(hub)
    if asked.access == "closed" and not hub.access.closed and asked.anyway is not True:
        strangers = len(hub.feed.sockets_of(None))
        if strangers:
            raise Problem(_unpaired(strangers))
    if asked.access != hub.access.mode:
        await keep_access(hub, asked.access)
        hub.access.closed = asked.access == "closed"
        hub.feed.turn_away(Refused("token_required"), lambda device: not hub.access.lets_follow(device))
    return json_answer(_state(hub))


def _unpaired(count: int) -> Refused:
    many = (
        f"{count} devices that are neither paired nor adopted are"
        if count > 1
        else "A device that is neither paired nor adopted is"
    )
    detail = f"{many} connected now, and would be shut out. Nothing was changed."
    return Refused("devices_unpaired", detail, params=Params(devices=count))


def _state(hub: Hub) -> AccessState:
    hub.callers.look_again()
    found, sockets = adoptable(hub), sockets_of_visitors(hub)
    unpaired = [unpaired_out(one, sockets[visitor_key(one)], continued_by(hub, one)) for one in found]
    return AccessState(hub.access.mode, unpaired)
