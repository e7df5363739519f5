"""A scenario does something to the program or to a trained network and compares the result with what is expected.

    @scenario("fgsm", what="one step along the sign of the input gradient", expected="accuracy falls, never rises")
    def fgsm(context: Context) -> Observation: ...

`scenarios()` imports every module of nn/stress, which fills SCENARIOS. A scenario that raises, or does not end in time,
has failed.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn import stress
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit
from nnlaw.spec.violation import BadInput, Violation

LIMITS = {"quick": 600.0, "full": 7200.0}  # seconds allowed for one scenario


class ScenarioOutcome(StrEnum):
    """The outcome of one scenario."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Context:
    """The input of a scenario: a trained run and its data, a seed, an empty folder, and whether to be thorough.

    The arrays of the split are read-only, because all scenarios of a process share them.
    """

    run: Run
    split: Split
    folder: Path
    seed: int = 0
    full: bool = False

    @cached_property
    def reader(self) -> Predictor:
        """The trained network with its standardization, a copy for this scenario."""
        return Predictor(self.run)

    @property
    def rng(self) -> np.random.Generator:
        """A new generator from the seed, at each access."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Observation:
    """The observed result in words, whether it is as expected, metrics, and arrays to keep."""

    text: str
    as_expected: bool
    metrics: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    violation: Violation | None = None


class Skip(Exception):
    """The scenario can't run here; with the reason as text."""


@dataclass(frozen=True)
class Scenario:
    """One scenario: what it does and what is expected."""

    name: str
    what: str
    expected: str
    run: Callable[[Context], Observation]


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, *, what: str, expected: str) -> Callable[[Callable[[Context], Observation]], Any]:
    """Add the decorated function to SCENARIOS. Raises BadInput if the name is taken."""
    if name in SCENARIOS:
        raise BadInput(f"a scenario called {name!r} exists already")

    def add(run: Callable[[Context], Observation]) -> Callable[[Context], Observation]:
        SCENARIOS[name] = Scenario(name, what, expected, run)
        return run

    return add


def scenarios() -> dict[str, Scenario]:
    """All scenarios by name."""
    for module in pkgutil.walk_packages(stress.__path__, f"{stress.__name__}."):
        importlib.import_module(module.name)
    return SCENARIOS


@dataclass(frozen=True)
class ScenarioResult:
    """A scenario that ran, with what was observed, the outcome and the seconds it took."""

    scenario: Scenario
    observation: Observation
    outcome: ScenarioOutcome
    seconds: float


def run_scenario(chosen: Scenario, context: Context, seconds: float = LIMITS["full"]) -> ScenarioResult:
    """Run one scenario; an exception, and a timeout after `seconds`, count as failed."""
    began = time.perf_counter()
    try:
        with np.errstate(all="ignore"), threadpool_limits(1), time_limit(seconds):  # results count, not warnings
            found = chosen.run(context)
        outcome = ScenarioOutcome.PASSED if found.as_expected else ScenarioOutcome.FAILED
    except OutOfTime:
        found, outcome = Observation(f"timed out after {seconds:g} s", False), ScenarioOutcome.FAILED
    except Skip as reason:
        found, outcome = Observation(str(reason), True), ScenarioOutcome.SKIPPED
    except Exception as error:
        violation = error if isinstance(error, Violation) else None
        found = Observation(f"{type(error).__name__}: {error}", False, violation=violation)
        outcome = ScenarioOutcome.FAILED
    return ScenarioResult(chosen, found, outcome, time.perf_counter() - began)
