"""The house's habits of words and hands: plain openings, plain names, one clock, no mocks, no waiting."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.source_tree import PACKAGE, TESTS, each, name, nodes, parsed

VAGUE = {"util", "utils", "helper", "helpers", "manager", "service", "base"}
# Of a machine, not of a platform: `C:\ProgramData` and the `pi` of every Raspberry Pi are the same everywhere.
MACHINE = re.compile(r"/(home/(?!pi\b)\w|(Users|root|work)/\w)")
NOW = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("os", "urandom"),
    ("uuid", "uuid4"),
}
INNER = {"floor", "store", "live", "wire"}


def calls(path: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """Every call of a module as what it is called on (or ""), its name, and itself."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(value=ast.Name(id=holder), attr=called):
                    yield holder, called, node
                case ast.Name(id=called):
                    yield "", called, node


@each(PACKAGE + TESTS)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    paragraph = " ".join((ast.get_docstring(parsed(path)) or "").split("\n\n")[0].split())
    one = paragraph.endswith(".") and not re.search(r"[.!?] [A-Z]", paragraph)
    assert one, (
        f"Make the first paragraph of {name(path)} one sentence, with what more there is to say below: {paragraph}"
    )


@each(PACKAGE)
def test_no_class_and_no_function_has_a_name_that_says_nothing(path: Path) -> None:
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in nodes(path) if isinstance(node, named)]
    words = {one: set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", one).lower().split("_")) for one in names}
    vague = [one for one, parts in words.items() if parts & VAGUE]
    assert vague == [], f"Name these of {name(path)} by what they do: {', '.join(vague)}"


@each(PACKAGE + TESTS)
def test_no_text_is_a_path_of_one_machine(path: Path) -> None:
    texts = [node.value for node in nodes(path) if isinstance(node, ast.Constant)]
    found = [text for text in texts if isinstance(text, str) and MACHINE.match(text)]
    assert found == [], f"{name(path)} names a path of one machine, {found}: take it from a setting or from tmp_path."


@each([path for path in PACKAGE if "simulate" not in path.parts])
def test_only_the_clock_reads_the_time_and_makes_ids(path: Path) -> None:
    asked = [f"{holder}.{called}" for holder, called, _ in calls(path) if (holder, called) in NOW]
    assert asked == [] or name(path) == "restohub/live/clock.py", (
        f"{name(path)} calls {', '.join(asked)}: ask the hub's Clock (live/clock.py), so that tests can set it."
    )


@each(TESTS)
def test_no_test_mocks(path: Path) -> None:
    modules = [
        found
        for node in nodes(path)
        for found in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    mocks = [module for module in modules if "mock" in module]
    assert mocks == [], f"{name(path)} imports {', '.join(mocks)}: use a real hub, a real socket, a real SQLite file."


@each([path for path in TESTS if path.parent.name in INNER])
def test_no_inner_test_waits_for_time_to_pass(path: Path) -> None:
    waits = [node for _, called, node in calls(path) if called == "sleep"]
    real = [node.lineno for node in waits if not isinstance(node.args[0], ast.Constant) or node.args[0].value != 0]
    assert real == [], f"{name(path)} sleeps in line {real}: wait for the event itself, or set the clock."


@each([path for path in TESTS if path.parent.name == "contract"])
def test_a_black_box_test_shares_no_code_with_the_hub(path: Path) -> None:
    found = re.findall(r"^\s*(?:from|import) restohub\b", path.read_text("utf-8"), re.MULTILINE)
    assert found == [], (
        f"{name(path)} imports the hub: a black-box test asks it over the wire. Move it to another folder."
    )
