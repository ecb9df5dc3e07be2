"""The seed of a run that is left to chance: printed where it is taken, so that RESTOHUB_SEED can repeat the run."""

from __future__ import annotations

import os
import random
import sys

import pytest

VARIABLE = "RESTOHUB_SEED"
SEED_MAX = 2**32


class SeededRandom(random.Random):
    """A generator that knows its seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.start = seed


def chosen_seed() -> int:
    """The variable's seed, or any; a failing test shows it."""
    seed = int(os.environ.get(VARIABLE) or random.SystemRandom().randrange(1, SEED_MAX))
    print(f"{VARIABLE}={seed} repeats this run.", file=sys.stderr)
    return seed


def seeded_random() -> SeededRandom:
    """A generator with the seed of this run."""
    return SeededRandom(chosen_seed())


def size(name: str, default: int) -> int:
    """How many of something a long run makes: RESTOHUB_`name` or the default."""
    return int(os.environ.get(f"RESTOHUB_{name}") or default)


def report(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Put a long test's result where it can be read and quoted, though the test passed."""
    with capsys.disabled():
        print(f"\n{line}", file=sys.__stderr__)
