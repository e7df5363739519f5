"""The gradient must belong to the latest forward, and computing it must not change it.

It finds in-place operations on arrays that backward needs again, and gradients that an earlier forward left behind.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "repeatable-backward",
    kind="loss",
    family="state",
    statement="backward called twice returns the same gradient twice, that of the latest forward.",
    why="A gradient that changes when it is computed, or that belongs to an earlier batch, is correct in a test and "
    "wrong in a training loop.",
)
def repeatable_backward(case: LossCase) -> None:
    """Call backward twice after one forward; and once on an instance whose forward and backward ran on the reversed
    predictions before. All three gradients must agree bit for bit. In code that is not registered, a method that reads
    an array of forward, such as accuracy(), must return the same before and after backward.
    """
    if not case.registered:
        _check_readers(case)
        return
    clean, used = case.fresh(), case.fresh()
    used.forward(case.prediction[::-1], case.target)
    used.backward()
    clean.forward(case.prediction, case.target)
    used.forward(case.prediction, case.target)
    first = np.array(clean.backward())
    for found, cause, code in (
        (np.array(clean.backward()), "backward changes an array that it needs again", "changed-cache"),
        (np.array(used.backward()), "a gradient of an earlier forward is kept", "stale-cache"),
    ):
        if not np.array_equal(found, first):
            at = first_index(found != first) if found.shape == first.shape else None
            raise Violation(
                "repeatable-backward",
                location=case.location("backward"),
                array="d prediction",
                index=at,
                actual=f"of shape {found.shape}" if at is None else f"{found[at]:.6g}",
                expected=str(first.shape) if at is None else f"{first[at]:.6g}",
                cause=cause,
                cause_code=code,
            )


def _check_readers(case: LossCase) -> None:
    """For code that is not registered, whose backward may be called once per forward: what other methods return."""
    if not case.loss.has("changed_results"):
        raise NotApplicable("its calls are independent of each other")
    for attribute, method, before, after in case.fresh().call("changed_results", case.prediction, case.target):
        raise Violation(
            "repeatable-backward",
            location=case.location("backward"),
            array=f"{method}() after backward",
            actual=f"{after:.6g}",
            expected=f"{before:.6g}, as before backward",
            cause=f"backward changes self.{attribute} in place, which {method} reads; use a copy",
            cause_code="cache-read-later",
        )
