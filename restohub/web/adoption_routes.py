"""The route that adopts a device that cannot pair, and what a manager is shown of those that may be adopted."""

from __future__ import annotations

from collections import Counter

from restohub.access.adoption import Adopted, Candidate, candidates
from restohub.access.devices import Device
from restohub.access.headers import sent_by
from restohub.floor.outcomes import invalid, limit_reached
from restohub.limits import DEVICES_MAX, SPOKE_S
from restohub.live.clock import new_id
from restohub.live.hub import Hub
from restohub.wire.access_bodies import AdoptionRequest, read_access_body
from restohub.wire.problems import Problem
from restohub.wire.responses import Answer, json_answer

from .adopted import name_sockets, own_address
from .device_routes import TOO_MANY_DEVICES, keep_access, paired_out, read_asker, read_json_body
from .policy import confirm_role
from .request import Request

NO_VISITOR = "Nobody is here any more who would be known by this. Look at the list again."
SHARED = "This one cannot be adopted: many devices share its address, and it sends nothing that is its own."

VisitorKey = tuple[str, bytes]


async def adopt_device(request: Request) -> Answer:
    """Let in a device as it is, by what it sends; the one that waits to be confirmed goes on where this is it."""
    hub = request.hub
    asked = read_access_body(await read_json_body(request), AdoptionRequest)
    async with hub.access.changing:
        confirm_role(request)
        found = next((one for one in adoptable(hub) if one.id == asked.visitor), None)
        if found is None:
            raise Problem(invalid("visitor", NO_VISITOR, NO_VISITOR))
        device = _adopted(hub, found, asked, read_asker(request))
        await keep_access(hub, device)
        seen = hub.access.devices.get(device.id)
        if seen is not None and seen.revoked_at is not None:  # meanwhile, which waits for nothing
            raise Problem(invalid("visitor", NO_VISITOR, NO_VISITOR))
        hub.access.put(device)
    hub.access.forget_visitor(found.visitor.address, found.digest)
    _speaks_from(hub, found, device)
    name_sockets(hub)
    return json_answer(paired_out(hub, device), 201)


def adoptable(hub: Hub) -> list[Candidate]:
    """Who is here without a token, but where a device came from that is known by its header meanwhile."""
    found = candidates(hub.access.unpaired(hub.clock.now()))
    return [one for one in found if hub.access.adopted.known(one.digest, None) is None]


def continued_by(hub: Hub, found: Candidate) -> str | None:
    """The id of the device that waits to be confirmed and that this visitor seems to be, by its address or header."""
    address = None if found.visitor.shared else found.visitor.address
    doubted = hub.access.adopted.doubted(found.digest, address)
    return next((one.id for one in doubted if one.suspended), None)


def visitor_key(found: Candidate) -> VisitorKey:
    """By what the sockets of a visitor are counted: his address, at a shared one the header too."""
    return found.visitor.address, found.digest if found.visitor.shared else b""


def sockets_of_visitors(hub: Hub) -> Counter[VisitorKey]:
    """How many sockets each visitor has open."""
    return Counter(
        (cursor.caller.address, b"" if own_address(cursor.caller) else sent_by(cursor.authorization).digest)
        for cursor in hub.feed.sockets_of(None)
    )


def _adopted(hub: Hub, found: Candidate, asked: AdoptionRequest, by: str) -> Device:
    if found.known_by is None:
        raise Problem(invalid("visitor", SHARED, SHARED))
    before = continued_by(hub, found)
    count = len(hub.access.devices)
    if before is None and count >= DEVICES_MAX:
        raise Problem(limit_reached("devices", count, DEVICES_MAX, TOO_MANY_DEVICES))
    address = found.visitor.address if found.known_by == "address" else ""
    adopted = Adopted(found.known_by, address, found.own_header)
    return Device(
        before or new_id(), asked.name, asked.role, found.digest, hub.clock.now(), by,
        paired_over=found.visitor.over, adopted=adopted,
    )  # fmt: skip


def _speaks_from(hub: Hub, found: Candidate, device: Device) -> None:
    """Its sockets, which send no header perhaps, are known by the address where it was just now."""
    caller = hub.callers.of(found.visitor.address)
    here = caller.sockets or hub.clock.now() - found.seen_at <= SPOKE_S
    if found.known_by == "header" and not found.visitor.shared and here:
        caller.spoke_as, caller.spoke_at = device.id, hub.callers.now()
