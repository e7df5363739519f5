"""Laws of schedules."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import (
    ScheduleCase,
    conformance,
)

Check = Callable[[Any, str], tuple[str, list[str]]]


def test_a_cycle_with_another_start_fails() -> None:
    """`start` is the factor at t = 0."""

    def one_cycle(t: float, *, warmup: float = 0.3, start: float = 0.1) -> float:
        return 0.5 + 0.5 * t / warmup if t < warmup else (1 - t) / (1 - warmup)

    case = ScheduleCase("one_cycle", one_cycle, name="one_cycle")
    assert [row.law for row in conformance(case).violations] == ["definition"]


def cycle(ramp: Any, phases: int) -> Any:
    """From start up to 1, then down to 0, with two phases directly, with three by way of start."""

    def one_cycle(t: float, *, warmup: float = 0.3, start: float = 0.1) -> float:
        corners = [(0.0, start), (warmup, 1.0), (2 * warmup, start), (1.0, 0.0)]
        corners = [corner for i, corner in enumerate(corners) if phases == 3 or i != 2]
        return float(np.interp(t, *_curve(corners, ramp)))

    return one_cycle


def _curve(corners: Any, ramp: Any) -> Any:
    s = np.linspace(0, 1, 2001)
    pairs = list(pairwise(corners))
    x = np.concatenate([a + (b - a) * s for (a, _), (b, _) in pairs])
    return x, np.concatenate([low + (high - low) * ramp(s) for (_, low), (_, high) in pairs])


RAMPS = {"line": lambda s: s, "cosine": lambda s: (1 - np.cos(np.pi * s)) / 2, "square": lambda s: s**2}


@pytest.mark.parametrize(("ramp", "outcome"), [("line", "pass"), ("cosine", "pass"), ("square", "fail")])
@pytest.mark.parametrize("phases", [2, 3])
def test_a_cycle_has_two_phases_or_three(check: Check, ramp: str, phases: int, outcome: str) -> None:
    """Linear or cosine, but not quadratic."""
    case = ScheduleCase("one_cycle", cycle(RAMPS[ramp], phases), name="one_cycle")
    assert check(case, "definition")[0] == outcome
