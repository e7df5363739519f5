"""The slips of those who write derivatives by hand, as changes that would undo them, likeliest first.

Each rule is handed an expression and what could stand elsewhere in it (names, attributes, lengths), and yields what
might have been meant.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

Rule = Callable[[ast.expr, Sequence[ast.expr]], Iterator[ast.expr]]
ONE = ast.Constant(1)


def _signs_and_operands(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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


def _turned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def _transposes(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A transpose that is missing or too many, and factors in the wrong order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for a, b in ((node.left, node.right), (node.right, node.left)):
            for one in (a, _turned(a)):
                for two in (b, _turned(b)):
                    if (one, two) != (node.left, node.right):
                        yield ast.BinOp(one, node.op, two)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and not _is_stored(node):
        yield _turned(node)


def _is_stored(node: ast.expr) -> bool:
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


def _calls(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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


def _comparisons(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """The wrong side of a comparison, and a mask that is upside down."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in (ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq, ast.NotEq):
            if not isinstance(node.ops[0], op):
                yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.Name | ast.Attribute) and not _is_stored(node):
        yield ast.UnaryOp(ast.Invert(), node)
        yield ast.BinOp(ONE, ast.Sub(), node)


def _numbers(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """Another number."""
    v: Any = getattr(node, "value", None)
    if isinstance(node, ast.Constant) and type(v) in (int, float):
        for other in dict.fromkeys((v + 1, v - 1, 2 * v, v / 2, -v, 1 - v, *([1 / v] if v else []), 0, 1, 2, 3, 0.5)):
            if other != v:
                yield ast.Constant(int(other) if isinstance(v, int) and other == int(other) else other)


def _places(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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
    elif isinstance(node, ast.Subscript) and not _is_stored(node):
        yield node.value
    elif isinstance(node, ast.Name | ast.Attribute) and not _is_stored(node):
        turned = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ONE))
        yield ast.Subscript(node, turned, ast.Load())
        yield ast.Subscript(node, ast.Tuple([ast.Slice(), turned], ast.Load()), ast.Load())
    elif isinstance(node, ast.Tuple):
        for i in range(len(node.elts) - 1):
            yield ast.Tuple(_exchanged(node.elts, i), node.ctx)


def _other_names(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """One name for another."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not _is_stored(node):
        own = ast.unparse(node)
        for other in operands:
            if ast.unparse(other) != own:
                yield other
                yield _turned(other)


def _is_value(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant | ast.Tuple | ast.Slice | ast.Compare) and not _is_stored(node)


def _missing_operands(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A factor, a divisor or a summand that was forgotten."""
    if not _is_value(node):
        return
    for other in operands:
        for op in (ast.Mult(), ast.Div(), ast.Add(), ast.Sub()):
            yield ast.BinOp(node, op, other)
    lengths = [_length(a) for a in operands if isinstance(a, ast.Name | ast.Attribute)]
    for size in (*lengths, ast.Constant(2), ast.Constant(3)):
        for op in (ast.Mult(), ast.Div()):
            yield ast.BinOp(node, op, size)
    yield ast.BinOp(node, ast.Pow(), ast.Constant(2))


def _length(array: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("len", ast.Load()), [array], [])


def _missing_factors(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A derivative that was forgotten: 1 − a, a(1 − a), 1 − a², a², a > 0, cos a; a slope on one side of a mask."""
    if not _is_value(node):
        return
    for a in operands:
        less = ast.BinOp(ONE, ast.Sub(), a)
        square = ast.BinOp(a, ast.Pow(), ast.Constant(2))
        factors: list[ast.expr] = [less, ast.BinOp(a, ast.Mult(), less), ast.BinOp(ONE, ast.Sub(), square), square]
        factors += [ast.Compare(a, [op], [ast.Constant(0)]) for op in (ast.Gt(), ast.Lt())]
        for factor in factors:
            yield ast.BinOp(node, ast.Mult(), factor)
    if isinstance(node, ast.Name | ast.Attribute):
        for a in operands:
            where = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
            yield ast.Call(where, [node, ONE, a], [])


def _missing_sums(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A sum or a mean over an axis that was forgotten, and the softmax whose Jacobian was cut to its diagonal."""
    if not _is_value(node):
        return
    for axis in (0, 1, -1):
        for kind in ("sum", "mean"):
            yield _over(node, kind, axis)
    factors = list(_factors(node))
    for i, less in enumerate(factors):
        p = less.right if isinstance(less, ast.BinOp) and isinstance(less.op, ast.Sub) else None
        rest = [f for j, f in enumerate(factors) if j != i]
        if p is not None and ast.unparse(p) in map(ast.unparse, rest):  # e · p · (1 − p)
            rest.remove(next(f for f in rest if ast.unparse(f) == ast.unparse(p)))
            if not rest:
                continue
            e = reduce(lambda a, b: ast.BinOp(a, ast.Mult(), b), rest)
            yield ast.BinOp(p, ast.Mult(), ast.BinOp(e, ast.Sub(), _over(ast.BinOp(e, ast.Mult(), p), "sum", -1)))


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _missing_terms(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """What a normalization or a softmax adds to the slope, and half of the product rule.

    e − mean(e),   e − Σ(e·a),   e − a·mean(e·a),   both at once,   a·Σe,   e + a·b·(1 − b)
    """
    if not _is_value(node):
        return
    for axis in (1, 0, -1):
        mean = _over(node, "mean", axis)
        yield ast.BinOp(node, ast.Sub(), mean)
        for a in operands:
            product = ast.BinOp(node, ast.Mult(), a)
            yield ast.BinOp(node, ast.Sub(), _over(product, "sum", axis))
            yield ast.BinOp(node, ast.Mult(), _over(a, "sum", axis))
            for kind in ("mean", "sum"):
                along = ast.BinOp(a, ast.Mult(), _over(product, kind, axis))
                yield ast.BinOp(node, ast.Sub(), along)
                if kind == "mean":
                    yield ast.BinOp(ast.BinOp(node, ast.Sub(), mean), ast.Sub(), along)
    for a in operands:
        for b in operands:
            slope = ast.BinOp(b, ast.Mult(), ast.BinOp(ONE, ast.Sub(), b))
            yield ast.BinOp(node, ast.Add(), ast.BinOp(a, ast.Mult(), slope))


def _over(node: ast.expr, kind: str, axis: int) -> ast.expr:
    told = [ast.keyword("axis", ast.Constant(axis)), ast.keyword("keepdims", ast.Constant(True))]
    return ast.Call(ast.Attribute(node, kind, ast.Load()), [], told)


def _missing_paths(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A second way on which the input or a parameter moves the output: a product that was never added."""
    if not _is_value(node):
        return
    arrays = [a for a in operands if not isinstance(a, ast.Call)]
    for i, a in enumerate(arrays):
        for j, b in enumerate(arrays):
            if i < j:
                yield ast.BinOp(node, ast.Add(), ast.BinOp(a, ast.Mult(), b))
            for one, two in ((_turned(a), b), (a, _turned(b)), (a, b)):
                yield ast.BinOp(node, ast.Add(), ast.BinOp(one, ast.MatMult(), two))


WHOLE = {_missing_paths}
"""Rules for what a statement hands on as a whole, not for the parts of it."""
EXPRESSIONS: tuple[tuple[Rule, ...], ...] = (
    (_signs_and_operands, _transposes, _calls, _comparisons, _numbers, _places),
    (_other_names,),
    (_missing_operands,),
    (_missing_factors, _missing_sums),
    (_missing_terms,),
    (_missing_paths,),
)
"""The rules, tier by tier: a slip seen in the line itself, one name for another, then what is missing."""
