"""What a reference gets, and what it is: a standard name with its source and its accepted variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.settings import Settings
from nnlaw.spec.violation import Cause

Arrays = list[Array]


@dataclass(frozen=True)
class Given:
    """The inputs x of a unit, or the predictions of a loss with their target, and what is known of the instance.

    Several inputs of one sample, of the shapes in `inputs`, are side by side in x, and so are several outputs.
    `output` is the shape of the output of the first x; it is empty if it is unknown.
    """

    points: Arrays
    params: Mapping[str, Array] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    target: Array = field(default_factory=lambda: np.zeros(0))
    inputs: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] = ()

    def split(self, x: Array) -> Arrays:
        """The inputs that are side by side in x, each with the samples as rows."""
        if len(self.inputs) < 2:
            return [x]
        ends = np.cumsum([int(np.prod(shape)) for shape in self.inputs])
        parts = np.split(x, ends[:-1], axis=1)
        return [part.reshape(len(x), *shape) for part, shape in zip(parts, self.inputs, strict=True)]


Variant = Callable[[Given], Iterator[Any]]
"""What a definition gives for each point: arrays for a layer, numbers for a loss. It yields one list for each choice of
what is not known of the instance, such as which array is the gain."""


@dataclass(frozen=True)
class Definition:
    """One standard name: the source of its definition, with the variants that it names, and the functions."""

    source: str
    variants: tuple[Variant, ...]
    mistakes: Mapping[Cause, Variant] = field(default_factory=dict)
    """Usual mistakes, with what a layer computes that makes them."""
