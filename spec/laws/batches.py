"""The laws of batches: images keep their labels, every sample comes once an epoch, and the caller's arrays stay."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import own_seed, seeded
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import Inconclusive, Violation

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
    pairs = [_pair(case, batch) for batch in islice(stream, 4 * n)]
    images = [a for a, _ in pairs]
    return Epoch(images, [b for _, b in pairs], [known(a) for a in images], x, y, next(stream, None) is not None)


def _pair(case: BatchesCase, batch: Any) -> tuple[Array, Array]:
    """Copies, since a buffer may be used again."""
    if isinstance(batch, tuple | list) and len(batch) == 2:
        x, y = np.array(batch[0]), np.array(batch[1])
        if x.shape[1:] == (PIXELS,) and x.shape[:1] == y.shape:
            if len(x):
                return x, y
            raise _broken(case, "batch-size", "a batch", "empty", "at least one sample")
        found = f"x of shape {x.shape} with y of shape {y.shape}"
    else:
        found = f"a {type(batch).__name__}"
    raise _broken(case, "paired", "a batch", found, f"a pair x of shape (n, {PIXELS}), y of shape (n,)")


def _broken(case: BatchesCase, code: str, array: str, actual: str, expected: str, cause: str = "") -> Violation:
    return Violation(code, where=case.where, array=array, actual=actual, expected=expected, cause=cause)


@law(
    "batch-size",
    kind="batches",
    family="shape",
    statement="Batches have the size asked for: none is empty or larger, and where there is enough, one is full.",
)
def batch_size(case: BatchesCase) -> None:
    """Whole batches, a partial last one, and a set smaller than a batch."""
    for n in (EVEN, ODD, FEW):
        sizes = [len(rows) for rows in epoch(case, n).rows]
        if sizes and (max(sizes) > SIZE or (n == EVEN and max(sizes) < SIZE)):
            raise _broken(case, "batch-size", "the largest batch", f"of {max(sizes)} samples", f"{SIZE}, as asked for")


@law(
    "paired",
    kind="batches",
    family="reproducibility",
    statement="Every image comes with its own label.",
    rests_on=("batch-size",),
)
def paired(case: BatchesCase) -> None:
    """Where images are changed on their way, as by augmentation, only a majority of wrong labels tells."""
    for n in (EVEN, ODD):
        found = epoch(case, n)
        order, labels = found.order, np.concatenate([*found.labels, np.zeros(0, np.int64)])
        told = (order >= 0) & (order < n)
        if not found.as_handed_in and len(np.unique(order[told])) < 0.8 * n:
            raise Inconclusive("images are changed on their way, so much that they cannot be told apart")
        expected = samples(n)[1][order.clip(0, n - 1)]
        wrong = told & (labels != expected)
        if wrong.sum() > (0 if found.as_handed_in else 0.5 * told.sum()):
            at = first_index(wrong)
            raise _broken(
                case,
                "paired",
                f"the label of image {at[0]} of the epoch",
                f"{labels[at]}, with sample {order[at]}",
                f"{expected[at]}",
                "images and labels put in order by two different permutations",
            )


@law(
    "once-per-epoch",
    kind="batches",
    family="convergence",
    statement="Every sample comes once in an epoch, and the epoch ends.",
    rests_on=("paired",),
)
def once_per_epoch(case: BatchesCase) -> None:
    """A set of whole batches, three epochs of one generator."""
    rng = case.rng
    for _ in range(3):
        found = epoch(case, EVEN, rng)
        if found.endless:
            raise _broken(case, "once-per-epoch", "the epoch", f"not over after {4 * EVEN} batches", "an end")
        _count(case, "once-per-epoch", found, EVEN)


def _count(case: BatchesCase, code: str, found: Epoch, n: int) -> None:
    if not found.as_handed_in:
        if len(found.order) != n:
            raise _broken(case, code, "the epoch", f"of {len(found.order)} samples", f"{n}, each once")
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
        raise _broken(case, code, f"sample {at}", f"seen {times[at]} times in an epoch of {n}", "once", cause)


@law(
    "last-batch",
    kind="batches",
    family="shape",
    statement="The last batch is kept where it is smaller, also when it is the only one.",
    rests_on=("once-per-epoch",),
)
def last_batch(case: BatchesCase) -> None:
    """A set that is no multiple of the batch, and one smaller than a batch."""
    for n in (ODD, FEW):
        _count(case, "last-batch", epoch(case, n), n)


@law(
    "input-untouched",
    kind="batches",
    family="domain",
    statement="The caller's arrays are neither shuffled nor written to.",
    rests_on=("paired",),
)
def input_untouched(case: BatchesCase) -> None:
    """The arrays handed in, after the epoch."""
    found = epoch(case, ODD)
    for name, after, before in zip(("x", "y"), (found.x, found.y), samples(ODD), strict=True):
        if not np.array_equal(after, before):
            at = first_index(after != before)
            raise _broken(
                case,
                "input-untouched",
                name,
                f"{after[at]:.6g} after the epoch",
                f"{before[at]:.6g}, as it was handed in",
                "rng.shuffle, which shuffles in place; take rng.permutation(len(x)) and index with it",
            ).also(index=at)


@law(
    "seeded",
    kind="batches",
    family="reproducibility",
    statement="The order comes from the generator handed in and from nothing else: same state, same order.",
    rests_on=("paired",),
)
def seeded_by_rng(case: BatchesCase) -> None:
    """An order that is the same for every generator must be no shuffle: few different steps, or steps told by y."""

    def draw(rng: np.random.Generator) -> Array:
        return np.concatenate([*epoch(case, EVEN, rng).images, np.zeros((0, PIXELS), np.float32)])

    one, two = seeded(draw, case.seed, where=case.where, array="the epoch")
    if not np.array_equal(one, two) or len(one) != EVEN:
        return
    order = known(one)
    steps = len(np.unique(np.diff(order) % EVEN))
    if steps > EVEN // 3 and not _follows_the_data(case, order):
        raise own_seed("the order of samples", case.where)


def _follows_the_data(case: BatchesCase, order: Array) -> bool:
    """Whether the places of an order change with x and y, as those of a curriculum do."""
    x, y = samples(EVEN)
    turned, told = x[::-1].copy(), y[::-1].copy()
    found = np.concatenate([known(np.array(batch[0])) for batch in case(turned, told, SIZE, case.rng)])
    return not np.array_equal(found, EVEN - 1 - order)
