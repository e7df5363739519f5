"""How far a change is from the author's source: what a person would write has the lowest distance.

    distance(mutation, known)       the number of tokens that differ, and more for what an author would not write

`known` are expressions as the author writes them, such as axis=-1: a change that repeats one is a little nearer.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection

from nnlaw.spec.fixes.mutate import Mutation
from nnlaw.spec.syntax import parse

ODD = 4  # tokens, for each expression that an author would not write
DELETED = 0.8  # tokens, for each that is deleted: what is shorter is clearer
ONE_THOUGHT = {"wrong-size": 2.0, "extra-keepdims": 1.5}
"""Tokens of changes that have more, such as x.size // len(x) for len(x), but are one thought."""
KNOWN, MAX_KNOWN = 0.3, 3  # tokens fewer for each known expression, and how many count
SIZES = {"size", "shape", "ndim"}


def distance(mutation: Mutation, known: Collection[str] = ()) -> float:
    """The tokens of the changed statement that are inserted, deleted or replaced, and ODD for each odd expression."""
    if _is_swapped(mutation.old, mutation.new):
        return 0.9
    if mutation.code in ONE_THOUGHT:
        return ONE_THOUGHT[mutation.code]
    after = "" if isinstance(mutation.statement, ast.Pass) else ast.unparse(mutation.statement)
    before = parse(mutation.before)
    odd = _odd(mutation.statement) - _odd(before)
    odd += isinstance(mutation.old, ast.Tuple) and isinstance(mutation.old.ctx, ast.Store)  # db, da = ... for da, db
    repeated = (expressions(mutation.statement) - expressions(before)).intersection(known)
    edits = _edits(_tokens(mutation.before), _tokens(after))
    return edits + ODD * max(0, odd) - KNOWN * min(MAX_KNOWN, len(repeated))


def expressions(tree: ast.AST) -> set[str]:
    """The operations, comparisons, calls and keywords of a tree, as text."""
    kinds = ast.BinOp | ast.Compare | ast.Call | ast.Subscript | ast.keyword
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, kinds)}


def _is_swapped(old: ast.AST, new: ast.AST) -> bool:
    """Whether a − b became b − a."""
    if not (isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp) and isinstance(old.op, ast.Sub)):
        return False
    if isinstance(old.left, ast.Constant):  # 1 - y
        return False
    sides = (ast.dump(old.left), ast.dump(old.right)), (ast.dump(new.right), ast.dump(new.left))
    return isinstance(new.op, ast.Sub) and sides[0] == sides[1]


def _tokens(text: str) -> list[str]:
    """The tokens; a negative number after = is one."""
    with_newline = io.StringIO(f"{text}\n").readline
    found: list[str] = []
    for token in tokenize.generate_tokens(with_newline):
        if token.type == tokenize.NUMBER and found[-2:] == ["=", "-"]:
            found[-1] += token.string
        elif token.string.strip():
            found.append(token.string)
    return found


def _edits(some: list[str], others: list[str]) -> float:
    """The Levenshtein distance; a token that is deleted counts less."""
    rows: list[list[float]] = [[float(i) for i in range(len(others) + 1)]]
    for i, one in enumerate(some, 1):
        row = [DELETED * i]
        for j, other in enumerate(others, 1):
            row.append(min(rows[-1][j] + DELETED, row[-1] + 1, rows[-1][j - 1] + (one != other)))
        rows.append(row)
    return rows[-1][-1]


def _odd(tree: ast.AST) -> int:
    return sum(_is_odd(node) for node in ast.walk(tree))


def _is_odd(node: ast.AST) -> bool:
    """Whether it is correct but unusual: -len(x), len(x.T), y / -x, x + x, x / 1, 0 + x, 1 - ~i, -x > 0.

    So is a transpose of what keeps an axis, x.sum(axis=1, keepdims=True).T.
    """
    if isinstance(node, ast.Call):
        return _is_size(node) and any(_is_transposed(each) for each in node.args)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return isinstance(node.value, ast.Call) and any(keyword.arg == "keepdims" for keyword in node.value.keywords)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_size(node.operand)
    if isinstance(node, ast.Compare):
        sides = (side for side in (node.left, *node.comparators) if isinstance(side, ast.UnaryOp))
        return any(isinstance(side.op, ast.USub) and not isinstance(side.operand, ast.Constant) for side in sides)
    if not isinstance(node, ast.BinOp):
        return False
    right = node.right if isinstance(node.right, ast.UnaryOp) else None
    by_negative = right is not None and isinstance(node.op, ast.Div | ast.MatMult)
    of_mask = right is not None and isinstance(right.op, ast.Invert) and isinstance(node.op, ast.Add | ast.Sub)
    doubled = isinstance(node.op, ast.Add | ast.Sub | ast.Div) and ast.dump(node.left) == ast.dump(node.right)
    return by_negative or of_mask or doubled or _is_neutral(node)


def _is_transposed(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "T"


def _is_neutral(node: ast.BinOp) -> bool:
    """Whether one operand is a number that changes nothing, or makes the other one irrelevant."""
    numbers = [part.value for part in (node.left, node.right) if isinstance(part, ast.Constant)]
    if isinstance(node.op, ast.Mult):
        return 1 in numbers or 0 in numbers
    right = node.right.value if isinstance(node.right, ast.Constant) else None
    if isinstance(node.op, ast.Add | ast.Sub):
        return right == 0 or (isinstance(node.op, ast.Add) and 0 in numbers)
    return isinstance(node.op, ast.Div | ast.Pow) and right in (0, 1)


def _is_size(node: ast.expr) -> bool:
    inner = node.value if isinstance(node, ast.Subscript) else node
    if isinstance(inner, ast.Attribute):
        return inner.attr in SIZES
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "len"
