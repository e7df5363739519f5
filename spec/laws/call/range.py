"""Outputs must lie within the declared range.

Finds an activation that leaves the interval it is known for, such as a sigmoid that returns 1.7.
"""

from __future__ import annotations

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import check_interval


@law(
    "range",
    kind="call",
    family="numerics",
    tier="call",
    statement="Outputs must lie within the declared range.",
    why="What comes next relies on the range: a cross-entropy of probabilities above 1 is negative, and no exception "
    "shows it.",
    depends_on=("shape", "finite"),
)
def within_range(call: Call) -> None:
    """Every entry of every output of forward lies in `range = (low, high)`, ends included."""
    declared = declared_value(call.owner, "range")
    if declared is not None and call.location.method != "backward":
        for name in call.outputs:
            check_interval(call, name, declared, "range")
