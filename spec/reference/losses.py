"""Reference losses: the mean over N of the loss of each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.layers import Arrays, Definition, log_softmax


def _loss(f: Callable[..., Array], *usual: float, outputs: bool = True) -> Callable[..., Iterator[list[float]]]:
    """The mean over N of f(prediction, target), or of f and one free number, summed or averaged over the outputs."""

    def variant(points: Arrays, target: Array, kept: Sequence[float]) -> Iterator[list[float]]:
        with np.errstate(all="ignore"):
            for settings in [(a,) for a in (*usual, *kept)] if usual else [()]:
                costs = [f(z, target, *settings).reshape(len(z), -1) for z in points]
                yield [float(cost.sum(axis=1).mean()) for cost in costs]
                if outputs:
                    yield [float(cost.mean()) for cost in costs]

    return variant


def _take(z: Array, labels: Array) -> Array:
    found: Array = np.take_along_axis(z, labels.reshape(-1, 1), axis=1)
    return found


def _smoothed(z: Array, labels: Array, a: float) -> Array:
    found: Array = -((1 - a) * _take(log_softmax(z), labels) + a * log_softmax(z).mean(axis=1, keepdims=True))
    return found


def _gaps(z: Array, labels: Array, margin: float) -> Array:
    gaps: Array = np.maximum(0, z - _take(z, labels) + margin)
    gaps[np.arange(len(z)), labels] = 0
    return gaps


def _huber(d: Array, a: float) -> Array:
    return np.where(np.abs(d) <= a, 0.5 * d * d, a * (np.abs(d) - 0.5 * a))


def _signs(t: Array) -> Array:
    return np.where(t > 0, 1.0, -1.0)


LOSSES: dict[str, Definition] = {
    "softmax_cross_entropy": Definition(
        "I. Goodfellow et al., Deep Learning, section 6.2.2.3; smoothing: C. Szegedy et al., CVPR 2016",
        (_loss(_smoothed, 0.0, outputs=False),),
    ),
    "nll": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 4.3: of log probabilities, or of p",
        (_loss(lambda z, y: -_take(z, y), outputs=False), _loss(lambda z, y: -np.log(_take(z, y)), outputs=False)),
    ),
    "binary_cross_entropy": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 4.3.2: of logits, or of probabilities",
        (
            _loss(lambda z, t: np.logaddexp(0, z) - z * t),
            _loss(lambda z, t: -t * np.log(z) - (1 - t) * np.log(1 - z)),
        ),
    ),
    "mse": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 1.1: with ½ or without",
        (_loss(lambda z, t: (z - t) ** 2), _loss(lambda z, t: 0.5 * (z - t) ** 2)),
    ),
    "mae": Definition("T. Hastie et al., The Elements of Statistical Learning, section 10.6", (
        _loss(lambda z, t: np.abs(z - t)),
    )),
    "huber": Definition("P. J. Huber, Annals of Mathematical Statistics 35 (1964): as such, or divided by δ", (
        _loss(lambda z, t, a: _huber(z - t, a), 1.0),
        _loss(lambda z, t, a: _huber(z - t, a) / a, 1.0),
    )),
    "hinge": Definition(
        "C. Cortes, V. Vapnik, 1995; of classes: K. Crammer, Y. Singer, 2001, and J. Weston, C. Watkins, 1999",
        (
            _loss(lambda z, t, a: np.maximum(0, a - _signs(t) * z) if t.ndim == z.ndim else _gaps(z, t, a), 1.0),
            _loss(lambda z, t, a: _gaps(z, t, a).max(axis=1) if t.ndim < z.ndim else np.nan * z, 1.0, outputs=False),
        ),
    ),
}  # fmt: skip
