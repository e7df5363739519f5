"""One step of training, and one epoch of steps: the textbook loop.

    loss, g = model.loss_and_grads(x, labels)
    w ← optimizer.step(w, g, lr · schedule(t))
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from nnlaw.nn.core.flat_parameters import Flat
from nnlaw.nn.core.rng import generators
from nnlaw.nn.core.state_dict import put
from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.laws.training.loss_trend import loss_trend
from nnlaw.spec.laws.training.update_ratio import update_ratio
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Violation

SMALL = 0.02  # root mean square of weights next to zero
AFTER_A_STEP = "the step before was too long; --strict names the law that fails first"
BEFORE_ANY_STEP = "the network, the loss or the data (no step was taken yet); --strict names the law that fails first"


class Figures(NamedTuple):
    """What one step left behind for metrics.jsonl."""

    step: int
    loss: float
    relative_change: float | None
    gradient_norms: list[float]
    update_ratio: float
    rate: float


@dataclass
class Snapshot:
    """Everything as it stood before a step, so that a broken step can happen again."""

    w: Array
    seen: Array
    state: dict[str, Array]
    optimizer: dict[str, Any]
    generators: dict[str, Any]
    progress: ProgressCase
    done: int
    previous: float | None


@dataclass
class Trainer:
    """A model, its flat buffers, and what moves them. `docket` is there only under --strict."""

    model: Any
    optimizer: Any
    schedule: Callable[[float], float]
    lr: float
    steps: int
    clip_norm: float | None = None
    check_log: CheckLog | None = None

    def __post_init__(self) -> None:
        self.flat = Flat(self.model)
        self.optimizer.decays = self.flat.decays
        self.done = 0
        self.previous: float | None = None
        self.promise = 0.0
        self.generators = generators({"model": self.model, "optimizer": self.optimizer})
        small = float(np.sqrt(np.mean(np.square(self.flat.w)))) < SMALL
        self.progress = ProgressCase("training", started_small=small, total=self.steps)

    def step(self, x: Array, labels: Array) -> Figures:
        """One update on one batch. Raises Violation where the loss is not finite, or, armed, where a law is broken."""
        flat = self.flat
        loss, grads = self.model.loss_and_grads(x, labels)
        flat.collect(grads)
        norms = flat.norms()
        if not isfinite(loss) or (self.check_log is not None and not isfinite(sum(norms))):
            self._accuse(loss)
        slope = flat.slope.copy()
        if self.clip_norm is not None:
            self._clip(norms)
        rate = self.lr * self.schedule(min(1.0, self.done / self.steps))
        self.optimizer.step(flat.w, flat.g, rate)
        ratio, self.promise = flat.moved(slope)
        if self.check_log is not None:
            self._judge(loss, ratio)
        self.done += 1
        change = (loss - self.previous) / abs(self.previous) if self.previous else None
        self.previous = loss
        return Figures(self.done, loss, change, norms, ratio, rate)

    def take_snapshot(self) -> Snapshot:
        """What is about to change, copied: weights, layer state, optimizer, generators, counters."""
        state = getattr(self.model, "state", None)
        memory = getattr(self.optimizer, "state", None)
        return Snapshot(
            self.flat.w.copy(),
            self.flat.seen,
            {name: np.copy(array) for name, array in state.items()} if state else {},
            copy.deepcopy(memory) if memory else {},
            {name: rng.bit_generator.state for name, rng in self.generators.items()},
            self.progress.copy(),
            self.done,
            self.previous,
        )

    def restore(self, before: Snapshot) -> None:
        """Put everything back as it stood."""
        self.flat.w[...] = before.w
        self.flat.seen = before.seen
        for name, array in before.state.items():
            put(self.model.state, name, array)
        self.optimizer.state = copy.deepcopy(before.optimizer)
        for name, state in before.generators.items():
            self.generators[name].bit_generator.state = state
        self.progress = before.progress.copy()
        self.progress.total = self.steps  # a training that goes on may go on for longer
        self.done, self.previous = before.done, before.previous

    def again(self, since: Snapshot, batches: Iterable[tuple[Array, Array]]) -> Snapshot:
        """Everything as it stands once the steps on `batches` were taken anew from `since`, unjudged."""
        self.restore(since)
        check_log, self.check_log = self.check_log, None
        for x, labels in batches:
            figures = self.step(x, labels)
            if check_log is not None:
                self.progress.feed(figures.loss, figures.update_ratio, self.promise)
        self.check_log = check_log
        return self.take_snapshot()

    def _clip(self, norms: list[float]) -> None:
        """g ← g · min(1, c/‖g‖), over all parameters together."""
        norm = sqrt(sum(n * n for n in norms))
        if not isfinite(norm):  # too large to be squared in float32
            norm = float(np.linalg.norm(self.flat.g.astype(np.float64)))
        if self.clip_norm is not None and norm > self.clip_norm:
            self.flat.g *= np.float32(self.clip_norm / norm)

    def _judge(self, loss: float, ratio: float) -> None:
        self.progress.feed(loss, ratio, self.promise)
        update_ratio(self.progress)
        loss_trend(self.progress)
        assert self.check_log is not None
        self.check_log.audits["update-ratio"] += 1
        self.check_log.audits["loss-trend"] += 1

    def demand_finite(self) -> None:
        """Raise Violation where a weight is not finite, so that none such is saved."""
        self._demand_finite({name: self.model.params[name] for name in self.flat.views})

    def _accuse(self, loss: float) -> None:
        """Name the first gradient that is not finite, or else the loss; silent where only g·g overflowed."""
        self._demand_finite({f"gradient of {name}": view for name, view in self.flat.views.items()})
        if not isfinite(loss):
            raise Violation(
                "finite",
                array="loss",
                actual=str(loss),
                expected="a finite number",
                cause=self._cause,
                cause_code=self._cause_code,
                step=self.done,
            )

    @property
    def _cause(self) -> str:
        return AFTER_A_STEP if self.done else BEFORE_ANY_STEP

    @property
    def _cause_code(self) -> str:
        return "step-too-long" if self.done else "not-finite-before-any-step"

    def _demand_finite(self, arrays: dict[str, Array]) -> None:
        for name, array in arrays.items():
            bad = ~np.isfinite(array)
            if bad.any():
                at = first_index(bad)
                raise Violation(
                    "finite",
                    array=name,
                    index=at,
                    actual=str(array[at]),
                    expected="a finite number",
                    cause="" if self.check_log else self._cause,
                    cause_code="" if self.check_log else self._cause_code,
                    step=self.done,
                )
