"""Pieces that several laws of batch samplers use: images that identify their sample, and one epoch over them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation, counted

SIZE = 6  # samples per batch
EVEN, ODD, FEW = 30, 32, 4  # samples per set: whole batches, a partial last one, and less than one batch
CLASSES = 3
SIDE, MARGIN = 28, 4
PIXELS = SIDE * SIDE
AREA = 12  # each sample has so many more bright pixels than the one before


class Epoch(NamedTuple):
    """The batches of one epoch, and the arrays passed in. `rows` holds the sample of each image, per batch."""

    images: list[Array]
    labels: list[Array]
    rows: list[Array]
    x: Array
    y: Array
    endless: bool

    @property
    def order(self) -> Array:
        """The samples in the order of the epoch."""
        return np.concatenate([*self.rows, np.zeros(0, np.int64)])

    @property
    def unchanged(self) -> bool:
        """Whether every image equals one that was passed in, bit for bit, so that its sample is certain."""
        order, n = self.order, len(self.x)
        known = bool(((order >= 0) & (order < n)).all())
        return known and all(np.array_equal(a, self.x[rows]) for a, rows in zip(self.images, self.rows, strict=True))


def samples(n: int) -> tuple[Array, Array]:
    """x (n, PIXELS) float32, sample i with AREA·(i + 1) bright pixels inside the margin; y (n,), balanced classes."""
    x = np.zeros((n, SIDE, SIDE), np.float32)
    inner = SIDE - 2 * MARGIN
    bright = np.arange(inner * inner) < AREA * (np.arange(n)[:, None] + 1)
    x[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = bright.reshape(n, inner, inner)
    return x.reshape(n, PIXELS), (np.arange(n) + np.arange(n) // CLASSES) % CLASSES


def identified(images: Array) -> Array:
    """The sample of each image, by its bright area: noise, shift, flip and contrast do not change it."""
    middle = (images.min(axis=1, keepdims=True) + images.max(axis=1, keepdims=True)) / 2
    rows: Array = np.rint((images > middle).sum(axis=1) / AREA).astype(np.int64) - 1
    return rows


def epoch(case: BatchesCase, n: int, rng: np.random.Generator | None = None) -> Epoch:
    """One epoch over n samples. Raises Violation if a batch is empty, or is not a pair (x, y)."""
    x, y = samples(n)
    batches, endless = case.take(4 * n, x, y, SIZE, case.rng if rng is None else rng)
    if batches and not endless and n % SIZE == 0 and _is_empty(batches[-1]):
        raise failure(case, "batch-size", "the last batch", "empty", "at least one sample", ONE_TOO_MANY)
    pairs = [pair(case, batch) for batch in batches]
    images = [a for a, _ in pairs]
    return Epoch(images, [b for _, b in pairs], [identified(a) for a in images], x, y, endless)


ONE_TOO_MANY = Cause("one-batch-too-many", "often n // batch_size + 1 batches, one too many for whole batches")


def _is_empty(batch: Any) -> bool:
    return isinstance(batch, tuple | list) and len(batch) == 2 and np.shape(batch[0])[:1] == (0,)


def pair(case: BatchesCase, batch: Any) -> tuple[Array, Array]:
    """Copies of x and y, since a sampler may reuse its buffers."""
    if isinstance(batch, tuple | list) and len(batch) == 2:
        x, y = np.array(batch[0]), np.array(batch[1])
        if x.shape[1:] == (PIXELS,) and x.shape[:1] == y.shape:
            if len(x):
                return x, y
            raise failure(case, "batch-size", "a batch", "empty", "at least one sample")
        found = f"x of shape {x.shape} with y of shape {y.shape}"
    else:
        found = f"a {type(batch).__name__}"
    raise failure(case, "paired", "a batch", found, f"a pair, x of shape (n, {PIXELS}) and y of shape (n,)")


def failure(
    case: BatchesCase, code: str, array: str, actual: str, expected: str, cause: Cause = NO_CAUSE
) -> Violation:
    """The violation of this law at the sampler's definition."""
    return Violation(
        code,
        location=case.location,
        array=array,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )


def _shared_by_neighbors(rows: list[Array]) -> int:
    """How many samples at the end of each batch are those at the beginning of the next one; 0 if they differ."""
    pairs = list(pairwise(rows))
    for count in range(min(map(len, rows)), 0, -1) if pairs else ():
        if all(np.array_equal(one[-count:], other[:count]) for one, other in pairs):
            return count
    return 0


def check_counts(case: BatchesCase, code: str, found: Epoch, n: int) -> None:
    """Raise Violation of law `code` if a sample is missing from the epoch or comes more than once."""
    if not found.unchanged:
        if len(found.order) != n:
            raise failure(case, code, "the epoch", f"of {len(found.order)} samples", f"{n}, each once")
        return
    times = np.bincount(found.order, minlength=n)
    if (times != 1).any():
        at = int(np.argmax(times != 1))
        missing, repeated = int((times == 0).sum()), int((times > 1).sum())
        last, cause = code == "last-batch", NO_CAUSE
        if missing == n:
            cause = Cause("empty-epoch", "often a position that is not set back to 0 when an epoch begins")
        elif missing and repeated:
            cause = Cause("with-replacement", "often sampling with replacement")
        elif missing and last:
            cause = Cause("last-batch-dropped", "often a partial last batch that is dropped")
        elif missing:
            cause = Cause("range-too-short", "often a range that ends too early")
        elif last or np.bincount(np.concatenate(found.rows[:-1]), minlength=n).max() == 1:
            cause = Cause("last-batch-filled", "often a last batch that is filled up with samples of earlier ones")
        elif shared := _shared_by_neighbors(found.rows):
            text = f"each batch begins with the last {counted(shared, 'sample')} of the one before"
            cause = Cause("step-too-short", f"{text}, as if the step between them was too short")
        raise failure(case, code, f"sample {at}", f"seen {times[at]} times in an epoch of {n}", "once", cause)
