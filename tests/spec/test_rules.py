"""The rules try only what NumPy has, and name only mistakes that have a text."""

import ast

import numpy as np

from nnlaw.spec.fixes.describe_change import TEXTS
from nnlaw.spec.fixes.rules import FIRST, FUNCTION_SWAPS, TIERS

OPERANDS = [ast.parse(text, mode="eval").body for text in ("dy", "self.x", "self.params['W']", "x[1:]", "len(x)")]
EXPRESSIONS = (
    "-dy", "~m", "a + b", "a - b", "a * b", "a / b", "a ** b", "a @ b.T", "a / len(a)", "a.mean(axis=0)", "a.max()",
    "np.sin(a)", "np.where(m, a, b)", "f(a, b)", "a > b", "3", "a[::-1]", "a[1]", "a[1:2]", "self.x", "(a, b)",
    "self.params['W']", "x[2:]", "e * p * (1 - p)", "x.sum(axis=1, keepdims=True)",
    "s[:, t - 1]", "np.maximum(a, 0, out=a)", "a // b", "x.reshape(n, -1, 3)", "2 * W", "np.triu(m)", "x.sum() ** 2",
)  # fmt: skip


def test_functions_that_are_swapped_exist() -> None:
    """In NumPy or a generator."""
    for name in {*FUNCTION_SWAPS, *(other for others in FUNCTION_SWAPS.values() for other in others)}:
        assert hasattr(np, name) or hasattr(np.random.Generator, name), name


def test_every_code_has_a_text_and_every_text_a_code() -> None:
    """Apart from the codes of statements and of places, which the rules do not give."""
    trees = [ast.parse(text, mode="eval") for text in EXPRESSIONS]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.expr)]
    every = [rule for rules in (*TIERS, FIRST.values()) for rule in rules]
    codes = {change.code for node in nodes for rule in every for change in rule(node, OPERANDS)}
    elsewhere = {
        "added-instead-of-assigned", "assigned-instead-of-added", "extra-statement", "statements-swapped",
        "batch-size-instead-of-axis-size", "wrong-axis-size", "wrong-axis-argument", "shifted-values",
        "mask-from-wrong-array", "missing-copy", "overwritten-cache", "repeated-indices",
        "extra-factors", "reshape-instead-of-transpose",
    }  # fmt: skip
    unused = {code for code in set(TEXTS) - codes - elsewhere if not code.endswith(("-sum", "-mean", "-max", "-min"))}
    assert codes - {""} <= set(TEXTS) and not unused


def test_a_reversed_list_gets_no_more_bounds() -> None:
    """With one it has two entries or is empty: an edit that passes only because parts are not called."""
    slices = {change.new.step and ast.unparse(change.new) for rules in (*TIERS, FIRST.values()) for rule in rules
              for change in rule(ast.parse("a[::-1]", mode="eval").body.slice, OPERANDS)
              if isinstance(change.new, ast.Slice)}  # fmt: skip
    assert not {"1::-1", ":-1:-1"} & slices
