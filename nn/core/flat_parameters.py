"""One flat parameter buffer and one flat gradient buffer per model, each of its arrays being a view.

So an optimizer is a line of vectorized arithmetic, and "all gradients are finite" is one dot product a layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite, sqrt
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

PROBE = 1024  # weights, evenly spaced, on which the update-to-weight ratio is measured
LINE = 64  # bytes in a cache line, at which a buffer begins: vector loads then never straddle two


class Flat:
    """Binds a model's `params` (and `grads`, where it keeps them) to views of two flat arrays w and g."""

    def __init__(self, model: Any) -> None:
        params = model.params
        size = sum(np.size(array) for array in params.values())
        if not size:
            raise BadInput("the model has no parameters, expected something to train")
        self.w, self.g = _aligned(size), _aligned(size)
        self.views: dict[str, Array] = {}
        self.decays = np.zeros(size, np.float32)
        kept = getattr(model, "grads", None)
        start = 0
        ends: dict[str, tuple[int, int]] = {}
        for name in by_layer(params):
            shape, stop = np.shape(params[name]), start + np.size(params[name])
            self.w[start:stop] = np.ravel(params[name])
            self.decays[start:stop] = len(shape) > 1
            params[name] = self.w[start:stop].reshape(shape)
            self.views[name] = self.g[start:stop].reshape(shape)
            if kept is not None:
                kept[name] = self.views[name]
            layer = layer_of(name)
            ends[layer] = (ends.get(layer, (start, stop))[0], stop)
            start = stop
        self.layers: dict[str, Array] = {layer: self.g[a:b] for layer, (a, b) in ends.items()}
        stride = max(1, size // PROBE) | 1  # odd: it meets every column of a width that is even
        self.probe, self.slope = self.w[::stride], self.g[::stride]
        self.seen = self.probe.copy()

    def collect(self, grads: Mapping[str, Array]) -> None:
        """Copy in the gradients that a layer assigned instead of writing into its view."""
        for name, view in self.views.items():
            if grads[name] is not view:
                view[...] = grads[name]

    def named(self, w: Array) -> dict[str, Array]:
        """A flat array like `w`, cut into arrays under their names."""
        ends = np.cumsum([view.size for view in self.views.values()])
        parts = zip(self.views.items(), ends, strict=True)
        return {name: w[end - view.size : end].reshape(view.shape) for (name, view), end in parts}

    def norms(self) -> list[float]:
        """‖g‖ per layer; not finite as soon as one entry is not."""
        return [sqrt(np.dot(g, g)) for g in self.layers.values()]

    def moved(self, slope: Array) -> tuple[float, float]:
        """‖Δw‖/‖w‖ since the last call, w as it was then; and −g·Δw, by how much a plane of this slope would fall.

        Both are measured on every k-th weight, about 1,024 of them, `slope` being g there.
        """
        now = self.probe.copy()
        before, self.seen = self.seen, now
        change = now - before
        length, way = float(np.dot(before, before)), float(np.dot(change, change))
        fall = -float(np.dot(slope, change))
        if not isfinite(length + way + fall):  # too large to be squared in float32
            before, change, slope = (array.astype(np.float64) for array in (before, change, slope))
            length, way = float(np.dot(before, before)), float(np.dot(change, change))
            fall = -float(np.dot(slope, change))
        ratio = sqrt(way / length) if length > 0 else float(way > 0)
        return ratio, fall * self.w.size / self.probe.size


def layer_of(name: str) -> str:
    """The layer to which a parameter belongs: what comes before its last dot."""
    return name.rpartition(".")[0] or name


def by_layer(names: Iterable[str]) -> list[str]:
    """The names of parameters, those of a layer side by side, in the order in which layers first appear."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(layer_of(name), []).append(name)
    return [name for group in groups.values() for name in group]


def _aligned(size: int) -> Array:
    """Float32 zeros that begin at a cache line."""
    room = np.zeros(size + LINE // 4, np.float32)
    start = -(room.ctypes.data // 4) % (LINE // 4)
    return room[start : start + size]
