"""The routes of the people of the staff: who there is, and what a manager does with them."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from restohub.access.pins import keep_pin
from restohub.access.staff import Person
from restohub.floor.outcomes import ID_MAX, Params, Refused, invalid, limit_reached, quoted
from restohub.floor.text_folding import fold
from restohub.limits import PIN_UNITS, STAFF_MAX
from restohub.live.clock import new_id
from restohub.live.hub import Hub
from restohub.net.pepper_file import read_or_make_pepper
from restohub.wire.access_bodies import read_access_body
from restohub.wire.problems import Problem, refusal
from restohub.wire.responses import Answer, json_answer
from restohub.wire.staff_bodies import NewPerson, PersonChange, StaffList, member_out

from .device_routes import keep_access, read_json_body
from .policy import confirm_role
from .request import Request
from .request_cost import pay

TOO_MANY = "The hub has as many people of the staff as it can have."
NAME_TAKEN = "Somebody of the staff has this name already. Choose another, such as the name and an initial."
ALL_COUNT = "People who were removed count too: what they did keeps their names."


async def list_staff(request: Request) -> Answer:
    """Everybody of the staff."""
    staff = request.hub.access.staff
    return json_answer(StaffList([member_out(one, has_pin=staff.has_pin(one)) for one in staff.present]))


async def create_person(request: Request) -> Answer:
    """A new person, with a PIN."""
    hub, staff = request.hub, request.hub.access.staff
    asked = read_access_body(await read_json_body(request), NewPerson)
    await pay(request.caller, PIN_UNITS)
    async with hub.access.changing:
        confirm_role(request)
        count = len(staff.persons)
        if count >= STAFF_MAX:
            raise Problem(limit_reached("staff", count, STAFF_MAX, TOO_MANY, hint=ALL_COUNT))
        _confirm_free(hub, asked.name)
        pin = await _kept_pin(hub, asked.pin)
        person = Person(new_id(), asked.name, asked.role, pin, hub.clock.now())
        await keep_access(hub, person)
        staff.put(person)
    return json_answer(member_out(person, has_pin=True), 201)


async def change_person(request: Request) -> Answer:
    """Give a person another name, role or PIN."""
    hub, staff, person_id = request.hub, request.hub.access.staff, _person(request).id
    asked = read_access_body(await read_json_body(request), PersonChange)
    if asked.pin is not msgspec.UNSET:
        await pay(request.caller, PIN_UNITS)
    async with hub.access.changing:
        confirm_role(request)
        person = _person(request)
        given = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not msgspec.UNSET}
        if "name" in given:
            _confirm_free(hub, asked.name, person)
        if "pin" in given:
            given["pin"] = await _kept_pin(hub, given["pin"])
        person = msgspec.structs.replace(person, **given)
        await keep_access(hub, person)
        staff.put(person)
    return json_answer(member_out(staff.persons[person_id], has_pin=staff.has_pin(person)))


async def remove_person(request: Request) -> Answer:
    """Remove a person: what they did keeps their id and name, and nothing else is kept."""
    hub = request.hub
    async with hub.access.changing:
        confirm_role(request)  # it may have waited for the disk
        person = msgspec.structs.replace(_person(request), pin=None, removed_at=hub.clock.now())
        await keep_access(hub, person)
        hub.access.staff.put(person)
    return Answer(204, [], b"")


def _confirm_free(hub: Hub, name: str | msgspec.UnsetType, but: Person | None = None) -> None:
    """Raise Problem where somebody else has this name: people choose by it, and asking again makes no two."""
    taken = {_folded(one.name) for one in hub.access.staff.present if one is not but}
    if name and _folded(name) in taken:
        raise Problem(invalid("name", NAME_TAKEN, NAME_TAKEN))


def _folded(name: str) -> str:
    """A name as it is compared: however many spaces are between its parts."""
    return " ".join(fold(name).split())


async def _kept_pin(hub: Hub, pin: str) -> bytes:
    """What is kept of a PIN; makes the pepper where there is none yet. Raises Problem."""
    staff = hub.access.staff
    if staff.pepper is None:
        try:
            staff.pepper = await asyncio.to_thread(read_or_make_pepper, hub.folder)
            staff.lost = ""
        except OSError as error:
            raise refusal("storage_unavailable", f"The pepper of the PINs cannot be kept: {error.strerror}.") from None
    return await staff.in_turn(partial(keep_pin, pin, staff.pepper))


def _person(request: Request) -> Person:
    person_id = str(request.path_params["person_id"])
    person = request.hub.access.staff.persons.get(person_id)
    if person is None or person.removed_at is not None:
        hint = f"Nobody of the staff has the id {quoted(person_id)}. `GET /api/staff` lists everybody."
        raise Problem(Refused("person_not_found", hint=hint, params=Params(entity_id=person_id[:ID_MAX])))
    return person
