"""What those who write derivatives by hand leave out, as rules that put it back, like those of replace_rules.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import reduce

from nnlaw.spec.fixes.replace_rules import ONE, is_stored, turned


def _is_value(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant | ast.Tuple | ast.Slice | ast.Compare) and not is_stored(node)


def missing_operands(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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


def missing_factors(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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
            location = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
            yield ast.Call(location, [node, ONE, a], [])


def missing_sums(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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


def missing_terms(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
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


def missing_paths(node: ast.expr, operands: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """A second way on which the input or a parameter moves the output: a product that was never added."""
    if not _is_value(node):
        return
    arrays = [a for a in operands if not isinstance(a, ast.Call)]
    for i, a in enumerate(arrays):
        for j, b in enumerate(arrays):
            if i < j:
                yield ast.BinOp(node, ast.Add(), ast.BinOp(a, ast.Mult(), b))
            for one, two in ((turned(a), b), (a, turned(b)), (a, b)):
                yield ast.BinOp(node, ast.Add(), ast.BinOp(one, ast.MatMult(), two))
