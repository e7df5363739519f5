"""The slips of those who write derivatives by hand, as changes that would undo them.

Each rule is handed an expression and what could stand elsewhere in it (names, attributes, lengths), and yields what
might have been meant. What was left out altogether is in spec/fixes/insert_rules.py.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Rule = Callable[[ast.expr, Sequence[ast.expr]], Iterator[ast.expr]]
ONE = ast.Constant(1)


def signs_and_operands(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A sign; another operation; one operand too many."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand
        return
    if isinstance(node, ast.BinOp):
        left, op, right = node.left, node.op, node.right
        others = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
        if type(op) in others:
            yield ast.BinOp(left, others[type(op)](), right)
        if isinstance(op, ast.Sub | ast.Div | ast.Pow):
            yield ast.BinOp(right, op, left)
        if not isinstance(op, ast.MatMult):
            yield left
            yield right
    if not isinstance(node, ast.Constant | ast.Tuple | ast.Slice):
        yield ast.UnaryOp(ast.USub(), node)


def turned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def transposes(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A transpose that is missing or too many, and factors in the wrong order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for a, b in ((node.left, node.right), (node.right, node.left)):
            for one in (a, turned(a)):
                for two in (b, turned(b)):
                    if (one, two) != (node.left, node.right):
                        yield ast.BinOp(one, node.op, two)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and not is_stored(node):
        yield turned(node)


def is_stored(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


SWAPS = {
    "sum": ("mean",), "mean": ("sum",), "max": ("min", "sum"), "min": ("max",), "std": ("var",), "var": ("std",),
    "maximum": ("minimum",), "minimum": ("maximum",), "argmax": ("argmin",), "sin": ("cos",), "cos": ("sin",),
    "sinh": ("cosh",), "cosh": ("sinh",), "exp": ("expm1",), "log": ("log1p",), "log2": ("log",), "log10": ("log",),
    "tile": ("repeat",), "repeat": ("tile",), "zeros": ("ones",), "ones": ("zeros",), "square": ("sqrt",),
    "sqrt": ("square",), "random": ("standard_normal",), "uniform": ("normal",),
}  # fmt: skip
REDUCTIONS = {"sum", "mean", "max", "min", "std", "var", "argmax", "argmin", "cumsum", "prod", "norm", "reduce"}
AXES: tuple[int | None, ...] = (0, 1, -1, None)


def calls(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """Sum for mean, the wrong axis, keepdims forgotten, a function applied once too often, arguments exchanged."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    for other in SWAPS.get(name, ()):
        assert isinstance(node.func, ast.Attribute)
        yield ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)
    if name in REDUCTIONS:
        yield from _reductions(node)
    if len(node.args) == 1 and not node.keywords:
        yield node.args[0]
    for i in range(len(node.args) - 1):
        yield ast.Call(node.func, _exchanged(node.args, i), node.keywords)


def _reductions(node: ast.Call) -> Iterator[ast.expr]:
    kept = [k for k in node.keywords if k.arg not in ("axis", "keepdims")]
    held = {k.arg: ast.unparse(k.value) for k in node.keywords if k not in kept}
    for axis in AXES:
        for keep in (False, True):
            told = [ast.keyword("axis", ast.Constant(axis))] if axis is not None else []
            told += [ast.keyword("keepdims", ast.Constant(True))] if keep else []
            if {k.arg: ast.unparse(k.value) for k in told} != held:
                yield ast.Call(node.func, node.args, kept + told)


def _exchanged(parts: Sequence[ast.expr], i: int) -> list[ast.expr]:
    new = list(parts)
    new[i], new[i + 1] = new[i + 1], new[i]
    return new


def comparisons(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """The wrong side of a comparison, and a mask that is upside down."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in (ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq, ast.NotEq):
            if not isinstance(node.ops[0], op):
                yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.Name | ast.Attribute) and not is_stored(node):
        yield ast.UnaryOp(ast.Invert(), node)
        yield ast.BinOp(ONE, ast.Sub(), node)


def numbers(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """Another number."""
    v: Any = getattr(node, "value", None)
    if isinstance(node, ast.Constant) and type(v) in (int, float):
        for other in dict.fromkeys((v + 1, v - 1, 2 * v, v / 2, -v, 1 - v, *([1 / v] if v else []), 0, 1, 2, 3, 0.5)):
            if other != v:
                yield ast.Constant(int(other) if isinstance(v, int) and other == int(other) else other)


def places(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A slice that is turned round or off by one; two results that changed places."""
    if isinstance(node, ast.Slice):
        back = ast.UnaryOp(ast.USub(), ONE)
        yield ast.Slice(node.lower, node.upper, None if node.step is not None else back)
        yield ast.Slice(ONE if node.lower is None else None, node.upper, node.step)
        yield ast.Slice(node.lower, back if node.upper is None else None, node.step)
        if node.upper is None and node.lower is not None:  # a margin that is cut off on one side alone
            yield ast.Slice(node.lower, ast.UnaryOp(ast.USub(), node.lower), node.step)
        for side in ("lower", "upper"):
            if (bound := getattr(node, side)) is not None:
                for op in (ast.Add(), ast.Sub()):
                    new = copy.copy(node)
                    setattr(new, side, ast.BinOp(bound, op, ONE))
                    yield new
    elif isinstance(node, ast.Subscript) and not is_stored(node):
        yield node.value
    elif isinstance(node, ast.Name | ast.Attribute) and not is_stored(node):
        turned = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ONE))
        yield ast.Subscript(node, turned, ast.Load())
        yield ast.Subscript(node, ast.Tuple([ast.Slice(), turned], ast.Load()), ast.Load())
    elif isinstance(node, ast.Tuple):
        for i in range(len(node.elts) - 1):
            yield ast.Tuple(_exchanged(node.elts, i), node.ctx)


def other_names(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """One name for another."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not is_stored(node):
        own = ast.unparse(node)
        for other in operands:
            if ast.unparse(other) != own:
                yield other
                yield turned(other)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):  # 1 where a slope is due
        yield from operands
