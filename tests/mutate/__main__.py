"""A mutation run: `python -m tests.mutate [NAME …] [--seed S] [--many N] [--generic PACKAGE …]`.

Each defect is put into a copy of the tree and its own test runs there; where that stays green, the whole default run.
A `--generic` one has the tests of its packages for its own, then those of the contract. The exit status is 1 where one
is green.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import msgspec

from tests.mutate.defects import Defect, defects
from tests.mutate.generic import Place, places
from tests.mutate.trials import Tree, Trial, Verdict
from tests.random_seed import chosen_seed

T = TypeVar("T")

# Enough for a test that hangs in a loop that does not end: the slowest of these takes five.
GENERIC_WAIT = ["--timeout", "60"]


def trial_of(defect: Defect) -> Trial:
    """The trial of a defect with its own test."""
    return Trial(defect.name, defect.what, defect.texts(), ["-m", "", defect.turns_red])


def generic_trial(place: Place, packages: Sequence[str]) -> Trial:
    """The trial of a change that nobody thought of."""
    own = [*GENERIC_WAIT, *(f"tests/{package}" for package in packages)]
    return Trial(place.what, place.what, {place.path: place.text()}, own, [*GENERIC_WAIT, "tests/contract"])


def drawn(options: argparse.Namespace, seed: int) -> list[Trial]:
    """The trials that are asked for."""
    if options.generic:
        return [generic_trial(place, options.generic) for place in _some(places(options.generic), options.many, seed)]
    named = [one for one in defects() if not options.names or any(name in one.name for name in options.names)]
    return drawn_trials(named, options.many, seed)


def drawn_trials(found: list[Defect], many: int | None, seed: int) -> list[Trial]:
    """The trials of so many of these defects, drawn by the seed; of all, where no number is given."""
    return [trial_of(one) for one in _some(found, many, seed)]


def _some(found: list[T], many: int | None, seed: int) -> list[T]:
    return found if many is None else random.Random(seed).sample(found, min(many, len(found)))


def verdicts(trials: Sequence[Trial], at_once: int, *, own_only: bool = False) -> Iterator[Verdict]:
    """The verdicts, so many at once, each when it is known."""
    waiting: SimpleQueue[Trial] = SimpleQueue()
    for trial in trials:
        waiting.put(trial)
    known: SimpleQueue[Verdict | BaseException] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="restohub-mutate-", ignore_cleanup_errors=True) as folder:

        def work(number: int) -> None:
            try:
                tree = Tree(Path(folder) / str(number))
                while True:
                    known.put(tree.tried(waiting.get_nowait(), own_only=own_only))
            except Empty:  # all have been tried
                pass
            except BaseException as fault:  # noqa: BLE001 (whoever waits for a verdict raises it)
                known.put(fault)

        for number in range(at_once):
            threading.Thread(target=work, args=(number,), daemon=True).start()
        for _ in trials:
            verdict = known.get()
            if isinstance(verdict, BaseException):
                raise verdict
            yield verdict


def main() -> int:
    """Draw, try, and tell: progress on stderr, the table or JSON on stdout."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of the names of defects; without any, all")
    parser.add_argument("--seed", type=int, help="of the draw; any, where it is left out")
    parser.add_argument("--many", type=int, metavar="N", help="how many are drawn; all, where it is left out")
    parser.add_argument("--generic", nargs="+", metavar="PACKAGE", help="small changes of syntax in these packages")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many run side by side (2)")
    parser.add_argument("--own-only", action="store_true", help="run each one's own test alone")
    parser.add_argument("--json", action="store_true", help="print all verdicts as JSON")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else chosen_seed()
    trials = drawn(options, seed)
    found: list[Verdict] = []
    for verdict in verdicts(trials, options.at_once, own_only=options.own_only):
        found.append(verdict)
        print(f"{len(found)}/{len(trials)} {verdict.verdict:8} {verdict.name}  {verdict.test}", file=sys.stderr)
    counted = Counter(one.verdict for one in found)
    if options.json:
        print(json.dumps({"seed": seed, "counted": counted, "verdicts": msgspec.to_builtins(found)}, indent=1))
    else:
        print(table(found, seed))
    return 1 if counted["green"] else 0


def table(found: Sequence[Verdict], seed: int) -> str:
    """How many of each verdict, and each defect that its own test did not notice by an assertion."""
    counted = Counter(one.verdict for one in found)
    rows = [
        f"drawn {len(found)} (seed {seed}): {counted['red']} red by their own test, {counted['accident']} by it but by "
        f"no assertion, {counted['other']} by another, {counted['green']} green"
    ]
    for one in found:
        if one.verdict != "red":
            rows.append(f"{one.verdict:8} {one.name}: {one.what}\n         {one.test} {one.message[:200]}".rstrip())
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
