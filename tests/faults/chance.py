"""How a fault test throws its dice: seeds that are told and can be repeated, sizes that can be set."""

from __future__ import annotations

import os
import random


class Dice(random.Random):
    """A generator that knows its seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.told = seed


def dice() -> Dice:
    """A generator whose seed is printed; RESTOHUB_SEED repeats its choices."""
    seed = int(os.environ.get("RESTOHUB_SEED") or random.SystemRandom().randrange(10**9))
    print(f"RESTOHUB_SEED={seed}")
    return Dice(seed)


def size(name: str, default: int) -> int:
    """How many of something a long run makes: RESTOHUB_`name` or the default."""
    return int(os.environ.get(f"RESTOHUB_{name}") or default)
