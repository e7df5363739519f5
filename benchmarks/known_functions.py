"""Layers and losses at a few points, computed by both sources: mpmath and onnx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from known_sources import (
    Rows,
    chain,
    columns,
    elementwise,
    evaluated,
    log_softmax,
    normalized,
    operator,
    scaled,
    sigmoid,
    softplus,
)
from mpmath import exp, log, mpf, sqrt, tanh

POINTS = [[-3.0, -0.5, 0.25], [0.75, 1.25, 4.0], [-1.5, 2.0, -0.125], [0.5, -2.5, 1.125]]
SLOPES = [[0.5, -1.0, 2.0], [-0.75, 1.5, 0.25], [1.0, -0.5, -1.25], [2.0, 0.125, -0.25]]
LABELS = [2, 0, 1, 0]
TARGETS = [[-2.5, 0.5, 0.0], [1.0, 1.0, 3.0], [-1.0, 1.5, 0.5], [0.25, -2.0, 1.5]]
ONE_HOT = [[float(c == label) for c in range(3)] for label in LABELS]
SCALE, ALPHA = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
GAIN, SHIFT = (1.5, 0.5, -2.0), (0.25, -0.75, 0.0)
MEAN, VARIANCE = (0.5, -0.25, 1.0), (1.5, 0.75, 2.0)

Layer = tuple[str, str, dict[str, Any], Callable[[Rows], Rows], Callable[[Any], Any]]

NORM = {"gain": list(GAIN), "shift": list(SHIFT)}
RUNNING = {"mean": list(MEAN), "variance": list(VARIANCE)}
LAYERS: list[Layer] = [
    ("relu", "max(x, 0)", {}, elementwise(lambda v: max(v, mpf(0))), operator("Relu")),
    ("leaky_relu", "x or a·x", {"slope": 0.125}, elementwise(lambda v: v if v > 0 else v / 8),
     operator("LeakyRelu", alpha=0.125)),
    ("elu", "x or eˣ − 1", {}, elementwise(lambda v: v if v > 0 else exp(v) - 1), operator("Elu", alpha=1.0)),
    ("selu", "1.0507·(x or 1.6733·(eˣ − 1))", {},
     elementwise(lambda v: SCALE * (v if v > 0 else ALPHA * (exp(v) - 1))), operator("Selu")),
    ("gelu", "x·Φ(x)", {"variant": "exact"},
     elementwise(lambda v: v * (1 + mpmath.erf(v / sqrt(mpf(2)))) / 2), operator("Gelu")),
    ("gelu", "x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))", {"variant": "tanh"},
     elementwise(lambda v: v / 2 * (1 + tanh(sqrt(2 / mpmath.pi) * (v + mpf("0.044715") * v**3)))),
     operator("Gelu", approximate="tanh")),
    ("swish", "x·σ(x)", {}, elementwise(lambda v: v * sigmoid(v)), operator("Swish", version=24)),
    ("mish", "x·tanh(log(1 + eˣ))", {}, elementwise(lambda v: v * tanh(softplus(v))), operator("Mish")),
    ("sigmoid", "1/(1 + e⁻ˣ)", {}, elementwise(sigmoid), operator("Sigmoid")),
    ("tanh", "tanh x", {}, elementwise(tanh), operator("Tanh")),
    ("softplus", "log(1 + eˣ)", {}, elementwise(softplus), operator("Softplus")),
    ("softsign", "x/(1 + |x|)", {}, elementwise(lambda v: v / (1 + abs(v))), operator("Softsign")),
    ("hardtanh", "min(max(x, −1), 1)", {}, elementwise(lambda v: min(max(v, mpf(-1)), mpf(1))),
     operator("Clip", {"low": -1, "high": 1})),
    ("relu6", "min(max(x, 0), 6)", {}, elementwise(lambda v: min(max(v, mpf(0)), mpf(6))),
     operator("Clip", {"low": 0, "high": 6})),
    ("softmax", "eˣ/Σeˣ", {}, lambda x: [[exp(v) for v in row] for row in log_softmax(x)], operator("Softmax", axis=1)),
    ("log_softmax", "x − log Σeˣ", {}, log_softmax, operator("LogSoftmax", axis=1)),
    ("layernorm", "gain·(x − μ)/√(v + ε) + shift of each row", {"eps": 1e-5} | NORM,
     lambda x: scaled([normalized(row, 1e-5) for row in x], GAIN, SHIFT),
     operator("LayerNormalization", {"gain": GAIN, "shift": SHIFT}, axis=1, epsilon=1e-5)),
    ("rmsnorm", "gain·x/√(mean x² + ε) of each row", {"eps": 1e-6, "gain": list(GAIN)},
     lambda x: scaled([normalized(row, 1e-6, False) for row in x], GAIN, (0, 0, 0)),
     operator("RMSNormalization", {"gain": GAIN}, axis=1, epsilon=1e-6)),
    ("batchnorm", "gain·(x − μ)/√(v + ε) + shift of each column", {"eps": 1e-5, "training": True} | NORM,
     lambda x: scaled(columns([normalized(column, 1e-5) for column in columns(x)]), GAIN, SHIFT),
     lambda x: evaluated("BatchNormalization", {"x": x, "gain": np.array(GAIN), "shift": np.array(SHIFT),
                                                "mean": np.zeros(3), "variance": np.ones(3)},
                         outputs=3, training_mode=1, epsilon=1e-5)[0]),
    ("batchnorm", "the same with running statistics", {"eps": 1e-5, "training": False} | NORM | RUNNING,
     lambda x: scaled([[(v - mpf(m)) / sqrt(mpf(s) + mpf(1e-5)) for v, m, s in zip(row, MEAN, VARIANCE, strict=True)]
                       for row in x], GAIN, SHIFT),
     operator("BatchNormalization", {"gain": GAIN, "shift": SHIFT, "mean": MEAN, "variance": VARIANCE},
              epsilon=1e-5)),
]  # fmt: skip


def over_samples(cost: Callable[[Any, Any], Any], target: Rows) -> Callable[[Rows], Any]:
    """The mean over the samples of the sum of `cost` over the outputs."""
    return lambda x: sum(
        cost(v, mpf(t)) for row, truth in zip(x, target, strict=True) for v, t in zip(row, truth, strict=True)
    ) / len(x)  # fmt: skip


def labeled(op: str) -> Callable[[Any], Any]:
    return lambda x: evaluated(op, {"x": x, "labels": np.array(LABELS)}, reduction="mean")[0]


def summed(*steps: tuple[str, Any], factor: float = 1.0) -> Callable[[Any], Any]:
    """A chain, summed over all and divided by the number of samples."""
    return lambda x: factor * evaluated("ReduceSum", {"x": chain(*steps)(x)}, keepdims=0)[0] / len(x)


def binary(x: Any) -> Any:
    """Σ softplus(x) − x·t, over the samples."""
    costs = chain(("Softplus", None))(x) - evaluated("Mul", {"x": x, "t": np.array(ONE_HOT)})[0]
    return evaluated("ReduceSum", {"x": costs}, keepdims=0)[0] / len(x)


LOSSES: list[tuple[str, str, str, Callable[[Rows], Any], Callable[[Any], Any]]] = [
    ("softmax_cross_entropy", "mean of −log softmax(x) at the label", "labels",
     lambda x: -sum(row[c] for row, c in zip(log_softmax(x), LABELS, strict=True)) / len(x),
     labeled("SoftmaxCrossEntropyLoss")),
    ("nll", "mean of −x at the label", "labels",
     lambda x: -sum(row[c] for row, c in zip(x, LABELS, strict=True)) / len(x),
     labeled("NegativeLogLikelihoodLoss")),
    ("binary_cross_entropy", "mean over n of Σ log(1 + eˣ) − x·t", "binary",
     over_samples(lambda v, t: -t * log(sigmoid(v)) - (1 - t) * log(1 - sigmoid(v)), ONE_HOT), binary),
    ("mse", "mean over n of ½ Σ (x − t)²", "real", over_samples(lambda v, t: (v - t) ** 2 / 2, TARGETS),
     summed(("Sub", TARGETS), ("Pow", 2.0), factor=0.5)),
    ("mae", "mean over n of Σ |x − t|", "real", over_samples(lambda v, t: abs(v - t), TARGETS),
     summed(("Sub", TARGETS), ("Abs", None))),
]  # fmt: skip
