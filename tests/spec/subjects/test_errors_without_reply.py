"""spec/subjects/server.py: the errors of operations that have no reply."""

import ast
from typing import Any

import numpy as np
import pytest
from loopback import Loopback

from nnlaw.spec.subjects.remote_error import RemoteError


class Uncopied:
    """It can't be copied, and its rate can't be set."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        raise ArithmeticError("no copy")

    @property
    def rate(self) -> float:
        """Read only."""
        return 0.5

    def forward(self, x: Any) -> Any:
        """The input."""
        return x


class Half:
    """y = x / 2"""

    def forward(self, x: Any) -> Any:
        """Half of the input."""
        return x / 2


X = np.ones((2, 3))


def test_the_copy_raises_it_and_nothing_else_does() -> None:
    """The copy, and a copy of it; the original and another copy that was made in between can be used."""
    loopback = Loopback()
    uncopied, half = loopback.subject(Uncopied()), loopback.subject(Half())
    copy, other = uncopied.copy(), half.copy()
    assert (other.forward(X) == 0.5).all() and (uncopied.forward(X) == 1).all()
    for failed in (copy, copy.copy()):
        with pytest.raises(RemoteError, match="no copy"):
            failed.forward(X)
    assert (other.forward(X) == 0.5).all()


def test_a_change_that_fails_makes_the_object_unusable() -> None:
    """Its next request raises it, and so does every later one."""
    loopback = Loopback()
    uncopied, half = loopback.subject(Uncopied()), loopback.subject(Half())
    uncopied.set("rate", 0.1)
    assert (half.forward(X) == 0.5).all()
    for _ in range(2):
        with pytest.raises(RemoteError, match="rate"):
            uncopied.forward(X)


def test_a_variant_that_does_not_compile() -> None:
    """Only runs with it raise."""
    half = Loopback().subject(Half())
    tree = ast.parse("def forward(self, x):\n    return x").body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.body = [ast.Global(["x"]), *tree.body]
    variant = half.variant([tree])
    assert (half.copy().forward(X) == 0.5).all()
    with pytest.raises(RemoteError, match="global"):
        half.run([("forward", [X])], variant=variant)
