"""backward must use the latest forward call of its own instance.

Finds caches from an earlier call, and caches or gradients that are stored on the class and shared by all instances.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, check_equal, gradients_of, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause, NotApplicable

EARLIER = Cause("stale-cache", "often a cache of an earlier forward call of this instance")
SHARED = Cause("shared-cache", "often a cache or a gradient that instances share: on the class or in the module")


@law(
    "stale-gradient",
    kind="layer",
    family="state",
    statement="backward must use the latest forward call of its own instance.",
    why="A network has several layers of one class, and each is called in every step. With a stale or shared cache the "
    "gradients belong to another batch or another layer.",
    depends_on=("pure", "gradient", "repeatable-backward"),
)
def stale_gradient(case: LayerCase) -> None:
    """A layer that was called before, and a layer beside a second instance that is called in between.

    Their gradients equal, bit for bit, those of a new layer with no other instance. In evaluation mode.
    """
    if not case.registered:
        _check_reused(case)
        return
    clean, used, other = (case.fresh(False) for _ in range(3))
    dy = random_dy(case, clean.forward(case.x))
    expected = gradients_of(clean, dy)
    used.backward(random_dy(case, used.forward(case.other_x)))
    used.forward(case.x)
    for name, actual in gradients_of(used, dy).items():
        note = "without the earlier calls"
        check_equal(case, "stale-gradient", "backward", name, actual, expected[name], EARLIER, note)
    used.forward(case.x)
    other.forward(case.other_x)
    found = gradients_of(used, dy)
    other.backward(2 * dy)
    found |= {f"d{name}": array for name, array in used.grads.items()}
    for name, actual in found.items():
        note = "without calls of another instance"
        check_equal(case, "stale-gradient", "backward", name, actual, expected[name], SHARED, note)


def _check_reused(case: LayerCase) -> None:
    """For code that is not registered: dx after an earlier batch, unless a state changes the output."""
    layer = case.fresh(True)
    if not layer.has("reused"):
        raise NotApplicable("each of its calls is independent")
    dy = random_dy(case, case.fresh(True).forward(case.x))
    found, expected = layer.call("reused", case.x, case.other_x, dy)
    if found is None:
        raise NotApplicable("it has a state")
    check_close(case, "stale-gradient", "backward", "dx", found, expected, EARLIER, note="without the earlier calls")
