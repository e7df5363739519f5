"""Cases: one unit to check, with the inputs and settings that its laws need.

    LayerCase("mine", layer, x)        LossCase("mine", loss, prediction, target)

The object that is passed becomes a Subject. Laws work on deep copies of it (`case.fresh()`), so masks and running
statistics start the same each time and no law changes the code that it checks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.recipe import Recipe
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Location

STREAM = 0x1A57  # so that laws and the author's default_rng(seed) get different random numbers
SMOOTHING = 0.9  # of the loss in a ProgressCase
SKIPPED = 997  # random numbers that are skipped to get different ones


def _making_subjects(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, with the subject of what it returns; None stays None."""

    def made(*args: Any) -> Any:
        found = make(*args)
        return None if found is None else subject_of(found)

    return made


@dataclass
class Case:
    """One unit to check: its name in diagnostics, and a random seed for its laws."""

    kind: ClassVar[str]
    path: str
    seed: int = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    """The registered name. A unit with a standard name, this one or that of `like`, is compared with spec/reference."""
    registered: bool = field(default=True, kw_only=True)
    """Whether its author declared it a unit of nnlaw. Laws of the protocol bind no other code."""
    is_second: bool = field(default=False, kw_only=True)
    """Whether its settings and sizes are not the author's: only the laws of AT_ANY_SETTING check it."""
    moved: tuple[str, ...] = field(default=(), kw_only=True)
    """The settings that have a second value."""
    recipe: Recipe | None = field(default=None, kw_only=True)
    """How a script calls the unit, if a few lines can."""
    values_only: bool = field(default=False, kw_only=True)
    """Whether it computes no gradient, so that only the law `definition` checks it."""

    @property
    def rng(self) -> np.random.Generator:
        """A new generator for each law, independent of default_rng(seed), which x may come from."""
        return np.random.default_rng((self.seed, STREAM))


@dataclass
class LayerCase(Case):
    """A built layer and a batch x, (N, ...), that fits it. `contract` is used if the class has no @obeys."""

    kind = "layer"
    layer: Subject
    x: Array
    contract: str | None = None
    make: Callable[[np.random.Generator], Any] | None = field(default=None, kw_only=True)
    """Builds another such layer from a generator, for the law `round-trip`."""

    def __post_init__(self) -> None:
        self.layer = subject_of(self.layer)
        self.make = _making_subjects(self.make) if self.make is not None else None

    def fresh(self, training: bool | None = None, *, skip_random: bool = False) -> Subject:
        """A deep copy in the given mode, or in its present one.

        With `skip_random` its generators are advanced, so that its random numbers differ.
        """
        layer = self.layer.copy(values={"needs_dx": True} | ({} if training is None else {"training": training}))
        if skip_random:
            layer.skip_random(SKIPPED)
        return layer

    @property
    def is_random(self) -> bool:
        """Whether forward uses a random generator in training mode."""
        layer = self.fresh(True)
        before = layer.generator_states()
        layer.forward(self.x)
        return layer.generator_states() != before

    @property
    def other_x(self) -> Array:
        """Another batch of the same shape, within the layer's domain."""
        return inside_domain(self.layer, self.x[::-1] * self.x.dtype.type(1.5), self.x[::-1])

    def location(self, method: str) -> Location:
        """Location of one of the layer's methods."""
        return self.layer.location(method, self.path)


@dataclass
class LossCase(Case):
    """A loss, predictions (N, C), and a target of the declared kind. `array` is what the predictions are called."""

    kind = "loss"
    loss: Subject
    prediction: Array
    target: Array
    array: str = field(default="prediction", kw_only=True)

    def __post_init__(self) -> None:
        self.loss = subject_of(self.loss)

    def fresh(self) -> Subject:
        """A deep copy of the loss."""
        return self.loss.copy()

    def location(self, method: str) -> Location:
        """Location of one of the loss's methods."""
        return self.loss.location(method, self.path)


@dataclass
class ModelCase(Case):
    """A whole network in its present state, and a small batch of real data.

    `make(rng)` builds another from a generator; `reload()`, if given, builds one from saved arrays.
    `quick` is for a model in training: its calls are checked anyway, and its gradients along one direction only.
    """

    kind = "model"
    model: Subject
    make: Callable[[np.random.Generator], Any]
    x: Array
    labels: Array
    reload: Callable[[], Any] | None = None
    quick: bool = False

    def __post_init__(self) -> None:
        self.model = subject_of(self.model)
        self.make = _making_subjects(self.make)
        self.reload = _making_subjects(self.reload) if self.reload is not None else None

    def fresh(self) -> Subject:
        """A deep copy of the model."""
        return self.model.copy()

    def location(self, method: str) -> Location:
        """Location of one of the model's methods."""
        return self.model.location(method, self.path)


@dataclass
class OptimizerCase(Case):
    """An optimizer; `make()` constructs a new one with the same settings. `lr` is the learning rate to try it with."""

    kind = "optimizer"
    make: Callable[[], Any]
    lr: float = 0.1

    def __post_init__(self) -> None:
        self.make = _making_subjects(self.make)

    def location(self, method: str) -> Location:
        """Location of one of the optimizer's methods."""
        found: Location = self.make().location(method, self.path)
        return found


@dataclass
class FunctionCase(Case):
    """A function: `thing` as registered, with its declared attributes, and the settings to call it with."""

    thing: Subject
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.thing = subject_of(self.thing)

    def __call__(self, *args: Any) -> Any:
        return self.thing(*args, **self.settings)

    def take(self, count: int, *args: Any) -> tuple[list[Any], bool]:
        """The first `count` items that it yields, and whether there are more."""
        return self.thing.take(count, *args, **self.settings)

    @property
    def location(self) -> Location:
        """Location of the function; its name is not repeated after the path."""
        return replace(self.thing.location(unit=self.path), method="")


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
class UtilityCase(FunctionCase):
    """(**inputs of an example of its definition) -> an output or a list of them, such as (labels, classes) -> array."""

    kind = "utility"


@dataclass
class ArrayCase(Case):
    """Any function of arrays, with inputs and its declaration: a shape contract and further laws."""

    kind = "function"
    thing: Subject
    inputs: list[Array]
    declaration: Any

    def __post_init__(self) -> None:
        self.thing = subject_of(self.thing)


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
