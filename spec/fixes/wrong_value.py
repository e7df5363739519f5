"""The value may be wrong and the gradient right: find the function that a gradient belongs to.

    wrong_value(builder, probe)     Cause("wrong-value", "the gradient is that with `a - b` in place of ...")

The source is changed in one place at a time. If the returned gradients stay as they are, and are the slopes of the
changed value in several directions, they belong to that value.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from time import thread_time

import numpy as np

from nnlaw.spec.fixes.ahead import ahead
from nnlaw.spec.fixes.describe_change import describe
from nnlaw.spec.fixes.distance import distance
from nnlaw.spec.fixes.float64_probe import Float64Probe, Found, ProbeFailed
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Edit

MAX_SECONDS = 2.0  # of CPU time
CALL_SECONDS = 0.5  # of CPU time for one change
DIRECTIONS = 3
MAX_TIER = 2  # of changes: operations and numbers, other names, missing operands
UNCHANGED, NEAR = 1e-12, 1e-5  # relative: the gradients, the slopes
CODE = "wrong-value"
IN_PLACE = ("changed-in-place", "missing-copy")
"""Mistakes of the value that no author intends: an array changes under another name."""


@dataclass(frozen=True)
class WrongValue:
    """A changed value to which the gradients belong: the cause, the edit, and the changed code."""

    cause: Cause
    edit: Edit
    variant: Subject
    distance: float


def wrong_value(builder: VariantBuilder, probe: Float64Probe) -> Cause:
    """The nearest change of the value after which the gradients are right; NO_CAUSE if there is none in time."""
    found = _nearest(builder, probe, ())
    if found is None:
        return NO_CAUSE
    edit = found.edit
    text = f"`{_line(edit.after)}` in place of `{_line(edit.before)}` (line {edit.line})"
    return Cause(CODE, f"possibly the value is wrong and the gradient right: it is the gradient with {text}")


def changed_in_place(builder: VariantBuilder, probe: Float64Probe) -> WrongValue | None:
    """The change in place without which the gradients are right; None if there is none."""
    return _nearest(builder, probe, IN_PLACE)


def _nearest(builder: VariantBuilder, probe: Float64Probe, codes: Collection[str]) -> WrongValue | None:
    subject = builder.subject
    if not subject.can_be_limited:
        return None
    with subject.silenced(), np.errstate(all="ignore"), contextlib.suppress(ProbeFailed):
        return min(_changes(builder, probe, codes), key=lambda found: found.distance, default=None)
    return None


def _line(text: str) -> str:
    return " ".join(text.split())


def _changes(builder: VariantBuilder, probe: Float64Probe, codes: Collection[str]) -> Iterator[WrongValue]:
    """Every such change in the first tier that has one."""
    subject, found_in = builder.subject, MAX_TIER
    _, grads = probe.run({})
    if any(np.shape(grads[name]) != np.shape(array) for name, array in probe.arrays.items()):
        return
    rng = np.random.default_rng(0x5EED)
    steps = [{name: rng.standard_normal(np.shape(a)) for name, a in probe.arrays.items()} for _ in range(DIRECTIONS)]
    slopes = [sum(float(np.vdot(grads[name], each)) for name, each in step.items()) for step in steps]
    size = max(map(abs, slopes))
    if all(abs(found - slope) <= NEAR * size for found, slope in zip(probe.slopes(steps), slopes, strict=True)):
        return  # at this point the gradient is right
    began = thread_time() + subject.cpu_time()

    def fits(variant: Subject, started: Callable[[], Found]) -> bool:
        _, changed = started()
        if any(np.abs(changed[name] - grads[name]).max(initial=0) > UNCHANGED * size for name in probe.arrays):
            return False
        pairs = zip(steps, slopes, strict=True)
        return all(abs(probe.slope(step, variant) - slope) <= NEAR * size for step, slope in pairs)

    numberless = (row for row in builder.variants(codes, of_value=True) if not row[1].inserts_number)
    variants = ahead(numberless, lambda variant: probe.started({}, variant))
    for count, (source, mutation, variant, started) in enumerate(variants):
        if mutation.tier > found_in or (count % 4 == 0 and thread_time() + subject.cpu_time() > began + MAX_SECONDS):
            return
        with contextlib.suppress(Exception), subject.limited(CALL_SECONDS):  # some changes break the code
            if fits(variant, started):
                with mutation.applied():
                    edit, cause, cost = source.edit(), describe(mutation), distance(mutation)
                if edit is not None:
                    found_in = mutation.tier
                    yield WrongValue(cause, edit, variant, cost)
