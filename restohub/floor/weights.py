"""This file is what guests and tables weigh in memory: texts and lists by the byte, all else by a round figure."""

from __future__ import annotations

from operator import attrgetter

from .nouns import Guest, Table

# A struct with its numbers, its id and its place in the floor, measured: 560 and 430 bytes.
GUEST_BYTES, TABLE_BYTES = 600, 450
TEXT_BYTES, LIST_BYTES, WORD_BYTES = 49, 40, 8

_guest_texts = attrgetter(
    "first_name", "last_name", "phone", "email", "notes", "special_requests", "dietary_restrictions", "tags"
)
_table_texts = attrgetter("table_number", "section", "server", "notes")


def weight(entity: Guest | Table) -> int:
    """What an entity takes in memory, in bytes; the same for equal ones."""
    if isinstance(entity, Guest):
        return GUEST_BYTES + _of_all(_guest_texts(entity))
    return TABLE_BYTES + _of_all(_table_texts(entity))


def growth(before: Guest | Table | None, after: Guest | Table | None) -> int:
    """How many bytes heavier a change makes an entity; one that keeps its texts, the same objects, is not weighed."""
    if before is not None and after is not None:
        texts = _guest_texts if isinstance(after, Guest) else _table_texts
        if texts(before) == texts(after):
            return 0
    return (weight(after) if after is not None else 0) - (weight(before) if before is not None else 0)


def _of_all(texts: tuple[str | tuple[str, ...] | None, ...]) -> int:
    size = 0
    for text in texts:
        if isinstance(text, str):
            size += _of_text(text)
        elif text:
            size += LIST_BYTES + WORD_BYTES * len(text) + sum(map(_of_text, text))
    return size


def _of_text(text: str) -> int:
    """A text as CPython keeps it: one wide character makes all of them wide, and what was sent stays beside it."""
    if text.isascii():
        return TEXT_BYTES + len(text)
    wide = len(text.encode("utf-16-le")) > 2 * len(text)
    return TEXT_BYTES + (4 if wide else 2) * len(text) + len(text.encode())
