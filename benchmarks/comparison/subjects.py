"""Plugins as the functions that a gradient checker can be pointed at, in float64.

    for harness, function in functions(record):         ("layer in training", <function of x, W, b>), ...
        y = function.value(*function.points)
        slopes = function.slopes(dy)                    of the latest value, one for each point

A layer is a function of its input and its parameters, in training and in eval; a loss one of the prediction; a model's
loss one of its parameters. Each is one instance that is called again and again, as in anyone's own test, with two
kindnesses: generators that it holds are set back before each call, so that dropout draws the same mask; and the
parameters are moved a little away from where they begin, for a gain of 1 or a bias of 0 hides mistakes.
"""

from __future__ import annotations

import copy
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spec.cases import Case, LayerCase, LossCase, ModelCase, copied
from spec.gradient import in_float64
from spec.plugin import cases
from spec.record import Record

Array = NDArray[Any]
KINDS = ("layer", "loss", "model")


def functions(record: Record) -> Iterator[tuple[str, Function]]:
    """Everything that a plugin of one of KINDS can be checked as, each with the name of its harness."""
    for case in cases(record):
        yield from _functions(case)


def _functions(case: Case) -> Iterator[tuple[str, Function]]:
    if isinstance(case, LayerCase):
        yield "layer in training", LayerFunction(case, training=True)
        yield "layer in eval", LayerFunction(case, training=False)
    elif isinstance(case, LossCase):
        yield "loss", LossFunction(case)
    elif isinstance(case, ModelCase):
        yield "loss of a model", ModelFunction(case)


class Function(ABC):
    """A function of float64 arrays, and its slopes as the plugin has them."""

    points: list[Array]

    def __init__(self, thing: Any) -> None:
        self.thing, generators = copied(in_float64(thing))
        self.rewind = [_rewinder(generator) for generator in generators]

    def value(self, *points: Array) -> Any:
        """What the plugin answers at these points, from generators that stand where they stood at first."""
        for back in self.rewind:
            back()
        return self.answer(*points)

    @abstractmethod
    def answer(self, *points: Array) -> Any:
        """What the plugin answers."""

    @abstractmethod
    def slopes(self, dy: Any) -> tuple[Any, ...]:
        """The slopes at the latest value, times dy, of every point."""


class LayerFunction(Function):
    """y of x and the parameters, which are bound anew at each call, as their owner may."""

    def __init__(self, case: LayerCase, training: bool) -> None:
        super().__init__(case.layer)
        self.thing.training, self.thing.needs_dx = training, True
        self.names = list(self.thing.params)
        self.points = [np.array(case.x, np.float64, order="C"), *_moved(self.thing.params)]

    def answer(self, *points: Array) -> Any:
        x, *params = points
        self.thing.params.update(zip(self.names, params, strict=True))
        return self.thing.forward(x)

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        dx = self.thing.backward(dy)
        return dx, *(self.thing.grads[name] for name in self.names)


class LossFunction(Function):
    """The loss of a prediction, with the target held."""

    def __init__(self, case: LossCase) -> None:
        super().__init__(case.loss)
        self.points = [np.array(case.prediction, np.float64, order="C")]
        self.target = case.target.astype(np.float64) if case.target.dtype.kind == "f" else case.target

    def answer(self, *points: Array) -> Any:
        return self.thing.forward(*points, self.target)

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        return (dy * self.thing.backward(),)


class ModelFunction(Function):
    """The loss of a whole model as a function of its parameters, with the batch held."""

    def __init__(self, case: ModelCase) -> None:
        super().__init__(case.model)
        self.x, self.labels = case.x.astype(np.float64), case.labels
        self.names = list(self.thing.params)
        self.points = _moved(self.thing.params)

    def answer(self, *points: Array) -> Any:
        self.thing.params.update(zip(self.names, points, strict=True))
        loss, self.grads = self.thing.loss_and_grads(self.x, self.labels)
        return loss

    def slopes(self, dy: Any) -> tuple[Any, ...]:
        return tuple(dy * self.grads[name] for name in self.names)


def _moved(params: dict[str, Array]) -> list[Array]:
    """Copies of the parameters, by a tenth of a standard deviation away."""
    rng = np.random.default_rng(1)
    return [np.array(p) + 0.1 * rng.standard_normal(np.shape(p)) for p in params.values()]


def _rewinder(generator: Any) -> Callable[[], None]:
    """Sets a generator back to where it stands now."""
    if isinstance(generator, np.random.Generator):
        state = copy.deepcopy(generator.bit_generator.state)
        return lambda: setattr(generator.bit_generator, "state", state)
    if isinstance(generator, random.Random):
        known = generator.getstate()
        return lambda: generator.setstate(known)
    legacy = generator.get_state()
    return lambda: generator.set_state(legacy)
