"""Cases: one unit to check, with the inputs and settings that its laws need.

    LayerCase("mine", layer, x)        LossCase("mine", loss, prediction, target)

Laws work on deep copies (`case.fresh()`), so masks and running statistics start the same each time and no law changes
the code that it checks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.subjects.copies import copy_with_generators, generator_states
from nnlaw.spec.violation import Location

STREAM = 0x1A57  # so that laws and the author's default_rng(seed) get different random numbers
SMOOTHING = 0.9  # of the loss in a ProgressCase
SKIPPED = 997  # random numbers that are skipped to get different ones


@dataclass
class Case:
    """One unit to check: its name in diagnostics, and a random seed for its laws."""

    kind: ClassVar[str]
    path: str
    seed: int = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    """The registered name. A unit with a standard name, this one or that of `like`, is compared with spec/reference."""

    @property
    def rng(self) -> np.random.Generator:
        """A new generator for each law, independent of default_rng(seed), which x may come from."""
        return np.random.default_rng((self.seed, STREAM))


@dataclass
class LayerCase(Case):
    """A built layer and a batch x, (N, ...), that fits it. `contract` is used if the class has no @obeys."""

    kind = "layer"
    layer: Any
    x: Array
    contract: str | None = None
    make: Callable[[np.random.Generator], Any] | None = field(default=None, kw_only=True)
    """Builds another such layer from a generator, for the law `round-trip`."""

    def fresh(self, training: bool | None = None, *, skip_random: bool = False) -> Any:
        """A deep copy in the given mode, or in its present one.

        With `skip_random` its generators are advanced, so that its random numbers differ.
        """
        layer, generators = copy_with_generators(self.layer)
        for generator in generators if skip_random else ():
            for _ in range(SKIPPED):
                generator.random()
        layer.needs_dx = True
        if training is not None:
            layer.training = training
        return layer

    @property
    def is_random(self) -> bool:
        """Whether forward uses a random generator in training mode."""
        layer, generators = copy_with_generators(self.layer)
        layer.training = True
        before = generator_states(generators)
        layer.forward(self.x)
        return generator_states(generators) != before

    @property
    def other_x(self) -> Array:
        """Another batch of the same shape, within the layer's domain."""
        return inside_domain(self.layer, self.x[::-1] * self.x.dtype.type(1.5), self.x[::-1])

    def location(self, method: str) -> Location:
        """Location of one of the layer's methods."""
        return Location.of(getattr(type(self.layer), method), self.path)


@dataclass
class LossCase(Case):
    """A loss, predictions (N, C), and a target of the declared kind."""

    kind = "loss"
    loss: Any
    prediction: Array
    target: Array

    def fresh(self) -> Any:
        """A deep copy of the loss."""
        return copy_with_generators(self.loss)[0]

    def location(self, method: str) -> Location:
        """Location of one of the loss's methods."""
        return Location.of(getattr(type(self.loss), method), self.path)


@dataclass
class ModelCase(Case):
    """A whole network in its present state, and a small batch of real data.

    `make(rng)` builds another from a generator; `reload()`, if given, builds one from saved arrays.
    `quick` is for a model in training: its calls are checked anyway, and its gradients along one direction only.
    """

    kind = "model"
    model: Any
    make: Callable[[np.random.Generator], Any]
    x: Array
    labels: Array
    reload: Callable[[], Any] | None = None
    quick: bool = False

    def fresh(self) -> Any:
        """A deep copy of the model."""
        return copy.deepcopy(self.model)

    def location(self, method: str) -> Location:
        """Location of one of the model's methods."""
        return Location.of(getattr(type(self.model), method), self.path)


@dataclass
class OptimizerCase(Case):
    """An optimizer; `make()` constructs a new one with the same settings."""

    kind = "optimizer"
    make: Callable[[], Any]

    def location(self, method: str) -> Location:
        """Location of one of the optimizer's methods."""
        return Location.of(getattr(type(self.make()), method), self.path)


@dataclass
class FunctionCase(Case):
    """A function: `thing` as registered, with its declared attributes, and the settings to call it with."""

    thing: Callable[..., Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any) -> Any:
        return self.thing(*args, **self.settings)

    @property
    def location(self) -> Location:
        """Location of the function; its name is not repeated after the path."""
        return replace(Location.of(self.thing, self.path), method="")


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
    """Any function of arrays, with inputs and its declaration: a shape contract and further laws."""

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
    """The loss and update ratio of the latest step, and the smoothed loss so far. `feed` adds the next step."""

    kind: ClassVar[str] = "training"
    step: int = 0
    loss: float = 0.0
    ratio: float = 0.0
    started_small: bool = False
    total: int = 0
    """The number of steps of the whole training; 0 if unknown."""
    promised: float = field(default=0.0, init=False)
    first: float = field(default=0.0, init=False)
    smooth: float = field(default=0.0, init=False)

    def copy(self) -> ProgressCase:
        """A copy of all values."""
        return copy.copy(self)

    def feed(self, loss: float, ratio: float, promise: float = 0.0) -> None:
        """Add the loss of the next step, its update-to-weight ratio, and −g·Δw, the decrease of the loss that the
        gradient predicts."""
        self.step += 1
        self.promised += promise
        self.loss, self.ratio = loss, ratio
        if self.step == 1:
            self.first = self.smooth = loss
        else:
            self.smooth += (1 - SMOOTHING) * (loss - self.smooth)
