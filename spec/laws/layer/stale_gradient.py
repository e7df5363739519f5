"""backward answers the latest forward of its own instance, whatever was computed before or elsewhere."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import answers, equal, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "stale-gradient",
    kind="layer",
    family="state",
    statement="backward answers the latest forward of its own instance, whatever was computed before or elsewhere.",
    depends_on=("pure", "gradient", "repeatable-backward"),
)
def stale_gradient(case: LayerCase) -> None:
    """An instance with a past, then one beside a twin that computes in between, against one without either."""
    clean, used, twin = (case.fresh(False) for _ in range(3))
    dy = some_dy(case, clean.forward(case.x))
    expected = answers(clean, dy)
    used.backward(some_dy(case, used.forward(case.other_x)))
    used.forward(case.x)
    for name, answer in answers(used, dy).items():
        cause = "a cache of an earlier forward of this instance"
        equal(case, "stale-gradient", "backward", name, answer, expected[name], cause)
    used.forward(case.x)
    twin.forward(case.other_x)
    found = answers(used, dy)
    twin.backward(2 * dy)
    for name, answer in (found | {f"d{k}": g for k, g in (getattr(used, "grads", None) or {}).items()}).items():
        cause = "a cache or a gradient that instances share, as on the class or in the module"
        equal(case, "stale-gradient", "backward", name, answer, expected[name], cause)
