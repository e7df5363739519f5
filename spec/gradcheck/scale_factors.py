"""Which usual factor is on a gradient? A sign, a 2, a size of the batch or of an axis, a number that the layer keeps.

A size is named where it is the factor: at the sizes that were measured, and, where `Again` tells of others, at those as
well. So a factor that only happens to be as large as the batch is not taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod, sqrt

Named = dict[str, float]  # words, and the factor that they stand for
SMALL = 5  # the roots of smaller numbers are constants of many a formula, and a whole root may be any number


@dataclass(frozen=True)
class Again:
    """The factor on the same gradient for a batch of another size, or outputs of another number.

    `shape` is that of the gradient there.
    """

    factor: float
    samples: int
    shape: tuple[int, ...]


def usual(k: float, samples: int, shape: tuple[int, ...], fit: float, again: Again | None = None) -> list[str]:
    """The usual mistakes that make the factor k."""
    axes = _axes(samples, shape, again)
    there = _usual(again.samples, again.shape, axes) if again else {}
    return _told(_usual(samples, shape, axes), k, fit, there, again)


def rarer(k: float, samples: int, shape: tuple[int, ...], fit: float, again: Again | None) -> list[str]:
    """Those to think of where no usual one does: a root, N − 1, two mistakes at once; none without a second size."""
    if again is None or min(samples, again.samples) < 2:
        return []
    axes = _axes(samples, shape, again)
    return _told(_rarer(samples, shape, axes), k, fit, _rarer(again.samples, again.shape, axes), again)


def own(k: float, constants: Sequence[float], fit: float, again: Again | None = None) -> list[str]:
    """What the layer's own numbers leave behind: a rate, a slope, a scale."""
    rows: Named = {}
    for v in constants:
        rows[f"a product with the layer's own {v:g} too many, or a division by it that is missing"] = v
        rows[f"a product with 1 − {v:g} too many, or a division by it that is missing"] = 1 - v
        if v:
            rows[f"a division by the layer's own {v:g} too many, or a product that is missing"] = 1 / v
        if v != 1:
            rows[f"a division by 1 − {v:g} too many, or a product that is missing"] = 1 / (1 - v)
    return _told(rows, k, fit, rows, again)


def unnamed(k: float, fit: float, again: Again | None = None) -> str:
    """What is left to say of a factor."""
    if again is None or abs(again.factor - k) <= fit * abs(k):
        return "a constant factor"
    return f"a factor that changes with the sizes: {again.factor:.4g} for a gradient of shape {again.shape}"


def _told(rows: Named, k: float, fit: float, there: Named, again: Again | None) -> list[str]:
    """The rows that make the factor k and, with what they are at the other size, the factor there."""
    found = [words for words, value in rows.items() if value != 1 and abs(k - value) <= fit * abs(value)]
    if again is not None:
        found = [words for words in found if abs(again.factor - there[words]) <= fit * abs(there[words])]
    return [f"{words} (ratio {k:.4g})" for words in found]


def _axes(samples: int, shape: tuple[int, ...], again: Again | None) -> dict[int, str]:
    """The axes whose size can't be mistaken for that of the batch, the first of each size, and what to call them."""
    apart = {i for i, size in enumerate(shape) if size != samples or (again and again.shape[i] != again.samples)}
    sizes = {shape[i]: i for i in sorted(apart, reverse=True)}
    return {i: f"the size {size} of an axis" for size, i in sizes.items()}


def _usual(samples: int, shape: tuple[int, ...], axes: dict[int, str]) -> Named:
    rows = {
        "the wrong sign": -1.0,
        "a factor 2 too many, as of a square without its half": 2.0,
        "a factor 2 too few, as of a square whose 2 was dropped": 0.5,
        "the wrong sign, and a factor 2 too many": -2.0,
    }
    if samples > 1:  # of one sample none of these can be told from what is right, or from the wrong sign alone
        rows |= {
            "a division by the batch size N once too often, or a mean where a sum is due": 1 / samples,
            "a missing division by the batch size N, or a sum where a mean is due": float(samples),
            "the wrong sign, and a division by the batch size N once too often": -1 / samples,
        }
    for i, size in axes.items():
        rows[f"a division by {size}, as by a mean over it"] = 1 / shape[i]
        rows[f"a product with {size}"] = float(shape[i])
    if len(shape) > 1:
        rows["a mean over all entries where a sum is due"] = 1 / prod(shape)
    return rows


def _rarer(samples: int, shape: tuple[int, ...], axes: dict[int, str]) -> Named:
    rows = {
        "the wrong sign, and a missing division by the batch size N": -float(samples),
        "a division by N where N − 1 is due, as in a variance": 1 - 1 / samples,
        "a division by N − 1 where N is due, as in a variance": samples / (samples - 1),
    }
    if len(shape) > 1 and shape[0] == samples:
        rows["a sum over all entries where a mean is due"] = float(prod(shape))
    sizes = {"the batch size N": samples} | {words: n for i, words in axes.items() if (n := shape[i]) >= SMALL}
    for words, n in sizes.items():
        if isqrt(n) ** 2 != n or words.endswith("N"):
            rows[f"a division by the root of {words} that is missing"] = sqrt(n)
            rows[f"a division by the root of {words} once too often"] = 1 / sqrt(n)
    return rows
