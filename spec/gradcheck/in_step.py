"""Measurements that yield the points at which they need values, so that several can be evaluated in step.

    found = evaluated(measuring, evaluate)                      one alone
    found = evaluated(in_step([measuring, other]), evaluate)    both, with one call of `evaluate` for each step

Values of code in another process then take one message for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

P = TypeVar("P")
Q = TypeVar("Q")
T = TypeVar("T")

Measuring: TypeAlias = Generator[Sequence[P], Any, T]
"""Yields points, is sent the values there, as often as it needs some, and returns what it found."""


def evaluated(measuring: Measuring[P, T], evaluate: Callable[[Sequence[P]], list[float]]) -> T:
    """What a measurement returns if it is sent the values at its points."""
    values = None
    while True:
        try:
            points = measuring.send(values)
        except StopIteration as end:
            found: T = end.value
            return found
        values = evaluate(points)


def in_step(measurings: Sequence[Measuring[P, T]]) -> Measuring[P, list[T]]:
    """What several measurements return; the points that they need next are yielded together."""
    results: dict[int, T] = {}
    waiting: dict[int, Any] = dict.fromkeys(range(len(measurings)))
    while True:
        points: dict[int, Sequence[P]] = {}
        for i, values in waiting.items():
            try:
                points[i] = measurings[i].send(values)
            except StopIteration as end:
                results[i] = end.value
        if not points:
            return [results[i] for i in range(len(measurings))]
        found = iter((yield [point for each in points.values() for point in each]))
        waiting = {i: list(islice(found, len(each))) for i, each in points.items()}


def changed(measuring: Measuring[P, T], change: Callable[[P], Q]) -> Measuring[Q, T]:
    """The same measurement with each of its points changed by a function."""
    values = None
    while True:
        try:
            points = measuring.send(values)
        except StopIteration as end:
            found: T = end.value
            return found
        values = yield [change(point) for point in points]
