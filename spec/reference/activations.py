"""Reference activations: functions of x, some with one free number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.definition import Arrays, Definition, Given, Variant


def sigmoid(x: Array) -> Array:
    """1/(1 + e⁻ˣ), in a form that cannot overflow."""
    half: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return half


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x − log Σ exp x."""
    z = x - x.max(axis=axis, keepdims=True)
    found: Array = z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return found


def map_of(f: Callable[..., Array], role: str = "", *usual: float) -> Variant:
    """A function of x, or of x and one free number: a key of settings.NAMES, with its usual values."""

    def variant(given: Given) -> Iterator[Arrays]:
        with np.errstate(all="ignore"):
            for settings in [(a,) for a in given.settings.choose(role, *usual)] if role else [()]:
                yield [f(x, *settings) for x in given.points]

    return variant


def _elu(x: Array, a: float) -> Array:
    return np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


SLOPES = (0.01, 1e-4, 0.001, 0.005, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 1 / 5.5)
ALPHAS = (1.0, 0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 1.5, 1.6732632423543772, 2.0)
_erf = np.vectorize(math.erf, otypes=[float])

ACTIVATIONS: dict[str, Definition] = {
    "relu": Definition("V. Nair, G. E. Hinton, ICML 2010", (map_of(lambda x: np.maximum(x, 0)),)),
    "leaky_relu": Definition(
        "A. L. Maas et al., ICML 2013; any slope for x < 0",
        (map_of(lambda x, a: np.where(x > 0, x, a * x), "slope", *SLOPES),),
    ),
    "elu": Definition("D.-A. Clevert et al., ICLR 2016, eq. 15: with any usual α", (map_of(_elu, "alpha", *ALPHAS),)),
    "selu": Definition(
        "G. Klambauer et al., NeurIPS 2017, eq. 2",
        (map_of(lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772)),),
    ),
    "gelu": Definition(
        "D. Hendrycks, K. Gimpel, 2016, section 2: exact, by tanh, or by the sigmoid",
        (
            map_of(lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2)))),
            map_of(lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
            map_of(lambda x: x * sigmoid(1.702 * x)),
        ),
    ),
    "swish": Definition(
        "P. Ramachandran et al., 2017: x·σ(βx)", (map_of(lambda x, a: x * sigmoid(a * x), "beta", 1.0),)
    ),
    "mish": Definition("D. Misra, BMVC 2020, eq. 1", (map_of(lambda x: x * np.tanh(np.logaddexp(0, x))),)),
    "sigmoid": Definition("I. Goodfellow et al., Deep Learning, section 3.10", (map_of(sigmoid),)),
    "tanh": Definition("I. Goodfellow et al., Deep Learning, section 6.3.2", (map_of(np.tanh),)),
    "softplus": Definition(
        "C. Dugas et al., NeurIPS 2000: log(1 + exp βx)/β",
        (map_of(lambda x, a: np.logaddexp(0, a * x) / a, "beta", 1.0),),
    ),
    "softsign": Definition("X. Glorot, Y. Bengio, AISTATS 2010", (map_of(lambda x: x / (1 + np.abs(x))),)),
    "hardtanh": Definition("R. Collobert, 2004", (map_of(lambda x, a: np.clip(x, -abs(a), abs(a)), "alpha", 1.0),)),
    "relu6": Definition("A. Krizhevsky, 2010", (map_of(lambda x: np.clip(x, 0, 6)),)),
    "softmax": Definition(
        "I. Goodfellow et al., Deep Learning, section 4.1: over the last axis, the second or a whole sample",
        (
            map_of(lambda x: np.exp(log_softmax(x))),
            map_of(lambda x: np.exp(log_softmax(x, 1))),
            map_of(lambda x: np.exp(log_softmax(x.reshape(len(x), -1))).reshape(x.shape)),
        ),
    ),
    "log_softmax": Definition(
        "I. Goodfellow et al., Deep Learning, section 6.2.2.3: over the classes of each sample",
        (map_of(log_softmax), map_of(lambda x: log_softmax(x, 1))),
    ),
}
"""By standard name."""

INNER: tuple[Callable[[Array], Array], ...] = (
    lambda x: x, lambda x: np.maximum(x, 0), sigmoid, np.tanh, lambda x: np.exp(log_softmax(x)),
    lambda x: np.where(x > 0, x, 0.01 * x), lambda x: _elu(x, 1.0),
)  # fmt: skip
"""What layers with weights may apply to their output: nothing, or an activation."""


def activated(variant: Variant) -> Variant:
    """The variant, and then an activation of its output."""

    def found(given: Given) -> Iterator[Arrays]:
        for outputs in variant(given):
            for f in INNER:
                yield [f(y) for y in outputs]

    return found
