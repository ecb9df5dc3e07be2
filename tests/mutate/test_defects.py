"""The defects fit the tree of today and quote the contract; `-m long` tries fifty, and those of the promises."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.house.source_tree import ROOT
from tests.mutate.__main__ import drawn_trials, table, trial_of, verdicts
from tests.mutate.defects import PROMISES, Defect, defects, sections
from tests.mutate.generic import places
from tests.mutate.mutation import Swap, mutated
from tests.random_seed import chosen_seed, report, size

RUN_WAIT_S = 900
# Headings without a sentence of their own that says what the hub does, or whose sentences are of files made in advance,
# which `tests/build` compares byte by byte.
WITHOUT = {
    "The wire contract", "Conventions", "Entities", "HTTP", "WebSocket", "Errors", "Limits", "The two documents",
}  # fmt: skip

TILL = """
import os

class Till:
    def close(self):
        self.sum(1)  # é
        if (self):
            return 2
        return os

    def sum(self, one):
        return self.sum(  1  )
"""
SWAPPED = """
import os
import time

class Till:
    def close(self):
        pass  # é
        time.sleep(1)
        return os

    def sum(self, one):
        return self.sum(  1  )
"""


@cache
def defined(path: str) -> set[str]:
    """The names of a test module's functions."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def names_of(wrong: Callable[[Defect], bool]) -> list[str]:
    """The defects that are wrong in a way."""
    return [one.name for one in defects() if wrong(one)]


def test_every_defect_fits_the_tree_of_today_and_names_a_test_that_is_there() -> None:
    assert names_of(lambda one: not one.texts()) == []
    assert names_of(lambda one: one.turns_red.partition("::")[2].partition("[")[0] not in named_in(one)) == []
    same = [
        swap
        for one in defects()
        for swap in one.swaps
        if ast.dump(ast.parse(swap.old)) == ast.dump(ast.parse(swap.new))
    ]
    assert same == []


def test_what_notices_a_defect_is_in_the_run_that_everyone_makes() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)
    run = {line.partition("[")[0] for line in done.stdout.splitlines()}
    aside = names_of(lambda one: one.turns_red.partition("[")[0] not in run)
    # Those of a promise show that its long test can be red too.
    assert [name for name in aside if not name.startswith("faults/")] == [], "Name a test of the default run."


def named_in(defect: Defect) -> set[str]:
    """The tests in the file that a defect names."""
    return defined(defect.turns_red.partition("::")[0])


def test_every_defect_of_a_sentence_quotes_the_contract() -> None:
    of_sentences = [one for one in defects() if not one.name.startswith("faults/")]
    assert [one.name for one in of_sentences if one.what not in sections().get(one.heading, "")] == []
    assert sections().keys() - {one.heading for one in of_sentences} == WITHOUT


def test_every_fault_test_has_a_defect() -> None:
    tests = {path.relative_to(ROOT).as_posix() for path in PROMISES.parent.glob("test_*.py")}
    assert tests - {one.turns_red.partition("::")[0] for one in defects() if one.name.startswith("faults/")} == set()


def test_a_change_that_nobody_thought_of_is_python_and_another_one() -> None:
    found = places(["floor"])
    assert len(found) > 500
    for place in found[::50]:
        assert ast.dump(ast.parse(place.text())) != ast.dump(ast.parse(place.path.read_bytes()))


def test_swaps_change_the_named_definition_alone_and_keep_the_layout_around(tmp_path: Path) -> None:
    swaps = [
        Swap("Till", "import os", "import os\nimport time"),
        Swap("Till.close", "self.sum(1)", "pass"),
        Swap("Till", "if self:\n    return 2", "time.sleep(1)"),
    ]
    path = tmp_path / "Till.py"
    path.write_text(TILL, "utf-8")
    assert mutated(swaps, [path]) == {path: SWAPPED}


@pytest.mark.parametrize(
    ("where", "old", "said"),
    [
        ("Till.open", "pass", "There is no Till.open: write into `where` what the definition is called now."),
        ("l.close", "pass", "There is no l.close: write into `where` what the definition is called now."),
        ("Till.close", "self.sum(2)", "Till.close has no such code any more. Write into `old` how it is written now"),
        ("Till.Till", "self.sum(1)", r"Till.Till has this code 2 times \(Till.py:6, Till.py:12\). Write more of it"),
    ],
)
def test_a_swap_that_does_not_fit_once_says_what_to_do(where: str, old: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "Till.py"
    path.write_text(TILL, "utf-8")
    with pytest.raises(AssertionError, match=said):
        mutated([Swap(where, old, "")], [path])


@pytest.mark.long
@pytest.mark.timeout(50 * RUN_WAIT_S)
def test_fifty_of_all_defects_are_red(capsys: pytest.CaptureFixture[str]) -> None:
    seed = chosen_seed()
    found = list(verdicts(drawn_trials(defects(), size("DEFECTS", 50), seed), 2))
    report(capsys, table(found, seed))
    assert [one for one in found if one.verdict != "red"] == []


@pytest.mark.long
@pytest.mark.timeout(RUN_WAIT_S + 60)
@pytest.mark.parametrize("name", sorted(f"faults/{path.stem}" for path in PROMISES.glob("*.toml")))
def test_a_defect_of_a_promise_turns_its_test_red(name: str) -> None:
    trial = trial_of(next(one for one in defects() if one.name == name))
    assert [one.verdict for one in verdicts([trial], 1, own_only=True)] == ["red"]
