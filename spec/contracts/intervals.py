"""Intervals written as text, with each end included or not: "[0, 1)", "(0, ∞)".

    0.5 in parse_interval("[0, 1)")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_PATTERN = re.compile(r"([\[(])([^,]+),([^,]+)([\])])")


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, each end included or not; `text` is the interval as written."""

    text: str
    low: float
    high: float
    with_low: bool
    with_high: bool

    def __contains__(self, value: float) -> bool:
        """Whether `value` is inside; nan never is."""
        inside = self.low < value < self.high
        return inside or (self.with_low and value == self.low) or (self.with_high and value == self.high)


@cache
def parse_interval(text: str) -> Interval:
    """Read an interval such as "[0, 1)". Raises ValueError if the text is not an interval, or an empty one."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an interval, expected for example [0, 1)")
    low, high = (float(found[i].replace("∞", "inf")) for i in (2, 3))
    if not low < high:
        raise ValueError(f"{text!r} is empty, expected an interval such as [0, 1)")
    return Interval(text, low, high, found[1] == "[", found[4] == "]")
