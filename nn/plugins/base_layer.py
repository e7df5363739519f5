"""What every layer has: parameters, their gradients, state, two modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array


class Layer:
    """A differentiable map y = f(x; params) on batches (N, ...). Base of the built-in layers; yours need not derive.

    `forward` keeps what `backward` needs; `backward` takes dy, fills `grads` with sums over the batch, returns dx.
    """

    params: dict[str, Array]
    grads: dict[str, Array]
    state: dict[str, Array]
    training: bool
    needs_dx: bool

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        made = super().__new__(cls)
        made.params, made.grads, made.state = {}, {}, {}
        made.training = made.needs_dx = True
        return made

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make `params` for inputs of `shape`, which leaves N out. Nothing to make by default."""

    def forward(self, x: Array) -> Array:
        """x to y."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """dy to dx, having filled `grads`; None where `needs_dx` is false."""
        raise NotImplementedError
