"""The reported gradients are those of the reported loss, through all layers."""

from __future__ import annotations

from nnlaw.spec.gradcheck.gradients import check_along, check_model
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "gradient",
    kind="model",
    family="gradient",
    statement="The reported gradients are those of the reported loss, through all layers.",
    depends_on=("registered",),
)
def gradient(case: ModelCase) -> None:
    """Finite differences over a few samples: coordinates, and random directions over each large array."""
    if case.quick:
        check_along(case.model, case.x[:20], case.labels[:20], case.rng, path=case.path)
    else:
        check_model(case.model, case.x[:4], case.labels[:4], case.rng, path=case.path)
