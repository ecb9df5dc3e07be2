"""The house's habits as tests: sentences, sizes, names, and where SQL and broad catches may stand."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.contract.floor_client import check_table
from tests.house.source_tree import PACKAGE, ROOT, TESTS, each, name, nodes, parsed

LINES_MAX, FUNCTION_LINES_MAX = 400, 60
VAGUE = {"utils", "util", "helpers", "helper", "manager", "service", "base", "common", "misc"}
# The writer's group, a socket's sending and the edge of HTTP (by registration): there a fault of ours is contained.
BROAD = {"restohub/live/writer.py": 1, "restohub/web/sockets.py": 1}
SQL = re.compile(r"\b(SELECT\b.+\bFROM|INSERT (OR \w+ )?INTO|DELETE FROM|UPDATE \w+ SET|CREATE TABLE|PRAGMA )")
EXCEPTION = re.compile(r"# (?:noqa|type: ignore)\b.*")
REASONED = re.compile(r"\W+(?:noqa: [A-Z]+[0-9]+ \(.+\)|type: ignore\[[a-z, -]+\]  # \w.*)$")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@each(PACKAGE + TESTS)
def test_a_module_opens_with_what_it_is(path: Path) -> None:
    sentence = ast.get_docstring(parsed(path)) or ""
    assert not sentence.startswith(("This file", "This package", "This module")), f"Say what {name(path)} is, at once."


def test_no_two_modules_share_a_name_and_none_has_one_of_the_standard_library() -> None:
    stems = [path.stem for path in PACKAGE if not path.stem.startswith("__") and "docs" not in path.parts]
    assert [one for one, count in Counter(stems).items() if count > 1] == []
    assert sorted(set(stems) & sys.stdlib_module_names) == []


@each(PACKAGE + TESTS)
def test_no_file_and_no_function_is_too_long(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= LINES_MAX, (
        f"{name(path)} has {lines} lines, of at most {LINES_MAX}: give what is a subject of its own a file of its own."
    )
    long = [
        f"{node.name} ({(node.end_lineno or 0) - node.lineno + 1})"
        for node in nodes(path)
        if isinstance(node, FUNCTIONS) and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == [], (
        f"Part these functions of {name(path)} by what they do, until none has more than {FUNCTION_LINES_MAX} lines: "
        + ", ".join(long)
    )


@each(PACKAGE)
def test_what_others_use_says_what_it_does(path: Path) -> None:
    silent = [
        node.name
        for holder in nodes(path)
        if isinstance(holder, ast.Module) or (isinstance(holder, ast.ClassDef) and not holder.name.startswith("_"))
        for node in holder.body
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert silent == [], (
        f"Give these of {name(path)} a docstring (what they do, units, errors), or a name that begins with _: "
        + ", ".join(silent)
    )


@each(PACKAGE)
def test_only_named_places_catch_every_exception(path: Path) -> None:
    broad = [
        node
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert len(broad) == BROAD.get(name(path), 0), (
        f"{name(path)} catches every exception in line {', '.join(str(node.lineno) for node in broad)}: name those "
        "that can come there. Where a fault of ours must really be contained, count it in BROAD here."
    )


@each(PACKAGE + TESTS)
def test_an_exception_from_a_rule_has_its_reason_beside_it(path: Path) -> None:
    bare = [one for one in EXCEPTION.findall(path.read_text("utf-8")) if not REASONED.match(one)]
    assert bare == [], (
        f"Say why beside these exceptions of {name(path)}, as `noqa: X000 (why)` or `type: ignore[code]  # why`: "
        + "; ".join(bare)
    )


def test_a_rule_that_is_switched_off_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    off = [*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)]
    bare = [rule for rule in off if not re.search(rf'^ *"{rule}", +# \w', text, re.MULTILINE)]
    assert bare == [], f"Put these on lines of their own in pyproject.toml, with why they are off: {', '.join(bare)}"


@each([p for p in PACKAGE if "store" not in p.parts])
def test_only_the_store_speaks_sql(path: Path) -> None:
    texts = [node.value for node in nodes(path) if isinstance(node, ast.Constant)]
    spoken = [text for text in texts if isinstance(text, str) and SQL.search(text)]
    assert spoken == [], f"Move this SQL from {name(path)} into restohub/store, behind a method that says what it asks."


def test_an_assertion_in_a_helper_says_what_it_compared() -> None:
    with pytest.raises(AssertionError, match=r"dict_keys\(\['nothing'\]\)"):
        check_table({"nothing": 0})


def test_only_the_app_opens_the_writing_connection_and_only_once() -> None:
    uses = [name(path) for path in PACKAGE for line in path.read_text("utf-8").splitlines() if "open_writer(" in line]
    assert sorted(uses) == ["restohub/app.py", "restohub/store/connection.py"], (
        "Pass on the connection that app.py has opened: a second one that writes can corrupt the log of SQLite."
    )


@each(PACKAGE)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert path.stem not in VAGUE, f"Call {name(path)} by what is in it."


def test_the_top_level_is_as_it_was_agreed() -> None:
    agreed = {"restohub", "tests", "pyproject.toml", "restohub.service", "README.md", "LICENSE"}
    agreed |= {"CHANGELOG.md", "SECURITY.md"}
    made = {"build", "dist"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and path.suffix != ".egg-info"}
    assert found - made <= agreed, (
        f"Move {', '.join(sorted(found - made - agreed))} below restohub or tests, or agree on it here."
    )


def test_the_tests_readme_says_where_each_behaviour_is_tested() -> None:
    said = set(re.findall(r"`((?:\w+/)*test_\w+\.py)`", (ROOT / "tests" / "README.md").read_text("utf-8")))
    there = {path.relative_to(ROOT / "tests").as_posix() for path in TESTS if path.name.startswith("test_")}
    assert said == there, (
        f"In the table of tests/README.md add {', '.join(sorted(there - said)) or 'nothing'} beside what is "
        f"tested there, and take out {', '.join(sorted(said - there)) or 'nothing'}."
    )


def test_ci_runs_the_test_commands_of_the_readme() -> None:
    said, run = (
        [line for line in (ROOT / file).read_text("utf-8").splitlines() if ".venv/bin/pytest" in line]
        for file in ("README.md", ".ci/run")
    )
    assert len(said) == 2
    assert run == said, "Make .ci/run and the README say the same commands."
