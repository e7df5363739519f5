"""One step of training: the textbook loop.

    loss, g = model.loss_and_grads(x, labels)
    w ← optimizer.step(w, g, lr · schedule(t))

A Trainer can also take a snapshot, restore it, and repeat the steps since then.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from nnlaw.nn.core.flat_parameters import FlatParameters
from nnlaw.nn.core.rng import find_generators
from nnlaw.nn.core.state_dict import assign
from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.laws.training.loss_trend import loss_trend
from nnlaw.spec.laws.training.update_ratio import update_ratio
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Violation

SMALL = 0.02  # weights whose root mean square is below this start near zero


class StepMetrics(NamedTuple):
    """The numbers of one step, as metrics.jsonl records them."""

    step: int
    loss: float
    relative_change: float | None
    gradient_norms: list[float]
    update_ratio: float
    rate: float


@dataclass
class Snapshot:
    """Everything that a step changes. The names of the fields are keys of checkpoints on disk.

    `w` are the weights, `seen` the weights that the last update was measured on, `state` the state of the layers,
    `done` the number of steps, `previous` the last loss.
    """

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
    """A model, its flat buffers, and the optimizer and schedule that update them.

    With a `check_log`, as under --strict, each step also checks the gradients, the update ratio and the loss trend.
    """

    model: Any
    optimizer: Any
    schedule: Callable[[float], float]
    lr: float
    steps: int
    clip_norm: float | None = None
    check_log: CheckLog | None = None

    def __post_init__(self) -> None:
        self.flat = FlatParameters(self.model)
        self.optimizer.decays = self.flat.decays  # part of the protocol of optimizers, see docs/plugins.md
        self.done = 0
        self.previous: float | None = None
        self.predicted_decrease = 0.0
        self.generators = find_generators({"model": self.model, "optimizer": self.optimizer})
        small = float(np.sqrt(np.mean(np.square(self.flat.w)))) < SMALL
        self.progress = ProgressCase("training", started_small=small, total=self.steps)

    def step(self, x: Array, labels: Array) -> StepMetrics:
        """One update on one batch.

        Raises Violation if the loss is not finite; with a check log also if a gradient is not, or a law fails.
        """
        flat = self.flat
        loss, grads = self.model.loss_and_grads(x, labels)
        flat.collect(grads)
        norms = flat.norms()
        if not isfinite(loss) or (self.check_log is not None and not isfinite(sum(norms))):
            self._require_finite_step(loss)
        gradient = flat.sampled_g.copy()
        if self.clip_norm is not None:
            self._clip(norms)
        rate = self.lr * self.schedule(min(1.0, self.done / self.steps))
        self.optimizer.step(flat.w, flat.g, rate)
        ratio, self.predicted_decrease = flat.measure_update(gradient)
        if self.check_log is not None:
            self._check_progress(self.check_log, loss, ratio)
        self.done += 1
        change = (loss - self.previous) / abs(self.previous) if self.previous else None
        self.previous = loss
        return StepMetrics(self.done, loss, change, norms, ratio, rate)

    def take_snapshot(self) -> Snapshot:
        """A copy of everything that the next step changes."""
        layer_state = getattr(self.model, "state", None)
        optimizer_state = getattr(self.optimizer, "state", None)
        return Snapshot(
            w=self.flat.w.copy(),
            seen=self.flat.previous,
            state={name: np.copy(array) for name, array in layer_state.items()} if layer_state else {},
            optimizer=copy.deepcopy(optimizer_state) if optimizer_state else {},
            generators={name: rng.bit_generator.state for name, rng in self.generators.items()},
            progress=self.progress.copy(),
            done=self.done,
            previous=self.previous,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Set everything back to the snapshot."""
        self.flat.w[...] = snapshot.w
        self.flat.previous = snapshot.seen
        for name, array in snapshot.state.items():
            assign(self.model.state, name, array)
        self.optimizer.state = copy.deepcopy(snapshot.optimizer)
        for name, state in snapshot.generators.items():
            self.generators[name].bit_generator.state = state
        self.progress = snapshot.progress.copy()
        self.progress.total = self.steps  # a resumed training may be longer
        self.done, self.previous = snapshot.done, snapshot.previous

    def repeat(self, start: Snapshot, batches: Iterable[tuple[Array, Array]]) -> Snapshot:
        """Take the steps on `batches` again from `start`, without checks, and return the snapshot after them."""
        self.restore(start)
        check_log, self.check_log = self.check_log, None
        for x, labels in batches:
            metrics = self.step(x, labels)
            if check_log is not None:
                self.progress.feed(metrics.loss, metrics.update_ratio, self.predicted_decrease)
        self.check_log = check_log
        return self.take_snapshot()

    def require_finite_weights(self) -> None:
        """Raise Violation if a weight is not finite, so that no such weights are saved."""
        self._require_finite({name: self.model.params[name] for name in self.flat.views})

    def _clip(self, norms: list[float]) -> None:
        """g ← g · min(1, c/‖g‖), over all parameters together."""
        norm = sqrt(sum(n * n for n in norms))
        if not isfinite(norm):  # too large to be squared in float32
            norm = float(np.linalg.norm(self.flat.g.astype(np.float64)))
        if self.clip_norm is not None and norm > self.clip_norm:
            self.flat.g *= np.float32(self.clip_norm / norm)

    def _check_progress(self, check_log: CheckLog, loss: float, ratio: float) -> None:
        self.progress.feed(loss, ratio, self.predicted_decrease)
        update_ratio(self.progress)
        loss_trend(self.progress)
        check_log.count("update-ratio", "loss-trend")

    def _require_finite_step(self, loss: float) -> None:
        """Raise Violation for the first gradient that is not finite, else for the loss.

        If only g·g overflowed, all of them are finite and nothing is raised.
        """
        self._require_finite({f"gradient of {name}": view for name, view in self.flat.views.items()})
        if not isfinite(loss):
            self._require_finite({"loss": np.asarray(loss)})

    def _require_finite(self, arrays: dict[str, Array]) -> None:
        if self.done:
            cause, code = "the step before was too long", "step-too-long"
        else:
            cause, code = "the network, the loss or the data (no step was taken yet)", "not-finite-before-any-step"
        for name, array in arrays.items():
            bad = ~np.isfinite(array)
            if bad.any():
                index = first_index(bad)
                raise Violation(
                    "finite",
                    array=name,
                    index=index or None,
                    actual=str(array[index]),
                    expected="a finite number",
                    cause="" if self.check_log else f"{cause}; --strict names the law that fails first",
                    cause_code="" if self.check_log else code,
                    step=self.done,
                )
