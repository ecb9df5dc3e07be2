"""The tree as the house tests read it: its root, its modules, its tools."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PACKAGE = sorted((ROOT / "restohub").rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py"))


def name(path: Path) -> str:
    """A file as the tests name it: from the root."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """A module's syntax tree, which no test changes."""
    return ast.parse(path.read_text("utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """All that is in a module's syntax tree, from the outside in."""
    return list(ast.walk(parsed(path)))


def each(things: Iterable[T]) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Makes of a check of one file, or of what else, the test of all these; it names all that are wrong.

    A test for each of them would be 4,000, which cost each process more to collect than they take.
    """

    def of_all(check: Callable[[T], None]) -> Callable[[], None]:
        def test() -> None:
            wrong = []
            for one in things:
                try:
                    check(one)
                except AssertionError as fault:
                    wrong.append(str(fault))
            assert wrong == [], "\n".join(wrong)

        return test

    return of_all


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A tool of the environment that the tests run in, over the tree."""
    tool = Path(sys.executable).with_name(command[0])
    return subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
