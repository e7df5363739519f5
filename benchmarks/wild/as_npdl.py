"""The layers, activations, losses, optimizers and initializers of npdl in the words of the protocol."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from shared import cast, claiming, settings, state_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    import npdl


@contextmanager
def speaking(dtype: Any, rng: Any = None) -> Iterator[None]:
    """npdl's global dtype, and its generator, inside."""
    kept = npdl.utils.get_dtype(), npdl.utils.get_rng()
    npdl.utils.set_dtype(np.dtype(dtype).name)
    npdl.utils.set_rng(kept[1] if rng is None else rng)
    try:
        yield
    finally:
        npdl.utils.set_dtype(kept[0])
        npdl.utils.set_rng(kept[1])


class Layer:
    """A layer of npdl, made by `make(shape)`; `grads` names the attributes of its gradients."""

    def __init__(self, make: Callable[[tuple[int, ...]], Any], grads: dict[str, str] | None = None, **claims: Any):
        self.make, self.names = make, grads or {}
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = state_of(rng)
        with speaking("float32", self.rng):
            self.layer = self.make(shape)
            self.layer.connect_to(SimpleNamespace(out_shape=(None, *shape)))
        self.params = {name: np.array(getattr(self.layer, name)) for name in self.names}

    def forward(self, x: Any) -> Any:
        with speaking(x.dtype, self.rng):
            for name, array in self.params.items():
                setattr(self.layer, name, array)
            return cast(self.answer(x), x)

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x)

    def backward(self, dy: Any) -> Any:
        with speaking(dy.dtype, self.rng):
            dx = cast(self.layer.backward(dy), dy)
        for name, gradient in self.names.items():
            self.grads[name] = cast(getattr(self.layer, gradient), dy)
        return dx


class Dropout(Layer):
    """forward takes the mode; in eval, where npdl's backward has no answer of its own, 1 − p is supplied if asked."""

    def __init__(self, p: float, supplied: bool, **claims: Any):
        super().__init__(lambda shape: npdl.layers.Dropout(p), **claims)
        self.supplied = supplied

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x, train=self.training)

    def backward(self, dy: Any) -> Any:
        if self.supplied and not self.training:
            return dy * dy.dtype.type(1 - self.layer.p)
        return super().backward(dy)


class Activation:
    """forward, and backward as every layer of npdl has it: dy times the derivative, of what forward kept or of x."""

    def __init__(self, make: Callable[[], Any], of_input: bool = False, **claims: Any):
        self.activation, self.of_input = make(), of_input
        claiming(self, **claims)

    def forward(self, x: Any) -> Any:
        self.x = x
        with speaking(x.dtype):
            return cast(self.activation.forward(x), x)

    def backward(self, dy: Any) -> Any:
        with speaking(dy.dtype):
            return cast(dy * self.activation.derivative(*[self.x] * self.of_input), dy)


class Loss:
    """The number, and the gradient divided by `scale(N)`."""

    def __init__(self, make: Callable[[], Any], divided: bool, **claims: Any):
        self.loss, self.divided = make(), divided
        claiming(self, **claims)

    def forward(self, prediction: Any, target: Any) -> float:
        self.kept = prediction, target
        return float(self.loss.forward(prediction, target))

    def backward(self) -> Any:
        found = self.loss.backward(*self.kept)
        return cast(found / (len(self.kept[0]) if self.divided else 1), self.kept[0])


class Joined(Loss):
    """An output activation of npdl and the loss it belongs to, of logits."""

    def __init__(self, activation: Callable[[], Any], make: Callable[[], Any], one_hot: bool, **claims: Any):
        super().__init__(make, True, domain="logits", **claims)
        self.activation, self.one_hot = activation(), one_hot

    def forward(self, prediction: Any, target: Any) -> float:
        t = np.eye(prediction.shape[1], dtype=prediction.dtype)[target] if self.one_hot else target
        with speaking(prediction.dtype):
            return super().forward(self.activation.forward(prediction), t)

    def backward(self) -> Any:
        with speaking(self.kept[0].dtype):
            return cast(super().backward() * self.activation.derivative(), self.kept[0])


class Optimizer:
    """update([w], [g]), with lr set to what is handed in; its lists of arrays are the state."""

    def __init__(self, make: Callable[[], Any], like: str, memory: tuple[str, ...] = (), *told: str):
        self.optimizer, self.like, self.memory = make(), like, memory
        claiming(self, **settings(self.optimizer, *told))

    def step(self, w: Any, g: Any, lr: float) -> None:
        self.optimizer.lr = lr
        with speaking(w.dtype):
            self.optimizer.update([w], [g])

    @property
    def state(self) -> dict[str, Any]:
        kept = {name: getattr(self.optimizer, name) for name in self.memory}
        return {"iterations": self.optimizer.iterations} | {k: v[0] for k, v in kept.items() if v is not None}

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self.optimizer.iterations = saved["iterations"]
        for name in self.memory:
            setattr(self.optimizer, name, [saved[name]] if name in saved else None)


def decayed(t: float) -> float:
    """The factor on lr after 100·t updates of SGD(lr=1, decay=0.01)."""
    optimizer = npdl.optimizers.SGD(lr=1.0, decay=0.01)
    for _ in range(round(100 * t)):
        optimizer.update([np.zeros(1)], [np.zeros(1)])
    return float(optimizer.lr)


def initializer(make: Callable[[], Any], **claims: Any) -> Any:
    """An initializer that draws from npdl's generator."""

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Any:
        with speaking("float32", state_of(rng)):
            return make()(shape)

    return claiming(initialize, **claims)
