"""A change that fixes the code is described as the mistake that it corrects."""

import ast

import pytest

from nnlaw.spec.fixes.describe_change import describe
from nnlaw.spec.fixes.mutate import Mutation, mutations
from nnlaw.spec.violation import NO_CAUSE, Cause


def causes(wrong: str, right: str, *operands: str) -> set[Cause]:
    """The causes of the changes that turn `wrong` into `right`, in a backward with these names."""
    tree = ast.parse(f"def backward(self, dy):\n    {wrong}").body[0]
    assert isinstance(tree, ast.FunctionDef)
    goal = ast.unparse(ast.parse(right))
    found = mutations(tree, [ast.parse(name, mode="eval").body for name in operands])
    return {describe(each) for each in found if ast.unparse(ast.Module(tree.body, [])) == goal}


@pytest.mark.parametrize(
    ("wrong", "right", "code", "words"),
    [
        ("return -dy", "return dy", "wrong-sign", "the sign is wrong"),
        ("return dy", "return -dy", "wrong-sign", ""),
        ("return dy + y", "return dy - y", "wrong-sign", ""),
        ("return t - p", "return p - t", "wrong-sign", ""),
        ("return t / p", "return p / t", "inverted-quotient", ""),
        ("return t ** p", "return p ** t", "swapped-operands", ""),
        ("return dy @ W", "return dy @ W.T", "missing-transpose", ""),
        ("return dy @ W.T", "return dy @ W", "extra-transpose", ""),
        ("return dy.T @ x", "return x.T @ dy", "transposed-product", ""),
        ("return dy.mean(axis=0)", "return dy.sum(axis=0)", "mean-instead-of-sum", "a mean is used instead of a sum"),
        ("return np.sin(dy)", "return np.cos(dy)", "wrong-function", "`sin` is used instead of `cos`"),
        ("return dy.sum()", "return dy.sum(axis=0)", "missing-axis",
         "the sum runs over all axes; it should run over axis 0 (the batch)"),
        ("return W.sum()", "return W.sum(axis=0)", "missing-axis", "it should run over axis 0"),
        ("return dy.sum(axis=0)", "return dy.sum()", "extra-axis", "it should run over all axes"),
        ("return dy.sum(axis=0)", "return dy.sum(axis=-1)", "wrong-axis",
         "the sum runs over axis 0 (the batch); it should run over the last axis"),
        ("return np.flip(dy, axis=0)", "return np.flip(dy, axis=1)", "wrong-axis", "axis 0 is used instead of axis 1"),
        ("return dy.sum(axis=1)", "return dy.sum(axis=1, keepdims=True)", "missing-keepdims", ""),
        ("return np.tanh(y)", "return y", "extra-call", "`np.tanh` is applied one time too many"),
        ("return np.where(m, a, b)", "return np.where(m, b, a)", "branches-swapped", ""),
        ("return f(a, b)", "return f(b, a)", "arguments-swapped", "the arguments of `f` are swapped"),
        ("return dy * m", "return dy * ~m", "inverted-mask", ""),
        ("return dy * (x > 0)", "return dy * (x < 0)", "wrong-comparison", "`x > 0` is used instead of `x < 0`"),
        ("return dy * 2", "return dy * 3", "wrong-number", "the number 2 is used instead of 3"),
        ("return dy * 2", "return dy / 2", "product-instead-of-quotient", "multiplied instead of divided by `2`"),
        ("return dy * y", "return dy", "extra-factor", "the factor `y` is not needed"),
        ("return dy / len(dy)", "return dy", "extra-division-by-batch-size", "`len(dy)`"),
        ("return y + dy", "return dy", "extra-term", "the term `y` is not needed"),
        ("return dy[::-1]", "return dy", "reversed-order", ""),
        ("return dy", "return dy[::-1]", "not-reversed-order", ""),
        ("return dy[1:]", "return dy[2:]", "wrong-index", "the index `1` is wrong; `2` is correct"),
        ("return h[s + 1]", "return h[s]", "wrong-index", "the index `s + 1` is wrong; `s` is correct"),
        ("return len(dy)", "return len(dy.T)", "batch-size-instead-of-axis-size", "`len(dy)` is the batch size"),
        ("return dy.shape[0]", "return dy.shape[1]", "wrong-axis-size", "the size of axis 0"),
        ("return np.roll(dy, 1)", "return np.roll(dy, 0)", "shifted-values", "shifted by 1 instead of 0"),
        ("return b, a", "return a, b", "results-swapped", ""),
        ("n = 1; n += dy", "n = 1; n = dy", "added-instead-of-assigned", "`n` is added to; it should be replaced"),
        ("n = 1; n[0] = dy", "n = 1; n[0] += dy", "assigned-instead-of-added", "`n[0]` is overwritten"),
        ("dy /= n", "pass", "extra-statement", "the statement `dy /= n` is not needed"),
        ("a = dy; b = a; return b", "b = a; a = dy; return b", "statements-swapped", ""),
    ],
)  # fmt: skip
def test_a_wrong_expression(wrong: str, right: str, code: str, words: str) -> None:
    """The code is the kind of mistake, the text names the expression."""
    found = causes(wrong, right)
    assert any(each.code == code and words in each.text for each in found), found


@pytest.mark.parametrize(
    ("wrong", "right", "operand", "code", "words"),
    [
        ("return dy * self.y", "return dy * self.x", "self.x", "wrong-name", "`self.y` is used instead of `self.x`"),
        ("return dy * (dy > 0)", "return dy * (self.x > 0)", "self.x", "mask-from-wrong-array", "from `dy` instead of"),
        ("return dy @ self.t", "return dy @ self.params['W']", "self.params['W']", "copy-instead-of-parameter",
         "instead of the parameter `self.params['W']`"),
        ("return dy", "return dy * self.k", "self.k", "missing-factor", "the factor `self.k` is missing"),
        ("return dy", "return dy / self.k", "self.k", "missing-division", "the division by `self.k` is missing"),
        ("return dy", "return dy / len(dy)", "dy", "missing-division-by-batch-size", "`len(dy)`"),
        ("return dy", "return 2 * dy", "dy", "missing-factor", "the factor `2` is missing"),
        ("return dy", "return dy ** 2", "dy", "missing-square", "`dy` is not squared"),
        ("return dy", "return dy + self.k", "self.k", "missing-term", "the term `self.k` is missing"),
        ("return dy", "return dy - self.k", "self.k", "missing-term", "the term `-self.k` is missing"),
        ("return dy", "return dy * (1 - self.y**2)", "self.y", "missing-derivative", "`1 - self.y ** 2`"),
        ("return dy", "return dy * (self.x > 0)", "self.x", "missing-mask", "the mask `self.x > 0` is missing"),
        ("return dy", "return dy.sum(axis=0, keepdims=True)", "dy", "missing-sum",
         "the sum over axis 0 (the batch) is missing"),
        ("return dy * self.p * (1 - self.p)", "return self.p * (dy - (dy * self.p).sum(axis=-1, keepdims=True))", "dy",
         "softmax-diagonal", ""),
        ("return dy", "return dy - dy.mean(axis=1, keepdims=True)", "dy", "statistic-as-constant", "dy.mean(axis=1"),
        ("return dy", "return dy - dy.mean(axis=1, keepdims=True) - self.n * (dy * self.n).mean(axis=1, keepdims=True)",
         "self.n", "statistic-as-constant", "dy.mean(axis=1, keepdims=True) + self.n *"),
        ("return dy", "return dy * self.a.sum(axis=1, keepdims=True)", "self.a", "missing-factor", "self.a.sum(axis=1"),
        ("return m", "return np.where(m, 1, self.s)", "self.s", "missing-slope", "the slope `self.s` is missing"),
        ("return p", "return 1 - p", "p", "missing-complement", "`p` is used instead of `1 - p`"),
        ("return a[0]", "return a[1 - 0]", "b", "", ""),
    ],
)  # fmt: skip
def test_a_missing_part(wrong: str, right: str, operand: str, code: str, words: str) -> None:
    """The text names it."""
    found = causes(wrong, right, operand)
    assert any(each.code == code and words in each.text for each in found) if code else not found, found


def test_a_change_without_a_name_has_no_cause() -> None:
    """The exponent instead of a power."""
    assert causes("return dy ** y", "return y") == {NO_CAUSE}
    tree = ast.parse("def f(self): pass").body[0]
    assert isinstance(tree, ast.FunctionDef)
    assert describe(Mutation(0, tree, tree.body[0], "pass", tree.body[0], tree.body[0], "")) == NO_CAUSE
