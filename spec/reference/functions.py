"""Schedules, initializers and metrics as the textbooks have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, floor, inf, pi
from typing import Any, TypeAlias

import numpy as np

from nnlaw.spec.arrays import Array

# ----------------------------------------------------------------------------------------------------- schedules
# The factor at t in [0, 1], in every accepted variant. `start` and `end`, the factors at t = 0 and t = 1, are measured
# and need not be told; the rest must be.

Factor: TypeAlias = Callable[[float, Any], float]


def _one_cycle(ramp: Callable[[float], float], phases: int) -> Factor:
    """Up from start to 1 until t = warmup, then down to end: at once, or as long as it went up to start, and the rest.

    `ramp` leads from 0 to 1 over [0, 1].
    """

    def factor(t: float, h: Any) -> float:
        corners = [(0.0, h.start), (h.warmup, 1.0), (2 * h.warmup, h.start), (1.0, h.end)]
        corners = corners if phases == 3 and 2 * h.warmup < 1 else [*corners[:2], corners[3]]
        (a, low), (b, high) = next((one, two) for one, two in pairwise(corners) if t < two[0])
        return float(low + (high - low) * ramp((t - a) / (b - a)))

    return factor


SCHEDULES: dict[str, tuple[tuple[Factor, ...], tuple[str, ...]]] = {
    "constant": ((lambda t, h: h.end,), ()),
    "linear": ((lambda t, h: 1 + (h.end - 1) * t,), ()),
    "cosine": ((lambda t, h: h.end + (1 - h.end) * (1 + cos(pi * t)) / 2,), ()),  # Loshchilov & Hutter 2017
    "exponential": ((lambda t, h: h.end**t,), ()),
    "step": ((lambda t, h: h.drop ** floor(t / h.every),), ("drop", "every")),
    "one_cycle": (  # Smith 2018, in two phases or three, along a line or a cosine
        tuple(_one_cycle(ramp, phases) for ramp in (lambda s: (1 - cos(pi * s)) / 2, lambda s: s) for phases in (2, 3)),
        ("warmup",),
    ),
}

# -------------------------------------------------------------------------------------------------- initializers
# The variances, as functions of (fan_in, fan_out), that a name may have; and for a uniform one that none exceeds √(3v).

Variance: TypeAlias = Callable[[int, int], float]

INITIALIZERS: dict[str, tuple[Variance, ...]] = {
    "zeros": (lambda i, o: 0.0,),
    "he": (lambda i, o: 2 / i,),  # He et al. 2015, eq. 10
    "he_uniform": (lambda i, o: 2 / i,),
    "xavier": (lambda i, o: 2 / (i + o), lambda i, o: 1 / i),  # Glorot & Bengio 2010, eq. 12; Caffe's
    "xavier_uniform": (lambda i, o: 2 / (i + o), lambda i, o: 1 / i),
    "lecun": (lambda i, o: 1 / i,),  # LeCun et al. 1998, eq. 16
    "lecun_uniform": (lambda i, o: 1 / i,),
    "orthogonal": (lambda i, o: 1 / max(i, o),),  # Saxe et al. 2014
}

# ------------------------------------------------------------------------------------------------------- metrics
# From probabilities (N, C) and labels (N,). Averages over classes are over those that stand among the labels.

Score: TypeAlias = Callable[[Array, Array], float]


def _accuracy(p: Array, y: Array) -> float:
    return float((p.argmax(axis=1) == y).mean())


def _cross_entropy(p: Array, y: Array) -> float:
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def _brier(p: Array, y: Array) -> float:
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())


def _counts(p: Array, y: Array) -> tuple[Array, Array, Array]:
    """Right answers, predictions and labels per class, (C,) each."""
    found, classes = p.argmax(axis=1), p.shape[1]
    return tuple(np.bincount(of, minlength=classes).astype(float) for of in (found[found == y], found, y))  # type: ignore[return-value]  # three of them, which the checker cannot count


def _precision(p: Array, y: Array) -> Array:
    right, found, _ = _counts(p, y)
    share: Array = right / np.maximum(found, 1)
    return share


def _recall(p: Array, y: Array) -> Array:
    right, _, true = _counts(p, y)
    share: Array = right / np.maximum(true, 1)
    return share


def _f1(p: Array, y: Array) -> Array:
    right, found, true = _counts(p, y)
    share: Array = 2 * right / np.maximum(found + true, 1)
    return share


def _averages(of: Callable[[Array, Array], Array]) -> tuple[Score, ...]:
    """The mean over the classes, that weighted by their labels, over all samples at once (micro), and of class 1."""
    return (
        lambda p, y: float(of(p, y).mean()),
        lambda p, y: float((of(p, y) * _counts(p, y)[2]).sum() / len(y)),
        _accuracy,
        lambda p, y: float(of(p, y)[1]),
    )


@dataclass(frozen=True)
class Metric:
    """One standard name: its accepted variants, its least and greatest value, and whether more is better."""

    variants: tuple[Score, ...]
    least: float = 0.0
    most: float = 1.0
    more_is_better: bool = True


METRICS = {
    "accuracy": Metric((_accuracy,)),
    "error": Metric((lambda p, y: 1 - _accuracy(p, y),), more_is_better=False),
    "cross_entropy": Metric((_cross_entropy,), most=inf, more_is_better=False),
    "brier": Metric((_brier, lambda p, y: _brier(p, y) / p.shape[1]), most=2.0, more_is_better=False),  # Brier 1950
    "precision": Metric(_averages(_precision)),
    "recall": Metric(_averages(_recall)),
    "balanced_accuracy": Metric(_averages(_recall)[:1]),
    "f1": Metric((*_averages(_f1), lambda p, y: _harmonic(p, y))),
}


def _harmonic(p: Array, y: Array) -> float:
    """The other macro F1: of the mean precision and the mean recall (Sokolova & Lapalme 2009)."""
    precision, recall = float(_precision(p, y).mean()), float(_recall(p, y).mean())
    return 2 * precision * recall / max(precision + recall, 1e-30)
