"""A socket's way in: which device it is, by the handshake's header or, where a page asks, by its first message."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from msgspec import UNSET

from restohub.access.devices import Device
from restohub.access.tokens import shown_token
from restohub.floor.outcomes import Refused
from restohub.limits import UNNAMED_AN_ADDRESS, UNNAMED_MAX, UNNAMED_S
from restohub.live.address_usage import Caller
from restohub.live.hub import Hub
from restohub.wire.messages import ConnectionEstablished, encode, text_frame
from restohub.wire.problems import Problem, refusal
from restohub.wire.socket_state import HEARTBEAT_S, token_said
from restohub.wire.times import time_text

from .adopted import adopted_socket
from .transport.websocket_protocol import WebSocketLink

# An app opens its socket and sends its first request at the same time: the socket is let in soon after.
LOOKED_EVERY_S = 0.1


class SocketGoneError(Exception):
    """Raised where the client has gone, or had to give way, before it said who it is."""


async def find_device(socket: Any, hub: Hub, link: WebSocketLink) -> str | None:
    """The id of the device at the other end; None where it is unknown, which an open hub does not mind.

    Raises Problem `token_required` and `token_invalid` on a closed hub, and `busy` where too many have not said who
    they are; SocketGoneError where it has gone.
    """
    sent = sent_authorization(link)
    token = shown_token(sent)
    device = hub.access.holder(token) if token else None
    caller = hub.callers.of(link.client[0] if link.client else "")
    if device is None and hub.access.adopts:
        device = adopted_socket(hub, sent, caller)
    if device is not None or not hub.access.closed:
        return device.id if device else None
    if token:
        raise Problem(Refused("token_invalid"))
    if not make_room(hub.access.unnamed, caller, link.loop.time()):
        raise refusal("busy")
    hub.access.unnamed[link] = caller
    try:
        link.write(text_frame(encode(greeting_of_closed(hub))))
        return (await _named(socket, hub, caller)).id
    finally:
        hub.access.unnamed.pop(link, None)


def sent_authorization(link: WebSocketLink) -> bytes | None:
    """The `Authorization` of a socket's handshake."""
    return next((value for name, value in link.scope["headers"] if name == b"authorization"), None)


async def _named(socket: Any, hub: Hub, caller: Caller) -> Device:
    """The device that says within 5 s who it is, or that is adopted and sends a request from this address meanwhile."""
    receiving = asyncio.ensure_future(socket.receive())
    until = asyncio.get_running_loop().time() + UNNAMED_S
    try:
        while not receiving.done():
            if asyncio.get_running_loop().time() >= until:
                raise Problem(Refused("token_required"))
            await asyncio.wait([receiving], timeout=LOOKED_EVERY_S)
            device = adopted_socket(hub, None, caller) if hub.access.adopts else None
            if device is not None and not receiving.done():
                return device
    finally:
        receiving.cancel()
    return _said(receiving.result(), hub)


def _said(message: Any, hub: Hub) -> Device:
    """The device whose token the first message says."""
    if message["type"] == "websocket.disconnect":
        raise SocketGoneError
    text = message.get("text")
    said = None if text is None else token_said(text)
    if said is None:
        raise Problem(Refused("token_required"))
    device = hub.access.holder(said.encode())
    if device is None:
        raise Problem(Refused("token_invalid"))
    return device


def make_room(unnamed: dict[Any, Caller], caller: Caller, now: float) -> bool:
    """Whether one more may wait, at this time of the loop's clock.

    Where all places are taken, the newest of an address that holds more gives way, of one of the house last.
    """
    held = Counter(unnamed.values())
    if held[caller] >= UNNAMED_AN_ADDRESS and not caller.shared:
        return False
    if len(unnamed) < UNNAMED_MAX:
        return True
    known = {one: one.known(now) for one in held}
    most = max(held, key=lambda one: (not known[one], held[one]))
    if (not known[most], held[most]) <= (not caller.known(now), held[caller] + 1):
        return False
    newest = next(link for link in reversed(unnamed) if unnamed[link] is most)
    newest.give_way()
    del unnamed[newest]
    return True


def greeting_of_closed(hub: Hub) -> ConnectionEstablished:
    """The first message of a closed hub to who has not said who he is: what `/health` tells strangers too."""
    now = time_text(hub.clock.now())
    return ConnectionEstablished(
        timestamp=now,
        restaurant_id=None,
        restaurant=None,
        epoch="",
        revision=None,
        server_version=hub.release,
        heartbeat_seconds=HEARTBEAT_S,
        resumed=False,
        hub_started=now,
        restaurants=UNSET,
        access="closed",
    )
