"""A plugin in float64 at one point: the number that it reports, the gradients it gives, and the slopes along a step.

    for probe in probes(case):                     # near, nearer and far; in training and in eval
        value, grads = probe.answer()              # grads["x"] by the input, the others by parameter
        probe.slope({"x": step})                   # how the number changes along a step, by central differences

`kind` stands in everywhere for the plugin's own class: a class that was compiled anew, with the same attributes.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase, ModelCase

STEP = 1e-6
ROWS = 4  # of a model's batch
SCALES = (1.0, 0.3, 8.0)  # of a layer's input, as law gradient takes them
FAR = (1.0, 5.0, 40.0)  # of a loss's predictions

Moved = Mapping[str, Array]


class Unanswered(Exception):
    """The plugin fails where it is probed, at a point at which no law has asked it."""


@contextmanager
def asked() -> Iterator[None]:
    """Whatever the plugin raises in here is Unanswered, so that a mistake of ours is not taken for it."""
    try:
        yield
    except Exception as error:
        raise Unanswered from error


@dataclass
class Probe(ABC):
    """`thing` in float64, and the arrays that may be moved: "x", and the parameters by name."""

    thing: Any
    arrays: dict[str, Array]
    place: str = ""
    """What is special about the point, in words."""

    @abstractmethod
    def run(self, moved: Moved, kind: type | None = None) -> tuple[float, dict[str, Array]]:
        """The number after the arrays were moved, and the gradients there."""

    @abstractmethod
    def value(self, moved: Moved, kind: type | None = None) -> float:
        """The number alone."""

    def slope(self, step: Moved, kind: type | None = None) -> float:
        """The slope of the number along `step`."""
        sides = [self.value({name: h * u for name, u in step.items()}, kind) for h in (STEP, -STEP)]
        return (sides[0] - sides[1]) / (2 * STEP)

    def twin(self, moved: Moved, kind: type | None) -> Any:
        """A fresh copy, of that class, with its parameters moved."""
        twin = copy.deepcopy(self.thing)
        if kind is not None:
            twin.__class__ = kind
        for name, step in moved.items():
            if name != "x":
                twin.params[name] = twin.params[name] + step
        return twin


@dataclass
class _Layer(Probe):
    dy: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, moved: Moved, kind: type | None = None) -> float:
        with asked():
            layer = self.twin(moved, kind)
            return float(np.vdot(self.dy, layer.forward(self.arrays["x"] + moved.get("x", 0))))

    def run(self, moved: Moved, kind: type | None = None) -> tuple[float, dict[str, Array]]:
        with asked():
            layer = self.twin(moved, kind)
            value = float(np.vdot(self.dy, layer.forward(self.arrays["x"] + moved.get("x", 0))))
            dx = layer.backward(self.dy.copy())  # a change may write where it should not
            return value, {"x": dx} | {name: layer.grads[name] for name in getattr(layer, "params", None) or {}}


@dataclass
class _Loss(Probe):
    target: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, moved: Moved, kind: type | None = None) -> float:
        with asked():
            return float(self.twin({}, kind).forward(self.arrays["x"] + moved.get("x", 0), self.target.copy()))

    def run(self, moved: Moved, kind: type | None = None) -> tuple[float, dict[str, Array]]:
        with asked():
            loss = self.twin({}, kind)
            value = float(loss.forward(self.arrays["x"] + moved.get("x", 0), self.target.copy()))
            return value, {"x": loss.backward()}


@dataclass
class _Model(Probe):
    x: Array = field(default_factory=lambda: np.zeros(0))
    labels: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, moved: Moved, kind: type | None = None) -> float:
        return self.run(moved, kind)[0]

    def run(self, moved: Moved, kind: type | None = None) -> tuple[float, dict[str, Array]]:
        with asked():
            model = self.twin(moved, kind)
            value, grads = model.loss_and_grads(self.x.copy(), self.labels.copy())
            return float(value), {name: grads.get(name, np.zeros_like(array)) for name, array in model.params.items()}


def probes(case: Case) -> Iterator[Probe]:
    """A probe for each point, the plainest first; none for what has no gradient. Raises Unanswered."""
    rng = np.random.default_rng(0x5EED)
    if isinstance(case, LayerCase):
        point = np.array(case.x, np.float64)
        for training in (True, False):
            layer = in_float64(case.layer)
            layer.needs_dx, layer.training = True, training
            for scale in SCALES:
                x = np.array(inside_domain(layer, scale * point, point), np.float64)
                with asked():
                    dy = rng.standard_normal(np.shape(copy.deepcopy(layer).forward(x)))
                yield _Layer(layer, {"x": x} | dict(getattr(layer, "params", None) or {}), "" if training else EVAL, dy)
    elif isinstance(case, LossCase):
        given = np.array(case.prediction, np.float64)
        for scale in FAR:
            loss = copy.deepcopy(case.loss)
            yield _Loss(loss, {"x": inside_domain(loss, scale * given, given)}, "", np.array(case.target))
    elif isinstance(case, ModelCase):
        model = in_float64(case.model)
        x, labels = np.array(case.x[:ROWS], np.float64), case.labels[:ROWS]
        yield _Model(model, dict(model.params), "", x, labels)


EVAL = "in eval"
