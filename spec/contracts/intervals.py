"""An interval as it is written, each end included or not: "[0, 1)", "(0, ∞)".

    0.5 in interval("[0, 1)")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_WRITTEN = re.compile(r"([\[(])([^,]+),([^,]+)([\])])")


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, each end included or not, as `text` has it."""

    text: str
    low: float
    high: float
    with_low: bool
    with_high: bool

    def __contains__(self, value: float) -> bool:
        """Whether it lies inside; what is no number does not."""
        inside = self.low < value < self.high
        return inside or (self.with_low and value == self.low) or (self.with_high and value == self.high)


@cache
def interval(text: str) -> Interval:
    """The interval that `text` writes. Raises ValueError where it writes none, or one that holds nothing."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no interval, expected one such as [0, 1)")
    low, high = (float(found[i].replace("∞", "inf")) for i in (2, 3))
    if not low < high:
        raise ValueError(f"{text!r} holds nothing, expected an interval such as [0, 1)")
    return Interval(text, low, high, found[1] == "[", found[4] == "]")
