"""Explain a violation, and suggest a fix: the public function of this room.

    explain(violation, case, violation_on, passes)      the violation with smallest input, likely cause, suggested fix
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnlaw.spec.fixes.dropped_terms import DroppedTerm, dropped_term
from nnlaw.spec.fixes.minimize import smallest
from nnlaw.spec.fixes.reproduce import script
from nnlaw.spec.fixes.search import Fix, search
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Cause, Violation


def explain(
    violation: Violation,
    case: Case,
    violation_on: Callable[[Case], Violation | None],
    passes: Callable[[Case], bool],
    others: Sequence[Case] = (),
) -> Violation:
    """Return `violation` on the smallest input that shows it, with likely cause and suggested fix if they are found.

    `violation_on` checks the failed law alone on another case, `passes` every law. `others` are the other cases of the
    unit, which a fix must pass, too.
    """
    found = smallest(violation, case, violation_on)
    term = dropped_term(case, violation) if violation.law == "gradient" and not found.cause else DroppedTerm()
    fix = search(
        case, violation.law, passes_law=lambda other: violation_on(other) is None, passes_all=passes, others=others
    )
    if not found.cause:
        cause = _likeliest(term, fix)
        found = found.with_fields(cause=cause.text, cause_code=cause.code)
    return found.with_fields(suggestion=fix.suggestion, script=script(found, case))


def _likeliest(term: DroppedTerm, fix: Fix) -> Cause:
    """A dropped term, then the mistake that every fix corrects, then a miscounted term, then an uncertain fix."""
    if term.dropped:
        return term.cause
    return fix.cause if fix.certain or not term.cause else term.cause
