"""Mistakes planted one by one: most get their cause code, and no mistake gets a wrong one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, Violation, obeys
from nnlaw.spec.gradcheck.mistakes import Clues, rows
from nnlaw.spec.violation import Cause

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
    (np.tanh, lambda s, dy: -dy * (1 - s.y**2), "wrong-sign"),
    (np.tanh, lambda s, dy: dy * (1 - s.y), "derivative-1-minus-y"),
    (np.tanh, lambda s, dy: dy * (1 - s.x**2), "derivative-in-x-not-y"),
    (np.tanh, lambda s, dy: dy, "missing-derivative"),
    (np.tanh, lambda s, dy: 1 - s.y**2, "missing-dy"),
    (np.tanh, lambda s, dy: dy * (1 - s.y**2) ** 2, "derivative-1-minus-y-all-squared|derivative-twice"),
    (np.tanh, lambda s, dy: dy * s.y, "output-instead-of-derivative"),
    (np.tanh, lambda s, dy: dy * (1 - s.y**2) / len(dy), "batch-mean-instead-of-sum"),
    (np.tanh, lambda s, dy: dy / (1 - s.y**2), "divided-by-derivative"),
    (np.tanh, lambda s, dy: (dy * (1 - s.y**2)).clip(-0.2, 0.2), "clipped-gradient"),
    (sigmoid, lambda s, dy: dy * s.x * (1 - s.x), "derivative-in-x-not-y"),
    (sigmoid, lambda s, dy: dy * (1 - s.y), "derivative-1-minus-y"),
    (sigmoid, lambda s, dy: dy * s.y * (1 - s.y) / 4, "divided-by-axis-size"),
    (relu, lambda s, dy: dy, "missing-derivative|missing-mask"),
    (relu, lambda s, dy: dy * (dy > 0), "mask-from-dy"),
    (relu, lambda s, dy: dy * (s.x < 0), "inverted-mask"),
    (relu, lambda s, dy: dy * (s.x > 0.5), "mask-too-strict"),
    (relu, lambda s, dy: 0 * dy, "gradient-not-computed"),
    (cube, lambda s, dy: 3 * dy * s.x, ""),
    (cube, lambda s, dy: dy * s.x**2, "derivative-x-squared"),
    (np.square, lambda s, dy: dy * s.x, "factor-2-too-small"),
    (leaky, lambda s, dy: dy * (s.x > 0), "mask-too-strict"),
    (scaled, lambda s, dy: dy, "missing-derivative|times-one-minus-stored-number"),
    (softmax, lambda s, dy: dy * s.y * (1 - s.y), "softmax-diagonal"),
    (softmax, lambda s, dy: s.y * dy, "output-instead-of-derivative"),
    (softmax, lambda s, dy: dy * s.y - (dy * s.y).sum(axis=1, keepdims=True), "softmax-sum-not-times-p"),
    (center, lambda s, dy: dy, "missing-derivative"),
    (center, lambda s, dy: dy * (1 - 1 / 4), "diagonal-of-jacobian"),
]


def parameters(**change: Callable[[Any, Array], Array]) -> Back:
    """The right backward, but for what is changed."""

    def backward(layer: Any, dy: Array) -> Array:
        dx: Array = layer.right(dy)
        layer.grads.update({k: f(layer, dy) for k, f in change.items() if k != "dx"})
        return change["dx"](layer, dy) if "dx" in change else dx

    return backward


MATRICES: list[tuple[int, Back, str]] = [
    (3, parameters(b=lambda s, dy: dy.mean(axis=0)), "batch-mean-instead-of-sum"),
    (3, parameters(W=lambda s, dy: s.x.T @ dy / len(dy)), "batch-mean-instead-of-sum"),
    (3, parameters(b=lambda s, dy: dy), "missing-batch-sum"),
    (3, parameters(b=lambda s, dy: dy.sum(axis=0, keepdims=True)), "extra-keepdims"),
    (3, parameters(b=lambda s, dy: dy.sum(axis=1)), "wrong-axis"),
    (3, parameters(b=lambda s, dy: dy.sum()), "missing-axis"),
    (3, parameters(W=lambda s, dy: dy.T @ s.x), "transposed-product"),
    (3, parameters(W=lambda s, dy: s.x.T @ dy + 0.1 * s.params["W"]), "added-weight-decay"),
    (3, parameters(b=lambda s, dy: dy[0]), "first-sample-only"),
    (3, parameters(W=lambda s, dy: np.outer(s.x[-1], dy[-1])), "last-sample-only"),
    (3, parameters(b=lambda s, dy: np.zeros(3)), "gradient-not-computed"),
    (5, parameters(b=lambda s, dy: dy.sum(axis=1)), "wrong-axis"),
    (4, parameters(dx=lambda s, dy: dy @ s.params["W"]), "transposed-product"),
    (4, parameters(W=lambda s, dy: dy.T @ s.x), "transposed-product"),
    (3, parameters(W=lambda s, dy: np.abs(s.x.T @ dy)), "absolute-value"),
    (3, parameters(W=lambda s, dy: s.grads["W"] * 7), "constant-factor"),
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
    (labels_loss(lambda s: (s.hot - s.p) / len(s.p)), "wrong-sign"),
    (labels_loss(lambda s: s.p - s.hot), "batch-sum-instead-of-mean"),
    (labels_loss(lambda s: (s.p - s.hot) / len(s.p) ** 2), "batch-mean-instead-of-sum"),
    (labels_loss(lambda s: s.p / len(s.p)), "target-not-subtracted"),
    (labels_loss(lambda s: (s.z - s.hot) / len(s.p)), "missing-softmax"),
    (labels_loss(lambda s: -s.hot / np.maximum(s.p, 1e-30) / len(s.p)), "gradient-for-probabilities"),
    (labels_loss(lambda s: (s.p - s.hot) * s.p * (1 - s.p) / len(s.p)), "softmax-derivative-twice"),
    (labels_loss(lambda s: (s.p - np.roll(s.hot, 1, axis=1)) / len(s.p)), "labels-shifted"),
    (squares_loss(lambda s: 2 * (s.z - s.t) / len(s.z)), "factor-2-too-large"),
    (squares_loss(lambda s: (s.t - s.z) / len(s.z)), "wrong-sign"),
    (squares_loss(lambda s: s.z / len(s.z)), "target-not-subtracted"),
    (squares_loss(lambda s: np.sign(s.z - s.t) / len(s.z)), "sign-of-difference"),
    (squares_loss(lambda s: (s.z - s.t) ** 2 / len(s.z)), ""),
]


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


def cause_codes(make: Callable[[Any, int], Any], row: Any, seed: int) -> set[str]:
    """The codes of the likely cause. Laws of calls are not checked, so that wrong shapes reach the gradient check."""
    from nnlaw.spec.laws.layer.gradient import gradient as of_layer
    from nnlaw.spec.laws.loss.gradient import gradient as of_loss

    case = make(row, seed)
    with pytest.raises(Violation) as found, np.errstate(all="ignore"):
        (of_loss if isinstance(case, LossCase) else of_layer)(case)
    assert bool(found.value.cause) is bool(found.value.cause_code)
    return set(found.value.cause_code.split("|"))


@pytest.mark.parametrize("i", range(len(PLANTED)))
def test_a_planted_mistake_gets_its_cause_or_no_cause(i: int) -> None:
    """The likely cause is the planted one for every seed; mistakes without a code get no cause."""
    make, row = PLANTED[i]
    for seed in range(3):
        assert cause_codes(make, row, seed) & set(row[-1].split("|")), row[-1]


def test_most_planted_mistakes_have_a_cause() -> None:
    """More than seven of ten."""
    named = sum(bool(row[-1]) for _, row in PLANTED)
    assert len(PLANTED) >= 50 and named / len(PLANTED) > 0.7


def test_without_a_clue_its_mistakes_are_not_listed() -> None:
    """Without one clue, or the correct gradient, the other mistakes are still listed."""
    x = np.random.default_rng(2).standard_normal((3, 3))
    known = {"dy": x + 1, "x": x, "y": np.tanh(x), "array": x, "previous": lambda: x + 2, "prediction": x,
             "target": x - 1, "jacobian": lambda: np.diag(np.arange(9.0)), "from_sample": lambda i: x}  # fmt: skip
    right = np.arange(9.0).reshape(3, 3) * known["dy"]

    def causes(right: Any, clues: dict[str, Any]) -> set[Cause]:
        return {cause for cause, _ in rows(right, Clues(**clues), 3)}

    whole = causes(right, known)
    for missing in known:
        assert causes(right, {name: clue for name, clue in known.items() if name != missing}) <= whole
    assert causes(None, known) < whole
