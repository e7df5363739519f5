"""Edits of a syntax tree: which expressions and statements they change."""

import ast

import numpy as np

from nnlaw.spec.fixes.mutate import edits
from nnlaw.spec.fixes.replace_rules import SWAPS


def test_every_statement_but_return_is_deleted_once() -> None:
    """Each in an edit of its own."""
    source = "def f(x):\n    y = x * 2\n    y += 1\n    return y"
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    found = {ast.unparse(tree) for _ in edits(tree, [])}
    assert {source.replace("y = x * 2", "pass"), source.replace("y += 1", "pass")} <= found
    assert all(text.endswith("return y") or "return" in text.splitlines()[-1] for text in found)
    assert all("return" in text for text in found)


def test_the_name_of_a_called_function_is_not_edited() -> None:
    """No edit replaces it by another expression."""
    tree = ast.parse("def f(a, b):\n    return g(a) + b").body[0]
    assert isinstance(tree, ast.FunctionDef)
    called = {
        ast.unparse(node.func)
        for _ in edits(tree, [ast.parse("b", mode="eval").body])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert "g" in called and "b" not in called


def test_swapped_functions_exist() -> None:
    """Each is a function of NumPy or a method of its generators."""
    for name in {*SWAPS, *(other for others in SWAPS.values() for other in others)}:
        assert hasattr(np, name) or hasattr(np.random.Generator, name), name
