"""The base class of layers: parameters, their gradients, state, two modes."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from nnlaw.spec.arrays import Array


class Layer:
    """A differentiable map y = f(x; params) on batches (N, ...). A layer of your own may derive from it or not.

    `forward` stores what `backward` needs. `backward` takes dy, fills `grads` with sums over the batch and returns dx.
    `params`, `grads` and `state` are dicts of arrays, empty until a layer fills them, whether or not its constructor
    calls that of the base class. `training` is False in evaluation mode; `needs_dx` is False on the first layer.
    """

    training = True
    needs_dx = True

    @cached_property
    def params(self) -> dict[str, Array]:
        """The trained arrays by name."""
        return {}

    @cached_property
    def grads(self) -> dict[str, Array]:
        """The gradient of each parameter, under the same names."""
        return {}

    @cached_property
    def state(self) -> dict[str, Array]:
        """Arrays that are saved with the weights but not trained."""
        return {}

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Create `params` for inputs of `shape`, the shape of one sample. By default there is nothing to create."""

    def forward(self, x: Array) -> Array:
        """y for x."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """dx for dy, after filling `grads`; may be None if `needs_dx` is False."""
        raise NotImplementedError
