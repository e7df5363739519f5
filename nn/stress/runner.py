"""Run scenarios: one after another in this process, or several at a time in processes of their own.

    runner = Runner(run, seed=0, full=False)
    for result in runner.run_all(chosen, jobs=2): ...        # in the order of `chosen`
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from nnlaw._names import install
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import check_record, read_run_settings
from nnlaw.nn.stress.scenario import (
    LIMITS,
    Context,
    Observation,
    Scenario,
    ScenarioOutcome,
    ScenarioResult,
    run_scenario,
    scenarios,
)
from nnlaw.nn.training.session import prepare

Sent = tuple[Observation, ScenarioOutcome, float]  # the part of a result that can be sent between processes
T = TypeVar("T")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Runner:
    """Runs scenarios on a trained run."""

    run: Run
    seed: int = 0
    full: bool = False
    seconds: float | None = None

    @property
    def limit(self) -> float:
        """The seconds allowed for one scenario."""
        return self.seconds or LIMITS["full" if self.full else "quick"]

    def run_all(self, chosen: list[Scenario], jobs: int = 1) -> Iterator[ScenarioResult]:
        """The result of each scenario, in order, `jobs` at a time."""
        if jobs == 1:
            yield from map(self.run_here, chosen)
            return
        with _threads(1), _pool(min(jobs, len(chosen))) as pool:
            try:
                futures = [pool.submit(_run_in_worker, self, row.name) for row in chosen]
                for row, future in zip(chosen, futures, strict=True):
                    yield self._result(row, future)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _result(self, chosen: Scenario, future: Future[Sent]) -> ScenarioResult:
        """The result from a worker.

        If a worker dies, the pool fails for the other scenarios, too, so each is run again in a process of its own.
        """
        try:
            return ScenarioResult(chosen, *future.result())
        except BrokenProcessPool:
            pass
        try:
            return ScenarioResult(chosen, *in_own_process(1, _run_in_worker, self, chosen.name))
        except BrokenProcessPool:
            return ScenarioResult(chosen, Observation("its process died", False), ScenarioOutcome.FAILED, 0)

    def run_here(self, chosen: Scenario) -> ScenarioResult:
        """Run one scenario in this process, in a temporary folder; images that it writes are kept with the run."""
        with TemporaryDirectory(prefix="nn-stress-") as folder:
            context = Context(self.run, run_data(self.run.folder), Path(folder), self.seed, self.full)
            result = run_scenario(chosen, context, self.limit)
            for image in sorted(Path(folder).glob("*.png")):
                (self.run.folder / "stress").mkdir(exist_ok=True)
                self.run.write(f"stress/{chosen.name}/{image.name}", image.read_bytes())
            return result


@cache
def run_data(folder: Path) -> Split:
    """The data of a run, read-only. Raises BadInput if they are not those that the run was trained on."""
    session = prepare(read_run_settings(folder))
    check_record(Run(folder), session.dataset, session.split)
    for part in fields(Split):
        array = getattr(session.split, part.name)
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return session.split


def _run_in_worker(runner: Runner, name: str) -> Sent:
    result = runner.run_here(scenarios()[name])
    return result.observation, result.outcome, result.seconds


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=install)  # plugins may import `nn` and `spec`


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes that start inside the block use `count` BLAS threads each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def in_own_process(threads: int, function: Callable[..., T], *args: Any) -> T:
    """The result of a function in a process of its own, in which BLAS uses `threads` threads."""
    with _threads(threads), _pool(1) as pool:
        return pool.submit(function, *args).result()
