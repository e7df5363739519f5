"""The usual mistakes in a backward pass, one row each: what it is called, and the gradient that it makes.

A row needs more than the slopes: what went in and came out, what stood in `grads`, what the loss was told. What is not
known leaves its rows out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.scale_factors import Again
from nnlaw.spec.reference import log_softmax

Row = tuple[str, Any]


@dataclass
class Clues:
    """What is known besides the slopes. Arrays that are unknown, or of no use, are None.

    `itself` is what the gradient is taken of, `before` what stood in `grads`, `draws` whether backward drew from a
    generator, `others` the gradients that were answered for other parameters. `jacobian()` gives ∂y/∂x as (y.size,
    x.size), `of_row(i)` the slopes that sample i alone accounts for, and `again()` the factor on this gradient for a
    batch of another size: all are measured only when asked.
    """

    dy: Array | None = None
    x: Array | None = None
    y: Array | None = None
    itself: Array | None = None
    before: Array | None = None
    prediction: Array | None = None
    target: Array | None = None
    constants: Sequence[float] = field(default_factory=tuple)
    draws: bool = False
    others: Mapping[str, Array] = field(default_factory=dict)
    jacobian: Callable[[], Array | None] | None = None
    of_row: Callable[[int], Array] | None = None
    again: Callable[[], Again | None] | None = None


def rows(right: Array | None, clues: Clues, samples: int) -> Iterator[Row]:
    """Every mistake that the clues allow to test, and what it makes of the gradient: an array, or a function of none.

    `right` is the right gradient where it was measured at every entry.
    """
    if right is not None:
        yield from _of_right(right, clues)
    yield from _of_elements(right, clues)
    yield from _of_loss(right, clues)
    if right is not None and clues.jacobian is not None and clues.dy is not None:
        found = _of_jacobian(right, clues.dy, clues.jacobian)
        yield from (row for row in found if not (row[0] == DIAGONAL and _is_softmax(clues.y)))
    if clues.of_row is not None and samples > 1:
        of_row = clues.of_row
        yield "a sum that counts only the first sample of the batch", lambda: of_row(0)
        yield "a sum that counts only the last sample of the batch", lambda: of_row(-1)


DIAGONAL = "only the diagonal of the Jacobian, where each input also moves other outputs"


def _is_softmax(y: Array | None) -> bool:
    return y is not None and y.ndim == 2 and bool((y >= 0).all() and np.allclose(y.sum(axis=-1), 1))


def _of_right(right: Array, clues: Clues) -> Iterator[Row]:
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield "a transposed product", right.T
    if (right < 0).any() and (right > 0).any():
        yield "an absolute value, which loses signs", np.abs(right)
    if right.ndim == 2:
        yield "rows in reverse order", right[::-1]
    for axis, size in enumerate(right.shape):
        if size % 2 == 0:
            yield f"the two halves of axis {axis} that changed places", np.roll(right, size // 2, axis)
    if clues.before is not None and clues.before.any():
        yield "an addition to what was in grads before, which is to be overwritten", right + clues.before
    if clues.itself is not None and clues.dy is not None and right.ndim == 1 and clues.dy.ndim == 2:
        yield "a sum over the wrong axis", clues.dy.sum(axis=1) if clues.dy.sum(axis=0).shape == right.shape else None


def _of_elements(right: Array | None, clues: Clues) -> Iterator[Row]:
    """Mistakes of a function of each element: right = dy·f′, with f′ seen in the ratio."""
    dy, x, y = clues.dy, clues.x, clues.y
    if dy is None or x is None or y is None or not dy.shape == x.shape == y.shape:
        return
    yield "a missing derivative factor: dx equals dy", dy
    yield "the output y in place of the derivative: dx = dy·y", dy * y
    yield "the input x in place of the derivative: dx = dy·x", dy * x
    if _is_softmax(y):
        yield "only the diagonal of the softmax Jacobian, without the sum over the row", dy * y * (1 - y)
        yield "a sum over the row that is not multiplied by p", dy * y - (dy * y).sum(axis=-1, keepdims=True)
    if right is None or (dy == 0).any():
        return
    slope = right / dy
    yield "an incoming gradient dy that is not multiplied in", slope
    yield "a division by the derivative where a product is due", dy / np.where(slope == 0, np.nan, slope)
    yield "a derivative that is multiplied in twice", dy * slope**2
    if set(np.unique(np.round(slope, 6))) == {0.0, 1.0}:
        yield "a mask taken from dy where the input is due", dy * (dy > 0)
        yield "a mask that is upside down", dy * (1 - slope)
    for due, wrong in FORMS.items():
        for name, z in (("y", y), ("x", x)):
            if np.allclose(slope, _FORM[due](z), rtol=1e-6, atol=1e-8):
                here, (there, other) = due.replace("t", name), (("x", x) if name == "y" else ("y", y))
                mistaken = f"the derivative {due.replace('t', there)} where {here} is due, {there} for {name}"
                yield mistaken, dy * _FORM[due](other)
                for form in wrong:
                    yield f"the derivative {form.replace('t', name)} where {here} is due", dy * _FORM[form](z)


_FORM: dict[str, Callable[[Array], Array]] = {
    "1 − t²": lambda t: 1 - t * t,
    "1 − t": lambda t: 1 - t,
    "1 + t²": lambda t: 1 + t * t,
    "t²": lambda t: t * t,
    "(1 − t)²": lambda t: (1 - t) ** 2,
    "t(1 − t)": lambda t: t * (1 - t),
    "t(1 + t)": lambda t: t * (1 + t),
    "t(1 − t²)": lambda t: t * (1 - t * t),
    "t²(1 − t)": lambda t: t * t * (1 - t),
    "1/t": lambda t: 1 / np.where(t == 0, np.nan, t),
    "−1/t²": lambda t: -1 / np.where(t == 0, np.nan, t) ** 2,
    "2t": lambda t: 2 * t,
    "3t²": lambda t: 3 * t * t,
    "t³": lambda t: t**3,
}
FORMS = {
    "1 − t²": ("1 − t", "1 + t²", "t²", "(1 − t)²", "t(1 − t)"),
    "t(1 − t)": ("1 − t", "t(1 + t)", "1 − t²", "t(1 − t²)", "t²(1 − t)"),
    "1/t": ("−1/t²", "t²"),
    "2t": ("t²",),
    "3t²": ("t²", "t³"),
}
"""Derivatives as they are written in x or y, and what is written in their place."""


def _of_loss(right: Array | None, clues: Clues) -> Iterator[Row]:
    """Mistakes of a loss of logits and labels, or of predictions and targets of their shape."""
    z, target = clues.prediction, clues.target
    if z is None or target is None or z.ndim != 2:
        return
    n = len(z)
    if target.ndim == 1:
        p, hot = np.exp(log_softmax(z)), np.eye(z.shape[1])[target]
        yield "a target that is never subtracted: the softmax alone", p / n
        yield "a missing softmax: logits less target", (z - hot) / n
        yield "a missing softmax: the target alone", -hot / n
        yield "the gradient for probabilities, −t/p, where that for logits is due", -hot / p / n
        yield "the derivative of the softmax multiplied in once more", (p - hot) * p * (1 - p) / n
        yield "labels shifted by one", (p - np.roll(hot, 1, axis=1)) / n
        yield "labels shifted by one", (p - np.roll(hot, -1, axis=1)) / n
    elif target.shape == z.shape:
        with np.errstate(over="ignore"):
            s = 1 / (1 + np.exp(-z))
        if right is not None and np.allclose(right, (s - target) / n, rtol=1e-4, atol=1e-8):
            yield "a missing sigmoid: logits less target", (z - target) / n
            yield "a target that is never subtracted: the sigmoid alone", s / n
            yield "the derivative of the sigmoid multiplied in once more", (s - target) * s * (1 - s) / n
        else:
            yield "prediction less target, which is the gradient of another loss", (z - target) / n
        yield "a target that is never subtracted", z / n
        yield "only the sign of the difference", np.sign(z - target) / n


def _of_jacobian(right: Array, dy: Array, measured: Callable[[], Array | None]) -> Iterator[Row]:
    """Mistakes of a square Jacobian J, as long as it explains the right gradient, Jᵀ dy."""
    if dy.shape != right.shape or (jacobian := measured()) is None:
        return
    flat = dy.reshape(-1)
    if not np.allclose(jacobian.T @ flat, right.reshape(-1), rtol=1e-4, atol=1e-6 * np.abs(right).max()):
        return
    for words, made in (
        (DIAGONAL, np.diag(jacobian) * flat),
        ("a transposed product: the Jacobian instead of its transpose", jacobian @ flat),
    ):
        if not np.allclose(made, right.reshape(-1), rtol=1e-3, atol=0):
            yield words, made.reshape(dy.shape)
