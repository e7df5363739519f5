"""A layer that bears or claims a standard name computes the textbook's values."""

from __future__ import annotations

import copy

import numpy as np

from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import differ
from nnlaw.spec.reference import LAYERS, numeric_constants, standard_name
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable, Violation

RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "softmax": (0, 1), "relu6": (0, 6)}


@law(
    "definition",
    kind="layer",
    family="gradient",
    statement="A layer that bears or claims a standard name computes the textbook's values.",
    depends_on=("gradient", "stable", "normalized", "independent-samples"),
)
def definition(case: LayerCase) -> None:
    """At two scales, in float64, one and the same variant must fit; batchnorm in training, all else in eval."""
    name = standard_name(case.layer, case.name, LAYERS)
    if name not in LAYERS:
        raise NotApplicable("it bears and claims no standard name")
    _claims_no_more(case, name)
    layer = in_float64(case.fresh(name == "batchnorm"))
    points = [inside_domain(case.layer, scale * case.x.astype(np.float64), case.x) for scale in (1.0, 6.0)]
    found = [np.array(copy.deepcopy(layer).forward(x), np.float64) for x in points]
    params = {key: np.asarray(array, np.float64) for key, array in (getattr(layer, "params", None) or {}).items()}
    kept = numeric_constants(case.layer) + [float(array.item()) for array in params.values() if array.size == 1]
    misses = []
    for variant in LAYERS[name].variants:
        for wanted in variant(points, params, kept):
            pairs = list(zip(found, wanted, strict=True))
            if all(y.shape == w.shape for y, w in pairs):
                off = max(float(np.abs(y - w).max() / max(1.0, np.abs(w).max())) for y, w in pairs)
                if off <= 1e-4:
                    return
                misses.append((off if off == off else np.inf, wanted))
    if not misses:
        raise NotApplicable(f"its shapes or parameters are not those of {name}")
    cause = f"another function than that of {LAYERS[name].source}"
    for y, w in zip(found, min(misses, key=lambda miss: miss[0])[1], strict=True):
        far = ~(np.abs(y - w) <= 1e-4 * max(1.0, np.abs(w).max()))
        if far.any():
            differ(case, "definition", "forward", f"the output of what is called {name}", y, w, cause, far)


def _claims_no_more(case: LayerCase, name: str) -> None:
    """A range that is wider than the textbook's by more than a hundredth would let through what it should not."""
    claimed, known = declared_value(case.layer, "range"), RANGES.get(name)
    if claimed and known and (claimed[0] < known[0] - 0.01 or claimed[1] > known[1] + 0.01):
        actual, expected = ("({:g}, {:g})".format(*bounds) for bounds in (claimed, known))
        location, array = case.location("forward"), "the claimed range"
        raise Violation(
            "definition", location=location, array=array, actual=actual, expected=f"{expected}, that of {name}"
        )
