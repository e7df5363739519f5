"""A call leaves the arrays it was handed as they were."""

from __future__ import annotations

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import line_of


@law(
    "input-untouched",
    kind="call",
    family="state",
    tier="call",
    statement="A call leaves the arrays it was handed as they were.",
)
def input_untouched(call: Call) -> None:
    """Armed objects are handed read-only views, so a write is an exception at the very line that writes."""
    if isinstance(call.error, ValueError) and "read-only" in str(call.error):
        raise call.violation(
            "input-untouched",
            array=" or ".join(call.inputs),
            actual="written to",
            expected="the caller's array as it was",
            cause="an operation in place on the argument, or on an array kept from forward; work on a copy",
        ).at(**line_of(call.error, call.location))
