"""This file is which idempotency keys were used: in memory, by restaurant, the newest of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from heapq import merge
from itertools import islice

from restohub.limits import KEYS_MAX

from .rows import REVISION_BITS, REVISION_MAX

# With 15 bytes a digest takes 48 in memory, with 16 it takes 64. Two of 200,000 agree
# by chance once in 10^25 hubs, and to find two that do is 2^60 digests of work, for a repeat of one's own change.
DIGEST_BYTES = 15
# The oldest go so many at a time: to find them, each restaurant is asked for its own.
FORGOTTEN_AT_ONCE = 1_000
# A dict keeps the place of each key that is taken out until it is full of places, and meanwhile touches more and more
# memory. After so many it is made anew: 10 ms for all.
PLACES_LEFT_MAX = KEYS_MAX // 10


class Keys:
    """The newest keys, at least KEYS_MAX of them, each with the revision that was committed with it.

    A key may have 200 characters; its digest is kept. Beside it stands one integer: how many keys the hub had used
    before it, and its revision. 150 to 200 bytes a key in all, measured; the key itself took 400.
    """

    def __init__(self) -> None:
        self._kept: dict[int, dict[bytes, int]] = {}
        self._count = 0
        self._used = 0
        self._places_left = 0

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        """Whether the same keys are remembered, each with the same revision."""
        return isinstance(other, Keys) and _revisions(self._kept) == _revisions(other._kept)

    __hash__ = None  # type: ignore[assignment]  # how Python says that equal ones have no hash

    def revision(self, restaurant_id: int, key: str) -> int | None:
        """The revision that was committed with this key, None where it is not remembered."""
        kept = self._kept.get(restaurant_id)
        found = kept.get(_digest(key)) if kept else None
        return None if found is None else found & REVISION_MAX

    def oldest(self, restaurant_id: int) -> int | None:
        """The first revision of a restaurant whose key is remembered, None where there is none."""
        for found in self._kept.get(restaurant_id, {}).values():
            return found & REVISION_MAX
        return None

    def add(self, restaurant_id: int, key: str, revision: int) -> None:
        """Remember a key as the newest; beyond KEYS_MAX the oldest are forgotten, whichever restaurant's they are."""
        kept = self._kept.setdefault(restaurant_id, {})
        digest = _digest(key)
        if digest in kept:
            del kept[digest]
        else:
            self._count += 1
        kept[digest] = self._used << REVISION_BITS | revision
        self._used += 1
        if self._count >= KEYS_MAX + FORGOTTEN_AT_ONCE:
            self._forget_oldest()

    def forget(self, restaurant_id: int, key: str, revision: int) -> None:
        """Forget a key, unless it was used anew since this revision."""
        if self.revision(restaurant_id, key) == revision:
            del self._kept[restaurant_id][_digest(key)]
            self._count -= 1

    def forget_restaurant(self, restaurant_id: int) -> None:
        """Forget every key of a restaurant."""
        self._count -= len(self._kept.pop(restaurant_id, ()))

    def _forget_oldest(self) -> None:
        in_order = merge(*(_numbered(restaurant_id, kept) for restaurant_id, kept in self._kept.items()))
        for _, restaurant_id, digest in list(islice(in_order, self._count - KEYS_MAX)):
            del self._kept[restaurant_id][digest]
            self._count -= 1
            self._places_left += 1
        if self._places_left >= PLACES_LEFT_MAX:
            self._places_left = 0
            self._kept = {restaurant_id: dict(kept) for restaurant_id, kept in self._kept.items()}


@lru_cache(1024)  # asked three times for each change: before it is decided, while it is, and once it is made
def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=DIGEST_BYTES).digest()


def _numbered(restaurant_id: int, kept: dict[bytes, int]) -> Iterator[tuple[int, int, bytes]]:
    """A restaurant's keys in the order of their commits."""
    for digest, found in kept.items():
        yield found, restaurant_id, digest


def _revisions(kept: dict[int, dict[bytes, int]]) -> dict[tuple[int, bytes], int]:
    return {(at, digest): found & REVISION_MAX for at, keys in kept.items() for digest, found in keys.items()}
