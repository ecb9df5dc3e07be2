"""What a command needs from history, read before it is submitted, since `decide` cannot look it up."""

from __future__ import annotations

from collections.abc import Mapping, Set

from msgspec import UNSET, structs

from restohub.floor.commands import Create, GuestFields, Update, Visits
from restohub.floor.device_changes import OwnChange
from restohub.floor.model import Entity, Floor, Guest, Table

from .ports import History, Version

Images = Mapping[Version, Entity]


async def look_up_for_create(history: History, floor: Floor, command: Create, *, chosen: bool) -> Create:
    """The command with what history knows: whether a `chosen` id was used before, and the visits of its contacts."""
    taken = chosen and await history.was_used(floor.restaurant_id, command.kind, command.id)
    visits = await _visits(history, floor, command) if _gives_contact(command) else command.visits
    return structs.replace(command, taken=taken, visits=visits)


async def look_up_for_update(
    history: History, floor: Floor, command: Update, seen_version: int | None, images: Images | None = None
) -> Update:
    """The command with the entity as the client had seen it, as it was at `base_version`, and its contacts' visits.

    `images` are those of a whole batch, where the command is one of many.
    """
    gives_contact = _gives_contact(command)
    if seen_version is None and command.base_version is None and not gives_contact:
        return command
    if floor.get(command.kind, command.id) is None:
        return command
    seen = None if seen_version is None else Version(command.kind, command.id, seen_version)
    base = None if command.base_version is None else Version(command.kind, command.id, command.base_version)
    if images is None:
        versions = tuple(filter(None, (seen, base)))
        images = await history.images(floor, versions) if versions else {}
    known: dict[str, object] = {}
    if seen is not None:
        known["seen"] = images.get(seen)
    if base is not None:
        known["base"] = images.get(base)
    if gives_contact:
        known["visits"] = await _visits(history, floor, command)
    return structs.replace(command, **known) if known else command


def own_changes(images: Images, own: Set[int]) -> list[OwnChange]:
    """What the commits `own` made of each guest and table, oldest first, as far as `images` has what they replaced."""
    chains: dict[tuple[type[Entity], str], dict[int, Guest | Table]] = {}
    for image in images.values():
        if isinstance(image, Guest | Table):
            chains.setdefault((type(image), image.id), {})[image.version] = image
    changes: list[OwnChange] = []
    for chain in chains.values():
        before = None
        for version, after in sorted(chain.items()):
            if version in own and (before is not None or after.created_revision == version):
                changes.append(OwnChange(before, after))
            before = after
    return changes


def _gives_contact(command: Create | Update) -> bool:
    """Whether the request gives a phone or an e-mail: if not, no visits are recounted."""
    fields = command.fields
    return isinstance(fields, GuestFields) and (fields.phone is not UNSET or fields.email is not UNSET)


async def _visits(history: History, floor: Floor, command: Create | Update) -> Visits:
    """The visits of the phone and the e-mail that the request gives; what it does not give is the guest's own."""
    fields = command.fields
    assert isinstance(fields, GuestFields)
    present = floor.guests.get(command.id)
    visits = await history.visits(floor, fields.phone or None, fields.email or None)
    if present is None:
        return visits
    # What the request leaves out, or only echoes, stays the guest's own.
    own = await history.visits(floor, present.phone, present.email)
    return structs.replace(visits, ids={**visits.ids, **own.ids})
