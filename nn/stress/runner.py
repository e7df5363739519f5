"""Where drills are done: one after another in this process, or several at a time in processes of their own.

    stage = Stage(run, seed=0, full=False)
    for row in stage.perform(chosen, jobs=2): ...        # rows come in the order of `chosen`
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

from nnlaw.nn.data.dataset import Split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import check_record, run_settings
from nnlaw.nn.stress.scenario import FAILED, LIMITS, Drill, Outcome, Row, Scene, drills, perform
from nnlaw.nn.training.session import prepare

Ending = tuple[Outcome, str, float]
T = TypeVar("T")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Stage:
    """A trained run, and on what terms drills are done on it."""

    run: Run
    seed: int = 0
    full: bool = False
    seconds: float | None = None

    @property
    def limit(self) -> float:
        """How long one drill may take, in seconds."""
        return self.seconds or LIMITS["full" if self.full else "quick"]

    def perform(self, chosen: list[Drill], jobs: int = 1) -> Iterator[Row]:
        """The row of each drill, in order, `jobs` at a time."""
        if jobs == 1:
            yield from map(self.alone, chosen)
            return
        with _threads(1), _pool(min(jobs, len(chosen))) as pool:
            try:
                found = [pool.submit(_ending, self, row.name) for row in chosen]
                for row, future in zip(chosen, found, strict=True):
                    yield self._row(row, future)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _row(self, chosen: Drill, future: Future[Ending]) -> Row:
        """The row of a drill in a worker. A drill over which a worker dies takes the others along: each is done again
        by itself, so that only the one at fault fails."""
        try:
            return Row(chosen, *future.result())
        except BrokenProcessPool:
            pass
        try:
            return Row(chosen, *apart(1, _ending, self, chosen.name))
        except BrokenProcessPool:
            return Row(chosen, Outcome("the process that did it died", False), FAILED, 0)

    def alone(self, chosen: Drill) -> Row:
        """Do one drill here, in a folder that goes when it is over; the run keeps what was painted there."""
        with TemporaryDirectory(prefix="nn-stress-") as folder:
            scene = Scene(self.run, data_of(self.run.folder), Path(folder), self.seed, self.full)
            row = perform(chosen, scene, self.limit)
            for picture in sorted(Path(folder).glob("*.png")):
                (self.run.folder / "stress").mkdir(exist_ok=True)
                self.run.write(f"stress/{chosen.name}/{picture.name}", picture.read_bytes())
            return row


@cache
def data_of(folder: Path) -> Split:
    """The data of a run, read-only. Raises BadInput where they are not what the run was trained on."""
    session = prepare(run_settings(folder))
    check_record(Run(folder), session.dataset, session.split)
    for part in fields(Split):
        array = getattr(session.split, part.name)
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return session.split


def _ending(stage: Stage, name: str) -> Ending:
    """Do one drill in a worker; functions stay behind, for they can't be sent."""
    row = stage.alone(drills()[name])
    return row.outcome, row.verdict, row.seconds


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes that start inside the block use so many BLAS threads each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def apart(threads: int, function: Callable[..., T], *args: Any) -> T:
    """The result of a function in a process of its own, in which BLAS uses so many threads."""
    with _threads(threads), _pool(1) as pool:
        return pool.submit(function, *args).result()
