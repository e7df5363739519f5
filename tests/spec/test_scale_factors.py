"""A factor on a gradient is explained by a size only if it equals that size at two batch sizes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, Violation, check_model
from nnlaw.spec.law import CATALOG
from nnlaw.spec.violation import Cause

Array = NDArray[Any]
X = np.random.default_rng(7).standard_normal((6, 5))


class _Cubes:
    """y = x³, with a factor on its gradient that depends on the input's shape."""

    def __init__(self, factor: Callable[[Array], float], kind: type = np.float64, rows: int = 0) -> None:
        self.factor, self.kind, self.rows = factor, kind, rows

    def forward(self, x: Array) -> Array:
        if self.rows and len(x) != self.rows:
            raise ValueError("wrong batch size")
        self.x = x
        return (x**3).astype(self.kind)

    def backward(self, dy: Array) -> Array:
        return np.asarray(dy * 3 * self.x**2 * self.factor(self.x), self.kind)


class _Squares:
    """Σ (prediction − target)² / 2N, with a factor on its gradient that depends on the prediction's shape."""

    targets = "real"

    def __init__(self, factor: Callable[[Array], float], outputs: int = 0) -> None:
        self.factor, self.outputs = factor, outputs

    def forward(self, prediction: Array, target: Array) -> float:
        if self.outputs and prediction.shape[1] != self.outputs:
            raise ValueError("wrong number of outputs")
        self.d = prediction - target
        return float((self.d**2).sum() / len(self.d) / 2)

    def backward(self) -> Array:
        return self.d / len(self.d) * self.factor(self.d)


class _Line:
    """The squares of an affine map, as a model, with a factor on its gradient that depends on the input's shape."""

    def __init__(self, factor: Callable[[Array], float]) -> None:
        self.factor, self.params = factor, {"W": X[:5, :3].copy()}

    def loss_and_grads(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        d = x @ self.params["W"] - np.eye(3)[labels]
        return float((d**2).mean(axis=0).sum() / 2), {"W": x.T @ d / len(x) * self.factor(x)}


def of_layer(factor: Callable[[Array], float], **settings: Any) -> Cause:
    with pytest.raises(Violation) as found:
        CATALOG["layer", "gradient"].check(LayerCase("cubes", _Cubes(factor, **settings), X))
    return Cause(found.value.cause_code, found.value.cause)


def of_loss(factor: Callable[[Array], float], n: int = 6, outputs: int = 0) -> Cause:
    case = LossCase("squares", _Squares(factor, outputs), X[:n, :3], X[:n, 2:])
    with pytest.raises(Violation) as found:
        CATALOG["loss", "gradient"].check(case)
    return Cause(found.value.cause_code, found.value.cause)


def of_model(factor: Callable[[Array], float]) -> Cause:
    with pytest.raises(Violation) as found:
        check_model(_Line(factor), X, np.arange(6) % 3, np.random.default_rng(0))
    return Cause(found.value.cause_code, found.value.cause)


@pytest.mark.parametrize("cause_of", [of_layer, of_loss, of_model])
def test_the_batch_size_is_the_cause_if_the_factor_follows_it(
    cause_of: Callable[[Callable[[Array], float]], Cause],
) -> None:
    """With either sign, as a divisor, a root, or less one; a factor of the same value that stays is a constant."""
    for factor, code in (
        (lambda x: len(x), "batch-sum-instead-of-mean"),
        (lambda x: 1 / len(x), "batch-mean-instead-of-sum"),
        (lambda x: -len(x), "wrong-sign-and-batch-sum"),
        (lambda x: len(x) ** 0.5, "missing-root-of-batch-size"),
        (lambda x: len(x) ** -0.5, "extra-root-of-batch-size"),
        (lambda x: 1 - 1 / len(x), "n-instead-of-n-minus-1"),
        (lambda x: len(x) / (len(x) - 1), "n-minus-1-instead-of-n"),
        (lambda x: 6, "constant-factor"),
        (lambda x: 1 / 6, "constant-factor"),
        (lambda x: 6**0.5, "constant-factor"),
    ):
        assert cause_of(factor).code == code


def test_the_ratio_is_given() -> None:
    """At the end of the text."""
    assert of_layer(lambda x: 6).text == "a constant factor (ratio 6)"
    assert of_layer(lambda x: len(x)).text.endswith("(ratio 6)")


def test_a_factor_2_and_a_batch_of_two_are_distinguished() -> None:
    """If both fit, another batch size decides."""
    assert of_loss(lambda x: 2, 2).code == "factor-2-too-large"
    assert of_loss(lambda x: len(x), 2).code == "batch-sum-instead-of-mean"


def test_the_outputs_of_a_loss_change_too() -> None:
    """A sum over them, over all entries, and a constant of the same value; otherwise only N changes."""
    found = of_loss(lambda x: x.shape[1])
    assert found.code == "multiplied-by-axis-size" and "multiplied by 3, the size of an axis" in found.text
    assert of_loss(lambda x: 1 / x.shape[1], 3).code == "divided-by-axis-size"
    assert of_loss(lambda x: x.size).code == "sum-over-all-entries"
    assert of_loss(lambda x: 3).code == "constant-factor"
    assert of_loss(lambda x: len(x), outputs=3).code == "batch-sum-instead-of-mean"


def test_the_root_of_an_axis() -> None:
    """As in attention; the root of a small number may be any constant."""
    found = of_layer(lambda x: 5**0.5)
    assert found.code == "missing-root-of-axis-size"
    assert found.text == "not divided by the square root of 5, the size of an axis (ratio 2.236)"
    assert of_loss(lambda x: 3**0.5).code == "constant-factor"


def test_a_factor_that_depends_on_the_sizes() -> None:
    """If no common factor fits both sizes."""
    found = of_layer(lambda x: 0.3 * len(x))
    assert found.code == "size-dependent-factor"
    assert found.text == "a factor that depends on the sizes: 1.8, but 2.1 for a gradient of shape (7, 5)"


def test_a_layer_that_accepts_only_one_batch_size() -> None:
    """The causes are those that fit this size."""
    codes = of_layer(lambda x: len(x), rows=6).code.split("|")  # it stores a 6
    assert codes == ["batch-sum-instead-of-mean", "times-stored-number"]
    assert of_layer(lambda x: 0.9, rows=6).code == "constant-factor"


def test_a_layer_in_float32_is_measured_with_larger_steps() -> None:
    """And with a larger tolerance."""
    assert of_layer(lambda x: len(x), kind=np.float32).code == "batch-sum-instead-of-mean"
