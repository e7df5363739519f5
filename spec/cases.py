"""What an audit is handed: one thing to judge, with all that its laws need to probe it.

Every probe works on a fresh deep copy, so that masks and running statistics are the same each time and no audit
changes what it judges.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from spec.arrays import Array
from spec.violation import Where


@dataclass
class Case:
    """One thing to judge: its path in diagnostics, and a seed for whatever a probe draws."""

    kind: ClassVar[str]
    path: str
    seed: int = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    """What it is registered as. A standard name, like a claim `like`, holds it to spec/definitions.py."""

    @property
    def rng(self) -> np.random.Generator:
        """A generator that starts afresh for every law."""
        return np.random.default_rng(self.seed)


@dataclass
class LayerCase(Case):
    """A built layer, and a batch x, (N, ...), of the shape that it takes. `contract` stands in for an absent @obeys."""

    kind = "layer"
    layer: Any
    x: Array
    contract: str | None = None

    def fresh(self) -> Any:
        """A deep copy, so that no probe sees what another left behind."""
        return copy.deepcopy(self.layer)

    def where(self, method: str) -> Where:
        """The place of one of the layer's methods."""
        return Where.of(getattr(type(self.layer), method), self.path)


@dataclass
class LossCase(Case):
    """A loss, predictions (N, C), and a target of the kind that it claims."""

    kind = "loss"
    loss: Any
    prediction: Array
    target: Array

    def fresh(self) -> Any:
        """A deep copy of the loss."""
        return copy.deepcopy(self.loss)

    def where(self, method: str) -> Where:
        """The place of one of the loss's methods."""
        return Where.of(getattr(type(self.loss), method), self.path)


@dataclass
class ModelCase(Case):
    """A whole network as it stands, and a small batch of real data.

    `make(rng)` builds another from a generator; `reload()` builds one from what was saved, where something was.
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

    def where(self, method: str) -> Where:
        """The place of one of the model's methods."""
        return Where.of(getattr(type(self.model), method), self.path)


@dataclass
class OptimizerCase(Case):
    """An optimizer; `make()` gives a fresh one, with its settings and without a past."""

    kind = "optimizer"
    make: Callable[[], Any]

    def where(self, method: str) -> Where:
        """The place of one of the optimizer's methods."""
        return Where.of(getattr(type(self.make()), method), self.path)


@dataclass
class FunctionCase(Case):
    """A plugin that is a function: `thing` as registered, with its claims, and the settings that it is called with."""

    thing: Callable[..., Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any) -> Any:
        return self.thing(*args, **self.settings)

    @property
    def where(self) -> Where:
        """The place of the function."""
        return Where.of(self.thing, self.path)


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
    obligation: Any


@dataclass
class DataCase(Case):
    """Prepared data: standardized training inputs (N, ...), labels in [0, C), and the raw images of both sets."""

    kind = "data"
    x: Array
    labels: dict[str, Array]
    images: dict[str, Array]
    classes: int
