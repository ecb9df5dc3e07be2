"""The bodies of the routes of the staff: who there is, who is signed in on a device, what a manager has confirmed."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from restohub.access.staff import Person, PersonRole

PersonName = Annotated[str, Meta(min_length=1, max_length=100)]
Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,8}(?!\n)$", examples=["4711"])]
Seconds = Annotated[int, Meta(ge=0)]


class NewPerson(Struct, kw_only=True):
    """Somebody of the staff: what the hub calls them, what they may confirm, and their PIN."""

    name: PersonName
    role: PersonRole
    pin: Pin


class PersonChange(Struct, kw_only=True, omit_defaults=True):
    """Another name, role or PIN; what is not sent stays."""

    name: PersonName | UnsetType = UNSET
    role: PersonRole | UnsetType = UNSET
    pin: Pin | UnsetType = UNSET


class TypedPin(Struct, kw_only=True):
    """Who it is, and the PIN that was typed in."""

    person_id: Annotated[str, Meta(max_length=100)]
    pin: Pin


class StaffMember(Struct):
    """Somebody of the staff. `has_pin`: the PIN counts; not after a restore elsewhere, until it is set anew."""

    id: str
    name: str
    role: PersonRole
    has_pin: bool


class StaffList(Struct):
    """Everybody of the staff, in the order in which they were added."""

    staff: list[StaffMember]


class SignedIn(Struct):
    """Who is signed in on this device (null: nobody), and the manager who has confirmed what it asks for."""

    person: StaffMember | None
    expires_in_seconds: Seconds | None
    confirmed_by: StaffMember | None
    confirmed_for_seconds: Seconds | None


def member_out(person: Person, *, has_pin: bool) -> StaffMember:
    """A person as the staff's devices see them: nothing of the PIN."""
    return StaffMember(person.id, person.name, person.role, has_pin)
