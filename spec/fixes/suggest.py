"""Explain a violation, and suggest a fix: the public function of this room.

    explain(violation, case, violation_on, passes_law, passes)

returns the violation with the smallest input, its likely cause and a suggested fix.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from nnlaw.spec.fixes.dropped_terms import DroppedTerm, dropped_term
from nnlaw.spec.fixes.float64_probe import ProbeFailed, probes
from nnlaw.spec.fixes.minimize import smallest
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.fixes.reproduce import script
from nnlaw.spec.fixes.search import Fix, search
from nnlaw.spec.fixes.wrong_value import WrongValue, changed_in_place, wrong_value
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import NO_CAUSE, Cause, Suggestion, Violation

SYMPTOMS = ("gradient-not-computed", "constant-factor", "size-dependent-factor", "exception")
"""Codes of causes that state how the numbers differ, or which line raises, not which mistake it is."""

NOT_SEARCHED = ("broadcast-column", "cache-read-later")
"""Codes of causes after which no fix is searched: the value is wrong, and backward must not be changed to agree with
it; or another method reads what backward changes, and must not be changed to return the same before and after."""


def explain(
    violation: Violation,
    case: Case,
    violation_on: Callable[[Case], Violation | None],
    passes_law: Callable[[Case], bool],
    passes: Callable[[Case], bool],
    others: Sequence[Case] = (),
) -> Violation:
    """Return `violation` on the smallest input that shows it, with likely cause and suggested fix if they are found.

    `violation_on` and `passes_law` check the failed law alone on another case, `passes` every law. `others` are the
    other cases of the unit, which a fix must pass, too.
    """
    found = smallest(violation, case, violation_on)
    of_gradient = violation.law == "gradient"
    in_place = _changed_in_place(case) if of_gradient else None
    if in_place is not None:
        found = found.with_fields(cause=in_place.cause.text, cause_code=in_place.cause.code)
        fixed = VariantBuilder.of(case)
        fits = fixed is not None and passes(fixed.case_of(in_place.variant))
        suggestion = Suggestion((in_place.edit,)) if fits else None
        return found.with_fields(suggestion=suggestion, script=script(found, case))
    of_numbers = of_gradient and violation.index is not None  # not of a shape
    term = dropped_term(case, violation) if of_numbers and not found.cause else DroppedTerm()
    fix = Fix()
    if found.cause_code not in NOT_SEARCHED:
        fix = search(case, violation.law, passes_law=passes_law, passes_all=passes, others=others)
    if fix.certain and fix.cause and ("|" in found.cause_code or found.cause_code in SYMPTOMS):  # the edit shows which
        found = found.with_fields(cause=fix.cause.text, cause_code=fix.cause.code)
    if not found.cause:
        cause = _likeliest(term, fix)
        if not cause and fix.suggestion is None and of_gradient and not case.is_second:  # the value fits elsewhere
            cause = _of_another_value(case)
        found = found.with_fields(cause=cause.text, cause_code=cause.code)
    return found.with_fields(suggestion=fix.suggestion, script=script(found, case))


def _changed_in_place(case: Case) -> WrongValue | None:
    """The change in place that makes the value wrong, if the gradient is right without it."""
    builder = VariantBuilder.of(case)
    with contextlib.suppress(ProbeFailed):
        probe = next(probes(case), None)
        return changed_in_place(builder, probe) if builder is not None and probe is not None else None
    return None


def _of_another_value(case: Case) -> Cause:
    """The cause if the gradient is right and the value wrong."""
    builder = VariantBuilder.of(case)
    with contextlib.suppress(ProbeFailed):
        probe = next(probes(case), None)
        return wrong_value(builder, probe) if builder is not None and probe is not None else NO_CAUSE
    return NO_CAUSE


def _likeliest(term: DroppedTerm, fix: Fix) -> Cause:
    """A dropped term, then the mistake that every fix corrects, then a miscounted term, then an uncertain fix."""
    if term.dropped:
        return term.cause
    return fix.cause if fix.certain or not term.cause else term.cause
