"""Initial weights must have mean 0 and the declared variance.

It finds swapped fans, a variance used as a standard deviation, missing factors, and distributions that are not
centered.
"""

from __future__ import annotations

from math import isfinite

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, check_variance
from nnlaw.spec.reference import Variance
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import BadInput, NotApplicable


@law(
    "variance",
    kind="initializer",
    family="numerics",
    statement="Weights have mean 0 and the declared variance.",
    why="The scale of the weights decides whether signals grow or vanish from layer to layer. A wrong variance makes "
    "deep networks train slowly or not at all.",
    depends_on=("finite",),
)
def variance(case: InitializerCase) -> None:
    """Estimate mean and variance for the shapes (300, 40) and (40, 300). Both must be within five standard errors, as
    estimated from the sample, in at least one of two samples.
    """
    declared: Variance | None = declared_value(case.thing, "variance")
    if declared is None:
        raise NotApplicable("no variance is declared")
    for shape in SHAPES:
        if not (isfinite(declared(*shape)) and declared(*shape) >= 0):
            raise BadInput(f"{case.path}: variance{shape} = {declared(*shape)}, expected a finite number, 0 or more")
        check_variance("variance", case, shape, declared)
