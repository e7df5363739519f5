"""Find the term that backward drops: compare its gradient with that of a forward in which one value is constant.

    dropped_term(case, violation).cause        Cause("dropped-term", "`mean` (line 24) is treated as a constant")

Each value that forward computes is held constant in turn. The slopes that remain are those without the terms through
this value. If backward returns these slopes, it drops the terms; if it returns these slopes and k times the rest, it
counts them k times. It misses a derivative if it returns the slopes of a forward in which one value changes exactly as
another from which it is computed. So a cause is a fact about the numbers, not about how the code is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from time import thread_time
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.fixes.expression_tracer import TracedExpression, traced
from nnlaw.spec.fixes.float64_probe import Float64Probe, ProbeFailed, code_under_test, probes
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation

MAX_DIRECTIONS = 10  # along which slopes are compared
MIN_DIRECTIONS = 3  # with fewer, a factor fits by chance
TOLERANCE = 1e-6
MAX_SECONDS = 2.0  # of CPU time
WRONG_MODE = Cause(
    "training-gradient-in-eval",
    "in evaluation mode backward returns the gradient of training mode; check self.training",
)
COUNTS = {-1.0: "with the wrong sign", 2.0: "twice", 0.5: "only half"}


@dataclass(frozen=True)
class DroppedTerm:
    """The cause; NO_CAUSE if no term accounts for the gradient. `dropped` is false if it is only miscounted."""

    cause: Cause = NO_CAUSE
    dropped: bool = False


def dropped_term(case: Case, violation: Violation) -> DroppedTerm:
    """The term that the wrong gradient of `violation` drops or miscounts."""
    name = violation.parameter or "x"
    builder = VariantBuilder.of(case)
    if builder is None:
        return DroppedTerm()
    with contextlib.suppress(ProbeFailed), builder.subject.silenced(), np.errstate(all="ignore"):
        for probe in probes(case):
            if name not in probe.arrays:
                break
            slopes = _Slopes.of(probe, name)
            if slopes.differ():
                if probe.evaluation:  # all points in training mode came first, and passed
                    return DroppedTerm(WRONG_MODE, True)
                return _explained(builder, probe, slopes)
    return DroppedTerm()


@dataclass
class _Slopes:
    """Slopes along a few directions, as measured and as backward returns them."""

    steps: list[dict[str, Array]]
    numeric: Array
    analytic: Array

    @classmethod
    def of(cls, probe: Float64Probe, name: str) -> _Slopes:
        rng = np.random.default_rng(0xD1)
        array = probe.arrays[name]
        few = array.size <= MAX_DIRECTIONS
        flat = np.eye(array.size) if few else rng.standard_normal((MAX_DIRECTIONS, array.size))
        steps = [{name: row.reshape(array.shape)} for row in flat]
        numeric = np.array(probe.slopes(steps))
        with code_under_test():  # at another point the gradient may have another shape
            gradient = np.asarray(probe.run({})[1][name], np.float64)
            analytic = np.array([float(np.vdot(gradient, step[name])) for step in steps])
        return cls(steps, numeric, analytic)

    @property
    def size(self) -> float:
        return float(max(np.abs(self.numeric).max(), np.abs(self.analytic).max()))

    def differ(self) -> bool:
        return bool(np.abs(self.numeric - self.analytic).max() > 10 * TOLERANCE * self.size)

    def factor(self, without: Array) -> float | None:
        """The k for which backward returns `without` and k times the rest; None if there is no such k."""
        n = len(without)
        rest, found = self.numeric[:n] - without, self.analytic[:n] - without
        if np.abs(rest).max() <= 1e3 * TOLERANCE * self.size:
            return None
        k = float(found @ rest / (rest @ rest))
        in_one_entry = n == len(self.numeric) and np.sum(np.abs(rest) > 1e3 * TOLERANCE * self.size) == 1
        if in_one_entry and not any(abs(k - count) < 1e-3 for count in (0, *COUNTS)):
            return None  # some k fits any mistake in a single entry
        return k if np.abs(found - k * rest).max() <= TOLERANCE * self.size else None

    def equal(self, others: Array) -> bool:
        """Whether backward returns these slopes."""
        return bool(np.abs(self.analytic[: len(others)] - others).max() <= TOLERANCE * self.size)


@dataclass
class _Candidate:
    """A cause, the slopes that prove it, and how often the term is counted; a low rank is the clearest to a reader."""

    cause: Cause
    rank: int
    slopes: Array
    count: float

    def same(self, other: _Candidate) -> bool:
        scale = max(np.abs(self.slopes).max(), np.abs(other.slopes).max(), 1e-300)
        near = bool(np.abs(self.slopes - other.slopes).max() <= 1e-3 * scale)
        return abs(self.count - other.count) < 1e-3 and near


def _explained(builder: VariantBuilder, probe: Float64Probe, slopes: _Slopes) -> DroppedTerm:
    if len(slopes.steps) < MIN_DIRECTIONS:
        return DroppedTerm()
    tracer, expressions = builder.subject.tracer(), list[TracedExpression]()
    skipped = ("backward", "step", "build", "predict")
    sources = [source for source in builder.sources() if source.tree.name not in skipped]
    for source in sources:
        source.tree = traced(source.tree, expressions)
    with code_under_test():  # not every class can be replaced by another
        kind = builder.variant(sources, tracer=tracer)
    with _tracing(tracer, "record"):
        if abs(probe.value({}, kind) - probe.value({})) > 1e-9:
            return DroppedTerm()
    groups: list[_Candidate] = []
    for found in _Search(probe, slopes, tracer, kind, expressions).candidates():
        alike = next((i for i, group in enumerate(groups) if group.same(found)), None)
        if alike is None:
            groups.append(found)
        elif found.rank < groups[alike].rank:
            groups[alike] = found
    if any(group.count == 0 for group in groups):  # one x of x · x, counted −1 times, is both of them dropped
        groups = [group for group in groups if group.count == 0]
    causes = [group.cause for group in groups]
    cause = Cause.either(*causes) if len(causes) == 2 else causes[0] if len(causes) == 1 else NO_CAUSE
    return DroppedTerm(cause, bool(cause) and all(group.count == 0 for group in groups))


@contextlib.contextmanager
def _tracing(tracer: Subject, method: str, *args: Any) -> Iterator[None]:
    """Record values, hold some constant or pass some through, inside the block."""
    tracer.call(method, *args)
    try:
        yield
    finally:
        tracer.call("stop")


@dataclass
class _Search:
    probe: Float64Probe
    slopes: _Slopes
    tracer: Subject
    kind: Subject
    expressions: Sequence[TracedExpression]
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = thread_time() + self.tracer.cpu_time()

    def candidates(self) -> Iterator[_Candidate]:
        """Every term through one value; if there is none, every derivative; if there is none, terms through two."""
        for search in (self.terms, self.derivatives, self.pairs):
            found = list(search())
            if found:
                yield from found
                return

    def terms(self) -> Iterator[_Candidate]:
        for i, expression in enumerate(self.expressions):
            constant = frozenset([i])
            first = self.without(constant, MIN_DIRECTIONS - 1) if self.tracer.call("has_values", i) else None
            if first is None or self.slopes.factor(first) is None:
                continue
            slopes = self.without(constant, len(self.slopes.steps))
            if slopes is not None and (k := self.slopes.factor(slopes)) is not None:
                yield _Candidate(_cause(expression, k), expression.rank, slopes, 0.0 if abs(k) < 1e-3 else k)

    def derivatives(self) -> Iterator[_Candidate]:
        for i, expression in enumerate(self.expressions):
            for j in expression.parts:
                if not self.tracer.call("same_shape", i, j):
                    continue
                with _tracing(self.tracer, "pass_through", i, j):
                    slopes = self.equal_slopes()
                if slopes is not None:
                    part = self.expressions[j].text
                    text = f"the derivative of `{expression.text}` by `{part}` is missing (line {expression.line})"
                    yield _Candidate(Cause("missing-derivative", text), len(expression.text), slopes, 1.0)

    def pairs(self) -> Iterator[_Candidate]:
        named = [i for i, each in enumerate(self.expressions) if each.target and self.tracer.call("has_values", i)]
        for pair in combinations(named, 2):
            constant = frozenset(pair)
            first = self.without(constant, MIN_DIRECTIONS - 1)
            if first is None or self.slopes.factor(first) is None:
                continue
            slopes = self.without(constant, len(self.slopes.steps))
            if slopes is None or (k := self.slopes.factor(slopes)) is None:
                continue
            one, two = (self.expressions[i].target for i in pair)
            if abs(k) < 1e-3:
                text = f"two terms are missing: `{one}` and `{two}` are each treated as a constant"
                yield _Candidate(Cause("dropped-term", text), 0, slopes, 0.0)
            else:
                text = f"{_certainty(k)}the terms through `{one}` and `{two}` are each counted {_count(k)}"
                yield _Candidate(Cause("miscounted-term", text), 0, slopes, k)

    def equal_slopes(self) -> Array | None:
        """The slopes, if backward returns them: along one direction first, then along all."""
        for count in (1, len(self.slopes.steps)):
            found = self.along(count)
            if found is None or not self.slopes.equal(found):
                return None
        return found

    def without(self, constant: frozenset[int], count: int) -> Array | None:
        with _tracing(self.tracer, "keep", list(constant)):
            return self.along(count)

    def along(self, count: int) -> Array | None:
        if thread_time() + self.tracer.cpu_time() > self.began + MAX_SECONDS:
            return None
        found = np.array(self.probe.slopes(self.slopes.steps[:count], self.kind))
        return found if np.isfinite(found).all() else None


def _cause(expression: TracedExpression, k: float) -> Cause:
    if abs(k) < 1e-3:
        return Cause("dropped-term", f"a term is missing: {expression} is treated as a constant")
    return Cause("miscounted-term", f"{_certainty(k)}the term through {expression} is counted {_count(k)}")


def _certainty(k: float) -> str:
    """A count other than −1 may be the square root of a size, or a setting, that has this value by chance."""
    return "" if abs(k + 1) < 1e-3 else "possibly "


def _count(k: float) -> str:
    return next((words for value, words in COUNTS.items() if abs(k - value) < 1e-3), f"{k:.4g} times")
