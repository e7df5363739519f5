"""What a change puts in that was left out, in words: a factor, a mask, a derivative, a path.

    missing(old, new, "dy", "dy * self.k", roles)       "a factor that is missing: `self.k` is missing"
"""

from __future__ import annotations

import ast

from nnlaw.spec.fixes.variable_roles import Roles, said


def missing(old: ast.expr, new: ast.expr, one: str, two: str, roles: Roles) -> str:
    """`new` holds `old` and something beside it."""
    if isinstance(new, ast.Call):
        if isinstance(new.func, ast.Attribute) and ast.unparse(new.func.value) == one:
            return f"a {new.func.attr} over axis {_axis(new)} that is missing: of `{one}`"
        if new.args and ast.unparse(new.args[0]) == one and ast.unparse(new.func) == "np.where":
            return f"a slope that is missing on one side of a mask: {said(new.args[-1], roles)}"
        return ""
    if isinstance(new, ast.Subscript) and ast.unparse(new.value) == one:
        return f"an order that is not turned round: `{two}`" if "::-1" in two else f"an index that is missing: `{two}`"
    if not isinstance(new, ast.BinOp):
        return ""
    if jacobian := _jacobian(new):
        return jacobian
    if ast.unparse(new.left) == one:
        return _operand(new.op, new.right, roles, one)
    if isinstance(new.op, ast.Sub) and isinstance(new.left, ast.BinOp) and ast.unparse(new.left.left) == one:
        return "means that are treated as a constant each, although every entry moves them"  # e − mean(e) − a·mean(e·a)
    if isinstance(new.left, ast.Constant) and ast.unparse(new.right) == one and isinstance(new.op, ast.Sub):
        return f"a complement that is missing: `{one}` where `{two}` is due"
    return ""


def _jacobian(new: ast.BinOp) -> str:
    """p · (e − Σ e·p)"""
    inner = new.right
    if isinstance(new.op, ast.Mult) and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
        p, summed = ast.unparse(new.left), _summed(inner.right)
        if summed == f"{ast.unparse(inner.left)} * {p}":
            return "only the diagonal of the softmax Jacobian, without the sum over the row"
    return ""


def _summed(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean"):
        return ast.unparse(node.func.value)
    return ""


def _operand(op: ast.operator, other: ast.expr, roles: Roles, beside: str) -> str:
    """What is missing beside an expression."""
    words = ast.unparse(other)
    if isinstance(op, ast.Mult):
        if isinstance(other, ast.Compare):
            return f"a mask that is missing: `{words}`"
        if isinstance(other, ast.Constant):
            return f"a factor {words} is missing"
        if summed := _summed(other):
            return f"a factor is missing: {summed}, summed over axis {_axis(other)}, is missing"
        if _is_slope(other):
            return f"a derivative that is missing: the factor `{words}`"
        return f"a factor that is missing: {said(other, roles)} is missing"
    if isinstance(op, ast.Div):
        if isinstance(other, ast.Call) and ast.unparse(other.func) == "len":
            return f"a missing division by the size of the batch, `{words}`"
        return f"a division that is missing: by {said(other, roles)}"
    if isinstance(op, ast.Pow):
        return f"a square that is missing: of `{beside}`"
    if summed := _reduced(other):
        return f"a path through a sum or mean of `{summed}` that is treated as a constant: `{words}` is missing"
    if roles.get(words) == "the incoming gradient":
        return f"a path that is missing, as of a skip connection: `{words}` itself"
    if isinstance(other, ast.BinOp):
        return f"a path that is missing: the term `{words}`"
    sign = "" if isinstance(op, ast.Add) else "−"
    return f"a term that is missing: {sign}{said(other, roles)} is missing"


def _reduced(node: ast.expr) -> str:
    return next((found for each in ast.walk(node) if isinstance(each, ast.expr) and (found := _summed(each))), "")


def _is_slope(node: ast.expr) -> bool:
    """1 − a, a(1 − a), 1 − a²"""
    if not isinstance(node, ast.BinOp):
        return False
    parts = [node, node.right] if isinstance(node.op, ast.Mult) else [node]
    return any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Sub) and _is_one(p.left) for p in parts)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _axis(node: ast.expr) -> str:
    return next((ast.unparse(k.value) for k in getattr(node, "keywords", []) if k.arg == "axis"), "")
