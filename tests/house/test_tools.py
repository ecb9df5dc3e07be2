"""The house's tools over the tree: style, types, layers."""

from __future__ import annotations

import pytest

from tests.house.source_tree import run


def test_the_style_is_kept() -> None:
    found = run("ruff", "check", "--no-cache", "restohub", "tests")
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_format_is_kept() -> None:
    found = run("ruff", "format", "--no-cache", "--check", "restohub", "tests")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.timeout(600)  # without its cache, on a busy machine
def test_the_types_are_right() -> None:
    found = run("mypy", "restohub", "tests")
    assert found.returncode == 0, found.stdout + found.stderr


def test_imports_go_downwards() -> None:
    found = run("lint-imports", "--no-cache")
    assert found.returncode == 0, found.stdout + found.stderr
