"""An initializer with a standard name must have the textbook's variance, or orthonormal rows or columns.

It finds a variance used as a standard deviation, a normal distribution under the name uniform, and a matrix that
is not orthogonal.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.laws.initializer._shared import SHAPES, check_variance, weights_of
from nnlaw.spec.reference import INITIALIZERS, Initializer, find_reference
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.subjects.hyperparameters import infer_from_settings
from nnlaw.spec.violation import Inconclusive, NotApplicable, Violation


@law(
    "definition",
    kind="initializer",
    family="numerics",
    statement="An initializer with a standard name has the textbook's variance, or orthonormal rows or columns.",
    why="He and Glorot initialization keep the size of signals constant in deep networks; with another variance under "
    "their name they do not.",
    depends_on=("seeded", "symmetry", "variance"),
)
def definition(case: InitializerCase) -> None:
    """For the shapes (300, 40) and (40, 300), mean and variance must match one accepted variant of the definition,
    within five standard errors. Names that end in "uniform" must keep all weights below 1.1·√(3·variance);
    "orthogonal" must have orthonormal rows or columns within 1e-4. Code that is not registered and is meant for
    convolutions, too, is also called for kernels of size (5, 2) with these fans; outputs come first or last.
    """
    name, row = find_reference(case.thing, case.name, INITIALIZERS)
    if name == "truncated_normal" and case.registered:
        raise NotApplicable("its deviation is its own")
    try:
        _check(case, name, row)
    except Violation as violation:
        raise violation.with_fields(note=why_compared(case, case.thing, name, row.source)) from None


def _check(case: InitializerCase, name: str, row: Initializer) -> None:
    """Mean and variance, then what the names orthogonal and uniform promise."""
    found = []
    for accepted in row.variances:
        try:
            for shape in SHAPES:
                check_variance("definition", case, shape, accepted)
        except Violation as violation:
            found.append(violation)
    unknown = infer_from_settings(case.thing, case.settings, {}).unknown
    if len(found) == len(row.variances):
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}") if unknown else found[0]
    for shape in SHAPES:
        weights = weights_of(case, shape).astype(np.float64)
        if name == "orthogonal":
            wide = shape[0] < shape[1]
            gram = weights @ weights.T if wide else weights.T @ weights
            if not np.allclose(gram, np.eye(len(gram)), atol=1e-4):
                at = first_index(~np.isclose(gram, np.eye(len(gram)), atol=1e-4))
                raise Violation(
                    "definition",
                    location=case.location,
                    array="W Wᵀ" if wide else "Wᵀ W",
                    index=at,
                    actual=f"{gram[at]:.4g} for W of shape {shape}",
                    expected=f"{float(at[0] == at[1]):g}, as for orthonormal {'rows' if wide else 'columns'}",
                )
        if name == "truncated_normal" and np.abs(weights).max() > (limit := 2.5 * weights.std()):
            raise Violation(
                "definition",
                location=case.location,
                array=f"the largest of weights {shape}",
                actual=f"{np.abs(weights).max():.4g}",
                expected=f"at most {limit:.4g}, as for a distribution without what exceeds two standard deviations",
            )
        if name.endswith("uniform") and np.abs(weights).max() > (limit := np.sqrt(3 * weights.var())) * 1.1:
            raise Violation(
                "definition",
                location=case.location,
                array=f"the largest of weights {shape}",
                actual=f"{np.abs(weights).max():.4g}",
                expected=f"at most {limit:.4g}, √3 standard deviations, as for a uniform distribution",
                cause="often a normal distribution",
                cause_code="normal-instead-of-uniform",
            )
