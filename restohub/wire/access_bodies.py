"""The bodies of the routes of access: what is sent to pair, name and revoke devices, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.access.adoption import Candidate, weakness
from restohub.access.devices import Device
from restohub.access.roles import Mode, Over, Role
from restohub.floor.outcomes import Fault
from restohub.floor.text_folding import is_blank

from .entities import Time
from .field_names import Spelling, camel
from .inputs import refuse
from .times import time_or_none, time_text

DeviceName = Annotated[str, Meta(min_length=1, max_length=100)]


class PairingRequest(Struct, kw_only=True, omit_defaults=True):
    """A new device: the SHA-256 of the token that it made for itself (`rsto_` and 43 characters of base64url).

    `name` is what the device calls itself. `invitation` is the secret that a manager's QR code carries, where it came
    by one: it is paired at once.
    """

    token_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    name: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    invitation: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET


class Approval(Struct, kw_only=True):
    """A device that waits, by the code that it shows: what it is called from now on, and what it may do."""

    code: Annotated[str, Meta(min_length=1, max_length=20, examples=["K7XR2M"])]
    name: DeviceName
    role: Role


class DeviceChange(Struct, kw_only=True, omit_defaults=True):
    """What a device is called, what it may do; what is not sent stays.

    `confirmed`: it belongs here still, though it came with a copy of the data; for the hub's own machine alone.
    """

    name: DeviceName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    confirmed: Annotated[bool, Meta(extra_json_schema={"const": True})] | UnsetType = UNSET


class InvitationRequest(Struct, kw_only=True):
    """A device that is to come: what it will be called, and what it may do."""

    name: DeviceName
    role: Role


class AdoptionRequest(Struct, kw_only=True):
    """A visitor that a manager knows, by the id that `GET /api/access` gives it: what it is called, what it may do."""

    visitor: Annotated[str, Meta(min_length=1, max_length=100)]
    name: DeviceName
    role: Literal["view", "host"]


class AccessRequest(Struct, kw_only=True, omit_defaults=True):
    """Whether the hub is closed to devices without a token. `anyway`: though some of them are connected now."""

    access: Mode
    anyway: bool | UnsetType = UNSET


class PairedDevice(Struct):
    """A device that was paired or adopted. `paired_by` is the name of the one that let it in; `sockets` are open now.

    `restored_from`: it came with a copy of the data that knows nothing after this time, and was not confirmed since;
    until then a manager works as a host. `weakness` says what is not kept out by how it is `known_by` (null: a token is
    that device's alone). One that is `suspended_at` a time was adopted, and waits to be adopted again. `paired_over` is
    what it asked over: what is sent over plain HTTP can be read by others on the network.
    """

    id: str
    name: str
    role: Role
    paired_at: Time
    paired_by: str
    revoked_at: Time | None
    sockets: Annotated[int, Meta(ge=0)]
    restored_from: Time | None
    paired_over: Over
    known_by: Literal["token", "header", "address"]
    weakness: str | None
    suspended_at: Time | None


class Pairing(Struct):
    """Where a new device stands: it shows the `code` while it waits; `device` is what it was made."""

    state: Literal["waiting", "paired"]
    code: str | None
    expires_in_seconds: Annotated[int, Meta(ge=0)] | None
    device: PairedDevice | None


class WaitingDevice(Struct):
    """A device that waits to be let in: what it shows, what it calls itself, and from where it asks."""

    code: str
    name: str
    address: str
    expires_in_seconds: Annotated[int, Meta(ge=0)]


class DeviceList(Struct):
    """Every device that was paired, revoked ones included, and those that wait."""

    devices: list[PairedDevice]
    waiting: list[WaitingDevice]


class InvitationMade(Struct):
    """A secret that pairs one device, once, while it counts.

    `url` is the page that takes it, `qr` its QR code: a text of 0 (white) and 1 (black) for each row.
    """

    invitation: str
    expires_in_seconds: Annotated[int, Meta(ge=0)]
    url: str
    qr: list[str]


class Unpaired(Struct):
    """Somebody without a token: an address, what its app calls itself, its sockets now, when it was here last.

    Adopted by its `id`, it is `known_by` that (null: it cannot be), which is worth what `weakness` says. `device` is
    the id of the adopted device that this is perhaps, and which waits to be confirmed.
    """

    address: str
    agent: str
    sockets: Annotated[int, Meta(ge=0)]
    last_seen: Time
    id: str
    known_by: Literal["header", "address"] | None
    weakness: str
    device: str | None


class AccessState(Struct):
    """Whether the hub is closed, and who was here in the last 14 days without a token, the latest first."""

    access: Mode
    unpaired: list[Unpaired]


class AuditEntry(Struct):
    """What one commit did to one guest or table, and which device asked for it (null: none that was known).

    `person` was signed in there, or confirmed it (null: nobody).
    """

    revision: Annotated[int, Meta(ge=0)]
    timestamp: Time
    device_id: str | None
    device: str | None
    person_id: str | None
    person: str | None
    action: str
    entity_type: str
    entity_id: str


class AuditPage(Struct):
    """Who did what, the latest first. With `has_more`, go on with the last revision as `before_revision`."""

    restaurant_id: int
    entries: list[AuditEntry]
    has_more: bool


RULES = {
    "token_sha256": "must be the SHA-256 of the token in 64 lower-case hexadecimal digits",
    "invitation": "must be the secret of an invitation: a text of at most 100 characters",
    "code": "must be the code that the device shows: a text of 1 to 20 characters",
    "name": "must be a text of 1 to 100 characters, not blank",
    "role": "must be manager, host or view",
    "access": "must be open or closed",
    "visitor": "must be the id of one that `GET /api/access` lists",
    "anyway": "must be true or false",
    "confirmed": "must be true",
    "pin": "must be a text of 4 to 8 digits",
    "person_id": "must be the id of somebody of the staff: a text of at most 100 characters",
}
ADOPTED_ROLE = "must be host or view: a device that was adopted is never a manager"
# Of a mistake in these a host is told.
TYPED = ("name", "code", "pin")
S = TypeVar("S", bound=Struct)


def read_access_body(data: Any, struct: type[S]) -> S:
    """The body of a route of access; raises Problem `validation_failed` with every fault."""
    if not isinstance(data, dict):
        refuse([Fault("", "The body must be an object of fields.")])
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    spelled = {spelt: name for name in fields for spelt in (name, camel(name))}
    found, _, faults = Spelling(spelled, frozenset(), ", ".join(fields)).fold(data)
    for name, field in fields.items():
        if name not in found:
            if field.required:
                faults.append(_fault(name, struct))
        elif not _fits(name, found[name], field.type, blank=struct is PairingRequest):
            faults.append(_fault(name, struct))
    refuse(faults)
    read: S = msgspec.convert(found, struct)
    return read


def _fits(name: str, value: Any, kind: Any, *, blank: bool) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    if name == "confirmed":
        return value is True
    return blank or name != "name" or not is_blank(value)


def _fault(name: str, struct: type[Struct]) -> Fault:
    rule = ADOPTED_ROLE if name == "role" and struct is AdoptionRequest else RULES[name]
    if name in TYPED:
        return Fault(f"/{name}", f"{name} {rule}.", f"The {name} {rule}.", name)
    return Fault(f"/{name}", f"{name} {rule}.", field=name)


def unpaired_out(found: Candidate, sockets: int, device: str | None) -> Unpaired:
    """A visitor as a manager sees it."""
    visitor = found.visitor
    weak = weakness(found.known_by, visitor.address)
    seen_at = time_text(found.seen_at)
    return Unpaired(visitor.address, visitor.agent, sockets, seen_at, found.id, found.known_by, weak, device)


def device_out(device: Device, paired_by: str, sockets: int) -> PairedDevice:
    """A device as a manager sees it."""
    adopted = device.adopted
    return PairedDevice(
        id=device.id,
        name=device.name,
        role=device.role,
        paired_at=time_text(device.paired_at),
        paired_by=paired_by,
        revoked_at=time_or_none(device.revoked_at),
        sockets=sockets,
        restored_from=time_or_none(device.restored_from) if device.revoked_at is None else None,
        paired_over=device.paired_over,
        known_by=adopted.known_by if adopted else "token",
        weakness=weakness(adopted.known_by, adopted.address, suspended=device.suspended) if adopted else None,
        suspended_at=time_or_none(adopted.suspended_at) if adopted else None,
    )
