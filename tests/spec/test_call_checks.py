"""The call laws of a case: which calls are made, and what they report."""

import warnings
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import (
    BadInput,
    LayerCase,
    ModelCase,
    conformance,
    obeys,
)

X = np.random.default_rng(0).standard_normal((5, 4))


def test_a_function_is_called_inside_its_domain() -> None:
    """Also far from zero."""

    @obeys("N C -> N C")
    def root(x: Any) -> Any:
        return np.sqrt(x)

    root.domain = (0.0, 100.0)  # type: ignore[attr-defined]  # a function's attributes are not in its type
    assert conformance(root, kind="function").outcome == "passed"


def test_calls_raise_no_warnings() -> None:
    """An overflow on the way to a correct result is ignored."""

    class Overflowing:
        def forward(self, x: Any) -> Any:
            self.y = 1 / (1 + np.exp(-x))
            return self.y

        def backward(self, dy: Any) -> Any:
            return dy * self.y * (1 - self.y)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert conformance(LayerCase("mine", Overflowing(), 200 * X, "N C -> N C"), ["finite"]).violations == []


@pytest.mark.parametrize(("declared", "returned"), [(1, 2), (2, 1), (2, 3)])
def test_as_many_arrays_as_the_contract_has_outputs(declared: int, returned: int) -> None:
    """More or fewer fail law shape."""
    contract = f"N n -> {', '.join(['N n'] * declared)}"
    report = conformance(lambda x: (x,) * returned if returned > 1 else x, kind="function", contract=contract)
    assert [found.law for found in report.violations] == ["shape"]
    if declared > 1:
        arrays = f"{returned} array{'s' * (returned > 1)}"
        assert f"the result is {arrays}, expected {declared}" in report.violations[0].message


def test_a_class_with_forward_only_has_no_kind() -> None:
    """A layer and a loss have both methods."""
    with pytest.raises(BadInput, match="can't infer its kind"):
        conformance(type("Half", (), {"forward": lambda self, x: x})())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "of type NoneType"),
        (1.0, "of type float"),
        ((1.0, None), "of type tuple (float, NoneType)"),
        (("1", {}), "of type tuple (str, dict)"),
        ((1.0, {}, {}), "of type tuple (float, dict, dict)"),
        ((np.ones(3), {}), "of type tuple (ndarray, dict)"),
        ((each for each in ()), "of type generator"),
    ],
)
def test_a_model_returns_its_loss_and_gradients(found: Any, words: str) -> None:
    """Anything else fails law shape, at the line of loss_and_grads."""

    class Model:
        def __init__(self) -> None:
            self.params = {"W": np.ones((4, 2))}

        def predict(self, x: Any) -> Any:
            return np.full((len(x), 2), 0.5)

        def loss_and_grads(self, x: Any, labels: Any) -> Any:
            return found

    case = ModelCase("mine", Model(), lambda rng: Model(), X, np.arange(5) % 2)
    (violation,) = conformance(case).violations
    assert (violation.law, violation.location.method) == ("shape", "loss_and_grads")
    assert words in violation.message and "expected a tuple of the loss" in violation.message
