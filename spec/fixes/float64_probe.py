"""A layer, loss or model in float64 at one point: its value, its gradients, and slopes by finite differences.

    for probe in probes(case):                     # at several scales; in training mode and in evaluation mode
        value, grads = probe.run({})               # grads["x"] of the input, the others by parameter
        probe.slope({"x": step})                   # of the value along a step, by central differences

The value is the loss, or Σ dy·y of a layer. `kind` is a variant of the class to use instead of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64, move_constants
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase, ModelCase
from nnlaw.spec.subjects.subject import Run, Subject

STEP = 1e-6
MODEL_ROWS = 4  # of a model's batch
FEW = 2  # of a batch for a quick check, which a complete one follows
LAYER_SCALES = (1.0, 0.3, 8.0)  # of a layer's input, as in law gradient
LOSS_SCALES = (1.0, 5.0, 40.0)  # of a loss's predictions

Steps = Mapping[str, Array]
Found = tuple[float, dict[str, Array]]
Calls = Sequence[tuple[str, Sequence[Any]]]
T = TypeVar("T")


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
    def run(self, steps: Steps, kind: Subject | None = None) -> Found:
        """The value with the arrays changed by `steps`, and the gradients there. Raises ProbeFailed."""

    def started(self, steps: Steps, kind: Subject | None = None) -> Callable[[], Found]:
        """What run() does; another process may begin it now. The function returns the result, or raises ProbeFailed."""
        return partial(self.run, steps, kind)

    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        """The value alone. Raises ProbeFailed."""
        return self.run(steps, kind)[0]

    def slopes(self, steps: Sequence[Steps], kind: Subject | None = None) -> list[float]:
        """The slope of the value along each of the steps. Raises ProbeFailed."""
        moved = [[{name: h * u for name, u in step.items()} for h in (STEP, -STEP)] for step in steps]
        return [(self.value(high, kind) - self.value(low, kind)) / (2 * STEP) for high, low in moved]

    def slope(self, step: Steps, kind: Subject | None = None) -> float:
        """The slope of the value along `step`. Raises ProbeFailed."""
        (slope,) = self.slopes([step], kind)
        return slope


class CaseProbe(Float64Probe):
    """A probe that makes calls of new copies of a subject."""

    @abstractmethod
    def calls(self, steps: Steps) -> Calls:
        """The calls that compute the value and the gradients."""

    @abstractmethod
    def read(self, run: Run) -> Found:
        """The value and the gradients from what the calls return."""

    def run(self, steps: Steps, kind: Subject | None = None) -> Found:
        return self.started(steps, kind)()

    def value(self, steps: Steps, kind: Subject | None = None) -> float:
        return self.value_started(steps, kind)()

    def slopes(self, steps: Sequence[Steps], kind: Subject | None = None) -> list[float]:
        moved = [{name: h * u for name, u in step.items()} for step in steps for h in (STEP, -STEP)]
        values = [started() for started in [self.value_started(each, kind) for each in moved]]
        return [(high - low) / (2 * STEP) for high, low in zip(values[::2], values[1::2], strict=True)]

    def started(self, steps: Steps, kind: Subject | None = None) -> Callable[[], Found]:
        return self.begun(self.calls(steps), steps, kind, self.read)

    def value_started(self, steps: Steps, kind: Subject | None = None) -> Callable[[], float]:
        """What value() does, likewise begun now."""
        return self.begun(self.calls(steps), steps, kind, lambda run: self.read(run)[0])

    def begun(
        self, calls: Calls, steps: Steps, kind: Subject | None, read: Callable[[Run], T]
    ) -> Callable[[], T]:
        """Begin calls of a new copy, of class `kind`, with its parameters changed."""
        params = {name: self.arrays[name] + step for name, step in steps.items() if name != "x"}
        with code_under_test():
            result = self.thing.started(calls, variant=kind, params=params)

        def found() -> T:
            with code_under_test():
                return read(result())

        return found


@dataclass
class _LayerProbe(CaseProbe):
    x: Array = field(default_factory=lambda: np.zeros(0))
    dy: Array = field(default_factory=lambda: np.zeros(0))

    def calls(self, steps: Steps) -> Calls:
        return [("forward", [self.x + steps.get("x", 0)]), ("backward", [self.dy])]

    def value_started(self, steps: Steps, kind: Subject | None = None) -> Callable[[], float]:
        return self.begun(self.calls(steps)[:1], steps, kind, lambda run: float(np.vdot(self.dy, run.results[0])))

    def read(self, run: Run) -> Found:
        y, dx = run.results
        grads = {"x": dx} | run.grads
        return float(np.vdot(self.dy, y)), {name: grads[name] for name in self.arrays}


@dataclass
class _LossProbe(CaseProbe):
    target: Array = field(default_factory=lambda: np.zeros(0))

    def calls(self, steps: Steps) -> Calls:
        return [("forward", [self.arrays["x"] + steps.get("x", 0), self.target]), ("backward", [])]

    def read(self, run: Run) -> Found:
        value, gradient = run.results
        return float(value), {"x": gradient}


@dataclass
class _ModelProbe(CaseProbe):
    x: Array = field(default_factory=lambda: np.zeros(0))
    labels: Array = field(default_factory=lambda: np.zeros(0))

    def calls(self, steps: Steps) -> Calls:
        return [("loss_and_grads", [self.x, self.labels])]

    def read(self, run: Run) -> Found:
        value, grads = run.results[0]
        return float(value), {name: grads.get(name, np.zeros_like(array)) for name, array in self.arrays.items()}


def probes(case: Case, rows: int = MODEL_ROWS) -> Iterator[CaseProbe]:
    """A probe for each point; empty if the code has no gradient. A model gets so many rows. Raises ProbeFailed."""
    rng = np.random.default_rng(0x5EED)
    if isinstance(case, LayerCase):
        point = np.array(case.x, np.float64)
        for training in (True, False):
            layer = case.layer.copy(values={"needs_dx": True, "training": training}, float64=True)
            for scale in LAYER_SCALES:
                x = np.array(inside_domain(layer, scale * point, point), np.float64)
                with code_under_test():
                    run = layer.run([("forward", [x])])
                    dy = rng.standard_normal(np.shape(run.results[0]))
                arrays = {"x": x} if layer.attribute("has_dx", True) else {}
                yield _LayerProbe(layer, arrays | run.params, not training, x, dy)
    elif isinstance(case, LossCase):
        prediction = np.array(case.prediction, np.float64)
        for scale in LOSS_SCALES:
            loss = case.fresh()
            x = inside_domain(loss, scale * prediction, prediction)
            yield _LossProbe(loss, {"x": x}, target=np.array(case.target))
    elif isinstance(case, ModelCase):
        model = in_float64(case.model)
        x, labels = np.array(case.x[:rows], np.float64), case.labels[:rows]
        with code_under_test():
            move_constants(model, x, labels)
        yield _ModelProbe(model, dict(model.params), x=x, labels=labels)
