"""The spellings of field names on the way in: camelCase, snake_case, older names, and names that are ignored."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from restohub.floor.model import GUEST_STATUSES, SHAPES, TABLE_STATUSES
from restohub.floor.outcomes import QUOTED_MAX, Fault, quoted
from restohub.floor.text_folding import fold
from restohub.limits import FAULTS_MAX

OLDER_GUEST = {"guestName": "name", "phoneNumber": "phone", "assignedTableId": "tableId", "arrivalTime": "checkInTime"}
OLDER_TABLE = {"number": "tableNumber"}
# The longest has 17, "partially_arrived"; the rest is for spaces and dashes.
WORD_CHARACTERS_MAX = 100
# Spaces, underscores, and the dashes that iPads make of a hyphen.
BETWEEN_WORDS = re.compile(r"[\s_\-\u2010-\u2015\u2212]")
READ_ONLY = (
    "createdAt",
    "lastUpdated",
    "updatedAt",
    "version",
    "phase",
    "totalVisits",
    "restaurantId",
    "waitTime",
)


def snake(camel: str) -> str:
    """`tableId` as `table_id`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", camel).lower()


def camel(name: str) -> str:
    """`table_id` as `tableId`."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


class Spelling(Struct, frozen=True):
    """The names that one kind of object takes: `fields` from each spelling to the one known here, `ignored` ones."""

    fields: dict[str, str]
    ignored: frozenset[str]
    known: str

    def fold(self, data: dict[str, Any], pointer: str = "") -> tuple[dict[str, Any], dict[str, str], list[Fault]]:
        """The values by the name of each field, the spelling that the client used for each, and the faults of naming.

        It stops where there are more faults than one answer lists.
        """
        values: dict[str, Any] = {}
        spelled: dict[str, str] = {}
        faults: list[Fault] = []
        for key, value in data.items():
            name = self.fields.get(key)
            if name is None:
                if key not in self.ignored:
                    hint = f"There is no field {quoted(key)} here. Known fields: {self.known}."
                    faults.append(Fault(f"{pointer}/{escaped(key)}", hint))
                    if len(faults) > FAULTS_MAX:
                        break
            elif name in values:
                hint = f"{spelled[name]} and {key} are the same field: send one of them."
                faults.append(Fault(f"{pointer}/{key}", hint))
            else:
                values[name] = value
                spelled[name] = key
        return values, spelled, faults


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901); of a long one, which no field has, the beginning."""
    return key[:QUOTED_MAX].replace("~", "~0").replace("/", "~1")


def spelling(names: tuple[str, ...], older: dict[str, str], ignored: tuple[str, ...]) -> Spelling:
    """The spellings of these camelCase names and of their older ones, each in snake_case too."""
    fields = {**{name: name for name in names}, **older}
    fields |= {snake(name): meant for name, meant in fields.items()}
    ignored_names = frozenset({*ignored, *(snake(name) for name in ignored)}) - fields.keys()
    return Spelling(fields, ignored_names, ", ".join(sorted(set(fields.values()))))


def folded(text: str) -> str:
    """A status without case, spaces, dashes, underscores and camel humps."""
    return BETWEEN_WORDS.sub("", fold(text))


def word_of(text: str, words: dict[str, str]) -> str | None:
    """The proper spelling of a word of a closed vocabulary, None where it has no such word."""
    return words.get(text) or (words.get(folded(text)) if len(text) <= WORD_CHARACTERS_MAX else None)


GUEST_STATUS_WORDS = {folded(status): status for status in GUEST_STATUSES} | {
    "waiting": "waitlist",
    "completed": "finished",
    "canceled": "cancelled",
    "booked": "confirmed",
}
TABLE_STATUS_WORDS = {folded(status): status for status in TABLE_STATUSES} | {
    "cleaning": "dirty",
    "needscleaning": "dirty",
}
SHAPE_WORDS = {folded(shape): shape for shape in SHAPES}
