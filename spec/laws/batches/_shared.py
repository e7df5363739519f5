"""What the laws of this kind share."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import Violation

SIZE = 6  # samples a batch
EVEN, ODD, FEW = 30, 32, 4  # samples a set: whole batches, a partial last one, and less than one batch
CLASSES = 3
SIDE, MARGIN = 28, 4
PIXELS = SIDE * SIDE
AREA = 12  # bright pixels by which one sample has more than the one before


class Epoch(NamedTuple):
    """What one epoch yielded, and the arrays handed in. `rows` says which sample each image is, per batch."""

    images: list[Array]
    labels: list[Array]
    rows: list[Array]
    x: Array
    y: Array
    endless: bool

    @property
    def order(self) -> Array:
        """The samples in the order in which they came."""
        return np.concatenate([*self.rows, np.zeros(0, np.int64)])

    @property
    def as_handed_in(self) -> bool:
        """Whether every image is one of those handed in, to the bit, and so certainly known."""
        order, n = self.order, len(self.x)
        known = bool(((order >= 0) & (order < n)).all())
        return known and all(np.array_equal(a, self.x[rows]) for a, rows in zip(self.images, self.rows, strict=True))


def samples(n: int) -> tuple[Array, Array]:
    """x (n, PIXELS) float32, sample i with AREA·(i + 1) bright pixels away from the margin; y (n,), classes alike."""
    x = np.zeros((n, SIDE, SIDE), np.float32)
    inner = SIDE - 2 * MARGIN
    bright = np.arange(inner * inner) < AREA * (np.arange(n)[:, None] + 1)
    x[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = bright.reshape(n, inner, inner)
    return x.reshape(n, PIXELS), (np.arange(n) + np.arange(n) // CLASSES) % CLASSES


def known(images: Array) -> Array:
    """Which sample each image is: by its bright area, whatever noise, shift, flip or contrast was laid on it."""
    middle = (images.min(axis=1, keepdims=True) + images.max(axis=1, keepdims=True)) / 2
    rows: Array = np.rint((images > middle).sum(axis=1) / AREA).astype(np.int64) - 1
    return rows


def epoch(case: BatchesCase, n: int, rng: np.random.Generator | None = None) -> Epoch:
    """One epoch over n samples. Raises Violation where something is yielded that is no batch, or an empty one."""
    x, y = samples(n)
    stream = iter(case(x, y, SIZE, case.rng if rng is None else rng))
    pairs = [pair(case, batch) for batch in islice(stream, 4 * n)]
    images = [a for a, _ in pairs]
    return Epoch(images, [b for _, b in pairs], [known(a) for a in images], x, y, next(stream, None) is not None)


def pair(case: BatchesCase, batch: Any) -> tuple[Array, Array]:
    """Copies, since a buffer may be used again."""
    if isinstance(batch, tuple | list) and len(batch) == 2:
        x, y = np.array(batch[0]), np.array(batch[1])
        if x.shape[1:] == (PIXELS,) and x.shape[:1] == y.shape:
            if len(x):
                return x, y
            raise broken(case, "batch-size", "a batch", "empty", "at least one sample")
        found = f"x of shape {x.shape} with y of shape {y.shape}"
    else:
        found = f"a {type(batch).__name__}"
    raise broken(case, "paired", "a batch", found, f"a pair x of shape (n, {PIXELS}), y of shape (n,)")


def broken(case: BatchesCase, code: str, array: str, actual: str, expected: str, cause: str = "") -> Violation:
    return Violation(code, location=case.location, array=array, actual=actual, expected=expected, cause=cause)


def count(case: BatchesCase, code: str, found: Epoch, n: int) -> None:
    if not found.as_handed_in:
        if len(found.order) != n:
            raise broken(case, code, "the epoch", f"of {len(found.order)} samples", f"{n}, each once")
        return
    times = np.bincount(found.order, minlength=n)
    if (times != 1).any():
        at = int(np.argmax(times != 1))
        missing, again = int((times == 0).sum()), int((times > 1).sum())
        if missing and again:
            cause = "samples drawn with replacement"
        elif missing:
            cause = "the last partial batch is dropped" if code == "last-batch" else "a range that ends too early"
        else:
            cause = "the last batch filled up with samples that already came" if code == "last-batch" else ""
        raise broken(case, code, f"sample {at}", f"seen {times[at]} times in an epoch of {n}", "once", cause)
