"""The rows of the people of the staff, each with its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec

from restohub.access.staff import Person

from .codec import DamageError

PERSONS = "SELECT id, name, role, pin, made_at, removed_at, checksum FROM person ORDER BY made_at, id"
HAS_PERSONS = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'person'"
PUT_PERSON = """INSERT OR REPLACE INTO person (id, name, role, pin, made_at, removed_at, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""

_encode = msgspec.json.Encoder().encode


def person_row(person: Person) -> tuple[object, ...]:
    """A person as the row has it."""
    values = msgspec.structs.astuple(person)
    return (*values, _checksum(values))


def read_person(row: Sequence[Any]) -> Person:
    """The person of a row; raises DamageError."""
    try:
        person: Person = msgspec.convert(dict(zip(Person.__struct_fields__, row[:-1], strict=True)), Person)
    except msgspec.ValidationError as fault:
        raise DamageError(f"the row of a person of the staff cannot be read: {fault}") from None
    if _checksum(tuple(row[:-1])) != row[-1]:
        raise DamageError(f"the row of person {person.id} of the staff fails its checksum")
    return person


def _checksum(values: tuple[object, ...]) -> int:
    return crc32(_encode(values))
