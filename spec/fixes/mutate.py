"""Change a function's source in one place at a time, without knowing what it computes.

    for mutation in mutations(tree, operands):      # `tree` is a function as `ast` parses it
        compile(...)                                # until the next one, the tree contains this change
    with mutation.applied(): ...                    # and later again

What is tried, likeliest first, is in spec/fixes/rules.py.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

from nnlaw.spec.fixes.rules import AXIS_NAMES, FIRST, TIERS, WHOLE_VALUES, Operands, is_number, name_code, numbers, same


@dataclass(frozen=True)
class Mutation:
    """One change of a function; the lowest tier is the likeliest. `new` replaces `old`, a part of `parent`.

    `statement` contains the change, and read `before` without it. `code` and `parts` are those of the rule;
    spec/fixes/describe_change.py makes the likely cause of them.
    """

    tier: int
    function: ast.FunctionDef
    statement: ast.stmt
    before: str
    old: ast.AST
    new: ast.AST
    code: str
    parts: Mapping[str, ast.AST | str] = field(default_factory=dict)
    parent: ast.AST | None = None
    in_index: bool = False
    put: Callable[[bool], None] = field(default=lambda is_new: None, repr=False, compare=False)
    """Put `new` into the tree, or `old` back."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The tree, in which nothing is changed, contains this change inside the block."""
        self.put(True)
        try:
            yield
        finally:
            self.put(False)

    @property
    def line(self) -> int:
        """The line of the changed expression."""
        return getattr(self.old, "lineno", self.statement.lineno)

    @property
    def length(self) -> int:
        """How long the statement is before and after, in characters."""
        after = "" if isinstance(self.statement, ast.Pass) else ast.unparse(self.statement)
        return len(self.before) + len(after)

    @property
    def is_empty(self) -> bool:
        """Whether it assigns an expression to itself."""
        after = self.statement
        return isinstance(after, ast.Assign) and ast.unparse(after.value) in map(ast.unparse, after.targets)

    @property
    def inserts_number(self) -> bool:
        """Whether it inserts a number other than 0 and 1, which may fit by chance."""
        return any(v not in (0, 1, -1) for v in _numbers(self.new) - _numbers(self.old))


def _numbers(node: ast.AST) -> Counter[Any]:
    return Counter(each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and is_number(each))


@dataclass(frozen=True)
class _Slot:
    """The place of an expression in the tree."""

    parent: ast.AST
    name: str
    index: int | None
    statement: ast.stmt
    before: str
    in_index: bool

    @property
    def node(self) -> ast.expr:
        value = getattr(self.parent, self.name)
        found: ast.expr = value if self.index is None else value[self.index]
        return found

    @property
    def is_whole_value(self) -> bool:
        """Whether it is all that a statement assigns or returns, or an entry of that."""
        return isinstance(self.parent, ast.Assign | ast.AugAssign | ast.Return | ast.Dict | ast.Tuple)

    @property
    def is_axis(self) -> bool:
        """Whether it is the axis of a reduction: a size that happens to be 1 is not an axis."""
        return isinstance(self.parent, ast.keyword) and self.parent.arg in AXIS_NAMES

    def put(self, new: ast.expr) -> None:
        if self.index is None:
            setattr(self.parent, self.name, new)
        else:
            getattr(self.parent, self.name)[self.index] = new


def mutations(
    tree: ast.FunctionDef,
    operands: Operands,
    may_be_at: Callable[[ast.AST], bool] = lambda node: True,
    functions: Sequence[ast.FunctionDef] = (),
) -> Iterator[Mutation]:
    """Every change, tier by tier, of nodes where the mistake may be. `operands` may be inserted, numbers only in place
    of others; they must not be part of the tree. A call may go to another one of the `functions`.
    """
    constants = [each for each in operands if is_number(each)]
    operands = [each for each in operands if not is_number(each)]
    slots = [slot for slot in _slots(tree) if may_be_at(slot.node)]
    for tier, rules in enumerate(TIERS):
        first = [FIRST[tier]] if tier in FIRST else []
        if tier == 1:
            yield from _other_calls(tree, functions, may_be_at)
        for slot, rule in (*product(slots, first), *product(slots, rules)):
            old = slot.node
            if (rule in WHOLE_VALUES and not slot.is_whole_value) or (tier and slot.is_axis):
                continue
            for change in rule(old, constants if rule is numbers else operands):
                new = change.new
                _locate(new, old)
                slot.put(new)
                put = partial(_put, slot.put, new, old)
                place = (slot.parent, slot.in_index, put)
                yield Mutation(tier, tree, slot.statement, slot.before, old, new, change.code, change.parts, *place)
            slot.put(old)
        if tier == 0:
            yield from _statements(tree, may_be_at)
        if tier == 1:
            yield from _renamed(tree, operands, may_be_at)


def _put(place: Callable[[Any], None], new: Any, old: Any, is_new: bool) -> None:
    place(new if is_new else old)


def _locate(node: ast.AST, old: ast.expr) -> None:
    """Give the location of `old` to new nodes. Faster than ast.fix_missing_locations: parts of the tree have theirs."""
    if "lineno" in node._attributes:
        if hasattr(node, "lineno"):
            return
        ast.copy_location(node, old)
    for child in ast.iter_child_nodes(node):
        _locate(child, old)


def _slots(tree: ast.FunctionDef) -> Iterator[_Slot]:
    """Every expression that is read, except the function of a call and the object before a dot."""
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.stmt) or statement is tree:
            continue
        before = ast.unparse(statement)
        todo: list[tuple[ast.AST, bool]] = [(statement, False)]
        while todo:
            parent, inside = todo.pop(0)
            for name, value in ast.iter_fields(parent):
                for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                    in_index = inside or name == "slice"
                    if isinstance(child, ast.expr | ast.keyword | ast.comprehension):
                        todo.append((child, in_index))
                    if isinstance(child, ast.expr) and _is_read(parent, name, child):
                        yield _Slot(parent, name, index, statement, before, in_index)


def _is_read(parent: ast.AST, name: str, child: ast.expr) -> bool:
    if isinstance(getattr(child, "ctx", None), ast.Store | ast.Del):
        return isinstance(child, ast.Tuple)
    is_function = isinstance(parent, ast.Call) and name == "func"
    is_owner = isinstance(parent, ast.Attribute) and isinstance(child, ast.Name)  # np in np.exp, self in self.x
    return not is_function and not is_owner


def _bodies(tree: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for parent in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(parent, name, None)
            if isinstance(body, list):
                yield body


def _statements(tree: ast.FunctionDef, may_be_at: Callable[[ast.AST], bool]) -> Iterator[Mutation]:
    """A statement deleted, two statements swapped, += instead of = and the reverse."""
    for body in _bodies(tree):
        for i, old in enumerate(list(body)):
            if isinstance(old, ast.FunctionDef) or _is_docstring(old) or not may_be_at(old):
                continue
            before = ast.unparse(old)
            for code, parts, new in (*_replacements(old), *_first_assigned(old, body[:i])):
                body[i] = ast.fix_missing_locations(ast.copy_location(new, old))
                put = partial(_put, partial(body.__setitem__, i), new, old)
                yield Mutation(0, tree, body[i], before, old, new, code, parts, put=put)
            body[i] = old
            if i + 1 < len(body) and not isinstance(body[i + 1], ast.Return):
                pair = body[i : i + 2]
                put = partial(_put, partial(body.__setitem__, slice(i, i + 2)), pair[::-1], pair)
                put(True)
                yield Mutation(0, tree, body[i], before, old, body[i], "statements-swapped", put=put)
                put(False)
            for rows in _computed_before(tree, body[i:]) if _updates(old) else ():
                own = body[i:]
                put = partial(_put, partial(body.__setitem__, slice(i, None)), rows, own)
                put(True)
                yield Mutation(0, tree, body[i], before, old, body[i], "statements-swapped", put=put)
                put(False)


def _updates(statement: ast.stmt) -> bool:
    """Whether it changes an attribute or an entry, as a step does, or calls what may do so."""
    target: ast.expr | None = statement.target if isinstance(statement, ast.AugAssign) else None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else target
    return isinstance(target, ast.Attribute | ast.Subscript) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    )


def _computed_before(tree: ast.FunctionDef, rows: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The statements with a later one as the first: an assignment, or the value of the return statement."""
    for j, late in enumerate(rows[2:], start=2):
        if isinstance(late, ast.Assign):
            yield [late, *rows[:j], *rows[j + 1 :]]
    last = rows[-1]
    if len(rows) > 1 and isinstance(last, ast.Return) and last.value is not None and not _is_name(last.value):
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        name = next(name for name in ("dx", "dinputs", "result", "returned") if name not in used)
        first = ast.Assign([ast.Name(name, ast.Store())], last.value)
        moved = [first, *rows[:-1], ast.Return(ast.Name(name, ast.Load()))]
        for old, new in ((last, first), (last, moved[-1])):
            ast.fix_missing_locations(ast.copy_location(new, old))
        yield moved


def _replacements(old: ast.stmt) -> Iterator[tuple[str, dict[str, ast.AST | str], ast.stmt]]:
    if _may_be_deleted(old):
        yield "extra-statement", {}, ast.Pass()
    if isinstance(old, ast.AugAssign):
        yield "added-instead-of-assigned", {"target": old.target}, ast.Assign([old.target], old.value)
        if isinstance(old.target, ast.Name):
            value = ast.BinOp(ast.Name(old.target.id, ast.Load()), old.op, old.value)
            yield "changed-in-place", {"target": old.target}, ast.Assign([old.target], value)
        elif isinstance(old.op, ast.Add) and _has_index_arrays(old.target):
            yield "repeated-indices", {}, _add_at(old.target, old.value)
    elif isinstance(old, ast.Assign):
        target = old.targets[0]
        if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            yield "assigned-instead-of-added", {"target": target}, ast.AugAssign(target, ast.Add(), old.value)
        if _has_index_arrays(target):
            yield "repeated-indices", {}, _add_at(target, old.value)
        if isinstance(old.value, ast.Name | ast.Attribute) and isinstance(target, ast.Name | ast.Attribute):
            copied = ast.Call(ast.Attribute(old.value, "copy", ast.Load()), [], [])
            yield "missing-copy", {"target": target, "value": old.value}, ast.Assign(old.targets, copied)


def _first_assigned(
    old: ast.stmt, before: Sequence[ast.stmt]
) -> Iterator[tuple[str, dict[str, ast.AST | str], ast.stmt]]:
    """Without an assignment that overwrites an attribute."""
    target = old.targets[0] if isinstance(old, ast.Assign) else None
    earlier = [each for statement in before if isinstance(statement, ast.Assign) for each in statement.targets]
    if isinstance(target, ast.Attribute) and any(same(target, each) for each in earlier):
        yield "overwritten-cache", {"name": target}, ast.Pass()


def _has_index_arrays(target: ast.expr) -> bool:
    """Whether entries are chosen by arrays of indices, in which one may be repeated."""
    if not isinstance(target, ast.Subscript):
        return False
    parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    return not any(isinstance(part, ast.Slice | ast.Constant) for part in parts)


def _add_at(target: ast.expr, value: ast.expr) -> ast.stmt:
    """np.add.at(array, indices, value)."""
    assert isinstance(target, ast.Subscript)
    add = ast.Attribute(ast.Name("np", ast.Load()), "add", ast.Load())
    array = copy.deepcopy(target.value)
    return ast.Expr(ast.Call(ast.Attribute(add, "at", ast.Load()), [array, target.slice, value], []))


def _may_be_deleted(statement: ast.stmt) -> bool:
    """Not what computes a term or stores a gradient: it may be forward that lacks the term."""
    if isinstance(statement, ast.AugAssign):
        return not isinstance(statement.op, ast.Add | ast.Sub)
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) for target in statement.targets)
    return not isinstance(statement, ast.Return)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _other_calls(
    tree: ast.FunctionDef, functions: Sequence[ast.FunctionDef], may_be_at: Callable[[ast.AST], bool]
) -> Iterator[Mutation]:
    """A call of another function of the file that takes as many arguments."""
    counts = {function.name: len(function.args.args) - len(function.args.defaults) for function in functions}
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.stmt) or statement is tree:
            continue
        for call in [node for node in _own_nodes(statement) if isinstance(node, ast.Call) and may_be_at(node)]:
            old, before = call.func, ast.unparse(statement)
            if isinstance(old, ast.Name) and old.id in counts:
                for name, count in counts.items():
                    if name not in (old.id, tree.name) and count == counts[old.id]:
                        new = ast.copy_location(ast.Name(name, ast.Load()), old)
                        put = partial(_put, partial(setattr, call, "func"), new, old)
                        put(True)
                        parts = {"name": old.id, "other": name}
                        yield Mutation(1, tree, statement, before, old, new, "wrong-function", parts, put=put)
                call.func = old


def _own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement without those of statements inside it."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt):
            yield child
            yield from _own_nodes(child)


def _renamed(
    tree: ast.FunctionDef, operands: Operands, may_be_at: Callable[[ast.AST], bool]
) -> Iterator[Mutation]:
    """One name for another everywhere in a statement: x(1 − x) instead of y(1 − y)."""
    for body in _bodies(tree):
        for i, statement in enumerate(list(body)):
            if isinstance(statement, ast.FunctionDef | ast.For | ast.If | ast.With) or not may_be_at(statement):
                continue
            before = ast.unparse(statement)
            names = [node for node in ast.walk(statement) if isinstance(node, ast.expr) and _is_name(node)]
            counts = Counter(map(ast.dump, names))
            repeated = {ast.dump(node): node for node in names if counts[ast.dump(node)] > 1}
            for old in repeated.values():
                for new in operands:
                    if not same(new, old):
                        renamed = _Rename(old, new).visit(copy.deepcopy(statement))
                        body[i] = ast.fix_missing_locations(renamed)
                        put = partial(_put, partial(body.__setitem__, i), renamed, statement)
                        yield Mutation(1, tree, body[i], before, old, new, name_code(old, new), put=put)
            body[i] = statement


def _is_name(node: ast.AST) -> bool:
    is_read = isinstance(getattr(node, "ctx", None), ast.Load)
    return is_read and isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


class _Rename(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.kind, self.dump, self.new = type(old), ast.dump(old), new

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in AXIS_NAMES else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, self.kind) and _is_name(node) and ast.dump(node) == self.dump:
            return self.new
        return super().generic_visit(node)
