"""A function's source, changed in one place at a time, as a proofreader would who doesn't know what it is for.

    for edit in edits(tree, operands):        # `tree` is a function as `ast` parses it
        compile(...)                          # until the next edit is asked for, the tree bears this one

What is tried, likeliest first, is in spec/fixes/replace_rules.py and spec/fixes/insert_rules.py.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nnlaw.spec import violation
from nnlaw.spec.fixes.insert_rules import missing_factors, missing_operands, missing_paths, missing_sums, missing_terms
from nnlaw.spec.fixes.replace_rules import (
    Rule,
    calls,
    comparisons,
    numbers,
    other_names,
    places,
    signs_and_operands,
    transposes,
)

WHOLE = {missing_paths}
"""Rules for what a statement hands on as a whole, not for the parts of it."""
EXPRESSIONS: tuple[tuple[Rule, ...], ...] = (
    (signs_and_operands, transposes, calls, comparisons, numbers, places),
    (other_names,),
    (missing_operands,),
    (missing_factors, missing_sums),
    (missing_terms,),
    (missing_paths,),
)
"""The rules, tier by tier: a slip seen in the line itself, one name for another, then what is missing."""

AXIS = ("axis", "keepdims")
WIDE = 200  # a statement up to this length is shown whole


@dataclass(frozen=True)
class Edit:
    """One change: how likely (a small tier is likelier), in which statement, and how to read it while it is borne.

    `old` became `new`, which stands in `parent`; spec/fixes/describe_change.py says what mistake that undoes.
    """

    tier: int
    line: int
    before: str
    after: ast.AST | None
    old: ast.AST | None
    new: ast.AST | None
    parent: ast.AST | None = None
    in_index: bool = False

    @property
    def number(self) -> bool:
        """Whether it puts in a number besides 0 and 1, which may only happen to fit."""
        held = {node.value for node in ast.walk(self.old) if isinstance(node, ast.Constant)} if self.old else set()
        put = {node.value for node in ast.walk(self.new) if isinstance(node, ast.Constant)} if self.new else set()
        return any(isinstance(v, int | float) and v not in (0, 1, -1) for v in put - held)

    def in_source(self, path: str) -> violation.Edit:
        """The edit as a place in the source file and the text before and after."""
        after = "" if self.after is None else ast.unparse(self.after)
        return violation.Edit(path, self.line, 0, self.line, 0, self.before, after)


@dataclass(frozen=True)
class _Slot:
    """A place in the tree where an expression stands, and the statement around it, as both read at first."""

    parent: ast.AST
    name: str
    at: int | None
    statement: ast.stmt
    whole: str
    in_index: bool

    @property
    def node(self) -> ast.expr:
        held = getattr(self.parent, self.name)
        found: ast.expr = held if self.at is None else held[self.at]
        return found

    @property
    def is_whole(self) -> bool:
        """Whether it is all that a statement assigns or returns, or an entry of that."""
        return isinstance(self.parent, ast.Assign | ast.AugAssign | ast.Return | ast.Dict | ast.Tuple)

    @property
    def is_axis(self) -> bool:
        """Whether it tells a reduction where to sum: a size that happens to be 1 is no axis."""
        return isinstance(self.parent, ast.keyword) and self.parent.arg in AXIS

    def put(self, new: ast.expr) -> None:
        if self.at is None:
            setattr(self.parent, self.name, new)
        else:
            getattr(self.parent, self.name)[self.at] = new


def edits(tree: ast.FunctionDef, operands: Sequence[ast.expr]) -> Iterator[Edit]:
    """Every edit, tier by tier. `operands` are what may be put in; they must not be part of the tree."""
    slots = list(_slots(tree))
    for tier, rules in enumerate(EXPRESSIONS):
        for slot in slots:
            old = slot.node
            for rule in rules:
                if (rule in WHOLE and not slot.is_whole) or (tier and slot.is_axis):
                    continue
                for new in rule(old, operands):
                    slot.put(ast.fix_missing_locations(ast.copy_location(new, old)))
                    short = len(slot.whole) <= WIDE and "\n" not in slot.whole
                    before, after = (slot.whole, slot.statement) if short else (ast.unparse(old), new)
                    yield Edit(tier, old.lineno, before, after, old, new, slot.parent, slot.in_index)
            slot.put(old)
        if tier == 0:
            yield from _statements(tree)
        if tier == 1:
            yield from _renamed(tree, operands)


def _slots(tree: ast.FunctionDef) -> Iterator[_Slot]:
    """Every expression that is read; the name of what is called, and the object before a dot, are left alone."""
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.stmt) or statement is tree:
            continue
        whole = ast.unparse(statement)
        todo: list[tuple[ast.AST, bool]] = [(statement, False)]
        while todo:
            parent, inside = todo.pop(0)
            for name, value in ast.iter_fields(parent):
                for at, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                    if isinstance(child, ast.expr | ast.keyword | ast.comprehension):
                        todo.append((child, inside or name == "slice"))
                    if isinstance(child, ast.expr) and _is_read(parent, name, child):
                        yield _Slot(parent, name, at, statement, whole, inside or name == "slice")


def _is_read(parent: ast.AST, name: str, child: ast.expr) -> bool:
    if isinstance(getattr(child, "ctx", None), ast.Store | ast.Del):
        return isinstance(child, ast.Tuple)
    called = isinstance(parent, ast.Call) and name == "func"
    owner = isinstance(parent, ast.Attribute) and isinstance(child, ast.Name)  # np in np.exp, self in self.x
    return not called and not owner


def _bodies(tree: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for parent in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(parent, name, None)
            if isinstance(body, list):
                yield body


def _statements(tree: ast.FunctionDef) -> Iterator[Edit]:
    """A statement left out, two that change places, += for = and the other way about."""
    for body in _bodies(tree):
        for i, old in enumerate(list(body)):
            if isinstance(old, ast.FunctionDef) or _is_docstring(old):
                continue
            words = ast.unparse(old).splitlines()[0]
            for new in _instead(old):
                body[i] = ast.fix_missing_locations(ast.copy_location(new, old))
                instead = None if isinstance(new, ast.Pass) else new
                yield Edit(0, old.lineno, words, instead, old, instead)
            body[i] = old
            if i + 1 < len(body) and not isinstance(body[i + 1], ast.Return):
                body[i], body[i + 1] = body[i + 1], body[i]
                both = f"{words}; {ast.unparse(body[i]).splitlines()[0]}"
                swapped = ast.Module(body[i : i + 2], [])
                yield Edit(0, old.lineno, both, swapped, None, swapped)
                body[i], body[i + 1] = body[i + 1], body[i]


def _instead(old: ast.stmt) -> Iterator[ast.stmt]:
    if not isinstance(old, ast.Return):
        yield ast.Pass()
    if isinstance(old, ast.AugAssign):
        yield ast.Assign([old.target], old.value)
    elif isinstance(old, ast.Assign) and isinstance(old.targets[0], ast.Name | ast.Attribute | ast.Subscript):
        yield ast.AugAssign(old.targets[0], ast.Add(), old.value)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _renamed(tree: ast.FunctionDef, operands: Sequence[ast.expr]) -> Iterator[Edit]:
    """One name for another wherever it is read in a statement: x(1 − x) where y(1 − y) is due."""
    for body in _bodies(tree):
        for i, old in enumerate(list(body)):
            if isinstance(old, ast.FunctionDef | ast.For | ast.If | ast.With):
                continue
            read = Counter(ast.unparse(node) for node in ast.walk(old) if _is_name(node))
            words = ast.unparse(old)
            for own in (own for own, count in read.items() if count > 1):
                for other in operands:
                    if ast.unparse(other) != own:
                        body[i] = ast.fix_missing_locations(_Swap(own, other).visit(copy.deepcopy(old)))
                        yield Edit(1, old.lineno, words, body[i], ast.parse(own, mode="eval").body, other)
            body[i] = old


def _is_name(node: ast.AST) -> bool:
    read = isinstance(getattr(node, "ctx", None), ast.Load)
    return read and isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


class _Swap(ast.NodeTransformer):
    def __init__(self, own: str, other: ast.expr) -> None:
        self.own, self.other = own, other

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in AXIS else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if _is_name(node) and ast.unparse(node) == self.own:
            return self.other
        return super().generic_visit(node)
