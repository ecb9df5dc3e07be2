"""Which idempotency keys were used: in memory, by restaurant, the newest of the hub."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from hashlib import blake2b

from restohub.limits import KEYS_MAX

# With 15 bytes a digest takes 48 in memory, with 16 it takes 64. Two of 200,000 agree
# by chance once in 10^25 hubs, and to find two that do is 2^60 digests of work, for a repeat of one's own change.
DIGEST_BYTES = 15
# The oldest go so many at a time.
GENERATION_KEYS = KEYS_MAX // 16

# By restaurant the digest of each key, with the revision that was committed with it.
Generation = dict[int, dict[bytes, int]]


class Keys:
    """The newest keys, at least KEYS_MAX of them, each with the revision that was committed with it.

    A key may have 200 characters; its digest is kept: 130 to 190 bytes a key in all, measured; the key itself took 400.
    They stand in generations of GENERATION_KEYS, of which the oldest goes whole: one dict, of which the oldest went one
    by one, would touch more and more memory.
    """

    def __init__(self) -> None:
        self._generations: deque[Generation] = deque([{}])  # the newest first
        self._born = 0  # how many keys the newest was given

    def __len__(self) -> int:
        return sum(len(kept) for generation in self._generations for kept in generation.values())

    def __eq__(self, other: object) -> bool:
        """Whether the same keys are remembered, each with the same revision."""
        return isinstance(other, Keys) and self._all() == other._all()

    __hash__ = None  # type: ignore[assignment]  # they change

    def revision(self, restaurant_id: int, key: str) -> int | None:
        """The revision that was committed with this key, None where it is not remembered."""
        digest = _digest(key)
        for generation in self._generations:
            kept = generation.get(restaurant_id)
            if kept is not None and digest in kept:
                return kept[digest]
        return None

    def oldest(self, restaurant_id: int) -> int | None:
        """The first revision of a restaurant whose key is remembered, None where there is none."""
        for generation in reversed(self._generations):
            for revision in generation.get(restaurant_id, {}).values():
                return revision
        return None

    def add(self, restaurant_id: int, key: str, revision: int) -> None:
        """Remember a key as the newest; beyond KEYS_MAX the oldest are forgotten, whichever restaurant's they are."""
        if self._born >= GENERATION_KEYS:
            self._generations.appendleft({})
            self._born = 0
            if len(self._generations) > KEYS_MAX // GENERATION_KEYS + 1:
                self._generations.pop()
        kept = self._generations[0].setdefault(restaurant_id, {})
        digest = _digest(key)
        kept.pop(digest, None)  # for its place
        kept[digest] = revision
        self._born += 1

    def forget(self, restaurant_id: int, key: str, revision: int) -> None:
        """Forget a key, unless it was used anew since this revision."""
        digest = _digest(key)
        for generation in self._generations:
            kept = generation.get(restaurant_id, {})
            if kept.get(digest) == revision:
                del kept[digest]

    def forget_restaurant(self, restaurant_id: int) -> None:
        """Forget every key of a restaurant."""
        for generation in self._generations:
            generation.pop(restaurant_id, None)

    def _all(self) -> dict[tuple[int, bytes], int]:
        return {
            (restaurant_id, digest): revision
            for generation in reversed(self._generations)
            for restaurant_id, kept in generation.items()
            for digest, revision in kept.items()
        }


@lru_cache(1024)  # asked three times for each change: before it is decided, while it is, and once it is made
def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=DIGEST_BYTES).digest()
