"""How code takes a batch: samples as rows or columns, or one sample per call.

    layout = LAYOUTS["columns"]
    layout.split(x)           the arrays to call the code with: [x.T]
    layout.join([y])          from what it returns back to rows

Laws see batches whose first axis is the sample, in any layout of the code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array


@dataclass(frozen=True)
class Layout:
    """One way to take a batch, with the words for it."""

    name: str
    describe: str
    to_code: Callable[[Array], Array]
    to_rows: Callable[[Array], Array]
    single: bool = False
    """Whether the code takes one sample per call; the functions then convert one sample."""

    def split(self, x: Array) -> list[Array]:
        """The arrays to call the code with, one after the other."""
        return [self.to_code(row) for row in x] if self.single else [self.to_code(x)]

    def join(self, parts: Sequence[Array]) -> Array:
        """One array with the samples as rows."""
        return np.stack([self.to_rows(np.asarray(part)) for part in parts]) if self.single else self.to_rows(
            np.asarray(parts[0])
        )


def _same(x: Array) -> Array:
    return x


def _swap(x: Array) -> Array:
    """Samples and time swapped; an array without a time axis as it is."""
    return np.swapaxes(x, 0, 1) if x.ndim > 2 else x


LAYOUTS = {
    row.name: row
    for row in (
        Layout("rows", "samples are rows", _same, _same),
        Layout("as given", "inputs as given", _same, _same),
        Layout("columns", "samples are columns", lambda x: np.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, -1, 0)),
        Layout("rows of columns", "each sample is a column in a batch", lambda x: x[..., None],
               lambda x: x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x),
        Layout("vector", "one output per sample, as a vector", lambda x: x[:, 0] if x.ndim == 2 else x,
               lambda x: x[:, None] if x.ndim == 1 else x),
        Layout("time first", "time is the first axis", _swap, _swap),
        Layout("time first, columns", "time is the first axis and samples are the last",
               lambda x: np.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, -1, 0)),
        Layout("features first", "features are the first axis, samples the second and time is the last",
               lambda x: np.moveaxis(x, -1, 0) if x.ndim > 2 else x,
               lambda x: np.moveaxis(x, 0, -1) if x.ndim > 2 else x),
        Layout("time last", "one sequence per call, time is the last axis", lambda x: x.T, lambda x: x.T, True),
        Layout("one row", "one sample per call, a row", lambda x: x[None], lambda x: x[0] if len(x) == 1 else x, True),
        Layout("one column", "one sample per call, a column", lambda x: x[..., None],
               lambda x: x[..., 0] if x.ndim and x.shape[-1] == 1 else x, True),
        Layout("one", "one sample per call", _same, _same, True),
        Layout("batch of one row", "one sample per call, a row in a batch", lambda x: x[None, None], np.squeeze, True),
        Layout("batch of one column", "one sample per call, a column in a batch", lambda x: x[None, ..., None],
               np.squeeze, True),
    )
}  # fmt: skip
