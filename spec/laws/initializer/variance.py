"""Mean 0 and the claimed variance, within five standard errors, on wide and on tall shapes."""

from __future__ import annotations

from math import isfinite

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, judge_variance
from nnlaw.spec.reference import Variance
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import BadInput, NotApplicable


@law(
    "variance",
    kind="initializer",
    family="numerics",
    statement="Mean 0 and the claimed variance, within five standard errors, on wide and on tall shapes.",
    depends_on=("finite",),
)
def variance(case: InitializerCase) -> None:
    """The standard errors are those of the sample, whatever its distribution; a fault shows in two draws of two."""
    claimed: Variance | None = claim(case.thing, "variance")
    if claimed is None:
        raise NotApplicable("no variance is claimed")
    for wanted in SHAPES:
        if not (isfinite(claimed(*wanted)) and claimed(*wanted) >= 0):
            raise BadInput(f"{case.path}: variance{wanted} = {claimed(*wanted)}, expected a finite number, 0 or more")
        judge_variance("variance", case, wanted, claimed)
