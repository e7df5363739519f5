"""An exception of an operation on two arrays names them, with their shapes."""

from typing import Any

import numpy as np
import pytest

from nnlaw.spec.subjects.failed_product import text_of

dout, W, b = np.ones((5, 3)), np.ones((4, 3)), np.ones(2)
params = {"W": W}


def raised(function: Any) -> str:
    """The text of what a function raises."""
    with pytest.raises(ValueError) as found:
        function()
    return text_of(found.value)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda: dout @ W, "dout (5, 3) @ W (4, 3): inner sizes 3 and 4 differ. Did you mean W.T?"),
        (lambda: np.dot(dout, params["W"]),
         "dout (5, 3) @ params['W'] (4, 3): inner sizes 3 and 4 differ. Did you mean params['W'].T?"),
        (lambda: 1 + W.T.dot(dout), "W.T (3, 4) @ dout (5, 3): inner sizes 4 and 5 differ"),
        (lambda: dout + b, "dout (5, 3) + b (2,): the shapes can't be broadcast to one"),
        (lambda: dout @ b, "dout (5, 3) @ b (2,): inner sizes 3 and 2 differ"),
    ],
)  # fmt: skip
def test_the_expressions_and_their_shapes(function: Any, text: str) -> None:
    """Of a product also the transpose that would fit."""
    assert raised(function) == text


def test_a_call_is_not_evaluated_once_more() -> None:
    """NumPy's text is shown instead: the call might change something."""
    calls: list[int] = []

    def made() -> Any:
        calls.append(1)
        return W

    text = raised(lambda: dout @ made())
    assert text.startswith("matmul: ") and len(calls) == 1


def test_other_exceptions_keep_their_text() -> None:
    """Also a ValueError of the author's own, and one without a traceback."""

    def check() -> None:
        raise ValueError("rate must be below 1")

    assert raised(check) == "rate must be below 1" and text_of(ValueError("no line")) == "no line"
    assert text_of(KeyError("W")) == "'W'"
