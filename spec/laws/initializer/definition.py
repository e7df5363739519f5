"""An initializer with a standard name has the textbook's variance, or orthonormal rows or columns."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, drawn, judge_variance
from nnlaw.spec.reference import INITIALIZERS, textbook
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.subjects.hyperparameters import read_settings
from nnlaw.spec.violation import Inconclusive, Violation


@law(
    "definition",
    kind="initializer",
    family="numerics",
    statement="An initializer with a standard name has the textbook's variance, or orthonormal rows or columns.",
    depends_on=("seeded", "symmetry", "variance"),
)
def definition(case: InitializerCase) -> None:
    """Each accepted variance is tried; a name that says uniform bounds its weights by √(3v)."""
    name, variances = textbook(case.thing, case.name, INITIALIZERS)
    found = []
    for accepted in variances:
        try:
            for wanted in SHAPES:
                judge_variance("definition", case, wanted, accepted)
        except Violation as violation:
            found.append(violation)
    unknown = read_settings(case.thing, case.settings, {}).unknown
    if len(found) == len(variances):
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}") if unknown else found[0]
    for wanted in SHAPES:
        weights = drawn(case, wanted).astype(np.float64)
        if name == "orthogonal":
            gram = weights @ weights.T if wanted[0] < wanted[1] else weights.T @ weights
            if not np.allclose(gram, np.eye(len(gram)), atol=1e-4):
                at = first_index(~np.isclose(gram, np.eye(len(gram)), atol=1e-4))
                raise Violation(
                    "definition",
                    location=case.location,
                    array=f"W Wᵀ or Wᵀ W for weights {wanted}",
                    index=at,
                    actual=f"{gram[at]:.4g}",
                    expected=f"{float(at[0] == at[1]):g}, of orthonormal rows or columns",
                )
        if name.endswith("uniform") and np.abs(weights).max() > (limit := np.sqrt(3 * weights.var())) * 1.1:
            raise Violation(
                "definition",
                location=case.location,
                array=f"the largest of weights {wanted}",
                actual=f"{np.abs(weights).max():.4g}",
                expected=f"at most {limit:.4g}, √3 deviations, as of a uniform draw",
                cause="a normal draw",
            )
