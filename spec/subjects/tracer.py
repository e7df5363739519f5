"""Record every number that a traced function computes, and hold some of them constant when it runs again.

    tracer.record(); f(x); tracer.stop()                 # records the value of each expression
    tracer.keep([3]); f(x + h); tracer.stop()            # everything changes but expression 3
    tracer.pass_through(3, 1); f(x + h); tracer.stop()   # expression 3 changes as its part 1 does, with slope 1
    tracer.nudge(3); f(x); tracer.stop()                 # expression 3 has other values; whether it was computed

The source of such a function calls NAME(i, value) for each expression. It runs where the code under test runs.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

NAME = "_trace"
NUDGE = 1e-3  # of the mean size


class Tracer:
    """The recorded values of each expression, in the order in which it was computed."""

    def __init__(self) -> None:
        self.values: dict[int, list[Any]] = defaultdict(list)
        self.counts: Counter[int] = Counter()
        self.records = False
        self.constant: frozenset[int] = frozenset()
        self.passing: tuple[int, int] | None = None
        self.change: Any = None
        self.nudged: int | None = None
        self.was_nudged = False

    def __call__(self, i: int, value: Any) -> Any:
        if not _is_real(value):
            return value
        if i == self.nudged:
            self.was_nudged = True
            return _nudged(value)
        if self.records:
            self.values[i].append(copy.copy(value))
        elif i in self.constant:
            return copy.copy(self.recorded(i, value))
        elif self.passing and i == self.passing[1]:
            before = copy.copy(self.recorded(i, value))
            self.change = value - before
            return before
        elif self.passing and i == self.passing[0]:
            return value + self.change
        return value

    def recorded(self, i: int, value: Any) -> Any:
        """The recorded value of this occurrence; `value` if there is none."""
        occurrence = self.counts[i] % max(1, len(self.values[i]))
        self.counts[i] += 1
        return self.values[i][occurrence] if self.values[i] else value

    def has_values(self, i: int) -> bool:
        """Whether the expression was computed, as a real number or an array of them."""
        return bool(self.values.get(i))

    def same_shape(self, i: int, j: int) -> bool:
        """Whether two expressions were computed equally often, with equal shapes."""
        one, two = self.values.get(i, []), self.values.get(j, [])
        return len(one) == len(two) > 0 and all(np.shape(a) == np.shape(b) for a, b in zip(one, two, strict=True))

    def record(self) -> None:
        """Record values, after forgetting the earlier ones."""
        self.values.clear()
        self.records = True

    def keep(self, constant: Sequence[int]) -> None:
        """Use the recorded values of these expressions."""
        self.constant = frozenset(constant)
        self.counts.clear()

    def pass_through(self, i: int, j: int) -> None:
        """Let expression i change as its part j does, as if the derivative of i by j were 1."""
        self.passing = (i, j)
        self.counts.clear()

    def nudge(self, i: int) -> None:
        """Change the values of expression i a little."""
        self.nudged, self.was_nudged = i, False

    def stop(self) -> bool:
        """Return every value as it is. The result is whether one was nudged."""
        self.records, self.constant, self.passing, self.nudged = False, frozenset(), None, None
        return self.was_nudged


def _nudged(value: Any) -> Any:
    """Another value near this one; the entries of an array change by different amounts."""
    size = np.abs(value).mean() if np.size(value) else 0.0
    wave = np.cos(np.arange(np.size(value), dtype=float)).reshape(np.shape(value))
    moved = value + NUDGE * (size or 1.0) * wave
    return moved if isinstance(value, np.ndarray) else type(value)(moved)


def _is_real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
