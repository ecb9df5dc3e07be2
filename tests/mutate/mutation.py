"""A deliberate defect as swaps of syntax: in one definition, these expressions or statements for others.

A definition is named by as much of the end of its dotted name as tells it from others: `Feed.publish`, `_load`. Layout,
comments, the lines around and the file do not count, so a defect moves with its code.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from textwrap import indent

import msgspec

Syntax = ast.expr | ast.stmt
Span = tuple[Syntax, Syntax]  # the first and the last of what follows each other


class Swap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One expression, or statements that follow each other, for others in the module, class or function `where`."""

    where: str
    old: str
    new: str


def mutated(swaps: Sequence[Swap], files: Sequence[Path]) -> dict[Path, str]:
    """The text of each file that a defect changes, with the defect in it; fails where a swap does not fit once."""
    changes: dict[Path, list[tuple[Span, str]]] = defaultdict(list)
    for swap in swaps:
        path, span = _place(swap, files)
        changes[path].append((span, swap.new))
    return {path: swapped(path.read_bytes(), spans) for path, spans in changes.items()}


def _place(swap: Swap, files: Sequence[Path]) -> tuple[Path, Span]:
    last = swap.where.rpartition(".")[2]
    definitions = [
        (path, node)
        for path in files
        for full_name, node in _definitions(path).get(last, ())
        if f".{full_name}".endswith(f".{swap.where}")
    ]
    assert definitions, f"There is no {swap.where}: write into `where` what the definition is called now."
    # What a module and a class of one name have in common is one place.
    found = list(dict.fromkeys((path, span) for path, node in definitions for span in _matches(node, swap.old)))
    assert found, (
        f"{swap.where} has no such code any more. Write into `old` how it is written now, and into `new` the same "
        f"defect:\n{swap.old}"
    )
    places = ", ".join(f"{path.name}:{first.lineno}" for path, (first, _) in found)
    assert len(found) == 1, (
        f"{swap.where} has this code {len(found)} times ({places}). Write more of it into `old`, or more of the name "
        f"into `where`:\n{swap.old}"
    )
    return found[0]


@cache
def _definitions(path: Path) -> dict[str, list[tuple[str, ast.AST]]]:
    """A module and what it defines, with its qualified name, under the last part of that."""
    module = ".".join(path.with_suffix("").parts)
    tree = ast.parse(path.read_bytes())
    found: dict[str, list[tuple[str, ast.AST]]] = {}
    for full_name, node in ((module, tree), *_within(tree, module)):
        found.setdefault(full_name.rpartition(".")[2], []).append((full_name, node))
    return found


def _within(node: ast.AST, holder: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{holder}.{child.name}", child
            yield from _within(child, f"{holder}.{child.name}")
        else:
            yield from _within(child, holder)


def _matches(definition: ast.AST, old: str) -> Iterator[Span]:
    wanted = ast.parse(old).body
    if len(wanted) == 1 and isinstance(wanted[0], ast.Expr):
        kind, expression = type(wanted[0].value), ast.dump(wanted[0].value)
        for node in ast.walk(definition):
            if type(node) is kind and isinstance(node, ast.expr) and ast.dump(node) == expression:
                yield node, node
        return
    statements = [ast.dump(one) for one in wanted]
    for node in ast.walk(definition):
        for body in (getattr(node, part, []) for part in ("body", "orelse", "finalbody")):
            if isinstance(body, list):  # a lambda's body is an expression
                for start in range(len(body) - len(statements) + 1):
                    found = body[start : start + len(statements)]
                    if type(found[0]) is type(wanted[0]) and [ast.dump(one) for one in found] == statements:
                        yield found[0], found[-1]


def _start(span: Span) -> tuple[int, int]:
    return span[0].lineno, span[0].col_offset


def swapped(source: bytes, swaps: list[tuple[Span, str]]) -> str:
    """A module's source with other code in the places of these spans."""
    lines = source.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    # From the end to the beginning, so that the places of those still to come stay true.
    for (first, last), new in sorted(swaps, key=lambda swap: _start(swap[0]), reverse=True):
        begin = starts[first.lineno - 1] + first.col_offset
        end = starts[(last.end_lineno or 0) - 1] + (last.end_col_offset or 0)
        text = indent(new.strip(), " " * first.col_offset).lstrip()
        source = source[:begin] + text.encode() + source[end:]
    return source.decode()
