"""Explains a wrong gradient: which usual mistake accounts for the whole difference.

Each row of the tables below is a mistake and what it would have made of the right slopes. Only a mistake that accounts
for every slope that was measured is named; where two do, both are; where more do, none is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spec.arrays import Array
from spec.definitions import log_softmax

FIT = 1e-4  # how closely a mistake must account for every slope
FEW = 3  # slopes that differ from zero: fewer fit too much by chance

Place = tuple[int, ...] | None
Row = tuple[str, Any]


@dataclass
class Clues:
    """What is known besides the slopes. Arrays that are unknown, or of no use, are None.

    `itself` is what the gradient is taken of, `before` what stood in `grads`. `jacobian()` gives ∂y/∂x as (y.size,
    x.size), and `of_rows(rows)` the slopes that some samples alone account for: both are measured only when asked.
    """

    dy: Array | None = None
    x: Array | None = None
    y: Array | None = None
    itself: Array | None = None
    before: Array | None = None
    prediction: Array | None = None
    target: Array | None = None
    constants: Sequence[float] = field(default_factory=tuple)
    jacobian: Callable[[], Array] | None = None
    of_row: Callable[[int], Array] | None = None


def explain(
    analytic: Array,
    numeric: Array,
    *,
    samples: int,
    shape: tuple[int, ...],
    places: Sequence[Place] | None = None,
    clues: Clues | None = None,
    fit: float = FIT,
) -> str:
    """Name the mistake behind slopes `analytic` where `numeric` is right, or "" where none fits the whole.

    `samples` is the size of the batch, `shape` that of the gradient; `places` says which entry each slope is, in C
    order unless given. A factor equal to 1 is no mistake.
    """
    if not np.isfinite(analytic).all() or not numeric.any():
        return ""
    if not analytic.any():
        return "a gradient that is never computed: it is zero everywhere"
    seen = _Seen(np.asarray(analytic, float), np.asarray(numeric, float), fit)
    factors = [f"{words} (ratio {k:.4g})" for k, words in _factors(samples, shape) if k != 1 and seen.fits(k * numeric)]
    if factors:
        return _either(factors)
    whole = _Whole(seen, shape, places)
    found = [words for words, made in _rows(whole, clues or Clues(), samples) if whole.fits(made)]
    return _either(found) or _masks(seen) or _constant(seen, clues or Clues())


def _either(found: list[str]) -> str:
    found = list(dict.fromkeys(found))
    return found[0] if len(found) == 1 else f"either {found[0]}, or {found[1]}" if len(found) == 2 else ""


@dataclass
class _Seen:
    analytic: Array
    numeric: Array
    fit: float

    def fits(self, made: Array) -> bool:
        """Whether `made`, which is not the right answer, is what was found at every slope."""
        if not np.isfinite(made).all() or not made.any():
            return False
        near = float(np.abs(self.analytic - made).max()) <= self.fit * float(np.abs(made).max())
        return near and not np.allclose(made, self.numeric, rtol=10 * self.fit, atol=0)


@dataclass
class _Whole:
    """The slopes at coordinates, and where in the gradient they stand."""

    seen: _Seen
    shape: tuple[int, ...]
    places: Sequence[Place] | None

    @property
    def complete(self) -> bool:
        """Whether every entry was measured, in order."""
        return self.places is None and self.seen.analytic.size == int(np.prod(self.shape))

    def picked(self, made: Array) -> tuple[Array, Array]:
        """`made`, of the gradient's shape, at the coordinates, and what was found there."""
        places = list(np.ndindex(self.shape)) if self.places is None else self.places
        kept = [i for i, place in enumerate(places) if place is not None and i < self.seen.analytic.size]
        at = [places[i] for i in kept]
        return np.array([made[place] for place in at], float), self.seen.analytic[kept]

    def fits(self, made: Any) -> bool:
        """Whether an array of the gradient's shape accounts for every coordinate; enough of them, and not by chance."""
        if callable(made):
            made = made()
        if made is None or np.shape(made) != self.shape or not self.shape:
            return False
        wanted, found = self.picked(np.asarray(made, float))
        if np.count_nonzero(found) < FEW or not np.isfinite(wanted).all():
            return False
        return bool(np.abs(found - wanted).max() <= self.seen.fit * np.abs(found).max())

    def numeric(self) -> Array | None:
        """The right gradient in its own shape, where every entry was measured."""
        size = int(np.prod(self.shape))
        if self.seen.numeric.size != size or (self.places is not None and None in self.places):
            return None
        return self.seen.numeric.reshape(self.shape)


def _factors(samples: int, shape: tuple[int, ...]) -> list[tuple[float, str]]:
    rows = [
        (-1.0, "the wrong sign"),
        (2.0, "a factor 2 too many, as of a square without its half"),
        (0.5, "a factor 2 too few, as of a square whose 2 was dropped"),
        (1 / samples, "a division by the batch size N once too often, or a mean where a sum is due"),
        (float(samples), "a missing division by the batch size N, or a sum where a mean is due"),
        (-2.0, "the wrong sign, and a factor 2 too many"),
        (-1 / samples, "the wrong sign, and a division by the batch size N once too often"),
    ]
    for size in dict.fromkeys(shape):
        if size != samples:
            rows.append((1 / size, f"a division by the size {size} of an axis, as by a mean over it"))
            rows.append((float(size), f"a product with the size {size} of an axis"))
    if len(shape) > 1:
        rows.append((1 / np.prod(shape), "a mean over all entries where a sum is due"))
    return rows


def _rows(whole: _Whole, clues: Clues, samples: int) -> Iterator[Row]:
    """Every mistake that the clues allow to test, and what it makes of the gradient: an array, or a function of none."""
    right = whole.numeric()
    if right is not None:
        yield from _of_right(right, clues)
    yield from _of_elements(right, clues)
    yield from _of_loss(clues)
    if right is not None and clues.jacobian is not None and clues.dy is not None:
        yield from _of_jacobian(right, clues.dy, clues.jacobian)
    if clues.of_row is not None and samples > 1:
        of_row = clues.of_row
        yield "a sum that counts only the first sample of the batch", lambda: of_row(0)
        yield "a sum that counts only the last sample of the batch", lambda: of_row(-1)


def _of_right(right: Array, clues: Clues) -> Iterator[Row]:
    if right.ndim == 2 and right.shape[0] == right.shape[1]:
        yield "a transposed product", right.T
    if (right < 0).any() and (right > 0).any():
        yield "an absolute value, which loses signs", np.abs(right)
    if right.ndim == 2:
        yield "rows in reverse order", right[::-1]
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
    if y.ndim == 2 and (y >= 0).all() and np.allclose(y.sum(axis=-1), 1):
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
                here, there = due.replace("t", name), ("x" if name == "y" else "y")
                other = x if name == "y" else y
                yield f"the derivative {due.replace('t', there)} where {here} is due, {there} for {name}", dy * _FORM[due](other)
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


def _of_loss(clues: Clues) -> Iterator[Row]:
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
        yield "a missing sigmoid: logits less target", (z - target) / n
        yield "a target that is never subtracted", z / n
        yield "a target that is never subtracted: the sigmoid alone", s / n
        yield "the derivative of the sigmoid multiplied in once more", (s - target) * s * (1 - s) / n
        yield "only the sign of the difference", np.sign(z - target) / n


def _of_jacobian(right: Array, dy: Array, measured: Callable[[], Array | None]) -> Iterator[Row]:
    """Mistakes of a square Jacobian J, as long as it explains the right gradient, Jᵀ dy."""
    if dy.shape != right.shape or (jacobian := measured()) is None:
        return
    flat = dy.reshape(-1)
    if not np.allclose(jacobian.T @ flat, right.reshape(-1), rtol=1e-4, atol=1e-6 * np.abs(right).max()):
        return
    for words, made in (
        ("only the diagonal of the Jacobian, where each input also moves other outputs", np.diag(jacobian) * flat),
        ("a transposed product: the Jacobian instead of its transpose", jacobian @ flat),
    ):
        if not np.allclose(made, right.reshape(-1), rtol=1e-3, atol=0):
            yield words, made.reshape(dy.shape)


def _masks(seen: _Seen) -> str:
    half_right = np.isclose(seen.analytic, seen.numeric, rtol=10 * seen.fit, atol=0)
    if np.count_nonzero(seen.analytic[half_right]) < FEW:
        return ""
    if not seen.analytic[~half_right].any():
        return "a mask that is too wide: the slopes that are not zero by mistake are right"
    if not seen.numeric[~half_right].any():
        return "a mask that is missing: slopes that should be zero are not"
    return ""


def _constant(seen: _Seen, clues: Clues) -> str:
    """One factor on every slope that is none of the usual ones, a cut at ±c, or a multiple of the parameter added."""
    if np.count_nonzero(np.abs(seen.numeric) > seen.fit * np.abs(seen.numeric).max()) < FEW:
        return ""
    k = float(seen.analytic @ seen.numeric / (seen.numeric @ seen.numeric))
    if seen.fits(k * seen.numeric):
        kin = [(v, "a product with a number that the layer keeps, {v:g}, too many") for v in clues.constants]
        kin += [(1 / v, "a division by a number that the layer keeps, {v:g}, too many") for v in clues.constants if v]
        named = [w.format(v=v if f == v else 1 / f) for f, w in kin if f not in (0, 1) and abs(k - f) <= seen.fit * abs(f)]
        named += [f"a factor 1 − {v:g} of the layer's own" for v in clues.constants if abs(k - (1 - v)) <= seen.fit and k]
        return f"{_either(named) or 'a constant factor'} (ratio {k:.4g})"
    top = float(np.abs(seen.analytic).max())
    if seen.fits(np.clip(seen.numeric, -top, top)):
        return f"a gradient that is cut off at ±{top:.4g}"
    if clues.itself is not None and clues.itself.size == seen.analytic.size:
        own = clues.itself.reshape(-1)
        if own @ own > 0:
            k = float((seen.analytic - seen.numeric) @ own / (own @ own))
            if k and seen.fits(seen.numeric + k * own):
                return f"a multiple of the parameter itself added, as by weight decay (multiple {k:.4g})"
    return ""


def explain_shape(found: tuple[int, ...], wanted: tuple[int, ...], samples: int) -> str:
    """Name the mistake behind a gradient of another shape, or "" where several could be."""
    if found == wanted[::-1] and found != wanted:
        return "a transposed product"
    if found == (samples, *wanted):
        return "a sum over the batch that is missing"
    if len(found) == len(wanted) + 1 and 1 in found and tuple(n for n in found if n != 1) == wanted:
        return "an axis of size 1 that is kept, as by keepdims"
    if found == (samples,) and len(wanted) == 1:
        return "a sum over the wrong axis"
    return "a sum over everything, not over the batch alone" if found == () else ""
