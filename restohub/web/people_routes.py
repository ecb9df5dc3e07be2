"""The routes by which a person is handed over or forgotten: for the hub's own machine alone."""

from __future__ import annotations

from typing import Any

from restohub.floor.outcomes import limit_reached
from restohub.limits import ERASURES_MAX
from restohub.live.hub import Hub
from restohub.live.ports import Erasure
from restohub.wire.entities import guest_out
from restohub.wire.person import (
    ErasurePhase,
    ErasureTold,
    PersonHeld,
    erasure_answer,
    logged_guest,
    read_person,
    visit_held,
    wants_renewal,
)
from restohub.wire.problems import Problem, problem, refusal
from restohub.wire.responses import Answer, json_answer
from restohub.wire.times import time_or_none, time_text

from .client_address import is_own_machine
from .request import Request, floor_of, path_restaurant, read_body, read_document

TOO_MANY = "The list of people whom this hub has forgotten is full."
LIST_IS_KEPT = (
    "Each erasure stays on the list, so that a backup that is put back forgets the person again. With the hub stopped, "
    "remove from erasures.json in the data folder those that are older than every backup."
)
OWN_MACHINE = "Only the hub's own machine hands over or forgets people."


async def hold_person(request: Request) -> Answer:
    """All that the hub holds of a person, to hand over."""
    body = await _asked(request)
    floor = floor_of(request.hub, path_restaurant(request))
    held = await request.hub.erasures.held(floor, read_person(body, request.hub.contact_key))
    return json_answer(
        PersonHeld(
            [guest_out(guest) for guest in held.guests],
            [logged_guest(*one) for one in held.logged],
            [visit_held(visit) for visit in held.visits],
        )
    )


async def ask_erasure(request: Request) -> Answer:
    """Have a person forgotten: it is noted on the disk when it is answered, and is done soon after."""
    body = await _asked(request)
    hub, restaurant_id = request.hub, floor_of(request.hub, path_restaurant(request)).restaurant_id
    person = read_person(body, hub.contact_key, "backups")
    count = hub.erasures.count()
    if count >= ERASURES_MAX:
        raise Problem(limit_reached("erasures", count, ERASURES_MAX, TOO_MANY, hint=LIST_IS_KEPT))
    try:
        made = await hub.erasures.ask(restaurant_id, person, wants_renewal(body), hub.clock.now())
    except OSError as error:
        raise refusal("storage_unavailable", f"The list of erasures cannot be written: {error.strerror}.") from None
    return erasure_answer(_told(hub, made), 202)


async def get_erasure(request: Request) -> Answer:
    """How far an erasure is."""
    _refuse_others(request)
    found = request.hub.erasures.find(path_restaurant(request), str(request.path_params["erasure_id"]))
    if found is None:
        raise problem("route_not_found", "No erasure has this id. It is the `id` of the 202 that noted it.")
    return erasure_answer(_told(request.hub, found), 200)


async def _asked(request: Request) -> Any:
    """The body of a request that the hub's own machine makes; raises Problem."""
    _refuse_others(request)
    return read_document(request, await read_body(request))


def _refuse_others(request: Request) -> None:
    if not is_own_machine(request.scope):
        raise problem("not_permitted", f"{OWN_MACHINE} Run `restohub forget` there.", detail=OWN_MACHINE)


def _told(hub: Hub, one: Erasure) -> ErasureTold:
    state: ErasurePhase = "running" if hub.erasures.is_running(one.id) else "waiting"
    if one.done is not None:
        state = "renewing" if one.renew and one.renewed is None else "done"
    asked, done = time_text(one.asked), time_or_none(one.done)
    return ErasureTold(one.id, state, asked, done, len(one.ids), list(one.missing))
