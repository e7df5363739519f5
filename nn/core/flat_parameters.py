"""One flat parameter buffer and one flat gradient buffer per model; each array of the model is a view into them.

An optimizer then is a line of vectorized arithmetic, and "all gradients are finite" is one dot product per layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite, sqrt
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

SAMPLED = 1024  # evenly spaced weights on which the update-to-weight ratio is measured
CACHE_LINE = 64  # bytes; a buffer begins at a cache line, so that no vector load straddles two


class FlatParameters:
    """Binds a model's `params`, and its `grads` if it has them, to views of two flat arrays w and g.

    `decays` is 1 for the weights that decay (those of matrices) and 0 for biases and the parameters of normalizations.
    Raises BadInput for a model without parameters.
    """

    def __init__(self, model: Any) -> None:
        params = model.params
        size = sum(np.size(array) for array in params.values())
        if not size:
            raise BadInput("the model has no parameters, expected something to train")
        self.w, self.g = _aligned_zeros(size), _aligned_zeros(size)
        self.views: dict[str, Array] = {}
        self.decays = np.zeros(size, np.float32)
        grads = getattr(model, "grads", None)
        start = 0
        ends: dict[str, tuple[int, int]] = {}
        for name in grouped_by_layer(params):
            shape, stop = np.shape(params[name]), start + np.size(params[name])
            self.w[start:stop] = np.ravel(params[name])
            self.decays[start:stop] = len(shape) > 1
            params[name] = self.w[start:stop].reshape(shape)
            self.views[name] = self.g[start:stop].reshape(shape)
            if grads is not None:
                grads[name] = self.views[name]
            layer = layer_of(name)
            ends[layer] = (ends.get(layer, (start, stop))[0], stop)
            start = stop
        self.layers: dict[str, Array] = {layer: self.g[a:b] for layer, (a, b) in ends.items()}
        stride = max(1, size // SAMPLED) | 1  # an odd stride meets every column of a matrix of even width
        self.sampled_w, self.sampled_g = self.w[::stride], self.g[::stride]
        self.previous = self.sampled_w.copy()

    def collect(self, grads: Mapping[str, Array]) -> None:
        """Copy in the gradients that a layer assigned instead of writing into its view."""
        for name, view in self.views.items():
            if grads[name] is not view:
                view[...] = grads[name]

    def norms(self) -> list[float]:
        """‖g‖ per layer; not finite as soon as one entry is not."""
        return [sqrt(np.dot(g, g)) for g in self.layers.values()]

    def measure_update(self, gradient: Array) -> tuple[float, float]:
        """‖Δw‖/‖w‖ of the update since the last call, and −g·Δw, the decrease of the loss that the gradient predicts.

        Both are measured on every k-th weight, about 1,024 of them; `gradient` is g at these weights.
        """
        now = self.sampled_w.copy()
        before, self.previous = self.previous, now
        change = now - before
        weights, update = float(np.dot(before, before)), float(np.dot(change, change))
        decrease = -float(np.dot(gradient, change))
        if not isfinite(weights + update + decrease):  # too large to be squared in float32
            before, change, gradient = (array.astype(np.float64) for array in (before, change, gradient))
            weights, update = float(np.dot(before, before)), float(np.dot(change, change))
            decrease = -float(np.dot(gradient, change))
        ratio = sqrt(update / weights) if weights > 0 else float(update > 0)
        return ratio, decrease * self.w.size / self.sampled_w.size


def layer_of(name: str) -> str:
    """The layer of a parameter: the part of its name before the last dot."""
    return name.rpartition(".")[0] or name


def grouped_by_layer(names: Iterable[str]) -> list[str]:
    """The parameter names, grouped by layer, in the order in which the layers first appear."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(layer_of(name), []).append(name)
    return [name for group in groups.values() for name in group]


def _aligned_zeros(size: int) -> Array:
    """Float32 zeros that begin at a cache line."""
    room = np.zeros(size + CACHE_LINE // 4, np.float32)
    start = -(room.ctypes.data // 4) % (CACHE_LINE // 4)
    return room[start : start + size]
