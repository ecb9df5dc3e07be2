"""Forgetting a person on the floor: who is meant, and what stays of a guest who is."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from typing import Any

from msgspec import Struct, structs

from .commands import Delete, GuestFields, Update
from .contacts import hashed, visit_of
from .model import DONE, Floor, Guest

# What a guest is who was forgotten: all that could tell of the person is cleared.
NOBODY: dict[str, Any] = {
    "first_name": "Guest",
    "last_name": "",
    "phone": None,
    "email": None,
    "notes": None,
    "special_requests": None,
    "dietary_restrictions": (),
    "tags": (),
}


class Person(Struct, frozen=True):
    """Who is meant: the guest of an id, or all guests with the phone or the e-mail of these hashes."""

    id: str | None = None
    phone: str | None = None
    email: str | None = None


def person_of(key: bytes, guest_id: str | None, phone: str | None, email: str | None) -> Person:
    """Who is meant by one of the three; `key` is the hub's own, by which contacts are hashed."""
    phone_hash, email_hash = hashed(visit_of(phone, email), key)
    return Person(guest_id, phone_hash or None, email_hash or None)


@lru_cache(4096)
def has_contact(person: Person, key: bytes, phone: str | None, email: str | None) -> bool:
    """Whether a guest with these contacts is meant."""
    phone_hash, email_hash = hashed(visit_of(phone, email), key)
    return bool(phone_hash and phone_hash == person.phone) or bool(email_hash and email_hash == person.email)


def ids_on_floor(floor: Floor, person: Person, key: bytes) -> list[str]:
    """The guests on the floor who are meant."""
    return [
        guest.id
        for guest in floor.guests.values()
        if guest.id == person.id or has_contact(person, key, guest.phone, guest.email)
    ]


def nameless(guest: Guest) -> Guest:
    """What stays of a guest: id, size, status, table, times and version."""
    return structs.replace(guest, **NOBODY)


def forgetting(guest: Guest) -> Update | Delete | None:
    """What makes a guest of the floor nobody, None where he is: forgetting must not free a table in mid-meal."""
    if guest.status in DONE:
        return Delete(kind="guest", id=guest.id)
    if nameless(guest) == guest:
        return None
    return Update(kind="guest", id=guest.id, fields=GuestFields(**NOBODY))


def uncounted(floor: Floor, ids: Set[str]) -> Floor:
    """The floor without the hashes of these guests who left it: who comes again is not counted."""
    if not any(one.counted is not None and one.id in ids for one in floor.removals.values()):
        return floor
    removals = {
        who: structs.replace(one, counted=None) if one.id in ids else one for who, one in floor.removals.items()
    }
    return structs.replace(floor, removals=removals)
