"""The tree as the house tests read it: its root, its modules, its tools."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = sorted((ROOT / "restohub").rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py"))


def name(path: Path) -> str:
    """A file as the tests name it: from the root."""
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A tool of the environment that the tests run in, over the tree."""
    tool = Path(sys.executable).with_name(command[0])
    return subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
