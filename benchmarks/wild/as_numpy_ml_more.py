"""The activations, losses, optimizers and batches of numpy-ml in the words of the protocol."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from shared import cast, claiming, drawing, state_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    from numpy_ml.neural_nets import activations, layers, losses, utils


class Activation:
    """fn, and grad(x) times dy."""

    def __init__(self, make: Callable[[], Any], **claims: Any):
        self.activation = make()
        claiming(self, **claims)

    def forward(self, x: Any) -> Any:
        self.x = x
        return cast(self.activation.fn(x), x)

    def backward(self, dy: Any) -> Any:
        return cast(dy * self.activation.grad(self.x), dy)


class Loss:
    """SquaredError behind the identity, or CrossEntropy behind the softmax; a sum, or over N."""

    def __init__(self, name: str, over_n: bool, **claims: Any):
        self.name, self.over_n = name, over_n
        self.soft = layers.Softmax() if name == "CrossEntropy" else None
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.z, self.y, self.t = prediction, prediction, target
        if self.soft is not None:
            self.y = self.soft.forward(prediction, retain_derived=False)
            self.t = np.eye(prediction.shape[1])[target]
        return float(getattr(losses, self.name).loss(self.t, self.y)) / self.divisor

    @property
    def divisor(self) -> int:
        return len(self.z) if self.over_n else 1

    def backward(self) -> Any:
        of = getattr(losses, self.name)
        more = () if self.soft is not None else (self.z, activations.Affine())
        return cast(of.grad(self.t, self.y, *more) / self.divisor, self.z)


class Optimizer:
    """update(w, g, name), which returns the new array, written into w; lr goes where its scheduler keeps it."""

    def __init__(self, make: Callable[[], Any], like: str, **told: str):
        self.optimizer, self.like = make(), like
        claiming(self, **{name: float(self.optimizer.hyperparameters[of]) for name, of in told.items()})

    def step(self, w: Any, g: Any, lr: float) -> None:
        self.optimizer.lr_scheduler.lr = lr
        self.optimizer.step()
        w[...] = self.optimizer.update(w, g, "w")

    @property
    def state(self) -> dict[str, Any]:
        kept = self.optimizer.cache.get("w", {})
        return dict(kept) if isinstance(kept, dict) else {"w": kept}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.optimizer.cache = {"w": saved.get("w", saved)} if saved else {}


def minibatches(x: Any, y: Any, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """utils.minibatch, which yields indices."""
    with drawing(state_of(rng)):
        found = list(utils.minibatch(x, batchsize=batch_size, shuffle=True)[0])
    yield from ((x[at], y[at]) for at in found)
