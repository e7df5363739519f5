"""Models of npdl as fit trains them, and the batches that fit feeds them, in the words of the protocol."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from shared import state_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    import npdl
from as_npdl import speaking


class Network:
    """npdl.Model of these layers, its loss SCCE, its gradients as fit collects them, over N: zip(params, grads)."""

    kinds: tuple[Callable[[int], Any], ...] = ()

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator):
        self.rng = state_of(rng)
        with speaking("float32", self.rng):
            self.model = npdl.Model([make(n_out) for make in self.kinds])
            self.model.layers[0].n_in = n_in
            self.model.compile(loss=npdl.objectives.SCCE(), optimizer=npdl.optimizers.SGD())
        self.params = {str(i): array for i, array in enumerate(self.collected("params"))}

    def collected(self, name: str) -> list[Any]:
        """As Model.fit: one list over all layers."""
        return [array for layer in self.model.layers for array in getattr(layer, name)]

    def loaded(self) -> None:
        """The arrays of params into the layers, in their order."""
        arrays = iter(self.params.values())
        for layer in self.model.layers:
            for name in ("W", "b"):
                if hasattr(layer, name):
                    setattr(layer, name, next(arrays))

    def predict(self, x: Any) -> Any:
        self.loaded()
        dtype = next(iter(self.params.values())).dtype
        with speaking(dtype, self.rng):
            return self.model.predict(x).astype(dtype)

    def loss_and_grads(self, x: Any, labels: Any) -> tuple[float, dict[str, Any]]:
        y = self.predict(x)
        target = np.eye(y.shape[1])[labels]
        with speaking(y.dtype, self.rng):
            slope = self.model.loss.backward(y, target)
            for layer in self.model.layers[::-1]:
                slope = layer.backward(slope)
        grads = dict(zip(self.params, self.collected("grads"), strict=False))
        return float(self.model.loss.forward(y, target)), {name: g / len(x) for name, g in grads.items()}


class Perceptron(Network):
    """Dense, and a softmax."""

    kinds = (lambda n: npdl.layers.Dense(6), lambda n: npdl.layers.Softmax(n))


class Dropped(Network):
    """With a dropout between."""

    kinds = (lambda n: npdl.layers.Dense(6), lambda n: npdl.layers.Dropout(0.5), lambda n: npdl.layers.Softmax(n))


class Seen(npdl.layers.Layer):
    """Between a model and its data: keeps what fit feeds it."""

    def __init__(self) -> None:
        self.batches: list[Any] = []

    def connect_to(self, prev_layer: Any = None) -> None:
        pass

    def forward(self, input: Any, *args: Any, **kwargs: Any) -> Any:
        self.batches.append(input.copy())
        return np.zeros((len(input), 1))

    def backward(self, pre_grad: Any, *args: Any, **kwargs: Any) -> Any:
        return pre_grad


class Hyperparameters(npdl.objectives.MSE):
    """A loss that keeps its targets."""

    def __init__(self) -> None:
        self.targets: list[Any] = []

    def backward(self, outputs: Any, targets: Any) -> Any:
        self.targets.append(targets[:, 0].copy())
        return outputs


class Silent(npdl.Model):
    """A Model that reports no accuracy, which fails where there was no batch."""

    def accuracy(self, outputs: Any, targets: Any) -> float:
        return 0.0


def fed(x: Any, y: Any, batch_size: int, rng: np.random.Generator, kind: Any = npdl.Model) -> Iterator[Any]:
    """The batches of one epoch of Model.fit."""
    model = kind([Seen()])
    model.compile(loss=Hyperparameters(), optimizer=npdl.optimizers.SGD())
    outside = np.random.get_state()
    with speaking(x.dtype, state_of(rng)):
        model.fit(x, y[:, None], max_iter=1, batch_size=batch_size, file=io.StringIO())
    np.random.set_state(outside)
    yield from zip(model.layers[0].batches, model.loss.targets, strict=True)
