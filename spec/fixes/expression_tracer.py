"""Pass every expression of a function to a Tracer, which records its value or holds it constant.

    tree = traced(tree, expressions)              # every expression becomes _trace(i, expression)
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.subjects.tracer import NAME

Place = tuple[int, int, int, int]
"""Line and column where an expression begins, and where it ends."""


def place_of(node: ast.AST) -> Place:
    """The place of an expression or a statement."""
    found: Any = node
    return found.lineno, found.col_offset, found.end_lineno, found.end_col_offset


@dataclass
class TracedExpression:
    """One expression: its text, its place, the name it is assigned to, and the indices of its subexpressions."""

    text: str
    line: int
    statement: str
    target: str = ""
    parts: list[int] = field(default_factory=list)
    is_call: bool = False
    place: Place = (0, 0, 0, 0)

    @property
    def rank(self) -> int:
        """How clear it is to a reader, low first: assigned values, then calls, then short expressions."""
        return 0 if self.target else (1 if self.is_call else 1000) + len(self.text)

    def __str__(self) -> str:
        """The expression, with the statement around it."""
        if self.target:
            return f"`{self.target}` (line {self.line})"
        return f"`{self.text}` in `{self.statement}` (line {self.line})"


def traced(tree: ast.FunctionDef, expressions: list[TracedExpression]) -> ast.FunctionDef:
    """A copy of `tree` that passes every expression to the tracer. They are appended to `expressions`."""
    found = _Wrapper(expressions).visit(copy.deepcopy(tree))
    assert isinstance(found, ast.FunctionDef)
    return ast.fix_missing_locations(found)


class _Wrapper(ast.NodeTransformer):
    def __init__(self, expressions: list[TracedExpression]) -> None:
        self.expressions = expressions
        self.statement = ""
        self.targets: dict[int, str] = {}

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.stmt):
            self.statement = ast.unparse(node).splitlines()[0]
        if isinstance(node, ast.Assign):
            self.targets |= _targets(node)
        return self.wrapped(node) if isinstance(node, ast.expr) and _is_computed(node) else super().visit(node)

    def wrapped(self, node: ast.expr) -> ast.expr:
        i = len(self.expressions)
        expression = TracedExpression(ast.unparse(node), node.lineno, self.statement, self.targets.get(id(node), ""))
        expression.place = place_of(node)
        expression.is_call = isinstance(node, ast.Call)
        self.expressions.append(expression)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                node.func.value = self.visit(node.func.value)
            node.args = [self.visit(arg) for arg in node.args]
        elif isinstance(node, ast.Subscript | ast.Attribute):
            node.value = self.visit(node.value)
        else:
            node = super().generic_visit(node)  # type: ignore[assignment]  # an expression remains one
        expression.parts = list(range(i + 1, len(self.expressions)))
        return ast.copy_location(ast.Call(ast.Name(NAME, ast.Load()), [ast.Constant(i), node], []), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        node.value = self.visit(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        node.value = self.visit(node.value)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node


def _is_computed(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return isinstance(node.ctx, ast.Load) and node.id not in ("np", "self", "numpy")
    if isinstance(node, ast.Attribute | ast.Subscript):
        return isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call)


def _targets(node: ast.Assign) -> dict[int, str]:
    """The names that the values of an assignment get, by the values' ids."""
    found: dict[int, str] = {}
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        found |= {id(value): ast.unparse(name) for name, value in pairs if isinstance(name, ast.Name | ast.Attribute)}
    return found
