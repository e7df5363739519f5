"""What forward does not store can be stored by an edit, under a name that is free."""

import ast
import textwrap

import pytest

from nnlaw.spec.fixes.stores import Store, stores_of
from nnlaw.spec.subjects.subject import SourceFunction

CLASS = '''
class Mine:
    """A layer."""

    def forward(self, x, mask=None):
        """y = f(x)."""
{}

    def backward(self, dy):
        return dy * self.out
'''


def stores(body: str, inputs: int = 1, *, result: bool = True) -> list[tuple[Store, str]]:
    """Each store for a forward with this body, and the body with the edit made."""
    text = CLASS.format(textwrap.indent(textwrap.dedent(body).strip(), " " * 8))
    line = next(i for i, row in enumerate(text.split("\n"), 1) if "def forward" in row)
    found = []
    for store in stores_of(SourceFunction("forward", "mine.py", line, (), True, text), inputs=inputs, result=result):
        new = store.edit.apply(text)
        forward = next(node for node in ast.walk(ast.parse(new)) if isinstance(node, ast.FunctionDef))
        found.append((store, "\n".join(map(ast.unparse, forward.body[1:]))))
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return np.tanh(x)", ["self.x = x\nreturn np.tanh(x)", "self.y = np.tanh(x)\nreturn self.y"]),
        ("self.x = x\ny = 2 * x\nreturn y", ["self.x = x\ny = 2 * x\nself.y = y\nreturn y"]),
        ("self.x, self.y = x, 2 * x\nreturn self.y", []),
        ("self.x = x\nout = self.y = 2 * x\nreturn out", []),
        ("self.x = x\nif mask is None:\n    return x\nreturn x * mask", []),
        ("out = 2 * x\nreturn out", ["self.x = x\nout = 2 * x\nreturn out", "out = 2 * x\nself.y = out\nreturn out"]),
    ],
)
def test_arrays_that_are_not_stored_can_be(body: str, expected: list[str]) -> None:
    """The input at the start of forward, the result before it is returned in one place; `self.out` is taken."""
    assert [new for _, new in stores(body)] == expected


def test_an_attribute_that_is_overwritten_is_named() -> None:
    """And the input gets another name."""
    ((store, new),) = stores("self.x = x\nself.x = np.tanh(self.x)\nreturn self.x")
    assert (store.name, store.overwritten) == ("input", "x") and new.startswith("self.input = x\n")


def test_a_loss_may_store_both_arguments() -> None:
    """And not its value."""
    assert [store.name for store, _ in stores("return ((x - mask) ** 2).sum()", 2, result=False)] == ["x", "mask"]
