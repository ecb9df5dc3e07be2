"""The order of the lists: ids by creation, and the texts that `q` searches."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import islice
from time import monotonic
from typing import Generic, TypeVar

from restohub.floor.model import Floor, Guest, Table
from restohub.floor.text_folding import fold
from restohub.limits import SEARCHED_MAX

from .group_commit import HOLD_S

E = TypeVar("E", Guest, Table)
Place = tuple[int, str]

# Lists of so many restaurants are kept, those that were asked for last: 2 MB for a floor of 5,000 guests.
LISTINGS_MAX = 16
# In no text that the hub takes, so nothing is found across name and phone.
BETWEEN = "\0"
# The characters of a phone number. A search for fewer digits than this would match too many numbers.
PHONE_PART = re.compile(r"(?:[\s+()/.\-]*[0-9]){3}[0-9\s+()/.\-]*")
NOT_DIALLED = re.compile("[^0-9+]+")


class Listing(Generic[E]):
    """The guests or the tables of one restaurant in the order of their lists. It holds on to none of them."""

    def __init__(self) -> None:
        self._revision = self._texts_of = -1
        self._places: list[Place] = []
        self._texts: list[str] = []
        self._folded: dict[str, tuple[int, str]] = {}

    def update(self, revision: int, entities: Mapping[str, E]) -> None:
        """Follow a floor: an id is never given twice, so the order is the same while the ids are."""
        if revision == self._revision:
            return
        self._revision = revision
        if len(self._places) != len(entities) or not all(entity_id in entities for _, entity_id in self._places):
            self._places = sorted((entity.created_at, entity.id) for entity in entities.values())
            self._folded = {entity_id: told for entity_id, told in self._folded.items() if entity_id in entities}

    def after(self, entities: Mapping[str, E], place: Place | None) -> Iterator[E]:
        """All that come after a place, None: all."""
        start = 0 if place is None else bisect_right(self._places, place)
        return (entities[entity_id] for _, entity_id in islice(self._places, start, None))

    async def fold_ahead(self, guests: Mapping[str, Guest]) -> None:
        """Fold the texts of those who are new or were changed; a floor full of them takes a while, so with pauses."""
        since = monotonic()
        for guest in guests.values() if self._texts_of != self._revision else ():
            self._text(guest)
            if monotonic() - since > HOLD_S:
                await asyncio.sleep(0)
                since = monotonic()

    def matching(self, guests: Mapping[str, Guest], place: Place | None, part: str) -> Iterator[Guest]:
        """The guests after a place whose name or phone has a part; `part` is folded, and a space in it may be a `+`.

        A part that looks like a phone number is also looked for in the phone as it would be dialled.
        """
        if BETWEEN in part:
            return
        if self._texts_of != self._revision:
            self._texts = [self._text(guests[guest_id]) for _, guest_id in self._places]
            self._texts_of = self._revision
        spaced = " " in part
        dialled = _dialled(part) if PHONE_PART.fullmatch(part) else ""
        start = 0 if place is None else bisect_right(self._places, place)
        for text, (_, guest_id) in islice(zip(self._texts, self._places, strict=True), start, None):
            if (
                part in text
                or (spaced and part in text.replace("+", " "))
                or (dialled and _has_number(text.rpartition(BETWEEN)[2], dialled))
            ):
                yield guests[guest_id]

    def _text(self, guest: Guest) -> str:
        """What is looked through of a guest: a space around each, since what people type may begin or end with one."""
        version, text = self._folded.get(guest.id, (-1, ""))
        if version != guest.version:
            text = fold(f" {guest.name} {BETWEEN} {guest.phone or ''} ")[:SEARCHED_MAX]
            self._folded[guest.id] = guest.version, text
        return text


def _dialled(number: str) -> str:
    """The digits and plus signs of a number, after the space that it begins with, if it does."""
    return number[:1].strip("0123456789+()/.-") + NOT_DIALLED.sub("", number)


def _has_number(phone: str, part: str) -> bool:
    """Whether a phone has a part; a space that begins it is the phone's beginning, or a plus."""
    dialled = " " + NOT_DIALLED.sub("", phone)
    return part in dialled or (part[0] == " " and "+" + part[1:] in dialled)


class Listings:
    """The listings of the restaurants that were asked for last."""

    def __init__(self) -> None:
        self._guests: OrderedDict[int, Listing[Guest]] = OrderedDict()
        self._tables: OrderedDict[int, Listing[Table]] = OrderedDict()

    def guests(self, floor: Floor) -> Listing[Guest]:
        """The listing of a floor's guests."""
        return _followed(self._guests, floor, floor.guests)

    def tables(self, floor: Floor) -> Listing[Table]:
        """The listing of a floor's tables."""
        return _followed(self._tables, floor, floor.tables)


def _followed(kept: OrderedDict[int, Listing[E]], floor: Floor, entities: Mapping[str, E]) -> Listing[E]:
    listing = kept.pop(floor.restaurant_id, None) or Listing[E]()
    kept[floor.restaurant_id] = listing
    if len(kept) > LISTINGS_MAX:
        kept.popitem(last=False)
    listing.update(floor.revision, entities)
    return listing
