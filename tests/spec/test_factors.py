"""A factor on a gradient is named after a size only where it is that size for two sizes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, Violation, check_model
from nnlaw.spec.law import CATALOGUE

Array = NDArray[Any]
X = np.random.default_rng(7).standard_normal((6, 5))


class _Cubes:
    """y = x³, with a factor on its gradient that depends on the input's shape."""

    def __init__(self, factor: Callable[[Array], float], kind: type = np.float64, rows: int = 0) -> None:
        self.factor, self.kind, self.rows = factor, kind, rows

    def forward(self, x: Array) -> Array:
        if self.rows and len(x) != self.rows:
            raise ValueError("another batch")
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
            raise ValueError("another number of outputs")
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


def of_layer(factor: Callable[[Array], float], **settings: Any) -> str:
    with pytest.raises(Violation) as found:
        CATALOGUE["layer", "gradient"].check(LayerCase("cubes", _Cubes(factor, **settings), X))
    return found.value.cause


def of_loss(factor: Callable[[Array], float], n: int = 6, outputs: int = 0) -> str:
    case = LossCase("squares", _Squares(factor, outputs), X[:n, :3], X[:n, 2:])
    with pytest.raises(Violation) as found:
        CATALOGUE["loss", "gradient"].check(case)
    return found.value.cause


def of_model(factor: Callable[[Array], float]) -> str:
    with pytest.raises(Violation) as found:
        check_model(_Line(factor), X, np.arange(6) % 3, np.random.default_rng(0))
    return found.value.cause


@pytest.mark.parametrize("cause_of", [of_layer, of_loss, of_model])
def test_the_size_of_the_batch_is_named_where_the_factor_follows_it(
    cause_of: Callable[[Callable[[Array], float]], str],
) -> None:
    """With either sign, as a quotient, a root, or less one; a factor that is as large and stays is a constant one."""
    for factor, words in (
        (lambda x: len(x), "a missing division by the batch size N, or a sum where a mean is due (ratio 6)"),
        (lambda x: 1 / len(x), "a division by the batch size N once too often, or a mean where a sum is due (ratio"),
        (lambda x: -len(x), "the wrong sign, and a missing division by the batch size N (ratio -6)"),
        (lambda x: len(x) ** 0.5, "a division by the root of the batch size N that is missing (ratio 2.449)"),
        (lambda x: len(x) ** -0.5, "a division by the root of the batch size N once too often (ratio 0.4082)"),
        (lambda x: 1 - 1 / len(x), "a division by N where N − 1 is due, as in a variance (ratio 0.8333)"),
        (lambda x: len(x) / (len(x) - 1), "a division by N − 1 where N is due, as in a variance (ratio 1.2)"),
        (lambda x: 6, "a constant factor (ratio 6)"),
        (lambda x: 1 / 6, "a constant factor (ratio 0.1667)"),
        (lambda x: 6**0.5, "a constant factor (ratio 2.449)"),
    ):
        assert cause_of(factor).startswith(words), words


def test_two_and_a_batch_of_two_are_told_apart() -> None:
    """Where both would do, another batch tells which."""
    assert of_loss(lambda x: 2, 2).startswith("a factor 2 too many")
    assert of_loss(lambda x: len(x), 2).startswith("a missing division by the batch size N")


def test_of_a_loss_the_outputs_change_too() -> None:
    """A sum over them, over all entries, and a factor that is as large as they are many; else N alone changes."""
    assert of_loss(lambda x: x.shape[1]) == "a product with the size 3 of an axis (ratio 3)"
    assert of_loss(lambda x: 1 / x.shape[1], 3).startswith("a division by the size 3 of an axis")
    assert of_loss(lambda x: x.size) == "a sum over all entries where a mean is due (ratio 18)"
    assert of_loss(lambda x: 3) == "a constant factor (ratio 3)"
    assert of_loss(lambda x: len(x), outputs=3).startswith("a missing division by the batch size N")


def test_a_root_of_an_axis_is_named() -> None:
    """As in attention; the root of a small number may be any constant."""
    assert of_layer(lambda x: 5**0.5) == "a division by the root of the size 5 of an axis that is missing (ratio 2.236)"
    assert of_loss(lambda x: 3**0.5) == "a constant factor (ratio 1.732)"


def test_a_factor_that_changes_with_the_sizes_is_told_as_one() -> None:
    """Where nothing usual fits both."""
    said = of_layer(lambda x: 0.3 * len(x))
    assert said == "a factor that changes with the sizes: 2.1 for a gradient of shape (7, 5) (ratio 1.8)"


def test_a_layer_that_takes_one_size_alone_is_explained_by_that() -> None:
    """What refuses another batch gets the causes of the one that it takes."""
    assert "either a missing division by the batch size N" in of_layer(lambda x: len(x), rows=6)  # it keeps a 6
    assert of_layer(lambda x: 0.9, rows=6) == "a constant factor (ratio 0.9)"


def test_a_layer_in_float32_is_asked_by_its_own_steps() -> None:
    """The coarser steps, and a coarser fit."""
    assert of_layer(lambda x: len(x), kind=np.float32).startswith("a missing division by the batch size N")
