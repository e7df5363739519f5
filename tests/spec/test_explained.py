"""Wrong gradients, planted one by one: the mistake is named for most, and a wrong one for none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, Violation, conformance, obeys

Array = NDArray[Any]
Back = Callable[[Any, Array], Array]


def sigmoid(x: Array) -> Array:
    """1/(1 + e⁻ˣ)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


@obeys("N C -> N C")
class Function:
    """y = f(x) with a backward of its own."""

    rate = 0.3
    f: Any

    def __init__(self) -> None:
        self.rate = 0.3

    def forward(self, x: Array) -> Array:
        self.x, self.y = x, type(self).f(x)
        return self.y


@obeys("N C -> N D")
class Dense:
    """y = xW + b with a backward of its own."""

    outputs = 3

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.params = {"W": rng.standard_normal((4, self.outputs)).astype(np.float32),
                       "b": rng.standard_normal(self.outputs).astype(np.float32)}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def right(self, dy: Array) -> Array:
        self.grads.update(W=self.x.T @ dy, b=dy.sum(axis=0))
        return dy @ self.params["W"].T


def softmax(x: Array) -> Array:
    """Over each row."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def cube(x: Array) -> Array:
    """x³."""
    return x**3


def leaky(x: Array) -> Array:
    """0.3 x left of 0."""
    return np.where(x > 0, x, x.dtype.type(0.3) * x)


def scaled(x: Array) -> Array:
    """x/0.7."""
    return x / x.dtype.type(0.7)


def center(x: Array) -> Array:
    """Less the mean of each row."""
    return x - x.mean(axis=1, keepdims=True)


ELEMENTS: list[tuple[Callable[[Array], Array], Back, str]] = [
    (np.tanh, lambda s, dy: -dy * (1 - s.y**2), "wrong sign"),
    (np.tanh, lambda s, dy: dy * (1 - s.y), "1 − y where 1 − y² is due"),
    (np.tanh, lambda s, dy: dy * (1 - s.x**2), "1 − x² where 1 − y² is due"),
    (np.tanh, lambda s, dy: dy, "dx equals dy"),
    (np.tanh, lambda s, dy: 1 - s.y**2, "dy that is not multiplied in"),
    (np.tanh, lambda s, dy: dy * (1 - s.y**2) ** 2, "(1 − y)²|multiplied in twice"),
    (np.tanh, lambda s, dy: dy * s.y, "output y in place of the derivative"),
    (np.tanh, lambda s, dy: dy * (1 - s.y**2) / len(dy), "division by the batch size N"),
    (np.tanh, lambda s, dy: dy / (1 - s.y**2), "a division by the derivative"),
    (np.tanh, lambda s, dy: (dy * (1 - s.y**2)).clip(-0.2, 0.2), "cut off at ±0.2"),
    (sigmoid, lambda s, dy: dy * s.x * (1 - s.x), "x(1 − x) where y(1 − y) is due"),
    (sigmoid, lambda s, dy: dy * (1 - s.y), "1 − y where y(1 − y) is due"),
    (sigmoid, lambda s, dy: dy * s.y * (1 - s.y) / 4, "axis"),
    (relu, lambda s, dy: dy, "dx equals dy|mask that is missing"),
    (relu, lambda s, dy: dy * (dy > 0), "mask taken from dy"),
    (relu, lambda s, dy: dy * (s.x < 0), "upside down"),
    (relu, lambda s, dy: dy * (s.x > 0.5), "mask that stops too much"),
    (relu, lambda s, dy: 0 * dy, "never computed"),
    (cube, lambda s, dy: 3 * dy * s.x, ""),
    (cube, lambda s, dy: dy * s.x**2, "t²|x² where 3x² is due"),
    (np.square, lambda s, dy: dy * s.x, "factor 2 too few"),
    (leaky, lambda s, dy: dy * (s.x > 0), "mask that stops too much"),
    (scaled, lambda s, dy: dy, "dx equals dy|1 − 0.3"),
    (softmax, lambda s, dy: dy * s.y * (1 - s.y), "only the diagonal of the"),
    (softmax, lambda s, dy: s.y * dy, "dx = dy·y"),
    (softmax, lambda s, dy: dy * s.y - (dy * s.y).sum(axis=1, keepdims=True), "not multiplied by p"),
    (center, lambda s, dy: dy, "dx equals dy"),
    (center, lambda s, dy: dy * (1 - 1 / 4), "only the diagonal of the Jacobian"),
]


def parameters(**change: Callable[[Any, Array], Array]) -> Back:
    """The right backward, but for what is changed."""

    def backward(layer: Any, dy: Array) -> Array:
        dx: Array = layer.right(dy)
        layer.grads.update({k: f(layer, dy) for k, f in change.items() if k != "dx"})
        return change["dx"](layer, dy) if "dx" in change else dx

    return backward


MATRICES: list[tuple[int, Back, str]] = [
    (3, parameters(b=lambda s, dy: dy.mean(axis=0)), "mean where a sum is due"),
    (3, parameters(W=lambda s, dy: s.x.T @ dy / len(dy)), "mean where a sum is due"),
    (3, parameters(b=lambda s, dy: dy), "sum over the batch that is missing"),
    (3, parameters(b=lambda s, dy: dy.sum(axis=0, keepdims=True)), "keepdims"),
    (3, parameters(b=lambda s, dy: dy.sum(axis=1)), "over the wrong axis"),
    (3, parameters(b=lambda s, dy: dy.sum()), "sum over everything"),
    (3, parameters(W=lambda s, dy: dy.T @ s.x), "transposed product"),
    (3, parameters(W=lambda s, dy: s.x.T @ dy + 0.1 * s.params["W"]), "weight decay"),
    (3, parameters(b=lambda s, dy: dy[0]), "only the first sample"),
    (3, parameters(W=lambda s, dy: np.outer(s.x[-1], dy[-1])), "only the last sample"),
    (3, parameters(b=lambda s, dy: np.zeros(3)), "never computed"),
    (5, parameters(b=lambda s, dy: dy.sum(axis=1)), "over the wrong axis"),
    (4, parameters(dx=lambda s, dy: dy @ s.params["W"]), "transposed product"),
    (4, parameters(W=lambda s, dy: dy.T @ s.x), "transposed product"),
    (3, parameters(W=lambda s, dy: np.abs(s.x.T @ dy)), "absolute value"),
    (3, parameters(W=lambda s, dy: s.grads["W"] * 7), "a constant factor (ratio 7)"),
    (3, parameters(W=lambda s, dy: s.x.T @ dy + 0.3), ""),
    (3, parameters(W=lambda s, dy: s.x.T @ dy * np.linspace(1, 2, 3)), ""),
]


def labels_loss(back: Callable[[Any], Array]) -> Any:
    """Cross-entropy of logits and labels with a backward of its own."""

    class Entropy:
        def forward(self, prediction: Array, target: Array) -> float:
            self.p, self.z = softmax(prediction), prediction
            self.hot = np.eye(prediction.shape[1])[target]
            z = prediction - prediction.max(axis=1, keepdims=True)
            return float((np.log(np.exp(z).sum(axis=1)) - (z * self.hot).sum(axis=1)).mean())

        def backward(self) -> Array:
            return np.asarray(back(self), self.z.dtype)

    return Entropy()


def squares_loss(back: Callable[[Any], Array]) -> Any:
    """Half the squared error with a backward of its own."""

    class Squares:
        targets = "real"

        def forward(self, prediction: Array, target: Array) -> float:
            self.z, self.t = prediction, target
            return float(((prediction - target) ** 2).sum() / 2 / len(prediction))

        def backward(self) -> Array:
            return np.asarray(back(self), self.z.dtype)

    return Squares()


LOSSES: list[tuple[Any, str]] = [
    (labels_loss(lambda s: (s.hot - s.p) / len(s.p)), "wrong sign"),
    (labels_loss(lambda s: s.p - s.hot), "missing division by the batch size N"),
    (labels_loss(lambda s: (s.p - s.hot) / len(s.p) ** 2), "batch size N once too often"),
    (labels_loss(lambda s: s.p / len(s.p)), "never subtracted"),
    (labels_loss(lambda s: (s.z - s.hot) / len(s.p)), "missing softmax: logits less target"),
    (labels_loss(lambda s: -s.hot / np.maximum(s.p, 1e-30) / len(s.p)), "−t/p"),
    (labels_loss(lambda s: (s.p - s.hot) * s.p * (1 - s.p) / len(s.p)), "softmax multiplied in once more"),
    (labels_loss(lambda s: (s.p - np.roll(s.hot, 1, axis=1)) / len(s.p)), "labels shifted by one"),
    (squares_loss(lambda s: 2 * (s.z - s.t) / len(s.z)), "factor 2 too many"),
    (squares_loss(lambda s: (s.t - s.z) / len(s.z)), "wrong sign"),
    (squares_loss(lambda s: s.z / len(s.z)), "never subtracted"),
    (squares_loss(lambda s: np.sign(s.z - s.t) / len(s.z)), "sign of the difference"),
    (squares_loss(lambda s: (s.z - s.t) ** 2 / len(s.z)), ""),
]


def accusation(case: Any) -> Violation:
    """The one violation of law gradient."""
    (found,) = [v for v in conformance(case, ["gradient"]).violations if v.law == "gradient"]
    return found


def element_case(row: tuple[Any, Back, str], seed: int) -> LayerCase:
    """Five Gaussian rows."""
    kind = type("Planted", (Function,), {"f": staticmethod(row[0]), "backward": row[1]})
    return LayerCase("p", kind(), np.random.default_rng(seed).standard_normal((5, 4)), seed=seed)


def matrix_case(row: tuple[int, Back, str], seed: int) -> LayerCase:
    """Five Gaussian rows."""
    kind = type("Planted", (Dense,), {"outputs": row[0], "backward": row[1]})
    return LayerCase("p", kind(), np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32), seed=seed)


def loss_case(row: tuple[Any, str], seed: int) -> LossCase:
    """Five rows of predictions, labels or Gaussian targets."""
    rng = np.random.default_rng(seed)
    real = getattr(row[0], "targets", "") == "real"
    target: Array = rng.standard_normal((5, 4)) if real else rng.integers(0, 4, 5)
    return LossCase("p", row[0], rng.standard_normal((5, 4)), target)


PLANTED: list[tuple[Callable[[Any, int], Any], Any]] = [
    *((element_case, row) for row in ELEMENTS), *((matrix_case, row) for row in MATRICES),
    *((loss_case, row) for row in LOSSES),
]  # fmt: skip


def cause(make: Callable[[Any, int], Any], row: Any, seed: int) -> str:
    """What is said to have caused it; the calls are not judged, so that shapes come to the gradient check."""
    from nnlaw.spec.laws.layer.gradient import gradient as of_layer
    from nnlaw.spec.laws.loss.gradient import gradient as of_loss

    case = make(row, seed)
    with pytest.raises(Violation) as found, np.errstate(all="ignore"):
        (of_loss if isinstance(case, LossCase) else of_layer)(case)
    return found.value.cause


@pytest.mark.parametrize("i", range(len(PLANTED)))
def test_a_wrong_gradient_is_explained_rightly_or_not_at_all(i: int) -> None:
    """The cause that is named is the one that was planted, whatever the seed; some have no name, and get none."""
    make, row = PLANTED[i]
    for seed in range(3):
        said = cause(make, row, seed)
        assert any(words in said for words in row[-1].split("|")) if row[-1] else said == "", said


def test_most_planted_mistakes_have_a_name() -> None:
    """More than seven of ten."""
    named = sum(bool(row[-1]) for _, row in PLANTED)
    assert len(PLANTED) >= 50 and named / len(PLANTED) > 0.7
