"""Layouts and shapes of inputs to try for a layer, by its weights, settings and attributes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from nnlaw.spec.discovery.calls import N_HIDDEN, N_IN, N_OUT, Made, N
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.sequences import is_recurrent, length_of
from nnlaw.spec.discovery.slots import array_slots, attributes_of


def is_convolution(instance: Any) -> bool:
    return any(array.ndim == 4 for _, array in array_slots(instance))


def input_shapes(made: Made, count: int) -> Iterator[tuple[Layout, tuple[tuple[int, ...], ...], int]]:
    """Layouts and shapes of one sample to try, one shape per input; then inputs of integers."""
    rows, columns, one_row = LAYOUTS["rows"], LAYOUTS["columns"], LAYOUTS["one row"]
    one_column, one, time = LAYOUTS["one column"], LAYOUTS["one"], LAYOUTS["time first"]
    sizes = likely_sizes(made)
    flat = [(size,) for size in sizes]
    channels = [size for size in sizes if size <= 4] or [2]
    images = [shape for c in channels for shape in ((c, 4, 6), (4, 6, c))] + [(4, 6, size) for size in sizes[:3]]
    images += [shape for c in channels for shape in ((c, 6, 6), (6, 6, c))]  # code may be for squares only
    planes = [(4, 6), (6, 6)]
    recurrent = is_recurrent(type(made.instance))
    if recurrent:  # other shapes may run by chance
        images, planes = [], []
    sequences = [(5, size) for size in sizes]  # short enough for backpropagation through time that is truncated
    declared = shape_settings(made)
    if count == 0:
        return
    if recurrent:
        steps = length_of(made.instance, made.settings)
        states = list(dict.fromkeys([N_HIDDEN, *sizes[:4]])) if count > 1 else [0]
        for layout in (rows, time, LAYOUTS["time first, columns"], one_column, one):
            for size, state in itertools.product(sizes[:4], states):
                yield layout, ((steps, size), *[(state,)] * (count - 1)), 0
    if count > 1:
        choices: list[tuple[int, ...]] = list(dict.fromkeys([*flat, (N_HIDDEN,), (N_IN,), (N_OUT,)]))
        shapes: tuple[tuple[int, ...], ...]
        for layout in (rows, columns, one_column, one):
            for shapes in itertools.islice(itertools.product(choices, repeat=count), 64):
                yield layout, shapes, 0
        for shapes in itertools.islice(itertools.product(sequences, repeat=count), 16):
            yield rows, shapes, 0
        return
    for shape in declared:
        yield rows, (shape,), 0
    if is_convolution(made.instance) or OF_IMAGES.search(type(made.instance).__name__):
        for shape in images:
            yield rows, (shape,), 0
    for layout in (rows, columns, one_row, one_column, one):
        for shape in flat:
            yield layout, (shape,), 0
    for shape in dict.fromkeys([*((size, 1) for size in sizes[:3]), *images, *sequences, *planes]):
        yield rows, (shape,), 0
    for shape in sequences:
        yield rows, (shape[::-1],), 0
    for shape in sequences:
        yield time, (shape,), 0
    for shape in sequences:
        yield LAYOUTS["time first, columns"], (shape,), 0
    for shape in dict.fromkeys([*declared, *planes, *images, *sequences]):
        yield one, (shape,), 0
    for shape in ((), (7,)):
        for layout in (rows, one):
            for size in dict.fromkeys([*sizes, 7]):
                yield layout, (shape,), size


def likely_sizes(made: Made) -> list[int]:
    """Sizes that an input may have: those of weights, of settings and of integer attributes, then common ones."""
    weights = [array for _, array in array_slots(made.instance) if array.dtype.kind in "fi" and array.ndim]
    sizes: list[int] = [
        value for name, value in made.settings.items()
        if type(value) is int and re.search(r"in|prev|dim|size|feature|channel", name)
    ]  # fmt: skip
    if not weights:  # made by the first call, or there are none: an input of the size of the output would hide mistakes
        sizes += sorted((N_IN, N_HIDDEN), key=lambda size: size in made.settings.values())
    for array in weights[:6]:
        sizes += [array.shape[0], array.shape[-1], *array.shape[1:-1]] if array.ndim > 1 else []
    for array in weights[:6]:
        sizes += [array.shape[0]] if array.ndim == 1 else []
    values = (*made.settings.values(), *attributes_of(made.instance).values())
    sizes += [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return [size for size in dict.fromkeys([*sizes, N_IN, N_HIDDEN]) if 1 < size <= 64][:8] or [N_IN]


OF_IMAGES = re.compile(r"norm\w*2d", re.I)
SHAPE_NAME = re.compile(r"shape|^_?(in|input|img|image|x)_?(dims?|size)$", re.I)


def shape_settings(made: Made) -> list[tuple[int, ...]]:
    """Shapes among the settings and attributes that are called input_shape or alike."""
    found = []
    for name, value in {**attributes_of(made.instance), **made.settings}.items():
        is_shape = isinstance(value, tuple | list) and all(isinstance(v, int) or v is None for v in value)
        if SHAPE_NAME.search(name) and is_shape:
            shape = tuple(v for v in value if v is not None)
            found += [shape, shape[1:]] if len(shape) > 1 else [shape]
    return [shape for shape in dict.fromkeys(found) if shape]


def count_of(shape: tuple[int, ...]) -> int:
    """The samples of a batch, by the shape of one: images are large."""
    return 3 if len(shape) > 2 else 2 if len(shape) == 2 else N
