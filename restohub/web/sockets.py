"""The two sockets: accepted, greeted, caught up, kept at the head, listened to."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from litestar import WebSocket
from msgspec import UNSET

from restohub.floor.model import Floor
from restohub.floor.verdicts import Refused, restaurant_not_found
from restohub.limits import ANSWER_BYTES_A_UNIT, SILENCE_MAX_S, STUCK_MAX_S
from restohub.live.cursor import Cursor
from restohub.live.feed import Telling
from restohub.live.hub import Hub
from restohub.wire.entities import Restaurant, restaurant_out
from restohub.wire.messages import (
    ConnectionEstablished,
    Dialect,
    Ping,
    Pong,
    RevisionOf,
    encode,
    text_frame,
)
from restohub.wire.problems import Problem, bad_query, error_message
from restohub.wire.socket_state import (
    BAD_PARAMETER,
    GOING_AWAY,
    GONE_SILENT,
    HEARTBEAT_S,
    HUB_FAULT,
    UNKNOWN_RESTAURANT,
    Close,
    SayError,
    SayPong,
    SendDelta,
    SendFullSync,
    Session,
)
from restohub.wire.times import time_text

from . import connection_log
from .client_ahead import Claims
from .request import DEFAULT_RESTAURANT, Query, floor_of
from .transport.websocket_protocol import WebSocketLink

log = logging.getLogger("restohub.sockets")

WATCH_S = 1.0

AnySocket = WebSocket[Any, Any, Any]


class Opening:
    """What a socket asked for in its address."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        default = DEFAULT_RESTAURANT if dialect == "sync" else None
        self.restaurant_id = query.named_restaurant() or default
        self.since = query.integer("since_revision", "sinceRevision")
        self.epoch = query.one("epoch")
        if self.since is not None and self.restaurant_id is None:
            raise bad_query("since_revision", "since_revision is one restaurant's: give its restaurant_id beside it.")


class Socket:
    """One open socket: its link, its cursor, its session, and when it was last well."""

    def __init__(self, hub: Hub, link: WebSocketLink, dialect: Dialect, restaurant_id: int | None) -> None:
        now = link.loop.time()
        caller = hub.callers.of(link.client[0] if link.client else "")
        self.hub = hub
        self.link = link
        self.cursor = Cursor(link, dialect, restaurant_id, caller)
        self.session = Session(restaurant_id)
        self.ping_due = now + HEARTBEAT_S
        self.taken = 0
        self.taking_since = now
        self.cursor.hold()  # the greeting comes first, whatever the client says meanwhile

    def say(self, message: object) -> None:
        """Send a message that belongs to no commit."""
        self.cursor.say(text_frame(encode(message)))

    def error(self, refused: Refused) -> None:
        """Say what is wrong."""
        self.say(error_message(refused, self.hub.clock.now()))

    def greet(self, floor: Floor | None, *, resumed: bool) -> None:
        """The first message: where the socket stands once what follows is taken; `floor` None: all restaurants."""
        floors = sorted(self.hub.writer.floors.values(), key=lambda one: one.restaurant_id)
        hello = ConnectionEstablished(
            timestamp=time_text(self.hub.clock.now()),
            restaurant_id=floor.restaurant_id if floor else None,
            restaurant=self._restaurant(floor) if floor else None,
            epoch=self.hub.epoch,
            revision=floor.revision if floor else None,
            server_version=self.hub.version,
            heartbeat_seconds=HEARTBEAT_S,
            resumed=resumed,
            hub_started=time_text(self.hub.clock.started_at),
            restaurants=UNSET if floor else [RevisionOf(one.restaurant_id, one.revision) for one in floors],
        )
        self.link.write(text_frame(encode(hello)))

    def _restaurant(self, floor: Floor) -> Restaurant | None:
        """The restaurant of a floor; None where it was deleted meanwhile, and the feed has closed this socket."""
        present = self.hub.writer.directory.restaurants.get(floor.restaurant_id)
        return None if present is None else restaurant_out(present, floor.revision)

    async def catch_up_first(self, opening: Opening) -> None:
        """Greet, and send what the client has not: nothing, a delta, or the whole floor."""
        if opening.restaurant_id is None:
            self.cursor.revisions = {one.restaurant_id: one.revision for one in self.hub.writer.floors.values()}
            self.greet(None, resumed=False)
            self.cursor.release()
            return
        since = opening.since if opening.epoch is None or opening.epoch == self.hub.epoch else None
        floor = self.hub.writer.floors.get(opening.restaurant_id)
        if floor is None:  # deleted since this socket joined: the feed has closed it
            return
        if since == floor.revision or (opening.since is None and self.cursor.dialect == "realtime"):
            self.cursor.revisions[floor.restaurant_id] = floor.revision
            self.greet(floor, resumed=since is not None)
            self.cursor.release()
            return
        least = min(since or 0, floor.revision)
        del floor  # by the time that it is its turn there may be a newer one
        await self.cursor.caller.pay_in_turn(1)
        await self.hub.feed.bring(self.cursor, opening.restaurant_id, since, least=least, before=self._begin)

    def _begin(self, told: Telling) -> None:
        self.greet(told.floor, resumed=told.resumed)
        self.cursor.caller.spend(told.size // ANSWER_BYTES_A_UNIT)

    def hear(self, message: str | bytes) -> None:
        """Do what a message asks for."""
        for wish in self.session.heard(message, self.link.loop.time()):
            match wish:
                case SayPong():
                    self.say(Pong(time_text(self.hub.clock.now())))
                case SayError(refused):
                    self.error(refused)
                case SendFullSync(restaurant_id) | SendDelta(restaurant_id):
                    if restaurant_id in self.hub.writer.floors:
                        self.cursor.ask(wish)
                    else:
                        self.error(restaurant_not_found(restaurant_id))
                case Close(code, reason):
                    self.link.close(code, reason)

    def watch(self, now: float) -> None:
        """Ping when it is time; close a socket whose peer is silent, or takes nothing of what waits for it."""
        if now - self.link.heard_at >= SILENCE_MAX_S:
            self.link.close(GONE_SILENT, "nothing was heard for a minute")
            return
        taken = self.link.taken
        if taken > self.taken or not self.link.waiting:
            self.taken, self.taking_since = taken, now
        elif now - self.taking_since >= STUCK_MAX_S:
            self.link.close(GONE_SILENT, "nothing was taken for half a minute")
            return
        if now >= self.ping_due:
            self.ping_due = now + HEARTBEAT_S
            restaurant_id = self.cursor.restaurant_id
            revision = None if restaurant_id is None else self.cursor.revisions.get(restaurant_id, 0)
            frame = text_frame(encode(Ping(time_text(self.hub.clock.now()), revision)))
            if self.link.ready:
                self.link.write(frame)
            self.link.ping()


class Sockets:
    """Every open socket of the hub, and the one task that watches them."""

    def __init__(self) -> None:
        self.open: dict[Socket, None] = {}
        self.claims = Claims(self)

    def send_away(self) -> None:
        """Close every socket as a stop would: each client comes back, and is told of the new epoch."""
        for socket in tuple(self.open):
            socket.link.close(GOING_AWAY, "history began anew: connect again")

    async def watch(self) -> None:
        """Look after each socket once a second, for as long as the hub runs."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_S)
            now = loop.time()
            for socket in tuple(self.open):
                socket.watch(now)


async def realtime(socket: AnySocket) -> None:
    """`/realtime`: each change under its own name, of one restaurant or of all."""
    await _serve(socket, "realtime")


async def restaurant_sync(socket: AnySocket) -> None:
    """`/ws/restaurant/sync`: the whole floor, then deltas."""
    await _serve(socket, "sync")


async def _serve(socket: AnySocket, dialect: Dialect) -> None:
    hub: Hub = socket.app.state.hub
    sockets: Sockets = socket.app.state.sockets
    link: WebSocketLink = cast(Any, socket.scope["extensions"])["restohub.link"]
    await socket.accept()
    try:
        opening = Opening(Query(cast(Any, socket)), dialect)
        if opening.restaurant_id is not None:
            floor = floor_of(hub, opening.restaurant_id)
            await sockets.claims.hear(hub, floor, opening.since, opening.epoch)
            floor_of(hub, opening.restaurant_id)  # it may have been deleted meanwhile
    except Problem as fault:
        connection_log.turned_away(link, fault.refused.code)
        await _turn_away(socket, Socket(hub, link, dialect, None), fault)
        return
    one = Socket(hub, link, dialect, opening.restaurant_id)
    sending = asyncio.create_task(_send(one, opening))
    sockets.open[one] = None
    hub.feed.join(one.cursor)
    connection_log.joined(link)
    since = link.loop.time()
    try:
        await _read(socket, one)
    finally:
        connection_log.left(link, link.loop.time() - since)
        sockets.open.pop(one, None)
        hub.feed.leave(one.cursor)
        sending.cancel()


async def _turn_away(socket: AnySocket, one: Socket, fault: Problem) -> None:
    code = fault.refused.code
    one.error(fault.refused)
    one.cursor.release()
    one.link.close(UNKNOWN_RESTAURANT if code == "restaurant_not_found" else BAD_PARAMETER, code)
    await _read(socket, None)


async def _read(socket: AnySocket, one: Socket | None) -> None:
    """The reading task only reads: uvicorn stops reading from the peer until the last message is taken."""
    while True:
        message: Any = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message["type"] == "websocket.receive" and one is not None:
            text = message.get("text")
            one.hear(text if text is not None else message["bytes"])


async def _send(one: Socket, opening: Opening) -> None:
    try:
        await one.catch_up_first(opening)
        await one.hub.feed.follow(one.cursor)
    except Exception:
        log.exception("A socket's sending failed by a fault of the hub; it is closed")
        one.link.close(HUB_FAULT, "something went wrong in the hub")
