"""What an author would write has a lower distance than other expressions with the same value."""

import ast
from collections.abc import Collection

import pytest

from nnlaw.spec.fixes.distance import distance
from nnlaw.spec.fixes.mutate import Mutation


def of(before: str, after: str, known: Collection[str] = ()) -> float:
    """The distance of a statement from another."""
    (function,) = ast.parse(f"def f():\n    {after}").body
    assert isinstance(function, ast.FunctionDef)
    return distance(Mutation(0, function, function.body[0], before, ast.Pass(), ast.Pass(), ""), known)


@pytest.mark.parametrize(
    ("before", "near", "far"),
    [
        ("return (y - t) / y.size", "return (t - y) / y.size", "return (y - t) / -y.size"),
        ("return d / n", "return 2 * d / n", "return (d + d) / n"),
        ("w -= lr * g / 2", "w -= lr * g", "w -= lr * g / 1"),
        ("return dy @ W", "return dy @ W.T", "return (W @ dy.T).T"),
        ("return dy * a", "return dy", "return dy * 1"),
        ("d[x > 0] = 0", "d[x <= 0] = 0", "d[-x > 0] = 0"),
        ("return p.max(axis=1, keepdims=True)", "return p.max(axis=1)", "return p.max(axis=1, keepdims=True).T"),
        ("return W[-1 - i]", "return W[i]", "return W[-1 - ~i]"),
        ("v = b * v + lr * g", "v = b * v + g", "v = b * v + lr / lr * g"),
    ],
)
def test_the_nearer_of_two_changes(before: str, near: str, far: str) -> None:
    """Fewer tokens, and no unusual expression."""
    assert of(before, before) == 0 < of(before, near) < of(before, far)


def test_a_change_that_repeats_an_expression_of_the_author_is_nearer() -> None:
    """A negative axis is one token, so axis=-1 is as near as axis=1, and nearer where the author writes it."""
    before, changed = "return d.sum(axis=0)", ["return d.sum(axis=1)", "return d.sum(axis=-1)"]
    assert [of(before, each) for each in changed] == [1, 1]
    assert of(before, changed[1], {"axis=-1"}) < of(before, changed[0], {"axis=-1"})
