"""Outputs lie within the range that is claimed for them."""

from __future__ import annotations

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import check_interval


@law(
    "range",
    kind="call",
    family="numerics",
    tier="call",
    statement="Outputs lie within the range that is claimed for them.",
    depends_on=("shape", "finite"),
)
def within_range(call: Call) -> None:
    """The claim is `range = (low, high)`, ends included."""
    claimed = claim(call.owner, "range")
    if claimed is not None and call.location.method != "backward":
        for name in call.outputs:
            check_interval(call, name, claimed, "range")
