"""A call must not modify its arguments.

Finds in-place operations such as `x *= 2` on the caller's array.
"""

from __future__ import annotations

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import line_of


@law(
    "input-untouched",
    kind="call",
    family="state",
    tier="call",
    statement="A call must not modify its arguments.",
    why="The caller still needs the array: a layer that writes into its input changes what the previous layer stored "
    "for its backward pass, and the training data itself.",
)
def input_untouched(call: Call) -> None:
    """Arguments are passed as read-only views, so that NumPy raises an exception at the line that writes to one."""
    if isinstance(call.error, ValueError) and "read-only" in str(call.error):
        raise call.violation(
            "input-untouched",
            array=" or ".join(call.inputs),
            actual="modified",
            expected="the caller's array unchanged",
            cause="often an in-place operation on an argument or on an array that forward stored; use a copy",
            cause_code="in-place-operation",
        ).at(**line_of(call.error, call.location))
