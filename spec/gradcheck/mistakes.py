"""Common mistakes in a backward pass, one row each: the cause, and the gradient that the mistake gives.

Some rows need more than the slopes, such as the layer's input and output or the loss's target. Rows for which something
is unknown are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.scale_factors import FactorAtLargerBatch
from nnlaw.spec.reference import log_softmax
from nnlaw.spec.violation import Cause

Row = tuple[Cause, Any]


@dataclass
class Clues:
    """What is known besides the slopes. An array that is unknown is None.

    The gradient is that of `array`. `random_backward` is whether backward used a random generator, `others` the
    gradients returned for other parameters. The functions measure only when called: `previous()` gives what `grads`
    contained before backward, `constants()` the numbers that the code keeps, `jacobian()` ∂y/∂x as (y.size, x.size),
    `from_sample(i)` the part of the gradient that comes from sample i, `other_factor()` the factor on this gradient for
    another batch size.
    """

    dy: Array | None = None
    x: Array | None = None
    y: Array | None = None
    array: Array | None = None
    prediction: Array | None = None
    target: Array | None = None
    random_backward: bool = False
    others: Mapping[str, Array] = field(default_factory=dict)
    previous: Callable[[], Array | None] = lambda: None
    constants: Callable[[], Sequence[float]] = tuple
    jacobian: Callable[[], Array | None] | None = None
    from_sample: Callable[[int], Array] | None = None
    other_factor: Callable[[], FactorAtLargerBatch | None] | None = None


def rows(right: Array | None, clues: Clues, samples: int) -> Iterator[Row]:
    """Every mistake that the clues allow to test, and its gradient: an array, or a function that returns one.

    `right` is the correct gradient, if it was measured at every entry.
    """
    if right is not None:
        yield from _of_right(right, clues)
    yield from _of_elements(right, clues)
    yield from _of_loss(right, clues)
    if right is not None and clues.jacobian is not None and clues.dy is not None:
        found = _of_jacobian(right, clues.dy, clues.jacobian)
        yield from (row for row in found if not (row[0] == DIAGONAL and _is_softmax(clues.y)))
    if clues.from_sample is not None and samples > 1:
        from_sample = clues.from_sample
        yield Cause("first-sample-only", "only the first sample of the batch is counted"), lambda: from_sample(0)
        yield Cause("last-sample-only", "only the last sample of the batch is counted"), lambda: from_sample(-1)


DIAGONAL = Cause(
    "diagonal-of-jacobian", "only the diagonal of the Jacobian is used, but each input also changes other outputs"
)
TRANSPOSED = Cause("transposed-product", "the product is transposed")
WRONG_AXIS = Cause("wrong-axis", "the sum runs over the wrong axis")


def _is_softmax(y: Array | None) -> bool:
    return y is not None and y.ndim == 2 and bool((y >= 0).all() and np.allclose(y.sum(axis=-1), 1))


def _of_right(right: Array, clues: Clues) -> Iterator[Row]:
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield TRANSPOSED, right.T
    if (right < 0).any() and (right > 0).any():
        yield Cause("absolute-value", "an absolute value is taken, which loses the signs"), np.abs(right)
    if right.ndim == 2:
        yield Cause("rows-reversed", "the rows are in reverse order"), right[::-1]
    for axis, size in enumerate(right.shape):
        if size % 2 == 0:
            yield Cause("halves-swapped", f"the two halves of axis {axis} are swapped"), np.roll(right, size // 2, axis)
    previous = clues.previous()
    if previous is not None and np.any(previous):
        text = "the gradient is added to the previous contents of grads; it should replace them"
        yield Cause("added-to-previous-gradient", text), right + previous
    if clues.array is not None and clues.dy is not None and right.ndim == 1 and clues.dy.ndim == 2:
        yield WRONG_AXIS, clues.dy.sum(axis=1) if clues.dy.sum(axis=0).shape == right.shape else None


def _of_elements(right: Array | None, clues: Clues) -> Iterator[Row]:
    """Mistakes in the derivative of an elementwise function: right = dy·f′, so f′ is the ratio."""
    dy, x, y = clues.dy, clues.x, clues.y
    if dy is None or x is None or y is None or not dy.shape == x.shape == y.shape:
        return
    yield Cause("missing-derivative", "dx equals dy; the derivative is missing"), dy
    yield Cause("output-instead-of-derivative", "dx = dy·y; the output is used instead of the derivative"), dy * y
    yield Cause("input-instead-of-derivative", "dx = dy·x; the input is used instead of the derivative"), dy * x
    if _is_softmax(y):
        text = "only the diagonal of the softmax Jacobian is used; the sum over the row is missing"
        yield Cause("softmax-diagonal", text), dy * y * (1 - y)
        text = "the sum over the row is not multiplied by the softmax output p"
        yield Cause("softmax-sum-not-times-p", text), dy * y - (dy * y).sum(axis=-1, keepdims=True)
    if right is None or (dy == 0).any():
        return
    slope = right / dy
    yield Cause("missing-dy", "the derivative is not multiplied by dy"), slope
    text = "dy is divided by the derivative instead of multiplied"
    yield Cause("divided-by-derivative", text), dy / np.where(slope == 0, np.nan, slope)
    yield Cause("derivative-twice", "the derivative is multiplied in twice"), dy * slope**2
    if set(np.unique(np.round(slope, 6))) == {0.0, 1.0}:
        yield Cause("mask-from-dy", "the mask is computed from dy instead of the input"), dy * (dy > 0)
        yield Cause("inverted-mask", "the mask is inverted"), dy * (1 - slope)
    yield from _of_formulas(slope, dy, x, y)


def _of_formulas(slope: Array, dy: Array, x: Array, y: Array) -> Iterator[Row]:
    """A derivative written with the wrong formula, or in x instead of y."""
    for right, wrong in WRONG_FORMULAS.items():
        for name, z, other_name, other in (("y", y, "x", x), ("x", x, "y", y)):
            if np.allclose(slope, FORMULAS[right].f(z), rtol=1e-6, atol=1e-8):
                text = f"the derivative is {FORMULAS[right].of(name)}; the code uses {FORMULAS[right].of(other_name)}"
                yield Cause(f"derivative-in-{other_name}-not-{name}", text), dy * FORMULAS[right].f(other)
                for formula in (FORMULAS[key] for key in wrong):
                    text = f"the derivative is {FORMULAS[right].of(name)}; the code uses {formula.of(name)}"
                    yield Cause(f"derivative-{formula.code.format(name)}", text), dy * formula.f(z)


@dataclass(frozen=True)
class _Formula:
    """A derivative as it is written in x or y, which replaces the {}."""

    text: str
    code: str
    f: Callable[[Array], Array]

    def of(self, name: str) -> str:
        return self.text.format(*[name] * 2)


FORMULAS = {
    formula.text: formula
    for formula in (
        _Formula("1 − {}²", "1-minus-{}-squared", lambda t: 1 - t * t),
        _Formula("1 − {}", "1-minus-{}", lambda t: 1 - t),
        _Formula("1 + {}²", "1-plus-{}-squared", lambda t: 1 + t * t),
        _Formula("{}²", "{}-squared", lambda t: t * t),
        _Formula("(1 − {})²", "1-minus-{}-all-squared", lambda t: (1 - t) ** 2),
        _Formula("{}(1 − {})", "{0}-times-1-minus-{0}", lambda t: t * (1 - t)),
        _Formula("{}(1 + {})", "{0}-times-1-plus-{0}", lambda t: t * (1 + t)),
        _Formula("{}(1 − {}²)", "{0}-times-1-minus-{0}-squared", lambda t: t * (1 - t * t)),
        _Formula("{}²(1 − {})", "{0}-squared-times-1-minus-{0}", lambda t: t * t * (1 - t)),
        _Formula("1/{}", "1-over-{}", lambda t: 1 / np.where(t == 0, np.nan, t)),
        _Formula("−1/{}²", "minus-1-over-{}-squared", lambda t: -1 / np.where(t == 0, np.nan, t) ** 2),
        _Formula("2{}", "2-{}", lambda t: 2 * t),
        _Formula("3{}²", "3-{}-squared", lambda t: 3 * t * t),
        _Formula("{}³", "{}-cubed", lambda t: t**3),
    )
}
WRONG_FORMULAS = {
    "1 − {}²": ("1 − {}", "1 + {}²", "{}²", "(1 − {})²", "{}(1 − {})"),
    "{}(1 − {})": ("1 − {}", "{}(1 + {})", "1 − {}²", "{}(1 − {}²)", "{}²(1 − {})"),
    "1/{}": ("−1/{}²", "{}²"),
    "2{}": ("{}²",),
    "3{}²": ("{}²", "{}³"),
}
"""A derivative, and what is sometimes written instead."""


def _of_loss(right: Array | None, clues: Clues) -> Iterator[Row]:
    """Mistakes in a loss of logits and labels, or of predictions and targets of the same shape."""
    z, target = clues.prediction, clues.target
    if z is None or target is None or z.ndim != 2:
        return
    n = len(z)
    if target.ndim == 1 and target.min() >= 0:  # others are padding
        p, hot = np.exp(log_softmax(z)), np.eye(z.shape[1])[target]
        yield Cause("target-not-subtracted", "the target is not subtracted from the softmax"), p / n
        yield Cause("missing-softmax", "the softmax is missing: logits minus target"), (z - hot) / n
        yield Cause("target-only", "the softmax is missing: only the target"), -hot / n
        text = "this is the gradient for probabilities, −t/p, not for logits"
        yield Cause("gradient-for-probabilities", text), -hot / p / n
        text = "the derivative of the softmax is multiplied in one time too many"
        yield Cause("softmax-derivative-twice", text), (p - hot) * p * (1 - p) / n
        for shift in (1, -1):
            yield Cause("labels-shifted", "the labels are off by one"), (p - np.roll(hot, shift, axis=1)) / n
    elif target.shape == z.shape:
        with np.errstate(over="ignore"):
            s = 1 / (1 + np.exp(-z))
        if right is not None and np.allclose(right, (s - target) / n, rtol=1e-4, atol=1e-8):
            yield Cause("missing-sigmoid", "the sigmoid is missing: logits minus target"), (z - target) / n
            yield Cause("target-not-subtracted", "the target is not subtracted from the sigmoid"), s / n
            text = "the derivative of the sigmoid is multiplied in one time too many"
            yield Cause("sigmoid-derivative-twice", text), (s - target) * s * (1 - s) / n
        else:
            text = "prediction minus target is the gradient of another loss"
            yield Cause("prediction-minus-target", text), (z - target) / n
        yield Cause("target-not-subtracted", "the target is not subtracted"), z / n
        yield Cause("sign-of-difference", "only the sign of the difference is used"), np.sign(z - target) / n


def _of_jacobian(right: Array, dy: Array, measured: Callable[[], Array | None]) -> Iterator[Row]:
    """Mistakes with a square Jacobian J, provided that Jᵀ dy is the correct gradient."""
    if dy.shape != right.shape or (jacobian := measured()) is None:
        return
    flat = dy.reshape(-1)
    if not np.allclose(jacobian.T @ flat, right.reshape(-1), rtol=1e-4, atol=1e-6 * np.abs(right).max()):
        return
    transposed = Cause(TRANSPOSED.code, "the Jacobian is used instead of its transpose: the product is transposed")
    for cause, made in ((DIAGONAL, np.diag(jacobian) * flat), (transposed, jacobian @ flat)):
        if not np.allclose(made, right.reshape(-1), rtol=1e-3, atol=0):
            yield cause, made.reshape(dy.shape)
