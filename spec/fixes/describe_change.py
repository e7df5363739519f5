"""The mistake that a change of the source corrects, as a likely cause.

    describe(mutation)          Cause("wrong-axis", "the sum runs over axis 0 (the batch); it should run over axis 1")

The rule that made the change has named the mistake; TEXTS has its text. Some mistakes follow from where the change is,
such as in an index or in a shape.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import permutations

from nnlaw.spec.fixes.mutate import Mutation
from nnlaw.spec.fixes.stores import Store
from nnlaw.spec.violation import NO_CAUSE, Cause

TEXTS = {
    "added-instead-of-assigned": "`{target}` is added to; it should be replaced",
    "arguments-swapped": "the arguments of `{function}` are swapped",
    "assigned-instead-of-added": "`{target}` is overwritten; it should be added to",
    "batch-size-instead-of-axis-size": "`len({old})` is the batch size; the size of axis 1 is needed",
    "branches-swapped": "the branches of `{function}` are swapped",
    "changed-in-place": "`{target}` is changed in place, and with it every other name of the array",
    "copy-instead-of-parameter": "`{old}` is used instead of the parameter `{new}`",
    "entry-instead-of-sum": "`{old}` takes one entry; the sum is needed",
    "extra-axis": "the {name} runs over {axis}; it should run over all axes",
    "extra-call": "`{function}` is applied one time too many",
    "extra-division": "the division by `{part}` is not needed",
    "extra-division-by-batch-size": "the division by the batch size, `{part}`, is not needed",
    "extra-factor": "the factor `{part}` is not needed",
    "extra-factors": "neither `{part}` nor `{old}` is needed",
    "extra-index": "the index of `{old}` is not needed",
    "extra-keepdims": "keepdims=True is not needed",
    "extra-power": "the power `{old}` is not needed",
    "extra-statement": "the statement `{old}` is not needed",
    "extra-term": "the term `{part}` is not needed",
    "extra-transpose": "the transpose is not needed",
    "floor-division": "`//` rounds the quotient down",
    "inverted-mask": "the mask is inverted",
    "inverted-quotient": "the quotient is inverted",
    "mask-from-wrong-array": "the mask is computed from `{old}` instead of `{new}`",
    "missing-axis": "the {name} runs over all axes; it should run over {expected_axis}",
    "missing-call": "`{function}` is missing: `{old}` is used instead of `{new}`",
    "missing-complement": "`{old}` is used instead of `{new}`",
    "missing-copy": "`{target}` is the array `{value}` itself, so a change of one in place changes both; copy it",
    "missing-derivative": "the derivative `{part}` is missing",
    "missing-division": "the division by `{part}` is missing",
    "missing-division-by-batch-size": "the division by the batch size, `{part}`, is missing",
    "missing-factor": "the factor `{part}` is missing",
    "missing-index": "the index of `{new}` is missing",
    "missing-keepdims": "keepdims=True is missing",
    "missing-mask": "the mask `{part}` is missing",
    "missing-mean": "the mean over {axis} is missing",
    "missing-slope": "the slope `{part}` is missing where the mask is zero",
    "missing-square": "`{old}` is not squared",
    "missing-sum": "the sum over {axis} is missing",
    "missing-term": "the term `{part}` is missing",
    "missing-transpose": "the transpose is missing",
    "not-reversed-order": "the order is not reversed",
    "overwritten-cache": "forward overwrites `{name}` before backward reads it",
    "product-instead-of-quotient": "multiplied instead of divided by `{part}`",
    "quotient-instead-of-product": "divided instead of multiplied by `{part}`",
    "repeated-indices": "where an index is repeated, `{old}` counts only the last one; np.add.at adds each",
    "reshape-instead-of-transpose": "a reshape is used instead of the transpose",
    "reshape-without-transpose": "axes 1 and 2 of `{part}` are not swapped before the reshape",
    "results-swapped": "the results are swapped",
    "reversed-order": "the order is reversed",
    "shifted-values": "the entries are shifted by {old} instead of {new}",
    "softmax-diagonal": "only the diagonal of the softmax Jacobian is used; the sum over the row is missing",
    "statements-swapped": "the statements are in the wrong order; the first overwrites what the second needs",
    "statistic-as-constant": "the term `{part}` is missing: a sum or mean is treated as a constant",
    "swapped-operands": "the operands are swapped",
    "taken-as-symmetric": "`{part}` is taken as symmetric: `{old}` is used instead of `{new}`",
    "transposed-product": "the product is transposed",
    "wrong-axis": "the {name} runs over {axis}; it should run over {expected_axis}",
    "wrong-axis-argument": "axis {old} is used instead of axis {new}",
    "wrong-axis-size": "the size of axis {old} is used instead of axis {new}",
    "wrong-comparison": "`{old}` is used instead of `{new}`",
    "wrong-diagonal": "the triangle begins at the wrong diagonal: k = 0 instead of {k}",
    "wrong-first-state": "the state before the first step is zero, but `{old}` is another state at {step} = 0",
    "wrong-function": "`{name}` is used instead of `{other}`",
    "wrong-index": "the index `{old}` is wrong; `{new}` is correct",
    "wrong-name": "`{old}` is used instead of `{new}`",
    "wrong-number": "the number {old} is used instead of {new}",
    "wrong-order-of-operations": "operations in the wrong order: `{old}` instead of `{new}`",
    "wrong-parentheses": "parentheses are missing or misplaced: `{old}` instead of `{new}`",
    "wrong-size": "`{old}` is used instead of `{new}`",
    "wrong-sign": "the sign is wrong",
    **{
        f"{one}-instead-of-{other}": f"a {one}{{over}} is used instead of a {other}"
        for one, other in permutations(("sum", "mean", "max", "min"), 2)
    },
}


def describe(mutation: Mutation, stores: Sequence[Store] = ()) -> Cause:
    """The mistake that `mutation`, with what forward stores for it, corrects; NO_CAUSE if it has no name."""
    overwritten = {f"self.{store.overwritten}" for store in stores if store.overwritten}
    code, read = _code_in_context(mutation), ast.unparse(mutation.old).removesuffix(".T")
    if code == "wrong-name" and read in overwritten:
        return Cause("overwritten-cache", TEXTS["overwritten-cache"].format(name=read))
    if not code:
        return NO_CAUSE
    parts = {name: ast.unparse(part) if isinstance(part, ast.AST) else part for name, part in mutation.parts.items()}
    for name in ("axis", "expected_axis"):
        if name in parts:
            parts[name] = _axis(parts[name], mutation)
    old, new = (ast.unparse(node).partition("\n")[0] for node in (mutation.old, mutation.new))
    return Cause("wrong-axis" if code == "wrong-axis-argument" else code, TEXTS[code].format(old=old, new=new, **parts))


def _code_in_context(mutation: Mutation) -> str:
    """The code, which may depend on what the changed expression is a part of."""
    parent, new = mutation.parent, mutation.new
    if isinstance(parent, ast.Call) and _name(parent.func) == "len" and _name(new) == "T":
        return "batch-size-instead-of-axis-size"
    if isinstance(parent, ast.Subscript) and _name(parent.value) == "shape":
        return "wrong-axis-size"
    if isinstance(parent, ast.keyword) and parent.arg == "axis":
        return "wrong-axis-argument"
    is_number = mutation.code in ("wrong-number", "wrong-sign")
    if isinstance(parent, ast.Call) and _name(parent.func) == "roll" and is_number:
        return "shifted-values"
    if mutation.in_index:
        return "wrong-index"
    if mutation.code == "wrong-name" and isinstance(parent, ast.Compare):
        return "mask-from-wrong-array"
    return mutation.code


def _name(node: ast.AST) -> str:
    """`T` of self.x.T, `len` of len."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _axis(axis: str, mutation: Mutation) -> str:
    """`axis 1`, `the last axis`. Axis 0 of an argument of forward or backward is the batch."""
    if axis == "-1":
        return "the last axis"
    arguments = [each.arg for each in mutation.function.args.args]
    of_batch = any(isinstance(each, ast.Name) and each.id in arguments[1:] for each in ast.walk(mutation.old))
    return f"axis {axis} (the batch)" if axis == "0" and of_batch else f"axis {axis}"
