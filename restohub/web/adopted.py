"""Adopted devices as they come: which one sends a request or opens a socket, and who else came without a token."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from restohub.access.adopted_devices import with_header
from restohub.access.adoption import tells_of_one
from restohub.access.devices import Device
from restohub.access.headers import digest_of_header, sent_by
from restohub.access.roles import Over
from restohub.access.tokens import TOKEN_START, shown_token
from restohub.access.visitors import Sighting
from restohub.floor.outcomes import Refused
from restohub.limits import SPOKE_S
from restohub.live.address_usage import Caller
from restohub.live.cursor import Cursor
from restohub.live.hub import Hub
from restohub.logs.events import event
from restohub.text import printable

log = logging.getLogger("restohub")


def adopted_device(hub: Hub, header: bytes | None, caller: Caller) -> Device | None:
    """The adopted device that sends this header from this address; who shows a token is known by that alone.

    What it sees may make an adoption doubtful: then the device is a stranger until a manager has confirmed it.
    """
    adopted = hub.access.adopted
    if header is not None and _is_token(header):
        return None
    digest = b"" if header is None else digest_of_header(header)
    address = own_address(caller)
    device = adopted.known(digest, address)
    if device is None:
        for doubted in adopted.doubted(digest, address):
            if not doubted.suspended:
                suspend(hub, doubted)
    elif device.adopted is not None and device.adopted.known_by == "header":
        caller.spoke_as, caller.spoke_at = device.id, hub.callers.now()
    elif digest and not device.digest:
        device = with_header(device, digest)
        hub.access.put_unkept(device)
    return device


def adopted_socket(hub: Hub, header: bytes | None, caller: Caller) -> Device | None:
    """The adopted device that opens a socket: by its header, else by the address from which it spoke just now."""
    device = adopted_device(hub, header, caller)
    if device is not None or own_address(caller) is None or (header is not None and _says_who(header)):
        return device
    if hub.callers.now() - caller.spoke_at > SPOKE_S:
        return None
    spoke = hub.access.devices.get(caller.spoke_as)
    return spoke if spoke is not None and spoke.belongs else None


def still_speaks(hub: Hub, cursor: Cursor) -> None:
    """A socket ends: its address was that of its device until now."""
    device = None if cursor.device is None else hub.access.devices.get(cursor.device)
    if device is not None and device.adopted is not None and device.adopted.known_by == "header":
        cursor.caller.spoke_as, cursor.caller.spoke_at = device.id, hub.callers.now()


def name_sockets(hub: Hub) -> None:
    """Give the sockets of nobody to the adopted devices whose they are: they were opened before that was known."""
    for cursor in hub.feed.sockets_of(None):
        device = adopted_socket(hub, cursor.authorization, cursor.caller)
        cursor.device = device.id if device else None


def suspend(hub: Hub, device: Device) -> None:
    """Make an adopted device a stranger until a manager has confirmed it: its address or its header has changed."""
    if device.adopted is None:
        return
    adopted = msgspec.structs.replace(device.adopted, suspended_at=hub.clock.now())
    hub.access.put_unkept(msgspec.structs.replace(device, adopted=adopted))
    if hub.access.closed:
        hub.feed.turn_away(Refused("token_required"), lambda one: one == device.id)
    for cursor in hub.feed.sockets_of(device.id):
        cursor.device = None
    log.warning(
        "%s is known by its address, and that or its header has changed: it waits until a manager confirms it.",
        printable(device.name), extra=event("adoption_suspended", device=device.id),
    )  # fmt: skip


def is_looked_at(hub: Hub, header: bytes | None, caller: Caller) -> bool:
    """Whether it is noted who sends this without a token: of an address some requests in five minutes.

    At a shared one a stranger could use those up, so that no header there stays the same for a day: what is watched
    there already is looked at each time.
    """
    if caller.looks or header is None or own_address(caller) is not None:
        return caller.looks > 0
    return hub.access.watches(caller.address, digest_of_header(header))


def came_over(scope: Any) -> Over:
    """What a request or a socket comes over."""
    return "tls" if scope.get("scheme") in ("https", "wss") else "http"


def note_visitor(hub: Hub, header: bytes | None, caller: Caller, over: Over, agent: str = "") -> None:
    """Somebody without a token is here: note what he sends, of the first requests in five minutes."""
    caller.looks = max(0, caller.looks - 1)
    shared = own_address(caller) is None
    hub.access.note_visitor(Sighting(caller.address, hub.clock.now(), agent, sent_by(header), shared, over))


def note_changing(request: Any) -> None:
    """Somebody without a token asks for a change: note who."""
    hub, header, caller = request.hub, request.authorization, request.caller
    if is_looked_at(hub, header, caller):
        note_visitor(hub, header, caller, came_over(request.scope))


def _is_token(header: bytes) -> bool:
    return shown_token(header).startswith(TOKEN_START)


def _says_who(header: bytes) -> bool:
    """Whether a header could be that of one device, whose ever it is."""
    return _is_token(header) or digest_of_header(header) != b""


def own_address(caller: Caller) -> str | None:
    """Its address where that tells of one device, as far as the hub can know; else None."""
    return caller.address if tells_of_one(caller.address, shared=caller.shared) else None
