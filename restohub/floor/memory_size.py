"""How much memory guests and tables take: texts and lists by the byte, all else by a round figure."""

from __future__ import annotations

from operator import attrgetter

from .model import Guest, Table
from .visits import Served

Weighed = str | tuple[str, ...] | None

# A struct with its numbers, its id and its place in the floor, measured: 560 and 430 bytes.
GUEST_BYTES, TABLE_BYTES = 600, 450
SERVED_BYTES = 48
TEXT_BYTES, LIST_BYTES, WORD_BYTES = 49, 40, 8

_guest_texts = attrgetter(
    "first_name", "last_name", "phone", "email", "notes", "special_requests", "dietary_restrictions", "tags"
)
_table_texts = attrgetter("table_number", "section", "server", "notes")


def weight(entity: Guest | Table) -> int:
    """What an entity takes in memory, in bytes; the same for equal ones."""
    if isinstance(entity, Guest):
        return GUEST_BYTES + sum(map(_of, _guest_texts(entity))) + _of_served(entity.served)
    return TABLE_BYTES + sum(map(_of, _table_texts(entity)))


def growth(before: Guest | Table | None, after: Guest | Table | None) -> int:
    """How many bytes heavier a change makes an entity; one that keeps its texts, the same objects, is not weighed."""
    if isinstance(before, Guest) and isinstance(after, Guest):
        if _same_guest_texts(before, after):
            return 0
        served = _of_served(after.served) - _of_served(before.served)
        return _heavier(_guest_texts(before), _guest_texts(after)) + served
    if isinstance(before, Table) and isinstance(after, Table):
        return 0 if _same_table_texts(before, after) else _heavier(_table_texts(before), _table_texts(after))
    return (weight(after) if after is not None else 0) - (weight(before) if before is not None else 0)


def _same_guest_texts(one: Guest, other: Guest) -> bool:
    """Asked for each change of a guest: written out, it takes a quarter of what comparing two tuples does."""
    return (
        one.first_name is other.first_name
        and one.last_name is other.last_name
        and one.phone is other.phone
        and one.email is other.email
        and one.notes is other.notes
        and one.special_requests is other.special_requests
        and one.dietary_restrictions is other.dietary_restrictions
        and one.tags is other.tags
        and one.served is other.served
    )


def _same_table_texts(one: Table, other: Table) -> bool:
    return (
        one.table_number is other.table_number
        and one.section is other.section
        and one.server is other.server
        and one.notes is other.notes
    )


def _heavier(had: tuple[Weighed, ...], has: tuple[Weighed, ...]) -> int:
    size = 0
    for one, other in zip(had, has, strict=True):
        if one is not other:
            size += _of(other) - _of(one)
    return size


def _of_served(served: Served | None) -> int:
    """What he was served at: until the table is changed or the hub starts again, its texts are the table's own."""
    if served is None:
        return 0
    return SERVED_BYTES + _of(served.table_number) + _of(served.section) + _of(served.server)


def _of(text: Weighed) -> int:
    if isinstance(text, str):
        return _of_text(text)
    return LIST_BYTES + WORD_BYTES * len(text) + sum(map(_of_text, text)) if text else 0


def _of_text(text: str) -> int:
    """A text as CPython keeps it: one wide character makes all of them wide, and what was sent stays beside it."""
    if text.isascii():
        return TEXT_BYTES + len(text)
    wide = len(text.encode("utf-16-le")) > 2 * len(text)
    return TEXT_BYTES + (4 if wide else 2) * len(text) + len(text.encode())
