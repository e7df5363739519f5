"""Recurrent code: how it is recognized, and what it takes and returns.

    is_recurrent(type(network))                   its source has the words of recurrent networks
    for place, y in outputs_of(returned, layout, 5, 3): ...      outputs (5, C), or (5, 3, C) with one per step
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.slots import array_slots, attributes_of
from nnlaw.spec.discovery.source_text import source_text

STEPS = 3  # fewer hide mistakes between steps, more than 4 meet backpropagation that is truncated
RECURRENT = re.compile(
    r"rnn|lstm|(?<![a-z])gru(?![a-z])|recurren|elman|jordan|bptt|time_?steps?\b|seq_?len|sequence_?len|"
    r"hidden_?state|through_?time|W_?hh|W_?aa\b",
    re.I,
)  # fmt: skip
PREVIOUS, PREVIOUS_WIDTH = re.compile(r"h_?prev|prev_?h\b", re.I), re.compile(r"w_?prev|prev_?w\b", re.I)
"""A state of the step before; or the height of the input of a convolution, which has a width, too."""
LENGTH = re.compile(r"(^t$|seq\w*_?len|sequence_?length|time_?steps?|n_?steps|seq_?size|cell_?length|unroll)", re.I)
LAYOUTS_OF_SEQUENCES = ("rows", "time first", "features first", "time first, columns", "one column", "one", "time last")
WITHOUT_TIME = {"time first": "rows", "features first": "columns", "time first, columns": "columns", "time last": "one"}
"""The layout of an array without a time axis in code that takes sequences in this layout, if it differs."""


def is_recurrent(*things: Any) -> bool:
    """Whether the source of a class or a function has the words of recurrent networks."""
    for thing in things:
        text = re.sub(r"#.*", "", source_text(thing))
        if RECURRENT.search(text) or (PREVIOUS.search(text) and not PREVIOUS_WIDTH.search(text)):
            return True
    return False


def length_of(instance: Any, settings: Mapping[str, Any]) -> int:
    """The number of steps that the code is set up for, else a few."""
    numbers = {**settings, **attributes_of(instance)}.items()
    found = (value for name, value in numbers if type(value) is int and LENGTH.search(name) and 1 < value <= 64)
    return next(found, STEPS)


def without_time(layout: Layout) -> Layout:
    """The layout of targets and outputs that have no time axis."""
    return LAYOUTS[WITHOUT_TIME.get(layout.name, layout.name)]


def state_shapes(instance: Any, layout: Layout) -> list[tuple[int, ...]]:
    """Shapes of an initial state to try; 0 means the number of samples."""
    arrays = [array for _, array in array_slots(instance) if array.ndim == 2]
    square = [array.shape[0] for array in arrays if array.shape[0] == array.shape[1]]
    sizes = list(dict.fromkeys([*square, *(size for array in arrays[:4] for size in array.shape)]))[:4]
    if layout.single:
        return [shape for size in sizes for shape in ((size, 1), (size,), (1, size))]
    columns = without_time(layout).name == "columns"
    return [(size, 0) if columns else (0, size) for size in sizes]


def outputs_of(returned: Any, layout: Layout, samples: int, steps: int) -> Iterator[tuple[int, Array]]:
    """The parts of a returned value that may be the output, (N, C), or (N, T, C) with one per step, by their place."""
    parts = list(returned) if isinstance(returned, tuple) else [returned]
    for place, part in enumerate(parts):
        array = _as_array(part, steps)
        if array is not None and not np.isin(array, (0, 1)).all():  # such are the inputs
            for y in _as_rows(array, layout, samples, steps):
                yield place, y


def _as_array(part: Any, steps: int) -> Array | None:
    """An array of floats, or those of each step in a list or a dict, stacked."""
    if isinstance(part, Mapping):
        part = [part[key] for key in part if isinstance(key, int) and key >= 0]
    try:
        found = np.asarray(part[-steps:] if isinstance(part, list) else part)
    except (TypeError, ValueError):
        return None
    return found if found.dtype.kind == "f" and found.ndim else None


def _as_rows(array: Array, layout: Layout, samples: int, steps: int) -> Iterator[Array]:
    if layout.single:
        flat = array.reshape([size for size in array.shape if size > 1] or [1])
        if layout.name == "time last" and flat.ndim == 2:
            flat = flat.T
        if flat.ndim == 1:
            yield flat[None]
            if flat.size == steps:
                yield flat[None, :, None]
        elif flat.ndim == 2 and len(flat) == steps:
            yield flat[None]
        return
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    y = layout.to_rows(array) if array.ndim == 3 else without_time(layout).to_rows(array) if array.ndim == 2 else array
    if y.ndim == 3 and y.shape[:2] == (samples, steps):
        yield y
    elif y.ndim == 2 and len(y) == samples:
        yield y
        if y.shape[1] == steps:
            yield y[:, :, None]
