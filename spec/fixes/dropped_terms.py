"""Which way through forward does backward forget? The gradient is compared with that of a forward where one is cut.

    dropped_term(case, violation).text       "a path that is missing: `mean` is treated as a constant"

Every number that forward computes is held at its value in turn, while all else moves: the slopes that are left are
those without the path through it. Where backward answers those slopes, the path was forgotten; where it answers those
and k times the rest, the path was counted k times. A derivative was forgotten where backward answers the slopes of a
forward in which one number moves exactly as another that it is computed from. What is named is a fact about the
numbers, whatever the code looks like.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from time import process_time

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.fixes.expression_tracer import Tape, Taped, taped
from nnlaw.spec.fixes.float64_probe import EVAL, Probe, Unanswered, asked, probes
from nnlaw.spec.fixes.recompile import Workshop, quietly
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Violation

DIRECTIONS = 10  # along which slopes are compared: one factor has to account for all
LEAST = 3  # of them, or one factor says nothing
NEAR = 1e-6  # how closely
SECONDS = 0.8  # of this process's own time
MODE = f"a backward that is right in training and wrong {EVAL}, as if forward ran in training"
WAYS = {-1.0: "with the wrong sign", 2.0: "twice", 0.5: "by half"}


@dataclass(frozen=True)
class DroppedTerm:
    """What is said of a path, or "" where no one path tells; and whether it is left out, not only miscounted."""

    text: str = ""
    left_out: bool = False

    @property
    def code(self) -> str:
        """The cause code."""
        return "dropped-term" if self.left_out else "miscounted-term"


def dropped_term(case: Case, violation: Violation) -> DroppedTerm:
    """The term that the wrong gradient of `violation` drops or miscounts."""
    name = violation.parameter or "x"
    with contextlib.suppress(Unanswered), quietly():  # the code may fail at another point
        return _forgotten(case, name)
    return DroppedTerm()


def _forgotten(case: Case, name: str) -> DroppedTerm:
    for probe in probes(case):
        if name not in probe.arrays:
            return DroppedTerm()
        slopes = _Slopes.of(probe, name)
        if slopes.differ():
            if probe.place == EVAL:  # every point in training came first, and was right
                return DroppedTerm(MODE, True)
            return _explained(case, probe, slopes)
    return DroppedTerm()


@dataclass
class _Slopes:
    """Slopes along a few directions, as they are and as they are answered."""

    steps: list[dict[str, Array]]
    right: Array
    answered: Array

    @classmethod
    def of(cls, probe: Probe, name: str) -> _Slopes:
        rng = np.random.default_rng(0xD1)
        array = probe.arrays[name]
        flat = np.eye(array.size) if array.size <= DIRECTIONS else rng.standard_normal((DIRECTIONS, array.size))
        steps = [{name: row.reshape(array.shape)} for row in flat]
        right = np.array([probe.slope(step) for step in steps])
        with asked():  # what is answered at another point need not be an array of this shape
            answer = np.asarray(probe.run({})[1][name], np.float64)
            answered = np.array([float(np.vdot(answer, step[name])) for step in steps])
        return cls(steps, right, answered)

    @property
    def size(self) -> float:
        return float(max(np.abs(self.right).max(), np.abs(self.answered).max()))

    def differ(self) -> bool:
        return bool(np.abs(self.right - self.answered).max() > 10 * NEAR * self.size)

    def factor(self, cut: Array) -> float | None:
        """The k with which `answered` is `cut` and k times the rest, if one k does."""
        n = len(cut)
        rest, found = self.right[:n] - cut, self.answered[:n] - cut
        if np.abs(rest).max() <= 1e3 * NEAR * self.size:
            return None
        k = float(found @ rest / (rest @ rest))
        return k if np.abs(found - k * rest).max() <= NEAR * self.size else None

    def meet(self, others: Array) -> bool:
        return bool(np.abs(self.answered[: len(others)] - others).max() <= NEAR * self.size)


@dataclass
class _Found:
    words: str
    rank: int
    cut: Array
    k: float

    def same(self, other: _Found) -> bool:
        scale = max(np.abs(self.cut).max(), np.abs(other.cut).max(), 1e-300)
        return abs(self.k - other.k) < 1e-3 and bool(np.abs(self.cut - other.cut).max() <= 1e-3 * scale)


def _explained(case: Case, probe: Probe, slopes: _Slopes) -> DroppedTerm:
    work = Workshop.of(case)
    if work is None or len(slopes.steps) < LEAST:
        return DroppedTerm()
    tape, spots = Tape(), list[Taped]()
    sources = [source for source in work.sources() if source.tree.name not in ("backward", "step", "build", "predict")]
    for source in sources:
        source.tree = taped(source.tree, spots)
    with asked():  # not every class can stand in for another
        kind = type(getattr(work.rebuilt(*sources, _tape=tape), case.kind))
    with tape.recording():
        if abs(probe.value({}, kind) - probe.value({})) > 1e-9:
            return DroppedTerm()
    look = _Look(probe, slopes, tape, kind, spots)
    groups: list[_Found] = []
    for found in look.all():
        alike = next((i for i, group in enumerate(groups) if group.same(found)), None)
        if alike is None:
            groups.append(found)
        elif found.rank < groups[alike].rank:
            groups[alike] = found
    if any(group.k == 0 for group in groups):  # one x of x · x, counted −1 times, is both of them left out
        groups = [group for group in groups if group.k == 0]
    left_out = all(group.k == 0 for group in groups)
    told = [group.words for group in groups]
    text = f"either {told[0]}, or {told[1]}" if len(told) == 2 else told[0] if len(told) == 1 else ""
    return DroppedTerm(text, left_out)


@dataclass
class _Look:
    probe: Probe
    slopes: _Slopes
    tape: Tape
    kind: type
    spots: Sequence[Taped]
    ends: float = field(default_factory=lambda: process_time() + SECONDS)

    def all(self) -> Iterator[_Found]:
        """Each path; where none is, each derivative; where none is, each two names together."""
        for search in (self.paths, self.derivatives, self.pairs):
            found = list(search())
            if found:
                yield from found
                return

    def paths(self) -> Iterator[_Found]:
        for i, spot in enumerate(self.spots):
            cut = self.cut(frozenset([i]), LEAST - 1) if self.tape.heard(i) else None
            if cut is not None and (k := self.slopes.factor(cut)) is not None:
                whole = self.cut(frozenset([i]), len(self.slopes.steps))
                if whole is not None and (k := self.slopes.factor(whole)) is not None:
                    yield _Found(_of_path(spot, k), spot.rank, whole, 0.0 if abs(k) < 1e-3 else k)

    def derivatives(self) -> Iterator[_Found]:
        for i, spot in enumerate(self.spots):
            for j in spot.inputs:
                if not self.tape.same_shape(i, j):
                    continue
                with self.tape.passing(i, j):
                    met = self.met(1) is not None
                    left = self.met(len(self.slopes.steps)) if met else None
                if left is not None:
                    words = f"a derivative that is missing: that of `{spot.text}` by `{self.spots[j].text}`"
                    yield _Found(f"{words} (line {spot.line})", len(spot.text), left, 1.0)

    def met(self, count: int) -> Array | None:
        """The slopes, where they are what was answered."""
        found = self.along(count)
        return found if found is not None and self.slopes.meet(found) else None

    def pairs(self) -> Iterator[_Found]:
        named = [i for i, spot in enumerate(self.spots) if spot.target and self.tape.heard(i)]
        for pair in combinations(named, 2):
            with self.tape.holding(frozenset(pair)):
                met = self.met(1) is not None
                whole = self.met(len(self.slopes.steps)) if met else None
            if whole is not None:
                one, two = (self.spots[i].target for i in pair)
                words = f"two paths that are missing: `{one}` and `{two}` are each treated as a constant"
                yield _Found(words, 0, whole, 0.0)

    def cut(self, held: frozenset[int], count: int) -> Array | None:
        with self.tape.holding(held):
            return self.along(count)

    def along(self, count: int) -> Array | None:
        if process_time() > self.ends:
            return None
        found = np.array([self.probe.slope(step, self.kind) for step in self.slopes.steps[:count]])
        return found if np.isfinite(found).all() else None


def _of_path(spot: Taped, k: float) -> str:
    if abs(k) < 1e-3:
        return f"a path that is missing: {spot.words} is treated as a constant"
    near = next((words for value, words in WAYS.items() if abs(k - value) < 1e-3), "")
    near = near or f"with a factor of its own (ratio {k:.4g})"
    return f"a path that is counted {near}: the one through {spot.words}"
