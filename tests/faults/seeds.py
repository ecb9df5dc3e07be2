"""Chance that can be repeated: one seed a run, said where a test fails and where a long one ends."""

from __future__ import annotations

import os
import random
import sys

import pytest

VARIABLE = "RESTOHUB_FAULT_SEED"


def chosen_seed() -> int:
    """The seed of this run: the variable's, else any; a failing test shows it."""
    seed = int(os.environ.get(VARIABLE) or random.randrange(10**6))
    print(f"{VARIABLE}={seed} repeats this run.")
    return seed


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Put a long test's result where it can be read and quoted, though the test passed."""
    with capsys.disabled():
        print(f"\n{line}", file=sys.__stderr__)
