"""A manager's confirmation: what is grave asks for it, once a manager has a PIN."""

from __future__ import annotations

from collections.abc import Sequence

from restohub.access.devices import MACHINE_ID
from restohub.access.staff import Person
from restohub.floor.commands import DeleteRestaurant
from restohub.floor.model import Floor
from restohub.floor.outcomes import Refused
from restohub.floor.plan_changes import changes_plan
from restohub.live.group_commit import Command
from restohub.wire.problems import Problem, refusal

from .request import Request

NO_DEVICE = (
    "This request shows no device's token, so no manager can confirm it here: pair the device (`POST /api/pairing`). "
    "Commands on the hub's own machine are not asked."
)


def check_confirmed(request: Request) -> Person | None:
    """The manager who has confirmed what this device asks for, None for the hub's own machine.

    Raises Problem `pin_required` where nobody has, and `storage_unavailable` where no PIN can be looked at now.
    """
    device = request.device
    if device is not None and device.id == MACHINE_ID:
        return None
    staff = request.hub.access.staff
    if staff.lost:
        raise refusal("storage_unavailable", staff.lost)
    confirmed = None if device is None else staff.confirmed(device.id)
    if confirmed is None:
        raise Problem(Refused("pin_required", hint=NO_DEVICE if device is None else ""))
    return confirmed[0]


def person_behind(request: Request, floor: Floor, command: Command | Refused) -> str | None:
    """The id of the person whose change this is: of the manager who confirmed what is grave, else of whoever is here.

    Raises Problem `pin_required` for what is grave and not confirmed.
    """
    staff, device = request.hub.access.staff, request.device
    if staff.asks and _is_grave(floor, command):
        manager = check_confirmed(request)
        return manager.id if manager else None
    here = None if device is None else staff.signed_in(device.id)
    return here[0].id if here else None


def people_behind(
    request: Request, floor: Floor, commands: Sequence[Command | Refused], used: Sequence[int | None]
) -> list[str | Refused | None]:
    """The person of each command of a queue, or why it is refused; what was done before is not asked for."""
    found: list[str | Refused | None] = []
    for command, before in zip(commands, used, strict=True):
        try:
            found.append(None if before is not None else person_behind(request, floor, command))
        except Problem as fault:
            found.append(fault.refused)
    return found


def _is_grave(floor: Floor, command: Command | Refused) -> bool:
    if isinstance(command, tuple):
        return any(changes_plan(floor, operation) for operation in command)
    return isinstance(command, DeleteRestaurant) or changes_plan(floor, command)
