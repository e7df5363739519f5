"""backward must use the latest forward call of its own instance.

Finds caches from an earlier call, and caches or gradients that are stored on the class and shared by all instances.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, check_equal, gradients_of, random_dy
from nnlaw.spec.reference import ACTIVATIONS, LAYERS, standard_name
from nnlaw.spec.reference.convolution import CONVOLUTIONS
from nnlaw.spec.reference.pooling import POOLINGS
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause, NotApplicable

EARLIER = Cause("stale-cache", "often a cache of an earlier forward call of this instance")
KEPT = Cause("stale-cache", "often an array of an earlier batch that is used again, such as a mask or a buffer")
ADDED = Cause("accumulated-gradients", "backward adds to the gradient of the previous call, but replaces others")
SHARED = Cause("shared-cache", "often a cache or a gradient that instances share: on the class or in the module")

WITHOUT = "without the earlier calls"
STATELESS = {*ACTIVATIONS, *POOLINGS, *CONVOLUTIONS, "dense", "flatten", "layernorm", "rmsnorm"}
"""Standard names of layers whose output depends on the input and the parameters only."""


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

    Their gradients equal, bit for bit, those of a new layer with no other instance. In evaluation mode. Of code that is
    not registered, an instance that was called with another batch gives the same dx as a new one, and the same output
    if its name is that of a layer without a state, such as ReLU, Dense or MaxPool. The gradients of its
    parameters may add up over the calls, but then all of them do, unless a method such as zero_grad() resets them.
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
        check_equal(case, "stale-gradient", "backward", name, actual, expected[name], EARLIER, WITHOUT)
    used.forward(case.x)
    other.forward(case.other_x)
    found = gradients_of(used, dy)
    other.backward(2 * dy)
    found |= {f"d{name}": array for name, array in used.grads.items()}
    for name, actual in found.items():
        note = "without calls of another instance"
        check_equal(case, "stale-gradient", "backward", name, actual, expected[name], SHARED, note)


def _check_reused(case: LayerCase) -> None:
    """For code that is not registered: output and dx after an earlier batch. Only a layer without a standard name, or
    whose name is that of a layer with a state, may give another output then.
    """
    layer = case.fresh(True)
    if not layer.has("reused"):
        raise NotApplicable("each of its calls is independent")
    found = layer.call("reused", case.x, case.other_x, random_dy(case, case.fresh(True).forward(case.x)))
    if "output" in found and standard_name(case.layer, case.name, LAYERS) in STATELESS:
        later, new = found["output"]
        check_equal(case, "stale-gradient", "forward", "output", later, new, KEPT, WITHOUT)
    if "dx" not in found:
        raise NotApplicable("it has a state")
    later, new = found["dx"]
    check_close(case, "stale-gradient", "backward", "dx", later, new, EARLIER, note=WITHOUT)
    if not layer.attribute("sets_gradients_to_zero", False):
        _check_all_add_up(case, {name: row for name, row in found.items() if len(row) == 3})


def _check_all_add_up(case: LayerCase, gradients: dict[str, list[Array]]) -> None:
    """The gradients of all parameters are either sums over both batches, or those of the last one."""
    rows = {name: row for name, row in gradients.items() if all(array.any() for array in row)}
    added = [name for name, (later, new, earlier) in rows.items() if np.allclose(later, new + earlier, rtol=1e-6)]
    replaced = [name for name, (later, new, _) in rows.items() if np.allclose(later, new, rtol=1e-6)]
    if added and replaced:
        found, expected, _ = rows[added[0]]
        note = f"of the second batch alone, as {replaced[0]} is"
        check_close(case, "stale-gradient", "backward", added[0], found, expected, ADDED, note=note)
