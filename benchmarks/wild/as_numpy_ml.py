"""The layers of numpy-ml in the words of the protocol."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import old_names  # noqa: F401  # numpy-ml imports a name that Python dropped
from shared import cast, claiming, drawing, state_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old escapes in its docstrings
    from numpy_ml.neural_nets import layers

STATE = ("running_mean", "running_var")


class Layer:
    """A layer of numpy-ml, initialized by a first forward; `forward` and `backward` are those of one training step."""

    def __init__(self, make: Callable[[], Any], **claims: Any):
        self.make = make
        claiming(self, **claims)

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = state_of(rng)
        with drawing(self.rng):
            self.layer = self.make()
            self.pass_through(np.ones((2, *shape)))
        self.layer.flush_gradients()
        arrays = self.layer.parameters
        self.params = {name: array for name, array in arrays.items() if name not in STATE}
        self.state = {name: array for name, array in arrays.items() if name in STATE}

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x, retain_derived=False)

    def forward(self, x: Any) -> Any:
        self.loaded()
        self.layer.flush_gradients()
        with drawing(self.rng):
            return cast(self.answer(x), x)

    def loaded(self) -> None:
        for name, array in (self.params | self.state).items():
            self.layer.parameters[name] = array

    def answer(self, x: Any) -> Any:
        return self.layer.forward(x)

    def backward(self, dy: Any) -> Any:
        for name, array in self.layer.gradients.items():
            self.layer.gradients[name] = np.zeros_like(array)
        dx = cast(self.slopes(dy), dy)
        self.kept(self.layer.gradients, dy)
        return dx

    def slopes(self, dy: Any) -> Any:
        return self.layer.backward(dy)

    def kept(self, gradients: dict[str, Any], dy: Any) -> None:
        for name in self.params:
            self.grads[name] = cast(gradients[name], dy)


class Norm(Layer):
    """A batch normalization: frozen in eval, where the gradient of its affine map is supplied."""

    couples_samples, like = True, "batchnorm"

    def answer(self, x: Any) -> Any:
        self.layer.trainable = self.training
        y = self.layer.forward(x)
        self.layer.trainable, self.x = True, x
        self.state = {name: self.layer.parameters[name] for name in STATE}
        return y

    def backward(self, dy: Any) -> Any:
        if self.training:
            return super().backward(dy)
        over = tuple(range(dy.ndim - 1))
        deviation = np.sqrt(self.state["running_var"] + self.layer.epsilon)
        z = (self.x - self.state["running_mean"]) / deviation
        self.kept({"scaler": (dy * z).sum(axis=over), "intercept": dy.sum(axis=over)}, dy)
        return cast(dy * self.params["scaler"] / deviation, dy)


class Dropped(Layer):
    """The wrapper Dropout around a layer: frozen in eval, where the wrapped layer answers alone."""

    def __init__(self, make: Callable[[], Any], copied: bool):
        super().__init__(make)
        self.copied = copied

    def answer(self, x: Any) -> Any:
        self.layer._base_layer.trainable = self.training
        y = self.layer.forward(x)
        self.layer._base_layer.trainable = True
        return y

    def slopes(self, dy: Any) -> Any:
        dy = dy.copy() if self.copied else dy
        return self.layer.backward(dy) if self.training else self.layer._base_layer.backward(dy)


class Parts(Layer):
    """A layer of several inputs, which are parts of x along its last axis."""

    count, as_list = 2, True

    def pass_through(self, x: Any) -> Any:
        return self.answer(x)

    def answer(self, x: Any) -> Any:
        parts = np.split(x, self.count, axis=-1)
        return self.layer.forward(parts) if self.as_list else self.layer.forward(*parts)

    def slopes(self, dy: Any) -> Any:
        return np.concatenate(self.layer.backward(dy), axis=-1)


class Attention(Parts):
    """Queries, keys and values; where `mended`, its softmax is flushed with it."""

    count, as_list = 3, False

    def __init__(self, mended: bool):
        super().__init__(layers.DotProductAttention)
        self.mended = mended

    def answer(self, x: Any) -> Any:
        if self.mended:
            self.layer.softmax.flush_gradients()
        return super().answer(x)


class Cell(Layer):
    """A recurrent cell over the steps of x (N, n, T); where `mended`, what flushing leaves in its sums is put right."""

    def __init__(self, make: Callable[[], Any], mended: bool):
        super().__init__(make)
        self.mended = mended

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x[:, :, 0])

    def answer(self, x: Any) -> Any:
        if self.mended:
            self.layer.derived_variables |= {"dLdA_accumulator": None, "dLdC_accumulator": None}
        steps = [self.layer.forward(x[:, :, t]) for t in range(x.shape[2])]
        return np.dstack([step[0] if isinstance(step, tuple) else step for step in steps])

    def slopes(self, dy: Any) -> Any:
        kept = dict(self.layer.derived_variables)
        found = [self.layer.backward(dy[:, :, t]) for t in reversed(range(dy.shape[2]))]
        self.layer.derived_variables |= kept  # backward counts down, and answers once
        return np.dstack(found[::-1])


class Sequence(Layer):
    """A recurrent layer."""

    def pass_through(self, x: Any) -> Any:
        return self.layer.forward(x)


class Sparse(Layer):
    """The mask is no parameter."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        super().build(shape, rng)
        self.state = {"W_mask": self.params.pop("W_mask")}
