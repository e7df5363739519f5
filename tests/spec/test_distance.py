"""What an author would write has a lower distance than other expressions with the same value."""

import ast

import pytest

from nnlaw.spec.fixes.distance import distance
from nnlaw.spec.fixes.mutate import Mutation


def of(before: str, after: str) -> float:
    """The distance of a statement from another."""
    (function,) = ast.parse(f"def f():\n    {after}").body
    assert isinstance(function, ast.FunctionDef)
    return distance(Mutation(0, function, function.body[0], before, ast.Pass(), ast.Pass(), ""))


@pytest.mark.parametrize(
    ("before", "near", "far"),
    [
        ("return (y - t) / y.size", "return (t - y) / y.size", "return (y - t) / -y.size"),
        ("return d / n", "return 2 * d / n", "return (d + d) / n"),
        ("w -= lr * g / 2", "w -= lr * g", "w -= lr * g / 1"),
        ("return dy @ W", "return dy @ W.T", "return (W @ dy.T).T"),
        ("return dy * a", "return dy", "return dy * 1"),
        ("v = b * v + lr * g", "v = b * v + g", "v = b * v + lr / lr * g"),
    ],
)
def test_the_nearer_of_two_changes(before: str, near: str, far: str) -> None:
    """Fewer tokens, and no unusual expression."""
    assert of(before, before) == 0 < of(before, near) < of(before, far)
