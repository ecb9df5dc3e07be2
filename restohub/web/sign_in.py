"""The routes by which a person signs in on a device, and a manager confirms what the device is about to ask for."""

from __future__ import annotations

import logging
from functools import partial

from restohub.access.devices import MACHINE_ID, Device
from restohub.access.staff import Person, PinWaitError
from restohub.floor.outcomes import Refused, rate_limited
from restohub.limits import PIN_UNITS
from restohub.live.hub import Hub
from restohub.logs.events import event
from restohub.net.attempts_file import write_attempts
from restohub.text import duration
from restohub.wire.access_bodies import read_access_body
from restohub.wire.problems import Problem, refusal
from restohub.wire.responses import Answer, json_answer
from restohub.wire.staff_bodies import SignedIn, StaffMember, TypedPin, member_out

from .device_routes import read_json_body
from .policy import confirm_role
from .request import Request
from .request_cost import pay

log = logging.getLogger("restohub.web")

WAIT = "Too many wrong PINs. Nothing was done; it can go on in {}."
NOT_A_MANAGER = "This needs the PIN of a manager."
NO_DEVICE = "Nobody signs in on the hub's own machine: its commands are not asked for a PIN."


async def get_sign_in(request: Request) -> Answer:
    """Who is signed in on this device, and what is confirmed."""
    return json_answer(_state(request.hub, _device_id(request)))


async def sign_in(request: Request) -> Answer:
    """Sign a person in on this device, in the place of whoever was."""
    person, device = await _identified(request)
    request.hub.access.staff.sign_in(device.id, person)
    return json_answer(_state(request.hub, device.id))


async def sign_out(request: Request) -> Answer:
    """Sign out whoever is signed in on this device; nothing is confirmed any more."""
    request.hub.access.staff.sign_out(_device_id(request))
    return Answer(204, [], b"")


async def step_up(request: Request) -> Answer:
    """Have a manager confirm what this device asks for in the next minutes."""
    person, device = await _identified(request)
    if person.role != "manager":
        raise Problem(Refused("not_permitted", NOT_A_MANAGER, hint="The person's role is host; this needs manager."))
    request.hub.access.staff.confirm(device.id, person)
    return json_answer(_state(request.hub, device.id))


async def _identified(request: Request) -> tuple[Person, Device]:
    """The person whose PIN came, and at which device; raises Problem `pin_wrong`, and `rate_limited` after several."""
    typed = read_access_body(await read_json_body(request), TypedPin)
    confirm_role(request, "host")
    device = request.device
    if device is None or device.id == MACHINE_ID:
        raise Problem(Refused("not_permitted", NO_DEVICE))
    await pay(request.caller, PIN_UNITS)
    hub, staff = request.hub, request.hub.access.staff
    if staff.lost:
        raise refusal("storage_unavailable", staff.lost)
    try:
        person, wait_s = await staff.identify(device.id, typed.person_id, typed.pin)
    except PinWaitError as wait:
        raise Problem(rate_limited(WAIT.format(duration(wait.wait_s)), wait.wait_s)) from None
    if staff.attempts.changed:  # before it is answered: whoever then restarts the hub has won nothing
        await staff.in_turn(partial(write_attempts, hub.folder, staff.attempts.kept(hub.clock.now())))
    if person is None:
        if wait_s:
            told = "Too many wrong PINs were typed in at %s: it has to wait for %s."
            log.warning(told, device.name, duration(wait_s), extra=event("pin_wrong", device=device.id, seconds=wait_s))
        raise Problem(Refused("pin_wrong"))
    return person, device


def _device_id(request: Request) -> str:
    device = request.device
    return device.id if device else ""


def _state(hub: Hub, device_id: str) -> SignedIn:
    staff = hub.access.staff

    def told(found: tuple[Person, int] | None) -> tuple[StaffMember | None, int | None]:
        return (None, None) if found is None else (member_out(found[0], has_pin=staff.has_pin(found[0])), found[1])

    return SignedIn(*told(staff.signed_in(device_id)), *told(staff.confirmed(device_id)))
