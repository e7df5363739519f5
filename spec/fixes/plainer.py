"""Write a changed statement as an author would: in a plainer form that computes the same.

    for form in plainer(mutation):      # w += -lr * g  ->  w -= lr * g,    dy / y / 2  ->  dy / (2 * y)
        compile(...)                    # until the next one, the tree has the form

RULES has the rewritings of one node. They are used only where the change made the node, so what the author wrote stays.
A form is tried with every law like any other change, see spec/fixes/search.py.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from nnlaw.spec.fixes.mutate import Mutation
from nnlaw.spec.fixes.rules import ONE, TWO, Change, factors_of, same, times
from nnlaw.spec.syntax import parse

Rule = Callable[[Any], Change | None]
MAX_STEPS = 8


def plainer(mutation: Mutation) -> Iterator[Mutation]:
    """The changed statement in plainer forms, the plainest first."""
    statement = mutation.statement
    if not isinstance(mutation.old, ast.expr) or hasattr(statement, "body"):
        return
    saved, seen = dict(ast.iter_fields(statement)), {ast.unparse(statement)}
    without_call: list[Rule] = [partial(_without_call, mutation.new, keepdims) for keepdims in (False, True)]
    for rules in (*([rule, *RULES] for rule in without_call), RULES):
        form, changes = _rewritten(mutation, rules)
        if (text := ast.unparse(form)) not in seen:
            seen.add(text)
            vars(statement).update(ast.iter_fields(form))
            named = [change for change in changes if change.code]
            yield replace(mutation, code=named[0].code, parts=named[0].parts) if named else replace(mutation)
            vars(statement).update(saved)


def _rewritten(mutation: Mutation, rules: Sequence[Rule]) -> tuple[ast.stmt, list[Change]]:
    """The changed statement with every rule used as long as there is a place for it, and the rewritings."""
    form, before = copy.deepcopy(mutation.statement), parse(mutation.before)
    changes: list[Change] = []
    while len(changes) < MAX_STEPS and (found := next(_places(form, before, rules), None)) is not None:
        node, change = found
        form = _Replacement(node, change.new).visit(form)
        changes.append(change)
    return ast.fix_missing_locations(form), changes


def _places(form: ast.stmt, before: ast.AST, rules: Sequence[Rule]) -> Iterator[tuple[ast.AST, Change]]:
    """Nodes that a rule rewrites, with the new one, if the author's statement had fewer of them."""
    for rule in rules:
        own = [ast.dump(node) for node in ast.walk(before) if rule(node) is not None]
        found = [(node, change) for node in ast.walk(form) if (change := rule(node)) is not None]
        if len(found) > len(own):
            yield from ((node, change) for node, change in found if ast.dump(node) not in own)


class _Replacement(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else super().visit(node)


# Rules


def _without_call(new: ast.AST, keepdims: bool, node: ast.AST) -> Change | None:
    """Without a call that gives an array its shape, if the changed array has it already, or has it with keepdims."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name = node.func.attr
    array = node.args[1] if name in FILLING and len(node.args) > 1 else node.func.value
    if name not in (*FILLING, "reshape") or not same(array, new):
        return None
    if keepdims and isinstance(array, ast.Call):
        return Change(ast.Call(array.func, array.args, [*array.keywords, ast.keyword("keepdims", ast.Constant(True))]))
    is_transpose = name == "reshape" and isinstance(new, ast.Attribute) and new.attr == "T"
    return Change(array, "reshape-instead-of-transpose" if is_transpose else "")


FILLING = ("full", "full_like")


def _without_minus(node: ast.AST) -> Change | None:
    """a + -b·c is a − b·c, a − -b is a + b, and a * -b is -a * b."""
    if not isinstance(node, ast.BinOp | ast.AugAssign):
        return None
    operand = node.value if isinstance(node, ast.AugAssign) else node.right
    op, positive = OPPOSITE.get(type(node.op)), _positive(operand)
    if op is not None and positive is not None:
        if isinstance(node, ast.AugAssign):
            return Change(ast.AugAssign(node.target, op(), positive))  # type: ignore[arg-type]  # a statement
        return Change(ast.BinOp(node.left, op(), positive))
    if isinstance(node, ast.AugAssign) or not isinstance(node.op, PRODUCTS):
        return None
    if isinstance(operand, ast.UnaryOp) and isinstance(operand.op, ast.USub):
        return Change(ast.BinOp(_negated(node.left), node.op, operand.operand))
    return None


PRODUCTS = (ast.Mult, ast.Div, ast.MatMult)
OPPOSITE: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def _positive(node: ast.expr) -> ast.expr | None:
    """b·c of -b·c; None if it has no minus."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS):
        left = _positive(node.left)
        return None if left is None else ast.BinOp(left, node.op, node.right)
    return None


def _negated(node: ast.expr) -> ast.expr:
    """-a·b of a·b, and (c − b)·a of (b − c)·a."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS):
        return ast.BinOp(_negated(node.left), node.op, node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return ast.BinOp(node.right, node.op, node.left)
    return ast.UnaryOp(ast.USub(), node)


def _without_parentheses(node: ast.AST) -> Change | None:
    """a * (b * c) is a * b * c, and a + (b − c) is a + b − c."""
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.BinOp):
        inner = node.right
        both = (type(node.op), type(inner.op))
        if both in ((ast.Mult, ast.Mult), (ast.Add, ast.Add), (ast.Add, ast.Sub)):
            return Change(ast.BinOp(ast.BinOp(node.left, node.op, inner.left), inner.op, inner.right))
    return None


def _one_division(node: ast.AST) -> Change | None:
    """a / b / 2 is a / (2 * b)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
        inner = node.left
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div) and not isinstance(inner.right, ast.Constant):
            return Change(ast.BinOp(inner.left, ast.Div(), ast.BinOp(node.right, ast.Mult(), inner.right)))
    return None


def _collected(node: ast.AST) -> Change | None:
    """a + b + a is 2 * a + b."""
    terms = _terms(node) if isinstance(node, ast.BinOp) else []
    for i, term in enumerate(terms):
        if any(same(term, other) for other in terms[i + 1 :]) and not isinstance(term, ast.Constant):
            j = next(j for j, other in enumerate(terms) if j > i and same(term, other))
            kept = [*terms[:i], ast.BinOp(TWO, ast.Mult(), term), *terms[i + 1 : j], *terms[j + 1 :]]
            total = kept[0]
            for each in kept[1:]:
                total = ast.BinOp(total, ast.Add(), each)
            return Change(total)
    return None


def _terms(node: ast.expr) -> list[ast.expr]:
    """The terms of a sum."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), *_terms(node.right)]
    return [node]


def _branches(node: ast.AST) -> Change | None:
    """np.where(~m, a, b) is np.where(m, b, a)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "where":
        return None
    mask = node.args[0] if len(node.args) == 3 else None
    if not isinstance(mask, ast.UnaryOp) or not isinstance(mask.op, ast.Invert):
        return None
    new = ast.Call(node.func, [mask.operand, node.args[2], node.args[1]], node.keywords)
    return Change(new, "branches-swapped", {"function": node.func})


def _canceled(node: ast.AST) -> Change | None:
    """a / b * b is a, a * b / b is a, and -1 - ~i is i."""
    if not isinstance(node, ast.BinOp):
        return None
    left, right = node.left, node.right
    pair = (type(left.op), type(node.op)) if isinstance(left, ast.BinOp) else ()
    if isinstance(left, ast.BinOp) and pair in ((ast.Div, ast.Mult), (ast.Mult, ast.Div)) and same(left.right, right):
        return Change(left.left, "extra-factors", {"part": right})
    if isinstance(node.op, ast.Sub) and ast.unparse(left) == "-1" and isinstance(right, ast.UnaryOp):
        return Change(right.operand) if isinstance(right.op, ast.Invert) else None
    return None


def _copied(node: ast.AST) -> Change | None:
    """a.copy() * b is a * b."""
    if not isinstance(node, ast.BinOp):
        return None
    first = node.left
    if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) and first.func.attr == "copy":
        return Change(ast.BinOp(first.func.value, node.op, node.right)) if not first.args else None
    return None


def _without_axis(node: ast.AST) -> Change | None:
    """a.sum(axis=0, keepdims=True)[0] is a.sum(axis=0)."""
    call = node.value if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "0" else None
    if not isinstance(call, ast.Call):
        return None
    keywords = [keyword for keyword in call.keywords if keyword.arg != "keepdims"]
    if [ast.unparse(keyword) for keyword in keywords] != ["axis=0"] or len(keywords) == len(call.keywords):
        return None
    return Change(ast.Call(call.func, call.args, keywords))


def _summed(node: ast.AST) -> Change | None:
    """a.sum(axis=0).sum() is a.sum()."""
    if not isinstance(node, ast.Call) or node.args or node.keywords or not isinstance(node.func, ast.Attribute):
        return None
    inner = node.func.value
    if node.func.attr != "sum" or not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Attribute):
        return None
    return Change(ast.Call(inner.func, [], [])) if inner.func.attr == "sum" and not inner.args else None


def _rotated(node: ast.AST) -> Change | None:
    """np.rot90(a, 4) is a."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2:
        name, count = node.func.attr, ast.unparse(node.args[1])
        if (name == "rot90" and count in ("0", "4")) or (name == "roll" and count == "0"):
            return Change(node.args[0], "extra-call", {"function": node.func})
    return None


def _complement_last(node: ast.AST) -> Change | None:
    """d * (1 - y) * y is d * y * (1 - y)."""
    factors = list(factors_of(node)) if isinstance(node, ast.BinOp) else []
    if len(factors) < 3 or not isinstance(factors[-1], ast.Name | ast.Attribute | ast.Subscript):
        return None
    before = factors[-2]
    if not isinstance(before, ast.BinOp) or not isinstance(before.op, ast.Sub) or not same(before.left, ONE):
        return None
    return Change(reduce(times, [factors[0], factors[-1], *factors[1:-1]]))


RULES: list[Rule] = [
    _without_minus, _without_parentheses, _one_division, _collected, _branches, _canceled, _rotated, _copied,
    _summed, _without_axis, _complement_last,
]  # fmt: skip
