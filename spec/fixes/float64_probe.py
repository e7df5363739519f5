"""A layer, loss or model in float64 at one point: its value, its gradients, and slopes by finite differences.

    for probe in probes(case):                     # at several scales; in training mode and in evaluation mode
        value, grads = probe.run({})               # grads["x"] of the input, the others by parameter
        probe.slope({"x": step})                   # of the value along a step, by central differences

The value is the loss, or Σ dy·y of a layer. `kind` is a variant of the class to use instead of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64, move_constants
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.subjects.subject import Run, Subject

STEP = 1e-6
MODEL_ROWS = 4  # of a model's batch
LAYER_SCALES = (1.0, 0.3, 8.0)  # of a layer's input, as in law gradient
LOSS_SCALES = (1.0, 5.0, 40.0)  # of a loss's predictions

Steps = Mapping[str, Array]


class ProbeFailed(Exception):
    """The code under test raises at this point, which no law has checked."""


@contextmanager
def code_under_test() -> Iterator[None]:
    """Turn exceptions of the code under test into ProbeFailed, so that bugs of this package are not hidden."""
    try:
        yield
    except Exception as error:
        raise ProbeFailed from error


@dataclass
class Float64Probe(ABC):
    """`thing` in float64, and the arrays that may be changed: "x", if it has a gradient, and the parameters by name."""

    thing: Subject
    arrays: dict[str, Array]
    evaluation: bool = False
    """Whether it is in evaluation mode."""

    @abstractmethod
    def run(self, steps: Steps, kind: Subject | None = None) -> tuple[float, dict[str, Array]]:
        """The value with the arrays changed by `steps`, and the gradients there. Raises ProbeFailed."""

    @abstractmethod
    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        """The value alone. Raises ProbeFailed."""

    def slope(self, step: Steps, kind: Subject | None = None) -> float:
        """The slope of the value along `step`. Raises ProbeFailed."""
        high, low = (self.value({name: h * u for name, u in step.items()}, kind) for h in (STEP, -STEP))
        return (high - low) / (2 * STEP)

    def results(
        self, calls: Sequence[tuple[str, Sequence[Any]]], steps: Steps, kind: Subject | None
    ) -> Run:
        """Calls of a new copy, of class `kind`, with its parameters changed."""
        params = {name: self.arrays[name] + step for name, step in steps.items() if name != "x"}
        with code_under_test():
            return self.thing.run(calls, variant=kind, params=params)


@dataclass
class _LayerProbe(Float64Probe):
    x: Array = field(default_factory=lambda: np.zeros(0))
    dy: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        run = self.results([("forward", [self.x + steps.get("x", 0)])], steps, kind)
        with code_under_test():
            return float(np.vdot(self.dy, run.results[0]))

    def run(self, steps: Steps, kind: Subject | None = None) -> tuple[float, dict[str, Array]]:
        run = self.results([("forward", [self.x + steps.get("x", 0)]), ("backward", [self.dy])], steps, kind)
        with code_under_test():
            y, dx = run.results
            grads = {"x": dx} | run.grads
            return float(np.vdot(self.dy, y)), {name: grads[name] for name in self.arrays}


@dataclass
class _LossProbe(Float64Probe):
    target: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        return self.run(steps, kind)[0]

    def run(self, steps: Steps, kind: Subject | None = None) -> tuple[float, dict[str, Array]]:
        inputs = [self.arrays["x"] + steps.get("x", 0), self.target]
        run = self.results([("forward", inputs), ("backward", [])], {}, kind)
        with code_under_test():
            value, gradient = run.results
            return float(value), {"x": gradient}


@dataclass
class _ModelProbe(Float64Probe):
    x: Array = field(default_factory=lambda: np.zeros(0))
    labels: Array = field(default_factory=lambda: np.zeros(0))

    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        return self.run(steps, kind)[0]

    def run(self, steps: Steps, kind: Subject | None = None) -> tuple[float, dict[str, Array]]:
        run = self.results([("loss_and_grads", [self.x, self.labels])], steps, kind)
        with code_under_test():
            value, grads = run.results[0]
            return float(value), {name: grads.get(name, np.zeros_like(array)) for name, array in self.arrays.items()}


def probes(case: Case) -> Iterator[Float64Probe]:
    """A probe for each point; empty if the code has no gradient. Raises ProbeFailed."""
    rng = np.random.default_rng(0x5EED)
    if isinstance(case, LayerCase):
        point = np.array(case.x, np.float64)
        for training in (True, False):
            layer = case.layer.copy(values={"needs_dx": True, "training": training}, float64=True)
            for scale in LAYER_SCALES:
                x = np.array(inside_domain(layer, scale * point, point), np.float64)
                with code_under_test():
                    dy = rng.standard_normal(np.shape(layer.copy().forward(x)))
                arrays = {"x": x} if layer.attribute("has_dx", True) else {}
                yield _LayerProbe(layer, arrays | dict(layer.params), not training, x, dy)
    elif isinstance(case, LossCase):
        prediction = np.array(case.prediction, np.float64)
        for scale in LOSS_SCALES:
            loss = case.fresh()
            x = inside_domain(loss, scale * prediction, prediction)
            yield _LossProbe(loss, {"x": x}, target=np.array(case.target))
    elif isinstance(case, ModelCase):
        model = in_float64(case.model)
        x, labels = np.array(case.x[:MODEL_ROWS], np.float64), case.labels[:MODEL_ROWS]
        with code_under_test():
            move_constants(model, x, labels)
        yield _ModelProbe(model, dict(model.params), x=x, labels=labels)
