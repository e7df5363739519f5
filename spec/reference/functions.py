"""Reference initializers and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np

from nnlaw.spec.arrays import Array

# -------------------------------------------------------------------------------------------------- initializers
# The accepted variances v, as functions of (fan_in, fan_out); a uniform initializer has no value beyond √(3v).

Variance: TypeAlias = Callable[[int, int], float]


@dataclass(frozen=True)
class Initializer:
    """One standard name: the source of its definition, and the accepted variances."""

    source: str
    variances: tuple[Variance, ...]


HE = "K. He et al., ICCV 2015, eq. 10"
GLOROT = "X. Glorot, Y. Bengio, AISTATS 2010, eq. 12 and 16; Caffe's has fan_in alone"
LECUN = "Y. LeCun et al., Efficient BackProp, 1998, eq. 16"

INITIALIZERS: dict[str, Initializer] = {
    "zeros": Initializer("the number 0", (lambda i, o: 0.0,)),
    "he": Initializer(HE, (lambda i, o: 2 / i,)),
    "he_uniform": Initializer(HE, (lambda i, o: 2 / i,)),
    "xavier": Initializer(GLOROT, (lambda i, o: 2 / (i + o), lambda i, o: 1 / i)),
    "xavier_uniform": Initializer(GLOROT, (lambda i, o: 2 / (i + o), lambda i, o: 1 / i)),
    "lecun": Initializer(LECUN, (lambda i, o: 1 / i,)),
    "lecun_uniform": Initializer(LECUN, (lambda i, o: 1 / i,)),
    "truncated_normal": Initializer(
        "a normal distribution without what exceeds two standard deviations; of deviation 1 before or after that",
        (lambda i, o: 0.7737413, lambda i, o: 1.0),
    ),
    "orthogonal": Initializer("A. M. Saxe et al., ICLR 2014", (lambda i, o: 1 / max(i, o),)),
}

# ------------------------------------------------------------------------------------------------------- metrics
# From probabilities (N, C) and labels (N,). Averages over classes are over the classes among the labels.

Score: TypeAlias = Callable[[Array, Array], float] | Callable[[Array, Array], Array]


def _accuracy(p: Array, y: Array) -> float:
    return float((p.argmax(axis=1) == y).mean())


def _cross_entropy(p: Array, y: Array) -> float:
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def _brier(p: Array, y: Array) -> float:
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())


def _counts(p: Array, y: Array) -> tuple[Array, Array, Array]:
    """True positives, predictions and labels per class, (C,) each."""
    found, classes = p.argmax(axis=1), p.shape[1]
    return tuple(np.bincount(of, minlength=classes).astype(float) for of in (found[found == y], found, y))  # type: ignore[return-value]  # three arrays, which mypy cannot count


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
    """The mean over classes, the mean weighted by their labels, the value over all samples (micro), and class 1."""
    return (
        lambda p, y: float(of(p, y).mean()),
        lambda p, y: float((of(p, y) * _counts(p, y)[2]).sum() / len(y)),
        _accuracy,
        lambda p, y: float(of(p, y)[1]),
    )


@dataclass(frozen=True)
class Metric:
    """One standard metric: its source and accepted variants, its range, and whether higher is better."""

    source: str
    variants: tuple[Score, ...]
    minimum: float = 0.0
    maximum: float = 1.0
    higher_is_better: bool = True


def _confusion(p: Array, y: Array) -> Array:
    """How often class j is predicted for class i, (C, C)."""
    classes = p.shape[1]
    found: Array = np.bincount(classes * y + p.argmax(axis=1), minlength=classes**2).reshape(classes, classes)
    return found


def _top(k: int) -> Score:
    """How often the label is among the k most likely classes."""
    return lambda p, y: float((np.argsort(-p, axis=1)[:, :k] == y[:, None]).any(axis=1).mean())


def _r2(p: Array, y: Array) -> float:
    """1 − residual over total sum of squares, of the expected label."""
    return float(1 - ((y - p @ np.arange(p.shape[1])) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def _harmonic(p: Array, y: Array) -> float:
    """The other macro F1: the harmonic mean of mean precision and mean recall (Sokolova & Lapalme 2009)."""
    precision, recall = float(_precision(p, y).mean()), float(_recall(p, y).mean())
    return 2 * precision * recall / max(precision + recall, 1e-30)

BISHOP = "C. M. Bishop, Pattern Recognition and Machine Learning"
RIJSBERGEN = "C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7: an average over classes, or of class 1"

METRICS = {
    "accuracy": Metric("I. Goodfellow et al., Deep Learning, section 5.1.2", (_accuracy,)),
    "error": Metric(
        "I. Goodfellow et al., Deep Learning, section 5.1.2",
        (lambda p, y: 1 - _accuracy(p, y),),
        higher_is_better=False,
    ),
    "cross_entropy": Metric(f"{BISHOP}, section 4.3.4", (_cross_entropy,), maximum=inf, higher_is_better=False),
    "brier": Metric(
        "G. W. Brier, Monthly Weather Review 78 (1950): summed over the classes, or their mean",
        (_brier, lambda p, y: _brier(p, y) / p.shape[1]),
        maximum=2.0,
        higher_is_better=False,
    ),
    "perplexity": Metric(
        "F. Jelinek et al., JASA 62 (1977)", (lambda p, y: float(np.exp(_cross_entropy(p, y))),), 1.0, inf, False
    ),
    "precision": Metric(RIJSBERGEN, _averages(_precision)),
    "recall": Metric(RIJSBERGEN, _averages(_recall)),
    "balanced_accuracy": Metric("K. H. Brodersen et al., ICPR 2010", _averages(_recall)[:1]),
    "f1": Metric(
        f"{RIJSBERGEN}; the harmonic mean of averages: M. Sokolova, G. Lapalme, 2009",
        (*_averages(_f1), lambda p, y: _harmonic(p, y)),
    ),
    "top_2_accuracy": Metric("O. Russakovsky et al., IJCV 115 (2015), section 4.1, with k = 2", (_top(2),)),
    "confusion_matrix": Metric(RIJSBERGEN, (_confusion, lambda p, y: _confusion(p, y).T), maximum=inf),
    "r2": Metric("T. Hastie et al., The Elements of Statistical Learning, section 3.2", (_r2,), minimum=-inf),
}
