"""What an audit is handed: one thing to judge, with all that its laws need to probe it.

Every probe works on a fresh deep copy, so that masks and running statistics are the same each time and no audit
changes what it judges.
"""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import within
from nnlaw.spec.violation import Location

STREAM = 0x1A57  # keeps what a law draws apart from what its author drew from the same seed
SMOOTHING = 0.9  # of the loss in a ProgressCase
AHEAD = 997  # numbers by which a generator moves on before it draws something else


def copied(thing: Any) -> tuple[Any, list[Any]]:
    """A deep copy that takes any attribute, and the generators that it holds, however deep."""
    memo: dict[int, Any] = {}
    twin = opened(copy.deepcopy(thing, memo))
    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    return twin, [found for found in memo.values() if isinstance(found, kinds)]


def opened(thing: Any) -> Any:
    """An object of a class with __slots__ moves to a subclass without, where guards and modes find a place."""
    if hasattr(thing, "__dict__"):
        return thing
    kind = type(thing)
    wide: Any = object.__new__(type(kind.__name__, (kind,), {}))
    state = thing.__reduce_ex__(2)[2]
    for name, value in (state[1] if state else {}).items():
        setattr(wide, name, value)
    return wide


@dataclass
class Case:
    """One thing to judge: its path in diagnostics, and a seed for whatever a probe draws."""

    kind: ClassVar[str]
    path: str
    seed: int = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    """What it is registered as. A standard name, like a claim `like`, holds it to spec/definitions."""

    @property
    def rng(self) -> np.random.Generator:
        """A generator that starts afresh for every law, on a stream of its own: x may come from default_rng(seed)."""
        return np.random.default_rng((self.seed, STREAM))


@dataclass
class LayerCase(Case):
    """A built layer, and a batch x, (N, ...), of the shape that it takes. `contract` stands in for an absent @obeys."""

    kind = "layer"
    layer: Any
    x: Array
    contract: str | None = None
    make: Callable[[np.random.Generator], Any] | None = field(default=None, kw_only=True)
    """Builds another such layer from a generator, for the law that saved arrays are all there is to save."""

    def fresh(self, training: bool | None = None, *, other_draws: bool = False) -> Any:
        """A deep copy, so that no probe sees what another left behind, in the given mode or the one it is in.

        With `other_draws` its generators have moved on, so that what it draws is different.
        """
        layer, generators = copied(self.layer)
        for generator in generators if other_draws else ():
            for _ in range(AHEAD):
                generator.random()
        layer.needs_dx = True
        if training is not None:
            layer.training = training
        return layer

    @property
    def draws(self) -> bool:
        """Whether forward takes from a generator in training."""
        layer, generators = copied(self.layer)
        layer.training = True
        before = pickle.dumps(generators)
        layer.forward(self.x)
        return pickle.dumps(generators) != before

    @property
    def other(self) -> Array:
        """Another batch of the same shape, within the layer's domain."""
        return within(self.layer, self.x[::-1] * self.x.dtype.type(1.5), self.x[::-1])

    def location(self, method: str) -> Location:
        """The place of one of the layer's methods."""
        return Location.of(getattr(type(self.layer), method), self.path)


@dataclass
class LossCase(Case):
    """A loss, predictions (N, C), and a target of the kind that it claims."""

    kind = "loss"
    loss: Any
    prediction: Array
    target: Array

    def fresh(self) -> Any:
        """A deep copy of the loss."""
        return copied(self.loss)[0]

    def location(self, method: str) -> Location:
        """The place of one of the loss's methods."""
        return Location.of(getattr(type(self.loss), method), self.path)


@dataclass
class ModelCase(Case):
    """A whole network as it stands, and a small batch of real data.

    `make(rng)` builds another from a generator; `reload()` builds one from what was saved, where something was.
    `quick` is for a model in training, whose calls are judged as they come: one direction stands for all gradients.
    """

    kind = "model"
    model: Any
    make: Callable[[np.random.Generator], Any]
    x: Array
    labels: Array
    reload: Callable[[], Any] | None = None
    quick: bool = False

    def fresh(self) -> Any:
        """A deep copy of the model as it stands."""
        return copy.deepcopy(self.model)

    def location(self, method: str) -> Location:
        """The place of one of the model's methods."""
        return Location.of(getattr(type(self.model), method), self.path)


@dataclass
class OptimizerCase(Case):
    """An optimizer; `make()` gives a fresh one, with its settings and without a past."""

    kind = "optimizer"
    make: Callable[[], Any]

    def location(self, method: str) -> Location:
        """The place of one of the optimizer's methods."""
        return Location.of(getattr(type(self.make()), method), self.path)


@dataclass
class FunctionCase(Case):
    """A plugin that is a function: `thing` as registered, with its claims, and the settings that it is called with."""

    thing: Callable[..., Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any) -> Any:
        return self.thing(*args, **self.settings)

    @property
    def location(self) -> Location:
        """The place of the function."""
        return Location.of(self.thing, self.path)


@dataclass
class InitializerCase(FunctionCase):
    """(rng, shape, fan_in, fan_out) -> array."""

    kind = "initializer"


@dataclass
class ScheduleCase(FunctionCase):
    """(t) -> factor of the base learning rate, t from 0 to 1."""

    kind = "schedule"


@dataclass
class BatchesCase(FunctionCase):
    """(x, y, batch_size, rng) yields the (x, y) batches of one epoch."""

    kind = "batches"


@dataclass
class MetricCase(FunctionCase):
    """(probabilities, labels) -> float."""

    kind = "metric"


@dataclass
class ArrayCase(Case):
    """Any function of arrays, with inputs and the obligation, shape contract and further laws, that it is under."""

    kind = "function"
    thing: Callable[..., Any]
    inputs: list[Array]
    declaration: Any


@dataclass
class DataCase(Case):
    """Prepared data: standardized training inputs (N, ...), labels in [0, C), and the raw images of both sets."""

    kind = "data"
    x: Array
    labels: dict[str, Array]
    images: dict[str, Array]
    classes: int
    given: Array | None = field(default=None, kw_only=True)
    """The labels of all training images, (N,), in the order of `images["training"]`."""


@dataclass
class ProgressCase(Case):
    """The figures of one step, and the memory that the trend needs. `feed` takes the next step in."""

    kind: ClassVar[str] = "training"
    step: int = 0
    loss: float = 0.0
    ratio: float = 0.0
    started_small: bool = False
    total: int = 0
    """The steps of the whole training; 0 where nobody knows."""
    promised: float = field(default=0.0, init=False)
    first: float = field(default=0.0, init=False)
    smooth: float = field(default=0.0, init=False)

    def copy(self) -> ProgressCase:
        """The same figures, to be kept."""
        return copy.copy(self)

    def feed(self, loss: float, ratio: float, promise: float = 0.0) -> None:
        """Take in the loss of the next step, its update-to-weight ratio, and −g·Δw, by which the step would lower the
        loss if that were a plane."""
        self.step += 1
        self.promised += promise
        self.loss, self.ratio = loss, ratio
        if self.step == 1:
            self.first = self.smooth = loss
        else:
            self.smooth += (1 - SMOOTHING) * (loss - self.smooth)
