"""The index of used idempotency keys: in memory, by restaurant, the newest of the hub."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from restohub.limits import KEYS_MAX

# With 15 bytes a digest takes 48 in memory, with 16 it takes 64. Two of 200,000 agree
# by chance once in 10^25 hubs, and to find two that do is 2^60 digests of work, for a repeat of one's own change.
DIGEST_BYTES = 15
# The oldest go so many at a time. A restaurant's share of them is a dict, which doubles as it fills: one of 5,000 takes
# 147 KB and has room for 5,461; one of 12,500 took 590 KB, and as much was a step in the hub's memory.
GENERATION_KEYS = KEYS_MAX // 40

# The digest of each key, with the revision that was committed with it.
Generation = dict[bytes, int]


class KeyIndex:
    """The newest keys, at least KEYS_MAX of them, each with the revision that was committed with it.

    A key may have 200 characters; its digest is kept: 110 bytes a key in all, measured; the key itself took 400.
    They stand in generations of GENERATION_KEYS, of which the oldest goes whole: one dict, of which the oldest went one
    by one, would touch more and more memory.
    """

    def __init__(self) -> None:
        # By restaurant its share of each generation, by the generation's number: the oldest first.
        self._of: dict[int, dict[int, Generation]] = {}
        self._added = 0

    def __len__(self) -> int:
        return len(self._all())

    def __eq__(self, other: object) -> bool:
        """Whether the same keys are remembered, each with the same revision."""
        return isinstance(other, KeyIndex) and self._all() == other._all()

    __hash__ = None  # type: ignore[assignment]  # they change

    def revision(self, restaurant_id: int, key: str) -> int | None:
        """The revision that was committed with this key, None where it is not remembered."""
        digest = _digest(key)
        for kept in reversed(self._of.get(restaurant_id, {}).values()):
            if digest in kept:
                return kept[digest]
        return None

    def oldest(self, restaurant_id: int) -> int | None:
        """The first revision of a restaurant whose key is remembered, None where there is none."""
        for kept in self._of.get(restaurant_id, {}).values():
            for revision in kept.values():
                return revision
        return None

    def add(self, restaurant_id: int, key: str, revision: int) -> None:
        """Remember a key as the newest; beyond KEYS_MAX the oldest are forgotten, whichever restaurant's they are."""
        generation, born = divmod(self._added, GENERATION_KEYS)
        if born == 0:
            for generations in self._of.values():
                generations.pop(generation - KEYS_MAX // GENERATION_KEYS - 1, None)
        kept = self._of.setdefault(restaurant_id, {}).setdefault(generation, {})
        digest = _digest(key)
        kept.pop(digest, None)  # for its place
        kept[digest] = revision
        self._added += 1

    def forget(self, restaurant_id: int, key: str, revision: int) -> None:
        """Forget a key, unless it was used again since this revision."""
        digest = _digest(key)
        for kept in self._of.get(restaurant_id, {}).values():
            if kept.get(digest) == revision:
                del kept[digest]

    def forget_restaurant(self, restaurant_id: int) -> None:
        """Forget every key of a restaurant."""
        self._of.pop(restaurant_id, None)

    def _all(self) -> dict[tuple[int, bytes], int]:
        return {
            (restaurant_id, digest): revision
            for restaurant_id, generations in self._of.items()
            for kept in generations.values()
            for digest, revision in kept.items()
        }


@lru_cache(1024)  # asked three times for each change: before it is decided, while it is, and once it is made
def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=DIGEST_BYTES).digest()
