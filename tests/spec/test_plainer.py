"""A changed statement is written in a plainer form, as far as the change made it."""

import ast
from collections.abc import Sequence

import pytest

from nnlaw.spec.fixes.describe_change import describe
from nnlaw.spec.fixes.mutate import Mutation, mutations
from nnlaw.spec.fixes.plainer import plainer


def forms_of(before: str, after: str, operands: Sequence[str] = ()) -> tuple[Mutation, list[tuple[str, Mutation]]]:
    """The change of a statement, and its plainer forms as text."""
    (function,) = ast.parse(f"def f(self, dy):\n    {before}").body
    assert isinstance(function, ast.FunctionDef)
    for mutation in mutations(function, [ast.parse(text, mode="eval").body for text in operands]):
        if ast.unparse(function.body[0]) == ast.unparse(ast.parse(after)):
            found = [(ast.unparse(function.body[0]), form) for form in plainer(mutation)]
            assert ast.unparse(function.body[0]) == ast.unparse(ast.parse(after))  # the change is back
            return mutation, found
    raise AssertionError(f"no change gives {after}")


@pytest.mark.parametrize(
    ("before", "after", "expected", "operands"),
    [
        ("w += lr * g", "w += -lr * g", "w -= lr * g", []),
        ("return a + lr * g", "return a + -lr * g", "return a - lr * g", []),
        ("return a / y.size", "return a / -y.size", "return -a / y.size", []),
        ("return dy / y", "return dy / y / 2", "return dy / (2 * y)", []),
        ("return (x + 3) / 6", "return (x + 3 + x) / 6", "return (2 * x + 3) / 6", ["x"]),
        ("return dy * s", "return dy * (s * x)", "return dy * s * x", ["x"]),
        ("return np.where(m, a * dy, dy)", "return np.where(~m, a * dy, dy)", "return np.where(m, dy, a * dy)", []),
        ("return dy @ self.W.reshape(3, 2)", "return dy @ self.W.T.reshape(3, 2)", "return dy @ self.W.T", []),
        ("return dy / len(x) * a", "return dy / len(x) * len(x)", "return dy", ["len(x)"]),
        ("return W[-1 - i]", "return W[-1 - ~i]", "return W[i]", []),
        ("b = d.sum(axis=0).mean()", "b = d.sum(axis=0).sum()", "b = d.sum()", []),
        ("return dy.copy()", "return dy.copy() * (1 - y)", "return dy * (1 - y)", ["1 - y"]),
        ("return dy[0]", "return dy.sum(axis=0, keepdims=True)[0]", "return dy.sum(axis=0)", []),
        ("return np.rot90(W, 2)", "return np.rot90(W, 4)", "return W", []),
        ("return dy * (1 - y)", "return dy * (1 - y) * y", "return dy * y * (1 - y)", ["y"]),
        ("return dy * g * (1 - g)", "return dy * g * (1 - g) * a", "return dy * a * g * (1 - g)", ["a"]),
        ("b = np.full(n, dy.sum())", "b = np.full(n, dy.sum(axis=0))", "b = dy.sum(axis=0)", []),
    ],
)
def test_the_plainest_form_comes_first(before: str, after: str, expected: str, operands: list[str]) -> None:
    """Signs, parentheses, divisions, equal terms, branches, calls that only give a shape."""
    _, forms = forms_of(before, after, operands)
    assert forms[0][0] == expected


def test_a_sum_may_need_its_axis_in_place_of_the_call() -> None:
    """Of the forms without np.full, the one of the right shape computes the same."""
    _, forms = forms_of("b = np.full((1, n), dy.sum())", "b = np.full((1, n), dy.sum(axis=0))")
    assert [text for text, _ in forms] == ["b = dy.sum(axis=0)", "b = dy.sum(axis=0, keepdims=True)"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("w -= lr * (g * m)", "w -= lr * (2 * g * m)"),
        ("w += -lr * g", "w += -lr * (g / 2)"),
        ("return np.asarray(dy @ W)", "return np.asarray(dy @ W.T)"),
        ("return np.full(n, (dy * x).sum())", "return np.full(n, (dy / x).sum())"),
    ],
)
def test_what_the_author_wrote_stays(before: str, after: str) -> None:
    """A statement that had the form before the change is not rewritten."""
    assert not forms_of(before, after, ["x"])[1]


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("return dy / n * rate", "return dy / n * n", "neither `n` nor `rate` is needed"),
        ("return np.where(m, a, dy)", "return np.where(~m, a, dy)", "the branches of `np.where` are swapped"),
        ("return self.W.reshape(3, 2)", "return self.W.T.reshape(3, 2)", "a reshape is used instead of the transpose"),
    ],
)
def test_the_form_names_the_mistake(before: str, after: str, cause: str) -> None:
    """Where it shows another one than the change."""
    mutation, forms = forms_of(before, after, ["n"])
    assert describe(forms[0][1]).text == cause != describe(mutation).text
