"""A drill: something is done to the program or to a trained network, and what comes of it is judged, never just shown.

    @drill("fgsm", what="one step along the sign of the input gradient", expected="accuracy falls, never rises")
    def fgsm(scene: Scene) -> Outcome: ...

Every module of nn/stress is imported by `drills()`, which fills DRILLS. A drill that raises has failed; its exception
is what was observed. So has one that doesn't end in time.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn import stress
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.predictor import Reader
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, Violation

HELD, FAILED, SKIPPED = "held", "failed", "skipped"
LIMITS = {"quick": 600.0, "full": 7200.0}  # seconds of one drill


@dataclass
class Scene:
    """What a drill is handed: a trained run and its data, a seed, an empty folder, and whether time matters.

    The arrays of the split are read-only, for all drills of a process share them.
    """

    run: Run
    split: Split
    folder: Path
    seed: int = 0
    full: bool = False

    @cached_property
    def reader(self) -> Reader:
        """The trained network with its standardization, this drill's own."""
        return Reader(self.run)

    @property
    def rng(self) -> np.random.Generator:
        """A generator that starts afresh each time it is asked for."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Outcome:
    """What was observed, whether it is what was expected, the figures for a script, and arrays worth keeping."""

    observed: str
    held: bool
    figures: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    violation: Violation | None = None


class Skip(Exception):
    """This drill cannot be done here; the text says why."""


@dataclass(frozen=True)
class Drill:
    """One row of the table."""

    name: str
    what: str
    expected: str
    do: Callable[[Scene], Outcome]


DRILLS: dict[str, Drill] = {}


def drill(name: str, *, what: str, expected: str) -> Callable[[Callable[[Scene], Outcome]], Any]:
    """Enter the decorated function into DRILLS. Raises BadInput where the name is taken."""
    if name in DRILLS:
        raise BadInput(f"a drill called {name!r} exists already")

    def enter(do: Callable[[Scene], Outcome]) -> Callable[[Scene], Outcome]:
        DRILLS[name] = Drill(name, what, expected, do)
        return do

    return enter


def drills() -> dict[str, Drill]:
    """All drills by name: those that the modules of nnlaw.nn.stress enter, once these are imported."""
    for module in pkgutil.walk_packages(stress.__path__, f"{stress.__name__}."):
        importlib.import_module(module.name)
    return DRILLS


@dataclass(frozen=True)
class Row:
    """A drill that was done, with its verdict."""

    drill: Drill
    outcome: Outcome
    verdict: str
    seconds: float


class Late(BaseException):
    """A drill's time is over. No Exception, for many a drill takes those for an answer."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """A block that raises Late once its time is over, also out of a wait or a sleep, though not out of a call of C.

    It needs SIGALRM, and to be called in the main thread: elsewhere nothing limits the block.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(*_: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def perform(chosen: Drill, scene: Scene, seconds: float = LIMITS["full"]) -> Row:
    """Do one drill; whatever it raises is its outcome, and so is that it does not end within `seconds`."""
    begun = time.perf_counter()
    try:
        with np.errstate(all="ignore"), threadpool_limits(1), limited(seconds):  # verdicts speak here, not warnings
            outcome = chosen.do(scene)
        verdict = HELD if outcome.held else FAILED
    except Late:
        outcome, verdict = Outcome(f"no end within {seconds:g} s", False), FAILED
    except Skip as reason:
        outcome, verdict = Outcome(str(reason), True), SKIPPED
    except Exception as error:
        broken = error if isinstance(error, Violation) else None
        outcome = Outcome(f"ended by {type(error).__name__}: {error}", False, violation=broken)
        verdict = FAILED
    return Row(chosen, outcome, verdict, time.perf_counter() - begun)
