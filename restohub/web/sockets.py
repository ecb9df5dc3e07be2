"""The two sockets: accepted, greeted, caught up, kept up to date, and read."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, cast

from litestar import WebSocket
from msgspec import UNSET

from restohub.floor.model import Floor
from restohub.floor.outcomes import Refused
from restohub.limits import ANSWER_BYTES_A_UNIT
from restohub.live.catch_up import CatchUp
from restohub.live.cursor import Cursor
from restohub.live.hub import Hub
from restohub.wire.entities import Restaurant, restaurant_out
from restohub.wire.messages import ConnectionEstablished, Dialect, RevisionOf, encode, text_frame
from restohub.wire.problems import Problem, bad_query
from restohub.wire.socket_state import (
    BAD_PARAMETER,
    HEARTBEAT_S,
    HUB_FAULT,
    TOKEN_REFUSED,
    TRY_AGAIN_LATER,
    UNKNOWN_RESTAURANT,
)
from restohub.wire.times import time_text

from . import connection_log
from .adopted import came_over, is_looked_at, note_visitor, still_speaks
from .error_handlers import HUB
from .request import DEFAULT_RESTAURANT, Query, floor_of
from .socket_access import SocketGoneError, find_device, sent_authorization
from .transport.websocket_protocol import WebSocketLink

log = logging.getLogger("restohub.sockets")

AnySocket = WebSocket[Any, Any, Any]
# With which code a socket is closed that is not let in.
CLOSES = {
    "restaurant_not_found": UNKNOWN_RESTAURANT,
    "token_required": TOKEN_REFUSED,
    "token_invalid": TOKEN_REFUSED,
    "busy": TRY_AGAIN_LATER,
}
# Of whom it is noted that he was here.
TOKENLESS = ("token_required", "token_invalid")


class SubscribeParams:
    """What a socket asks for in its address."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        default = DEFAULT_RESTAURANT if dialect == "sync" else None
        self.restaurant_id = query.named_restaurant() or default
        self.since = query.integer("since_revision", "sinceRevision")
        self.epoch = query.value("epoch")
        if self.since is not None and self.restaurant_id is None:
            raise bad_query("since_revision", "since_revision is one restaurant's: give its restaurant_id beside it.")


async def realtime(socket: AnySocket) -> None:
    """`/realtime`: each change under its own name, of one restaurant or of all."""
    await _serve(socket, "realtime")


async def restaurant_sync(socket: AnySocket) -> None:
    """`/ws/restaurant/sync`: the whole floor, then deltas."""
    await _serve(socket, "sync")


async def _serve(socket: AnySocket, dialect: Dialect) -> None:
    hub: Hub = cast(Any, socket.scope)[HUB]
    link: WebSocketLink = cast(Any, socket.scope["extensions"])["restohub.link"]
    await socket.accept()
    try:
        device = await find_device(socket, hub, link)
        params = SubscribeParams(Query(cast(Any, socket)), dialect)
        if params.restaurant_id is not None:
            # In no variable: a socket would hold on to this revision of the floor for as long as it is open.
            await hub.claims.check(floor_of(hub, params.restaurant_id), params.since, params.epoch)
            floor_of(hub, params.restaurant_id)  # it may have been deleted meanwhile
        if not hub.access.lets_follow(device):  # revoked meanwhile, or the hub was closed
            raise Problem(Refused("token_invalid"))
    except SocketGoneError:
        return
    except Problem as fault:
        await _turn_away(socket, hub, link, fault)
        return
    cursor = new_cursor(hub, link, dialect, params.restaurant_id)
    cursor.device = device
    cursor.authorization = sent_authorization(link)
    sending = asyncio.create_task(_send(hub, cursor, params))
    hub.feed.join(cursor)
    connection_log.log_connected(link)
    if device is None:
        _note_stranger(hub, link, cursor)
    since = link.loop.time()
    try:
        await _read(socket, hub, cursor)
    finally:
        connection_log.log_disconnected(link, link.loop.time() - since)
        hub.feed.leave(cursor)
        still_speaks(hub, cursor)
        sending.cancel()


def _note_stranger(hub: Hub, link: WebSocketLink, cursor: Cursor) -> None:
    agent = connection_log.peer_of(link).agent
    note_visitor(hub, sent_authorization(link), cursor.caller, came_over(link.scope), agent)


def new_cursor(hub: Hub, link: WebSocketLink, dialect: Dialect, restaurant_id: int | None) -> Cursor:
    """The cursor of a new socket, which says nothing until it has greeted, whatever the client says meanwhile."""
    caller = hub.callers.of(link.client[0] if link.client else "")
    cursor = Cursor(link, dialect, restaurant_id, caller, hub.clock.now)
    cursor.hold()
    return cursor


async def _turn_away(socket: AnySocket, hub: Hub, link: WebSocketLink, fault: Problem) -> None:
    """Say what is wrong with what a socket asks for, and close it."""
    code = fault.refused.code
    connection_log.log_refused(link, code)
    cursor = new_cursor(hub, link, "realtime", None)
    if code in TOKENLESS and is_looked_at(hub, sent_authorization(link), cursor.caller):
        _note_stranger(hub, link, cursor)
    cursor.send_error(fault.refused)
    cursor.release()
    link.close(CLOSES.get(code, BAD_PARAMETER), code)
    await _read(socket, hub, None)


async def _read(socket: AnySocket, hub: Hub, cursor: Cursor | None) -> None:
    """The reading task only reads: uvicorn stops reading from the peer until the last message is taken."""
    while True:
        message: Any = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message["type"] == "websocket.receive" and cursor is not None:
            text = message.get("text")
            cursor.receive(text if text is not None else message["bytes"], hub.writer.floors, hub.access)


async def _send(hub: Hub, cursor: Cursor, params: SubscribeParams) -> None:
    """The sending task: all that goes out but answers that are due at once."""
    try:
        await catch_up_first(hub, cursor, params)
        await hub.feed.follow(cursor)
    except Exception:
        log.exception("A socket's sending failed by a fault of the hub; it is closed")
        cursor.link.close(HUB_FAULT, "something went wrong in the hub")


async def catch_up_first(hub: Hub, cursor: Cursor, params: SubscribeParams) -> None:
    """Greet, and send what the client has not: nothing, a delta, or the whole floor."""
    if params.restaurant_id is None:
        cursor.revisions = {one.restaurant_id: one.revision for one in hub.writer.floors.values()}
        _greet(hub, cursor, None, resumed=False)
        cursor.release()
        return
    since = params.since if params.epoch is None or params.epoch == hub.epoch else None
    floor = hub.writer.floors.get(params.restaurant_id)
    if floor is None:  # deleted since this socket joined: the feed has closed it
        return
    if since == floor.revision or (params.since is None and cursor.dialect == "realtime"):
        cursor.revisions[floor.restaurant_id] = floor.revision
        _greet(hub, cursor, floor, resumed=since is not None)
        cursor.release()
        return
    least = min(since or 0, floor.revision)
    del floor  # by the time that it is its turn there may be a newer one
    await cursor.caller.pay_in_turn(1)
    await hub.feed.catch_up(cursor, params.restaurant_id, since, least=least, before=partial(_begin, hub, cursor))


def _begin(hub: Hub, cursor: Cursor, found: CatchUp) -> None:
    _greet(hub, cursor, found.floor, resumed=found.resumed)
    cursor.caller.spend(found.size // ANSWER_BYTES_A_UNIT)


def _greet(hub: Hub, cursor: Cursor, floor: Floor | None, *, resumed: bool) -> None:
    """The first message: where the socket stands once what follows is taken; `floor` None: all restaurants."""
    floors = sorted(hub.writer.floors.values(), key=lambda one: one.restaurant_id)
    hello = ConnectionEstablished(
        timestamp=time_text(hub.clock.now()),
        restaurant_id=floor.restaurant_id if floor else None,
        restaurant=_restaurant(hub, floor) if floor else None,
        epoch=hub.epoch,
        revision=floor.revision if floor else None,
        server_version=hub.version,
        heartbeat_seconds=HEARTBEAT_S,
        resumed=resumed,
        hub_started=time_text(hub.clock.started_at),
        restaurants=UNSET if floor else [RevisionOf(one.restaurant_id, one.revision) for one in floors],
    )
    cursor.link.write(text_frame(encode(hello)))
    cursor.greeted = True


def _restaurant(hub: Hub, floor: Floor) -> Restaurant | None:
    """The restaurant of a floor; None where it was deleted meanwhile, and the feed has closed this socket."""
    present = hub.writer.directory.restaurants.get(floor.restaurant_id)
    return None if present is None else restaurant_out(present, floor.revision)
