"""Search for a fix: change the source in one place at a time, and return the changes that make every law pass.

    search(case, "gradient", passes_law=..., passes_all=...).suggestion

A change is returned only if the failed law and every other law pass with it. It must not change what forward computes,
unless a reference defines what that should be. Fixes are searched only for the laws in SEARCHED: other laws leave open
what the code should do.
Source: W. Weimer et al., Automatically finding patches using genetic programming, ICSE 2009; here without chance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import thread_time
from typing import Any

import numpy as np

from nnlaw.spec.fixes.describe_change import describe
from nnlaw.spec.fixes.float64_probe import Float64Probe, ProbeFailed, probes
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Edit, Suggestion

SEARCHED = {"gradient", "linear-backward", "repeatable-backward", "stale-gradient", "batch-additive", "definition"}
MAX_SECONDS = 3.0  # of CPU time
LAW_SECONDS, ALL_SECONDS = 0.5, 10.0  # of CPU time for one change: the failed law, every law
NOTES = {
    "self.input": "the input of forward", "self.output": "the output of forward",
    "self.prediction": "the prediction that forward gets", "self.target": "the target that forward gets",
}  # fmt: skip
MAX_FOUND, MAX_SHOWN = 4, 2  # changes to find, and lines to show
TOLERANCE = 1e-4  # of the slope along one direction

Passes = Callable[[Case], bool]


@dataclass(frozen=True)
class Fix:
    """The suggested edits, and the mistakes that they correct. If `certain`, there are at most two."""

    suggestion: Suggestion | None = None
    cause: Cause = NO_CAUSE
    certain: bool = False


@dataclass(frozen=True)
class _Found:
    edit: Edit
    cause: Cause
    length: int


def search(case: Case, law: str, *, passes_law: Passes, passes_all: Passes) -> Fix:
    """The changes of one place that fix `case`; an empty Fix if the time is over first.

    `passes_law` checks the failed law alone, `passes_all` every law, on a case with the changed source.
    """
    builder = VariantBuilder.of(case) if law in SEARCHED else None
    if builder is None or not builder.subject.can_be_limited:
        return Fix()
    subject = builder.subject
    try:
        is_promising = None if law == "definition" else _quick_check(case)
    except ProbeFailed:  # without a value there is no slope
        return Fix()
    found: list[_Found] = []
    by_chance: list[_Found] = []
    tier = 0
    began = _cpu_time(subject)
    with subject.silenced(), np.errstate(all="ignore"):
        for count, (source, mutation, variant) in enumerate(builder.variants()):
            if found and mutation.tier > tier:
                break
            if count % 4 == 0 and _cpu_time(subject) > began + MAX_SECONDS:
                break
            with contextlib.suppress(Exception):  # a change that breaks the code is not a fix
                with subject.limited(LAW_SECONDS):
                    if is_promising is not None and not is_promising(variant):
                        continue
                    changed = builder.case_of(variant)
                    passes = passes_law(changed)
                with subject.limited(ALL_SECONDS):
                    passes = passes and passes_all(changed)
                if passes and (edit := source.edit()):
                    tier = mutation.tier
                    fits_by_chance = mutation.inserts_number and _depends_on_settings(changed)
                    fix = _Found(edit, describe(mutation), mutation.length)
                    (by_chance if fits_by_chance else found).append(fix)
                    if len(found) == MAX_FOUND:
                        break
    return _fix(found or by_chance, by_chance=not found)


def _fix(found: list[_Found], by_chance: bool) -> Fix:
    """The shortest edit of each line. Edits that correct more than two mistakes leave the cause open."""
    if not found:
        return Fix()
    shortest: dict[int, _Found] = {}
    for each in sorted(found, key=lambda each: each.length):
        shortest.setdefault(each.edit.line, each)
    best = list(shortest.values())[:MAX_SHOWN]
    text = " ".join(each.edit.after for each in best)
    notes = [f"store {meaning} as {name}" for name, meaning in NOTES.items() if name in text]
    causes: dict[str, Cause] = {}
    for each in (*best, *found):
        if each.cause:
            causes.setdefault(each.cause.code, each.cause)
    cause = next(iter(causes.values()), NO_CAUSE)
    if len(causes) == 2 and not by_chance:
        cause = Cause.either(*causes.values())
    elif cause and (len(causes) > 2 or by_chance):
        cause = Cause(cause.code, f"possibly {cause.text}")
    certain = len(causes) in (1, 2) and not (by_chance or notes)  # an array that is not stored may fit by chance
    return Fix(Suggestion(tuple(each.edit for each in best), "; ".join(notes)), cause, certain)


def _depends_on_settings(case: Case) -> bool:
    """Whether a number that was inserted fits only the present settings: with other ones the gradient is wrong."""
    subject: Subject | None = getattr(case, case.kind, None)
    if subject is None:
        return False
    own = {name: v for name, v in subject.attributes(own=True).items() if type(v) is float and v}
    for name, v in own.items():
        other = subject.copy()
        other.set(name, 0.8 * v)
        with contextlib.suppress(Exception):
            if not _has_right_slope(replace(case, **{case.kind: other})):  # type: ignore[arg-type]  # the field is the kind's name
                return True
    return False


def _has_right_slope(case: Case) -> bool:
    """Whether the gradient gives the slope along one direction."""
    probe = next(probes(case), None)
    if probe is None:
        return True
    step = _direction(probe)
    return _is_near(_slope_of(probe.run({})[1], step), probe.slope(step))


def _direction(probe: Float64Probe) -> dict[str, Any]:
    rng = np.random.default_rng(0x5EED)
    return {name: rng.standard_normal(np.shape(array)) for name, array in probe.arrays.items()}


def _slope_of(grads: dict[str, Any], step: dict[str, Any]) -> float:
    """The slope along `step` according to the gradients."""
    return sum(float(np.vdot(grads[name], each)) for name, each in step.items())


def _is_near(analytic: float, numeric: float) -> bool:
    return abs(analytic - numeric) <= TOLERANCE * max(abs(analytic), abs(numeric))


def _quick_check(case: Case) -> Callable[[Subject], bool] | None:
    """A check that is faster than the law: the slope along one direction, of a value that must not change."""
    probe = next(probes(case), None)
    if probe is None:
        return None
    step = _direction(probe)
    value, _ = probe.run({})
    slope = probe.slope(step)

    def is_promising(variant: Subject) -> bool:
        found, grads = probe.run({}, variant)
        if abs(found - value) > 1e-9 * max(1.0, abs(value)):
            return False
        return _is_near(_slope_of(grads, step), slope)

    return is_promising


def _cpu_time(subject: Subject) -> float:
    """Seconds of CPU time of this thread and of the subject's process."""
    return thread_time() + subject.cpu_time()

