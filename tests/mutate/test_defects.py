"""The proof that the fault tests can fail: each defect of `mutants/` turns the test it names red.

A mutant is a TOML file: `what` the defect is, the test that it `turns_red`, and the swaps of syntax that make it.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from tests.faults.mutation import Mutant, Swap, mutated
from tests.house.source_tree import PACKAGE, ROOT

HERE = Path(__file__).parent
MUTANTS = sorted((HERE / "mutants").glob("*.toml"))
# The witness is not of the package, and what it finds is held against a defect as well.
FILES = [*PACKAGE, HERE / "checker.py"]
# A copy without these is the whole tree as a checkout has it.
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build")
# A failed wait, a broken import or a missing fixture is red as well, and proves nothing.
BY_ASSERTION = re.compile(r"assert |AssertionError\b|Failed: (?!Timeout)")
RUN_WAIT_S = 900
# The package is imported before pytest, so what every test has is the copy's, or nothing runs at all.
RUN = """
import sys, pathlib, restohub
if pathlib.Path.cwd() not in pathlib.Path(restohub.__file__).parents:
    sys.exit(f"the tests would run against {restohub.__file__}")
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""

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


def read(path: Path) -> Mutant:
    """The mutant of a file; fails where a key is missing or unknown."""
    return msgspec.toml.decode(path.read_text("utf-8"), type=Mutant)


def defined(path: Path) -> Iterator[str]:
    """The names of a test module's functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_fits_the_tree_of_today_and_names_a_test_that_is_there(path: Path) -> None:
    mutant = read(path)
    for source, text in mutated(mutant, FILES).items():
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source.read_bytes()))
    test_path, _, test = mutant.turns_red.partition("::")
    assert test in defined(ROOT / test_path)


def test_every_fault_test_has_a_mutant() -> None:
    tests = {path.relative_to(ROOT).as_posix() for path in HERE.glob("test_*.py")} - {"tests/faults/test_mutants.py"}
    assert tests - {read(path).turns_red.partition("::")[0] for path in MUTANTS} == set()


def test_swaps_change_the_named_definition_alone_and_keep_the_layout_around(tmp_path: Path) -> None:
    swaps = [
        Swap("Till", "import os", "import os\nimport time"),
        Swap("Till.close", "self.sum(1)", "pass"),
        Swap("Till", "if self:\n    return 2", "time.sleep(1)"),
    ]
    path = tmp_path / "Till.py"
    path.write_text(TILL, "utf-8")
    assert mutated(Mutant("", "", swaps), [path]) == {path: SWAPPED}


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
        mutated(Mutant("", "", [Swap(where, old, "")]), [path])


@pytest.mark.long
@pytest.mark.timeout(RUN_WAIT_S + 60)
@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_turns_its_test_red(path: Path, tmp_path: Path) -> None:
    mutant = read(path)
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND, symlinks=True)
    for source, text in mutated(mutant, FILES).items():
        (tree / source.relative_to(ROOT)).write_text(text, "utf-8")
    run, cases = run_of(mutant, tree)
    print(f"{path.stem}: {cases}")
    assert run.returncode == 1, run.stdout + run.stderr
    test = mutant.turns_red.partition("::")[2]
    failed = [message for name, message in cases if name.partition("[")[0] == test]
    assert failed, run.stdout
    assert all(BY_ASSERTION.match(message) for message in failed), failed
    assert len(failed) == len(cases), run.stdout


def run_of(mutant: Mutant, tree: Path) -> tuple[subprocess.CompletedProcess[str], list[tuple[str, str]]]:
    """The run of the mutant's test in the copy, and each case that was red: its name and why, an error as `error`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment["PYTHONPATH"] = str(tree)
    report = tree.parent / "report.xml"
    options = ["-x", "-n", "0", "-m", "", "-p", "no:cacheprovider", "--basetemp", str(tree.parent / "tmp")]
    options += ["--junitxml", str(report)]
    command = [sys.executable, "-c", RUN, *options, mutant.turns_red]
    run = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=RUN_WAIT_S
    )
    assert report.exists(), run.stdout + run.stderr
    cases: list[tuple[str, str]] = []
    for case in ElementTree.parse(report).iter("testcase"):
        for verdict in case:
            if verdict.tag == "failure":
                cases.append((case.get("name", ""), verdict.get("message", "")))
            elif verdict.tag == "error":
                cases.append((case.get("name", ""), "error"))
    return run, cases
