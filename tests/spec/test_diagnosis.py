"""A change that mends is told as the mistake that it undoes, in words."""

import ast

import pytest

from nnlaw.spec.fixes.describe_change import diagnosis
from nnlaw.spec.fixes.mutate import Edit, edits
from nnlaw.spec.fixes.variable_roles import roles_of

FORWARD = "def forward(self, x):\n    self.x, self.y = x, np.tanh(x)\n    return self.y"
ROLES = roles_of({
    "forward": ast.parse(FORWARD).body[0],  # type: ignore[dict-item]  # it is a function
    "backward": ast.parse("def backward(self, dy): pass").body[0],  # type: ignore[dict-item]  # so is this
})  # fmt: skip


def told(wrong: str, right: str, *operands: str) -> set[str]:
    """What is said of the changes that turn `wrong` into `right`, in a backward with these names."""
    tree = ast.parse(f"def backward(self, dy):\n    {wrong}").body[0]
    assert isinstance(tree, ast.FunctionDef)
    wanted = ast.unparse(ast.parse(right))
    trees = [ast.parse(name, mode="eval").body for name in operands]
    found = edits(tree, trees)
    return {diagnosis(edit, ROLES) for edit in found if ast.unparse(ast.Module(tree.body, [])) == wanted}


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ("return -dy", "return dy", "the wrong sign: a minus too many before `dy`"),
        ("return dy", "return -dy", "the wrong sign: a minus that is missing before `dy`"),
        ("return dy + y", "return dy - y", "the wrong sign: of the term `y`"),
        ("return t - p", "return p - t", "the wrong sign: a difference that is taken the wrong way round"),
        ("return t / p", "return p / t", "a quotient the wrong way round"),
        ("return dy @ W", "return dy @ W.T", "a transpose that is missing: `W.T`"),
        ("return dy @ W.T", "return dy @ W", "a transpose too many: `W.T`"),
        ("return dy.T @ x", "return x.T @ dy", "a transposed product: `dy.T @ x` where `x.T @ dy` is due"),
        ("return dy.mean(axis=0)", "return dy.sum(axis=0)", "a mean where a sum is due"),
        ("return np.sin(dy)", "return np.cos(dy)", "`sin` where `cos` is due"),
        ("return dy.sum()", "return dy.sum(axis=0)", "a sum over everything where one over axis 0 is due"),
        ("return dy.sum(axis=0)", "return dy.sum()", "a sum over axis 0 where one over everything is due"),
        ("return dy.sum(axis=0)", "return dy.sum(axis=1)", "the wrong axis: a sum over 0 where one over 1 is due"),
        ("return np.flip(dy, axis=0)", "return np.flip(dy, axis=1)", "the wrong axis: 0 where 1 is due"),
        ("return dy.sum(axis=1)", "return dy.sum(axis=1, keepdims=True)", "keepdims of a sum that is missing"),
        ("return np.tanh(y)", "return y", "`np.tanh` that is applied once too often"),
        ("return np.where(m, a, b)", "return np.where(m, b, a)", "the two sides of a condition that changed places"),
        ("return f(a, b)", "return f(b, a)", "arguments of `f` that changed places"),
        ("return dy * m", "return dy * ~m", "a mask that is upside down"),
        ("return dy * (x > 0)", "return dy * (x < 0)", "a comparison the wrong way: `x > 0` where `x < 0` is due"),
        ("return dy * 2", "return dy * 3", "a wrong number: 2 where 3 is due"),
        ("return dy * 2", "return dy / 2", "a product where a division is due: `dy / 2`"),
        ("return dy * y", "return dy", "a factor too many: `y`"),
        ("return dy / len(dy)", "return dy", "a division by the size of the batch too many: `len(dy)`"),
        ("return y + dy", "return dy", "a term too many: `y`"),
        ("return dy[::-1]", "return dy", "an order that is turned round: `dy[::-1]`"),
        ("return dy", "return dy[::-1]", "an order that is not turned round: `dy[::-1]`"),
        ("return dy[1:]", "return dy[2:]", "a wrong index or slice: `1` where `2` is due"),
        ("return h[s + 1]", "return h[s]", "a wrong index or slice: `s + 1` where `s` is due"),
        ("return len(dy)", "return len(dy.T)", "the size of the batch where that of axis 1 is due: `len(dy.T)`"),
        ("return dy.shape[0]", "return dy.shape[1]", "the size of the wrong axis: 0 where 1 is due"),
        ("return np.roll(dy, 1)", "return np.roll(dy, 0)", "entries that are shifted: by 1 where 0 is due"),
        ("return b, a", "return a, b", "results that changed places: `(b, a)` where `(a, b)` is due"),
        ("n = 1; n += dy", "n = 1; n = dy", "an addition to what was in `n` before, which is to be written over"),
        ("n = 1; n[0] = dy", "n = 1; n[0] += dy",
         "an assignment where an addition is due: what was in `n[0]` is written over"),
        ("dy /= n", "pass", "a statement too many: `dy /= n`"),
        ("a = dy; b = a; return b", "b = a; a = dy; return b",
         "two statements in the wrong order: what the second needs, the first has written over"),
    ],
)  # fmt: skip
def test_a_slip_is_named(wrong: str, right: str, words: str) -> None:
    """By the kind of change and by what it changes."""
    assert words in told(wrong, right)


@pytest.mark.parametrize(
    ("wrong", "right", "operand", "words"),
    [
        ("return dy * self.y", "return dy * self.x", "self.x",
         "the output where the input is due (`self.y` for `self.x`)"),
        ("return dy * (dy > 0)", "return dy * (self.x > 0)", "self.x", "a mask that is taken from the wrong array: "
         "the incoming gradient where the input is due (`dy` for `self.x`)"),
        ("return dy @ self.t", "return dy @ self.params['W']", "self.params['W']",
         "`self.t` in place of the parameter, `self.params['W']`"),
        ("return dy * self.h", "return dy * self.k", "self.k", "`self.h` where `self.k` is due"),
        ("return dy", "return dy * self.k", "self.k", "a factor that is missing: `self.k` is missing"),
        ("return dy", "return dy / self.k", "self.k", "a division that is missing: by `self.k`"),
        ("return dy", "return dy / len(dy)", "dy", "a missing division by the size of the batch, `len(dy)`"),
        ("return dy", "return dy * 2", "dy", "a factor 2 is missing"),
        ("return dy", "return dy ** 2", "dy", "a square that is missing: of `dy`"),
        ("return dy", "return dy + self.k", "self.k", "a term that is missing: `self.k` is missing"),
        ("return da", "return da + dy", "dy", "a path that is missing, as of a skip connection: `dy` itself"),
        ("return dy", "return dy * (1 - self.y**2)", "self.y",
         "a derivative that is missing: the factor `1 - self.y ** 2`"),
        ("return dy", "return dy * (self.x > 0)", "self.x", "a mask that is missing: `self.x > 0`"),
        ("return dy", "return dy.sum(axis=0, keepdims=True)", "dy", "a sum over axis 0 that is missing: of `dy`"),
        ("return dy * self.p * (1 - self.p)", "return self.p * (dy - (dy * self.p).sum(axis=-1, keepdims=True))", "dy",
         "only the diagonal of the softmax Jacobian, without the sum over the row"),
        ("return dy", "return dy - dy.mean(axis=1, keepdims=True)", "dy",
         "a path through a sum or mean of `dy` that is treated as a constant: "
         "`dy.mean(axis=1, keepdims=True)` is missing"),
        ("return dy", "return dy - dy.mean(axis=1, keepdims=True) - self.n * (dy * self.n).mean(axis=1, keepdims=True)",
         "self.n", "means that are treated as a constant each, although every entry moves them"),
        ("return dy", "return dy * self.a.sum(axis=1, keepdims=True)", "self.a",
         "a factor is missing: self.a, summed over axis 1, is missing"),
        ("return dy", "return dy * np.where(dy, 1, self.s)", "self.s", ""),
        ("return m", "return np.where(m, 1, self.s)", "self.s",
         "a slope that is missing on one side of a mask: `self.s`"),
        ("return p", "return 1 - p", "p", "a complement that is missing: `p` where `1 - p` is due"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(wrong: str, right: str, operand: str, words: str) -> None:
    """By what stands beside the old expression in the new one."""
    found = told(wrong, right, operand)
    assert words in found if words else not found, found


def test_a_change_without_a_name_gets_none() -> None:
    """Nothing is invented."""
    assert diagnosis(Edit(0, 1, "", None, None, None), ROLES) == ""
    odd = [ast.parse(text, mode="eval").body for text in ("a if b else c", "f(x)[0]")]
    assert diagnosis(Edit(0, 1, "", None, *odd), ROLES) == ""
