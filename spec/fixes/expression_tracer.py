"""A function that writes down every number it computes, and can be told to answer one of them as it was before.

    tree = taped(tree, spots)                   # every expression becomes _tape(i, expression)
    with tape.recording(): f(x)                 # what each one is here
    with tape.holding({3}): f(x + h)            # all moves but the fourth
    with tape.passing(3, 1): f(x + h)           # the fourth moves as the second does, with slope 1
"""

from __future__ import annotations

import ast
import contextlib
import copy
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MARK = "_tape"


@dataclass
class Taped:
    """One expression: how it reads, on which line, what it is assigned to, and what stands in it."""

    text: str
    line: int
    around: str
    target: str = ""
    inputs: list[int] = field(default_factory=list)
    is_call: bool = False

    @property
    def rank(self) -> int:
        """How well it serves to name a path: what is assigned, then what is called, then the shortest."""
        return 0 if self.target else (1 if self.is_call else 1000) + len(self.text)

    @property
    def words(self) -> str:
        """The expression, with the statement around it."""
        if self.target:
            return f"`{self.target}` (line {self.line})"
        return f"`{self.text}` in `{self.around}` (line {self.line})"


class Tape:
    """What each expression was, occurrence by occurrence."""

    def __init__(self) -> None:
        self.base: dict[int, list[Any]] = defaultdict(list)
        self.seen: Counter[int] = Counter()
        self.mode, self.held, self.passed = "", frozenset[int](), (-1, -1)
        self.latest: Any = None

    def __call__(self, i: int, value: Any) -> Any:
        if not _is_real(value):
            return value
        if self.mode == "record":
            self.base[i].append(copy.copy(value))
        elif i in self.held:
            return copy.copy(self.was(i, value))
        elif i == self.passed[1]:
            was = copy.copy(self.was(i, value))
            self.latest = value - was
            return was
        elif i == self.passed[0]:
            return value + self.latest
        return value

    def was(self, i: int, value: Any) -> Any:
        """What the expression was at this occurrence."""
        at = self.seen[i] % max(1, len(self.base[i]))
        self.seen[i] += 1
        return self.base[i][at] if self.base[i] else value

    def heard(self, i: int) -> bool:
        """Whether the expression is a number or an array of numbers, and was computed."""
        return bool(self.base.get(i))

    def same_shape(self, i: int, j: int) -> bool:
        """Whether two expressions are each computed once, of one shape."""
        one, two = self.base.get(i, []), self.base.get(j, [])
        return len(one) == len(two) > 0 and all(np.shape(a) == np.shape(b) for a, b in zip(one, two, strict=True))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Write down, and start anew."""
        self.base.clear()
        self.mode = "record"
        yield
        self.mode = ""

    @contextlib.contextmanager
    def holding(self, which: frozenset[int]) -> Iterator[None]:
        """Answer these as they were."""
        self.held = which
        self.seen.clear()
        yield
        self.held = frozenset()

    @contextlib.contextmanager
    def passing(self, i: int, j: int) -> Iterator[None]:
        """Let `i` move as `j` does, which stands in it, whatever the slope of `i` by `j`."""
        self.passed = (i, j)
        self.seen.clear()
        yield
        self.passed = (-1, -1)


def _is_real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def taped(tree: ast.FunctionDef, spots: list[Taped]) -> ast.FunctionDef:
    """A copy of `tree` whose expressions go through the tape; each is added to `spots`."""
    found = _Taper(spots).visit(copy.deepcopy(tree))
    assert isinstance(found, ast.FunctionDef)
    return ast.fix_missing_locations(found)


class _Taper(ast.NodeTransformer):
    def __init__(self, spots: list[Taped]) -> None:
        self.spots, self.statement, self.targets, self.inside = spots, "", dict[int, str](), list[int]()

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.stmt):
            self.statement = ast.unparse(node).splitlines()[0]
        if isinstance(node, ast.Assign | ast.AugAssign):
            self.targets |= _assigned(node)
        if isinstance(node, ast.expr) and _is_computed(node):
            return self.wrapped(node)
        return super().visit(node)

    def wrapped(self, node: ast.expr) -> ast.expr:
        i = len(self.spots)
        spot = Taped(ast.unparse(node), node.lineno, self.statement, self.targets.get(id(node), ""))
        spot.is_call = isinstance(node, ast.Call)
        self.spots.append(spot)
        first = len(self.spots)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                node.func.value = self.visit(node.func.value)
            node.args = [self.visit(arg) for arg in node.args]
        elif isinstance(node, ast.Subscript | ast.Attribute):
            node.value = self.visit(node.value)
        else:
            node = super().generic_visit(node)  # type: ignore[assignment]  # an expression remains one
        spot.inputs = list(range(first, len(self.spots)))
        return ast.copy_location(
            ast.Call(ast.Name(MARK, ast.Load()), [ast.Constant(i), node], []), node
        )

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


def _assigned(node: ast.Assign | ast.AugAssign) -> dict[int, str]:
    if isinstance(node, ast.AugAssign):
        return {}
    found: dict[int, str] = {}
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        found |= {id(value): ast.unparse(name) for name, value in pairs if isinstance(name, ast.Name | ast.Attribute)}
    return found
