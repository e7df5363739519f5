"""Reference layers and activations: functions of x and, if there are any, of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array

Arrays = list[Array]


@dataclass(frozen=True)
class Definition:
    """One standard name: the source of its definition, and its accepted variants."""

    source: str
    variants: tuple[Callable[..., Iterator[Any]], ...]


def sigmoid(x: Array) -> Array:
    """1/(1 + e⁻ˣ), in a form that cannot overflow."""
    half: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return half


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x − log Σ exp x."""
    z = x - x.max(axis=axis, keepdims=True)
    found: Array = z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return found


def _map(f: Callable[..., Array], *usual: float) -> Callable[..., Iterator[Arrays]]:
    """A function of x, or of x and one free number with these usual values."""

    def variant(points: Arrays, params: Mapping[str, Array], kept: Sequence[float]) -> Iterator[Arrays]:
        with np.errstate(all="ignore"):
            for settings in [(a,) for a in (*usual, *kept)] if usual else [()]:
                yield [f(x, *settings) for x in points]

    return variant


def _affine(points: Arrays, params: Mapping[str, Array], kept: Sequence[float]) -> Iterator[Arrays]:
    """x W + b with the only matrix, or its transpose, and the only vector; x itself if there are no parameters."""
    matrices = [p for p in params.values() if p.ndim == 2 and min(p.shape) > 1] or [
        p for p in params.values() if p.ndim == 2
    ]
    vectors = [p for p in params.values() if not any(p is m for m in matrices)]
    if not params:
        yield points
    elif len(matrices) == 1 and len(vectors) <= 1:
        b = vectors[0].reshape(-1) if vectors else 0.0
        for w in (matrices[0], matrices[0].T):
            if points[0].shape[-1] == w.shape[0] and np.size(b) in (1, w.shape[1]):
                yield [x @ w + b for x in points]


EPSILONS = (1e-5, 1e-3, 1e-6, 1e-7, 1e-8, 1e-12, 0.0)


def _norm(
    axes: Callable[[int], list[tuple[int, ...]]], *, centered: bool = True, ddof: int = 0
) -> Callable[..., Iterator[Arrays]]:
    """gain · (x − μ)/√(v + ε) + shift over the given axes; gain and shift only if there are such parameters."""

    def variant(points: Arrays, params: Mapping[str, Array], kept: Sequence[float]) -> Iterator[Arrays]:
        for over in axes(points[0].ndim):
            for eps in (*EPSILONS, *kept):
                with np.errstate(all="ignore"):
                    normalized = [_normalized(x, over, eps, centered, ddof) for x in points]
                    for gain, shift in _gain_and_shift(list(params.values())):
                        if _broadcasts(gain, normalized[0]) and _broadcasts(shift, normalized[0]):
                            yield [gain * x + shift for x in normalized]

    return variant


def _gain_and_shift(params: Arrays) -> list[tuple[Any, Any]]:
    """The possible pairs (gain, shift); an empty list for more than two parameters."""
    if len(params) > 2:
        return []
    return [(1.0, 0.0)] if not params else [(params[0], 0.0)] if len(params) == 1 else list(permutations(params, 2))


def _normalized(x: Array, axes: tuple[int, ...], eps: float, centered: bool, ddof: int) -> Array:
    d = x - x.mean(axis=axes, keepdims=True) if centered else x
    count = np.prod([x.shape[i] for i in axes]) - ddof
    found: Array = d / np.sqrt((d * d).sum(axis=axes, keepdims=True) / count + eps)
    return found


def _broadcasts(param: Array | float, x: Array) -> bool:
    try:
        return np.broadcast_shapes(np.shape(param), x.shape) == x.shape
    except ValueError:
        return False


def _batch_axes(ndim: int) -> list[tuple[int, ...]]:
    return list(dict.fromkeys([(0,), tuple(range(ndim - 1)), (0, *range(2, ndim))]))


def _sample_axes(ndim: int) -> list[tuple[int, ...]]:
    return list(dict.fromkeys([tuple(range(1, ndim)), (ndim - 1,)]))


SLOPES = (0.01, 0.001, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 1 / 3, 1 / 5.5)
_erf = np.vectorize(math.erf, otypes=[float])

LAYERS: dict[str, Definition] = {
    "relu": Definition("V. Nair, G. E. Hinton, ICML 2010", (_map(lambda x: np.maximum(x, 0)),)),
    "leaky_relu": Definition(
        "A. L. Maas et al., ICML 2013", (_map(lambda x, a: np.where(x > 0, x, a * x), *SLOPES),)
    ),
    "elu": Definition(
        "D.-A. Clevert et al., ICLR 2016", (_map(lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))), 1.0),)
    ),
    "selu": Definition(
        "G. Klambauer et al., NeurIPS 2017",
        (_map(lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))),),
    ),
    "gelu": Definition(
        "D. Hendrycks, K. Gimpel, 2016: exact, by tanh, or by the sigmoid",
        (
            _map(lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2)))),
            _map(lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
            _map(lambda x: x * sigmoid(1.702 * x)),
        ),
    ),
    "swish": Definition("P. Ramachandran et al., 2017", (_map(lambda x, a: x * sigmoid(a * x), 1.0),)),
    "mish": Definition("D. Misra, BMVC 2020", (_map(lambda x: x * np.tanh(np.logaddexp(0, x))),)),
    "sigmoid": Definition("I. Goodfellow et al., Deep Learning, section 3.10", (_map(sigmoid),)),
    "tanh": Definition("I. Goodfellow et al., Deep Learning, section 6.3.2", (_map(np.tanh),)),
    "softplus": Definition("C. Dugas et al., NeurIPS 2000", (_map(lambda x, a: np.logaddexp(0, a * x) / a, 1.0),)),
    "softsign": Definition("X. Glorot, Y. Bengio, AISTATS 2010", (_map(lambda x: x / (1 + np.abs(x))),)),
    "hardtanh": Definition("R. Collobert, 2004", (_map(lambda x, a: np.clip(x, -abs(a), abs(a)), 1.0),)),
    "relu6": Definition("A. Krizhevsky, 2010", (_map(lambda x: np.clip(x, 0, 6)),)),
    "softmax": Definition(
        "I. Goodfellow et al., Deep Learning, section 4.1",
        (_map(lambda x: np.exp(log_softmax(x))), _map(lambda x: np.exp(log_softmax(x, 1)))),
    ),
    "log_softmax": Definition(
        "I. Goodfellow et al., Deep Learning, section 6.2.2.3", (_map(log_softmax), _map(lambda x: log_softmax(x, 1)))
    ),
    "dense": Definition("D. E. Rumelhart et al., Nature 323 (1986)", (_affine,)),
    "flatten": Definition("the numbers of a sample in C order", (_map(lambda x: x.reshape(len(x), -1)),)),
    "dropout": Definition(
        "N. Srivastava et al., JMLR 15 (2014): in eval x, or x times the share that was kept",
        (_map(lambda x, a: x * a, 1.0), _map(lambda x, a: x * (1 - a), 0.0)),
    ),
    "batchnorm": Definition("S. Ioffe, C. Szegedy, ICML 2015", (_norm(_batch_axes),)),
    "layernorm": Definition(
        "J. L. Ba et al., 2016; variance divided by n, or by n − 1", (_norm(_sample_axes), _norm(_sample_axes, ddof=1))
    ),
    "rmsnorm": Definition("B. Zhang, R. Sennrich, NeurIPS 2019", (_norm(_sample_axes, centered=False),)),
}
