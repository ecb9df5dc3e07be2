"""The sentences that operate.md explains, held to those that the hub says, and the other way round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from restohub.wire.error_codes import CODES
from tests.docs.markdown_pages import cells, part
from tests.house.source_tree import PACKAGE, nodes, parsed

OPERATE = "restohub/docs/operate.md"
# What ends a start, or keeps a command from its work: the text is the sentence.
ENDING = {"FolderError", "ServedError", "FormatError", "PortError", "StorageBackError", "SettingsError"}
ENDING |= {"CertificateError"}
ENDING |= {"stop", "_ended", "end_now"}
# A part that must be the same in both, so that a sentence made of names alone matches nothing.
SHARED = 6
OPEN = None
Sentence = tuple[str | None, ...]


def split(text: str, gap: str) -> Sentence:
    """A text as its letters, with OPEN for each gap."""
    letters: list[str | None] = []
    for number, piece in enumerate(re.split(gap, text)):
        letters += [OPEN] * (number > 0) + list(piece)
    return tuple(letters)


def made(node: ast.expr) -> Sentence:
    """What a text in the code becomes: its letters, with OPEN for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return split(node.value, r"%[.\d]*[sdrf]|\{[^{} ]*\}")
    assert isinstance(node, ast.JoinedStr)
    letters: list[str | None] = []
    for value in node.values:
        letters += str(value.value) if isinstance(value, ast.Constant) else [OPEN]
    return tuple(letters)


def texts(tree: ast.AST) -> Iterator[ast.expr]:
    """Every text of a module, an f-string as one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield node
        else:
            yield from texts(node)


def pieces(sentence: Sentence) -> list[str]:
    """What is fixed in a sentence."""
    return "".join("\0" if letter is OPEN else letter for letter in sentence).split("\0")


def agree(told: Sentence, said: Sentence) -> bool:
    """Whether one text can be both. `told` may end sooner; what the code fills in is one word, or open in `told`."""
    if not any(len(one) >= SHARED and one in two for a, b in ((told, said), (said, told)) for one in pieces(a)
               for two in pieces(b)):  # fmt: skip
        return False
    now = {(0, 0)}
    seen = set(now)
    while now:
        at, by = now.pop()
        if at == len(told):
            return True
        steps = set()
        a, b = told[at], said[by] if by < len(said) else ""
        if a is OPEN:
            steps |= {(at + 1, by), (at, by + 1)} if by < len(said) else {(at + 1, by)}
        if b is OPEN:
            steps |= {(at, by + 1)} if a == " " else {(at, by + 1), (at + 1, by)}
        if a is not OPEN and a == b:
            steps.add((at + 1, by + 1))
        now |= steps - seen
        seen |= steps
    return False


@cache
def sayings() -> list[Sentence]:
    """Every text of the code."""
    return [made(node) for path in PACKAGE for node in texts(parsed(path))]


ROWS = cells(part(OPERATE, "Where to look when something fails"))
TOLD = [text for one in ROWS for text in re.findall(r"`([^`]+)`", one[0])]


@cache
def endings() -> list[Sentence]:
    """Every sentence that ends a command."""
    return [
        made(argument)
        for path in PACKAGE
        for call in nodes(path)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ENDING
        for argument in call.args
        if isinstance(argument, ast.JoinedStr)
        or (isinstance(argument, ast.Constant) and isinstance(argument.value, str))
    ]


def test_there_are_sentences_on_both_sides() -> None:
    assert len(TOLD) > 35
    assert len(endings()) > 20


@pytest.mark.parametrize("told", TOLD)
def test_the_hub_says_what_the_page_explains(told: str) -> None:
    sentence = split(told, " ?… ?") if "…" in told else split(told, "\0")
    assert told in CODES or any(agree(sentence, said) for said in sayings()), f"the hub never says: {told}"


def test_the_page_explains_each_sentence_that_ends_a_command() -> None:
    explained = [split(told, " ?… ?") for told in TOLD]
    missing = ["…".join(pieces(said)) for said in endings() if not any(agree(told, said) for told in explained)]
    assert missing == [], f"give these sentences their rows in {OPERATE}"


def test_what_is_never_said_agrees_with_nothing() -> None:
    assert not any(agree(split("The kitchen … is on fire", " ?… ?"), said) for said in sayings())
