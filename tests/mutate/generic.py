"""Defects that no person thought of: small changes of syntax, at every place of a package where one is possible."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.house.source_tree import ROOT, parsed
from tests.mutate.mutation import swapped

Function = ast.FunctionDef | ast.AsyncFunctionDef

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Place(msgspec.Struct, frozen=True):
    """One change at one place: the file, the function, the code that goes and the code that comes."""

    path: Path
    function: str
    node: ast.expr | ast.stmt
    new: str

    @property
    def what(self) -> str:
        """Where it is and what it does, in a line."""
        old = ast.unparse(self.node).splitlines()[0]
        file = self.path.relative_to(ROOT / "restohub")
        return f"{file}:{self.node.lineno} {self.function}: `{old}` is `{self.new}`"

    def text(self) -> str:
        """The file with it."""
        return swapped(self.path.read_bytes(), [((self.node, self.node), self.new)])


def places(packages: Sequence[str]) -> list[Place]:
    """Every one in the functions of these packages, in the order of files and lines."""
    found: list[Place] = []
    for package in packages:
        for path in sorted((ROOT / "restohub" / package).rglob("*.py")):
            for node in ast.walk(parsed(path)):
                if isinstance(node, Function):
                    found += (
                        Place(path, node.name, at, new) for statement in node.body for at, new in _changes(statement)
                    )
    return found


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """The changes within a statement or expression of a function; a function inside has its own."""
    if isinstance(node, Function | ast.ClassDef | ast.Assert | ast.JoinedStr):  # an f-string is words for people
        return
    if isinstance(node, ast.stmt):
        yield from ((node, new) for new in _instead_of_statement(node))
    elif isinstance(node, ast.expr):
        yield from ((node, new) for new in _instead_of_expression(node))
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _changes(child)


def _instead_of_statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return
        case ast.Expr() | ast.AugAssign() | ast.Continue() | ast.Break():
            yield "pass"
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return None"


def _instead_of_expression(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in FLIPPED:
            yield ast.unparse(ast.Compare(node.left, [FLIPPED[type(op)]()], node.comparators))
        case ast.BoolOp(op=op, values=values):
            yield f"({ast.unparse(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield ast.unparse(operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield f"({ast.unparse(body)})"
            yield f"({ast.unparse(orelse)})"
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() as value):
            yield str(value + 1)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield f"({ast.unparse(ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right))})"
