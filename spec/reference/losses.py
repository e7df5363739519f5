"""Reference losses: the mean over N of the loss of each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.activations import log_softmax, sigmoid
from nnlaw.spec.reference.definition import Definition, Given, Variant


def _loss(f: Callable[..., Array], outputs: bool = True, **usual: tuple[float, ...]) -> Variant:
    """The mean over N of f(prediction, target), summed or averaged over the outputs.

    f may also have free numbers, each a key of settings.NAMES with its usual values.
    """

    def variant(given: Given) -> Iterator[list[float]]:
        with np.errstate(all="ignore"):
            for numbers in product(*(given.settings.choose(role, *values) for role, values in usual.items())):
                try:
                    costs = [f(z, given.target, *numbers).reshape(len(z), -1) for z in given.points]
                except (ValueError, IndexError):  # it takes targets of another shape
                    return
                yield [float(cost.sum(axis=1).mean()) for cost in costs]
                if outputs:
                    yield [float(cost.mean()) for cost in costs]

    return variant


def _take(z: Array, labels: Array) -> Array:
    found: Array = np.take_along_axis(z, labels.reshape(-1, 1), axis=1)
    return found


def _rows(z: Array, t: Array) -> Array:
    """Labels as one-hot rows; other targets as they are."""
    return np.eye(z.shape[1])[t.reshape(-1)] if t.size == len(z) < z.size else t


def _smoothed(z: Array, labels: Array, a: float) -> Array:
    found: Array = -((1 - a) * _take(log_softmax(z), labels) + a * log_softmax(z).mean(axis=1, keepdims=True))
    return found


def _log_loss(p: Array, t: Array) -> Array:
    """−t·log p − (1 − t)·log(1 − p)."""
    found: Array = -t * np.log(p) - (1 - t) * np.log(1 - p)
    return found


def _gaps(z: Array, labels: Array, margin: float) -> Array:
    gaps: Array = np.maximum(0, z - _take(z, labels) + margin)
    gaps[np.arange(len(z)), labels] = 0
    return gaps


def _hinge(z: Array, t: Array, margin: float) -> Array:
    return np.maximum(0, margin - _signs(t) * z) if t.ndim == z.ndim else _gaps(z, t, margin)


def _categorical_hinge(z: Array, t: Array, margin: float) -> Array:
    """The largest of the other scores, or 0 if all are negative, against that of the class."""
    rows = _rows(z, t)
    found: Array = np.maximum(0, ((1 - rows) * z).max(axis=1) - (rows * z).sum(axis=1) + margin)
    return found if np.isin(rows, (0, 1)).all() else np.full(len(z), np.nan)


def _huber(d: Array, a: float) -> Array:
    return np.where(np.abs(d) <= a, 0.5 * d * d, a * (np.abs(d) - 0.5 * a))


def _signs(t: Array) -> Array:
    return np.where(t > 0, 1.0, -1.0)


def _focal(p: Array, t: Array, gamma: float, alpha: float) -> Array:
    """−α·(1 − p)^γ·log p for the probability p of the class of each sample, or of each of its classes."""
    found: Array = (-alpha * _rows(p, t) * (1 - p) ** gamma * np.log(p)).sum(axis=1)
    return found


def _binary_focal(p: Array, t: Array, gamma: float, alpha: float) -> Array:
    """The same for each output, with 1 − α for targets of 0; α = 1 means no weights."""
    right, weight = np.where(t > 0, p, 1 - p), np.where(t > 0, alpha, 1 - alpha) if alpha != 1 else 1.0
    found: Array = -weight * (1 - right) ** gamma * np.log(right)
    return found


GAMMAS, ALPHAS = (2.0, 0.0, 1.0, 5.0), (1.0, 0.25, 0.5, 0.75)


def _kl(t: Array, log_p: Array) -> Array:
    """t·log(t/p), 0 where t is 0."""
    return np.where(t > 0, t * (np.log(np.where(t > 0, t, 1)) - log_p), 0)


def _cosine(z: Array, t: Array) -> Array:
    found: Array = (z * t).sum(axis=1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(t, axis=1))
    return found


def _root_mean_square(given: Given) -> Iterator[list[float]]:
    if given.points[0].shape != given.target.shape:
        return
    squares = [((z - given.target) ** 2).reshape(len(z), -1) for z in given.points]
    yield [float(np.sqrt(square.mean())) for square in squares]
    yield [float(np.sqrt(square.sum(axis=1).mean())) for square in squares]
    yield [float(np.sqrt(square.mean(axis=1)).mean()) for square in squares]


LOSSES: dict[str, Definition] = {
    "softmax_cross_entropy": Definition(
        "I. Goodfellow et al., Deep Learning, section 6.2.2.3; smoothing: C. Szegedy et al., CVPR 2016",
        (
            _loss(lambda z, y, a: _smoothed(z, y, a) if y.ndim == 1 else np.nan * z, outputs=False, smoothing=(0.0,)),
            _loss(lambda z, t: -_rows(z, t) * log_softmax(z), outputs=False),
        ),
    ),
    "cross_entropy": Definition(
        "I. Goodfellow et al., Deep Learning, section 6.2.2: of probabilities or logits, of classes or of each output, "
        "with the natural logarithm",
        (
            _loss(lambda z, t: -_rows(z, t) * log_softmax(z)),
            _loss(lambda p, t: np.where(_rows(p, t) != 0, -_rows(p, t) * np.log(p), 0)),
            _loss(lambda p, t: _log_loss(p, _rows(p, t))),
            _loss(lambda z, t: np.logaddexp(0, z) - z * _rows(z, t)),
            _loss(lambda z, t: np.where(_rows(z, t) != 0, -_rows(z, t) * z, 0)),
        ),
    ),
    "nll": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 4.3: of log probabilities, or of p",
        (
            _loss(lambda z, t: -_rows(z, t) * z, outputs=False),
            _loss(lambda z, t: np.where(_rows(z, t) != 0, -_rows(z, t) * np.log(z), 0), outputs=False),
        ),
    ),
    "binary_cross_entropy": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 4.3.2: of logits, or of probabilities",
        (
            _loss(lambda z, t: np.logaddexp(0, z) - z * t),
            _loss(_log_loss),
        ),
    ),
    "mse": Definition(
        "C. M. Bishop, Pattern Recognition and Machine Learning, section 1.1: with ½ or without",
        (_loss(lambda z, t: (z - t) ** 2), _loss(lambda z, t: 0.5 * (z - t) ** 2)),
    ),
    "rmse": Definition(
        "T. Hastie et al., The Elements of Statistical Learning, section 7.2: the root over all outputs or each sample",
        (_root_mean_square,),
    ),
    "mae": Definition(
        "T. Hastie et al., The Elements of Statistical Learning, section 10.6", (_loss(lambda z, t: np.abs(z - t)),)
    ),
    "huber": Definition(
        "P. J. Huber, Annals of Mathematical Statistics 35 (1964): as such, or divided by δ",
        (
            _loss(lambda z, t, a: _huber(z - t, a), delta=(1.0,)),
            _loss(lambda z, t, a: _huber(z - t, a) / a, delta=(1.0,)),
        ),
    ),
    "hinge": Definition(
        "C. Cortes, V. Vapnik, 1995; of classes: K. Crammer, Y. Singer, 2001, J. Weston, C. Watkins, 1999, and Keras",
        (
            _loss(_hinge, margin=(1.0,)),
            _loss(
                lambda z, t, a: _gaps(z, t, a).max(axis=1) if t.ndim < z.ndim else np.nan * z,
                outputs=False,
                margin=(1.0,),
            ),
            _loss(lambda z, t, a: _gaps(z, t.argmax(axis=1), a) if t.ndim == z.ndim else np.nan * z, margin=(1.0,)),
            _loss(_categorical_hinge, outputs=False, margin=(1.0,)),
        ),
    ),
    "focal": Definition(
        "T.-Y. Lin et al., ICCV 2017, eq. 4 and 5: with α or without, of probabilities or logits",
        (
            _loss(_focal, False, gamma=GAMMAS, alpha=ALPHAS),
            _loss(_binary_focal, gamma=GAMMAS, alpha=ALPHAS),
            _loss(lambda z, t, g, a: _focal(np.exp(log_softmax(z)), t, g, a), False, gamma=GAMMAS, alpha=ALPHAS),
            _loss(lambda z, t, g, a: _binary_focal(sigmoid(z), t, g, a), gamma=GAMMAS, alpha=ALPHAS),
        ),
    ),
    "kl": Definition(
        "S. Kullback, R. A. Leibler, 1951: from target to prediction or back, of p, log p or logits, also in bits",
        (
            _loss(lambda p, t: _kl(t, np.log(p))),
            _loss(lambda z, t: _kl(t, log_softmax(z))),
            _loss(lambda z, t: _kl(t, z)),
            _loss(lambda p, t: _kl(t, np.log(p)) / np.log(2)),
            _loss(lambda p, t: _kl(p, np.log(t))),
            _loss(lambda p, t: _kl(p, np.log(t)) / np.log(2)),
        ),
    ),
    "cosine_similarity": Definition(
        "G. Salton et al., CACM 18 (1975): the cosine, 1 minus it, or minus it",
        (
            _loss(lambda z, t: _cosine(z, t), outputs=False),
            _loss(lambda z, t: 1 - _cosine(z, t), outputs=False),
            _loss(lambda z, t: -_cosine(z, t), outputs=False),
        ),
    ),
}
"""By standard name."""
