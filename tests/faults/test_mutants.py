"""This file is the proof that the fault tests can fail: each defect of `mutants/` turns the test it names red.

A mutant is a patch that opens with `What: …`, `Row: …` (of the scorecard) and `Turns red: path::test`.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.house.tree import ROOT

HERE = Path(__file__).parent
PATCHES = sorted((HERE / "mutants").glob("*.patch"))
HEAD = re.compile(
    r"What: (?P<what>\S.*)\nRow: (?P<row>[A-Z]\d+)\nTurns red: (?P<path>\S+)::(?P<test>\w+)\n\n(?=diff |--- )"
)
CHANGED = re.compile(r"^\+\+\+ b/(\S+)", re.M)
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


@dataclass(frozen=True)
class Mutant:
    """A deliberate defect: its patch, the row of the scorecard, and the test that must not miss it."""

    patch: Path
    row: str
    path: str
    test: str


def read(patch: Path) -> Mutant:
    """The mutant of a patch; fails where its head is not as it must be."""
    head = HEAD.match(patch.read_text("utf-8"))
    assert head is not None, f"{patch.name} must open with What, Row and Turns red, and an empty line"
    return Mutant(patch, head["row"], head["path"], head["test"])


def apply(mutant: Mutant, tree: Path) -> None:
    """Have `git apply` change the tree: it takes no context that is not exactly there, and needs no repository."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    command = ["git", "apply", "--verbose", str(mutant.patch)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Skipped" not in done.stderr, done.stderr


def defined(path: Path) -> Iterator[str]:
    """The names of a test module's functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_mutant_fits_the_tree_of_today_and_names_a_test_that_is_there(patch: Path, tmp_path: Path) -> None:
    mutant = read(patch)
    for name in CHANGED.findall(patch.read_text("utf-8")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    apply(mutant, tmp_path)
    for path in tmp_path.rglob("*.py"):
        ast.parse(path.read_text("utf-8"))  # a hunk that slid to another place seldom is a program
    assert mutant.test in defined(ROOT / mutant.path)


def test_every_fault_test_has_a_mutant() -> None:
    rows = {path.relative_to(ROOT).as_posix() for path in HERE.glob("test_*.py")} - {"tests/faults/test_mutants.py"}
    assert rows - {read(patch).path for patch in PATCHES} == set()


@pytest.mark.long
@pytest.mark.timeout(RUN_WAIT_S + 60)
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_mutant_turns_its_test_red(patch: Path, tmp_path: Path) -> None:
    mutant = read(patch)
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND, symlinks=True)
    apply(mutant, tree)
    run, cases = run_of(mutant, tree)
    print(f"{mutant.row} {patch.stem}: {cases}")
    assert run.returncode == 1, run.stdout + run.stderr
    failed = [message for name, message in cases if name.partition("[")[0] == mutant.test]
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
    command = [sys.executable, "-c", RUN, *options, f"{mutant.path}::{mutant.test}"]
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
