"""The textbook's functions: what bears a standard name is held to it, in every accepted variant."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnlaw.spec import LayerCase, LossCase, conformance
from nnlaw.spec.reference import LAYERS, LOSSES, numeric_constants, standard_name

Array = NDArray[Any]
X = np.random.default_rng(0).standard_normal((5, 4))


class Elementwise:
    """y = f(x), with the slope measured, so that only the definition can be wrong."""

    def __init__(self, f: Callable[[Array], Array], **claims: Any) -> None:
        self.f = f
        vars(self).update(claims)

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.asarray(self.f(x.astype(np.float64))).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        x, h = self.x.astype(np.float64), 1e-6 * np.maximum(1, np.abs(self.x))
        return (dy * (self.f(x + h) - self.f(x - h)) / (2 * h)).astype(dy.dtype)


def half(x: Array) -> Array:
    """σ(x)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


RIGHT: list[tuple[str, Callable[[Array], Array]]] = [
    ("relu", lambda x: (x + np.abs(x)) / 2),
    ("ReLU6", lambda x: np.minimum(np.maximum(x, 0), 6)),
    ("leaky-relu", lambda x: np.maximum(x, 0.02 * x)),
    ("elu", lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)) - 1, x)),
    ("selu", lambda x: np.where(x < 0, 1.7580993408473766 * (np.exp(np.minimum(x, 0)) - 1), 1.0507009873554805 * x)),
    ("gelu", lambda x: x * np.vectorize(lambda t: (1 + math.erf(t / math.sqrt(2))) / 2)(x)),
    ("gelu", lambda x: x / 2 * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))),
    ("gelu", lambda x: x * half(1.702 * x)),
    ("silu", lambda x: x * half(x)),
    ("mish", lambda x: x * np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))),
    ("sigmoid", half),
    ("softplus", lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    ("softsign", lambda x: x / (np.abs(x) + 1)),
    ("hardtanh", lambda x: np.minimum(1, np.maximum(-1, x))),
    ("tanh", lambda x: 2 * half(2 * x) - 1),
    ("linear", lambda x: x),
]


def verdict(case: Any) -> str:
    """What law definition finds, no other law being asked."""
    return next(row.outcome for row in conformance(case, ["definition"]).results if row.law == "definition")


@pytest.mark.parametrize("i", range(len(RIGHT)))
def test_a_function_of_a_standard_name_holds_and_its_neighbor_does_not(i: int) -> None:
    """However it is written; two per cent more is another function."""
    name, f = RIGHT[i]
    for stretch, expected in ((1.0, "pass"), (1.02, "fail")):
        layer = Elementwise(lambda x, k=stretch: k * f(x))  # type: ignore[misc]  # a lambda whose default carries the loop variable
        assert verdict(LayerCase("p", layer, X, "N ... -> N ...", name=name)) == expected


def test_a_free_number_may_be_one_that_the_layer_keeps() -> None:
    """An unusual slope is right where the layer shows it, on itself or on its class."""

    def steep(x: Array) -> Array:
        return np.where(x > 0, x, 0.77 * x)

    assert verdict(LayerCase("p", Elementwise(steep), X, "N C -> N C", name="leaky_relu")) == "fail"
    assert verdict(LayerCase("p", Elementwise(steep, alpha=0.77), X, "N C -> N C", name="leaky_relu")) == "pass"
    assert numeric_constants(type("Kind", (), {"rate": 0.5, "on": True})()) == [0.5]


def test_a_name_of_ones_own_is_no_standard() -> None:
    """Nothing is asked of it, unless it claims to be like another."""
    assert verdict(LayerCase("p", Elementwise(np.sin), X, "N C -> N C", name="mine")) == "n.a."
    assert verdict(LayerCase("p", Elementwise(np.sin, like="tanh"), X, "N C -> N C", name="mine")) == "fail"
    assert standard_name(object(), "Layer Norm", LAYERS) == "layernorm" and standard_name(object(), "x", LOSSES) == ""


class Affine:
    """y = xW + b, with the weights either way round, or an array too many."""

    def __init__(self, *, turned: bool = False, extra: bool = False, bias: bool = True) -> None:
        rng = np.random.default_rng(1)
        self.turned = turned
        self.params = {"weight": rng.standard_normal((3, 4) if turned else (4, 3))}
        self.params |= {"bias": rng.standard_normal((1, 3))} if bias else {}
        self.params |= {"more": np.zeros(2)} if extra else {}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: Array) -> Array:
        self.x, self.w = x, self.params["weight"].T if self.turned else self.params["weight"]
        return (x @ self.w + self.params.get("bias", 0)).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        d_w = self.x.T @ dy
        self.grads["weight"] = d_w.T if self.turned else d_w
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=0, keepdims=True)
        return (dy @ self.w.T).astype(dy.dtype)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "pass"), ({"turned": True}, "pass"), ({"bias": False}, "pass"), ({"extra": True}, "n.a.")],
)
def test_an_affine_map_is_known_either_way_round(settings: dict[str, bool], expected: str) -> None:
    """With W or its transpose, with a bias or without; of an array too many nothing is said."""
    assert verdict(LayerCase("p", Affine(**settings), X, "N n -> N 3", name="linear")) == expected


def test_softmaxes_are_known() -> None:
    """Of rows, and their logarithms; of columns they are not."""
    for name in ("softmax", "log_softmax"):
        found = [next(variant([X], {}, []))[0] for variant in LAYERS[name].variants]
        rows = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
        assert np.allclose(found[0], rows if name == "softmax" else np.log(rows))


class Loss:
    """The mean of f over the batch, with the slope measured."""

    def __init__(self, f: Callable[[Array, Array], Any], **claims: Any) -> None:
        self.f = f
        vars(self).update(claims)

    def forward(self, prediction: Array, target: Array) -> float:
        self.z, self.t = prediction, target
        return float(np.sum(self.f(prediction.astype(np.float64), target)) / len(prediction))

    def backward(self) -> Array:
        slope, z = np.empty(self.z.shape), self.z.astype(np.float64)
        for at in np.ndindex(z.shape):
            h = 1e-6 * max(1, abs(z[at]))
            row, to = z[at[0] : at[0] + 1].copy(), self.t[at[0] : at[0] + 1]
            row[0, at[1]] += h
            up = np.sum(self.f(row, to))
            row[0, at[1]] -= 2 * h
            slope[at] = (up - np.sum(self.f(row, to))) / (2 * h) / len(z)
        return slope.astype(self.z.dtype)


LABELS, BITS, REALS = np.array([0, 1, 2, 3, 1]), (X > 0.3) * 1.0, np.random.default_rng(3).standard_normal((5, 4))


def right_class(z: Array, t: Array) -> Array:
    """The entry of the label, as a column."""
    return z[np.arange(len(z)), t][:, None]


def margins(z: Array, t: Array) -> Array:
    """max(0, 1 + z − z of the label), 0 at the label."""
    return np.maximum(0, 1 + z - right_class(z, t)) * (1 - np.eye(z.shape[1])[t])


LOSS_ROWS: list[tuple[str, Callable[[Array, Array], Any], Array, dict[str, Any]]] = [
    ("softmax_cross_entropy", lambda z, t: np.log(np.exp(z - right_class(z, t)).sum(axis=1)), LABELS, {}),
    ("nll", lambda z, t: -np.log(right_class(z, t)), LABELS, {"domain": (1e-3, 1)}),
    ("bce", lambda z, t: np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))), BITS, {"targets": "binary"}),
    ("binary_cross_entropy", lambda z, t: -(t * np.log(z) + (1 - t) * np.log(1 - z)) / z.shape[1], BITS,
     {"targets": "binary", "domain": (1e-3, 1 - 1e-3)}),
    ("mse", lambda z, t: (z - t) ** 2, REALS, {"targets": "real"}),
    ("mean_squared_error", lambda z, t: (z - t) ** 2 / 2 / z.shape[1], REALS, {"targets": "real"}),
    ("mae", lambda z, t: np.abs(z - t) / z.shape[1], REALS, {"targets": "real"}),
    ("huber", lambda z, t: np.where(np.abs(z - t) < 0.5, (z - t) ** 2 / 2, np.abs(z - t) / 2 - 0.125), REALS,
     {"targets": "real", "delta": 0.5}),
    ("hinge", lambda z, t: np.maximum(0, 1 - (2 * t - 1) * z), BITS, {"targets": "binary"}),
    ("hinge", lambda z, t: margins(z, t), LABELS, {}),
    ("hinge", lambda z, t: margins(z, t).max(axis=1), LABELS, {}),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(LOSS_ROWS)))
def test_a_loss_of_a_standard_name_holds_and_its_neighbor_does_not(i: int) -> None:
    """Sum or mean over outputs, with ½ or without; two per cent more is another loss."""
    name, f, target, claims = LOSS_ROWS[i]
    z = 0.5 + 0.2 * np.tanh(X) if "domain" in claims else X
    for stretch, expected in ((1.0, "pass"), (1.02, "fail")):
        loss = Loss(lambda z, t, k=stretch: k * f(z, t), **claims)  # type: ignore[misc]  # a lambda whose default carries the loop variable
        with np.errstate(all="ignore"):
            assert verdict(LossCase("p", loss, z, target, name=name)) == expected
