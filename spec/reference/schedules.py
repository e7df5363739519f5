"""Reference schedules of the learning rate: the factor at t in [0, 1], in every accepted variant.

    SCHEDULES["cosine"].variants[0](0.5, SimpleNamespace(end=0.0))     0.5

`h.start` and `h.end`, the factors at t = 0 and t = 1, are measured if they can't be inferred; `h.unit` is the length
of one step, 0 if the schedule is continuous. The other settings must be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, floor, inf, pi, sqrt
from typing import Any, TypeAlias

from nnlaw.spec.violation import Cause

Factor: TypeAlias = Callable[[float, Any], float]

EPSILON = 1e-9  # a step that is this close to a boundary has reached it
EPOCHS = 100
EPOCH_LOSSES = tuple(2.0 - 0.01 * i if i % 7 in (0, 1, 3, 4) else 3.0 + 0.01 * i for i in range(60)) + (5.0,) * 40
"""The validation losses of the epochs in which a plateau is looked for: only a few in a row exceed the lowest."""
CYCLES = ("cycles", "first", "half", "mult")
"""What cycles may be given by: their number, the length of the first one or of half of it, and the factor from one
length to the next."""


def _one_cycle(ramp: Callable[[float], float], phases: int) -> Factor:
    """From start up to 1 at t = warmup, then down to end; with three phases down to start at t = 2·warmup, then to end.

    `ramp` is a function from 0 to 1 on [0, 1].
    """

    def factor(t: float, h: Any) -> float:
        corners = [(0.0, h.start), (h.warmup, 1.0), (2 * h.warmup, h.start), (1.0, h.end)]
        corners = corners if phases == 3 and 2 * h.warmup < 1 else [*corners[:2], corners[3]]
        (a, low), (b, high) = next((left, right) for left, right in pairwise(corners) if t < right[0])
        return float(low + (high - low) * ramp((t - a) / (b - a)))

    return factor


def _warmed(after: Factor, early: int = 0) -> Factor:
    """A line from start to 1 at t = warmup, or one step earlier, then `after`."""

    def factor(t: float, h: Any) -> float:
        if t < h.warmup - EPSILON:
            return float(min(1.0, h.start + (1 - h.start) * t / max(h.warmup - early * h.unit, EPSILON)))
        return after(t, h)

    return factor


def _both(after: Factor) -> tuple[Factor, Factor]:
    return _warmed(after), _warmed(after, early=1)


def _line(s: float) -> float:
    return 1 - s


def _cosine(s: float) -> float:
    return (1 + cos(pi * s)) / 2


def _rescaled(fall: Callable[[float], float]) -> Factor:
    """From 1 at t = warmup to end at t = 1."""
    return lambda t, h: h.end + (1 - h.end) * fall((t - h.warmup) / (1 - h.warmup))


def _noam(t: float, h: Any) -> float:
    """A line to 1 at t = warmup, then √(warmup/t)."""
    return min(t / h.warmup, sqrt(h.warmup / t)) if t else 0.0


def cycle(t: float, h: Any) -> tuple[int, float, float]:
    """The number of the cycle at t, when it began, and its length, the first one times h.mult^number."""
    mult = h.mult or 1.0
    count = h.cycles if mult == 1 else (mult**h.cycles - 1) / (mult - 1)
    length, begin, number = h.first or 2 * h.half or 1 / count, 0.0, 0
    while EPSILON < length <= t - begin + EPSILON:
        begin, length, number = begin + length, mult * length, number + 1
    return number, begin, length


def _restarts(t: float, h: Any) -> float:
    """A cosine from 1 to end in each cycle."""
    _, begin, length = cycle(t, h)
    return float(h.end + (1 - h.end) * _cosine((t - begin) / length))


def _swings(t: float, h: Any) -> float:
    """One cosine whose half waves are the cycles."""
    return float(h.end + (1 - h.end) * _cosine(t / cycle(0.0, h)[2]))


def _of_first_length(t: float, h: Any) -> float:
    """The cosine of each cycle over the length of the first one."""
    return float(h.end + (1 - h.end) * _cosine((t - cycle(t, h)[1]) / cycle(0.0, h)[2]))


def _triangles(shrink: float) -> Factor:
    """A line from start to the top and back in each cycle; the top is 1 in the first one, then nearer to start."""

    def factor(t: float, h: Any) -> float:
        number, begin, length = cycle(t, h)
        return float(h.start + (1 - h.start) * shrink**number * (1 - abs(2 * (t - begin) / length - 1)))

    return factor


def _half_cycles(shrink: float) -> Factor:
    """The triangles of a formula in which the number of the cycle is not doubled."""

    def factor(t: float, h: Any) -> float:
        number, _, length = cycle(t, h)
        return float(h.start + (1 - h.start) * shrink**number * max(0.0, 1 - abs(2 * t / length - number)))

    return factor


def _plateau(extra: int, *, in_a_row: bool = True) -> Factor:
    """The rate is multiplied by `drop` after more than `h.patience + extra` epochs in a row without a better loss."""

    def factor(t: float, h: Any) -> float:
        rate, lowest, bad = 1.0, inf, 0
        for loss in EPOCH_LOSSES[: round(t * EPOCHS)]:
            lowest, bad = (loss, 0 if in_a_row else bad) if loss < lowest else (lowest, bad + 1)
            if bad > h.patience + extra:
                rate, bad = max(rate * h.drop, h.floor), 0
        return rate

    return factor


@dataclass(frozen=True)
class Schedule:
    """One standard name: accepted variants, the settings that they need or may have, and usual mistakes with their
    curves."""

    variants: tuple[Factor, ...]
    needed: tuple[str, ...] = ()
    mistakes: Mapping[Cause, Factor] = field(default_factory=dict)
    source: str = ""
    optional: tuple[str, ...] = ()


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule((lambda t, h: h.end,)),
    "linear": Schedule((lambda t, h: 1 + (h.end - 1) * t,)),
    "cosine": Schedule((lambda t, h: h.end + (1 - h.end) * _cosine(t),), source="Loshchilov & Hutter 2017"),
    "exponential": Schedule((lambda t, h: h.end**t,)),
    "step": Schedule(
        (lambda t, h: h.drop ** floor(t / h.every + EPSILON),),
        ("drop", "every"),
        {Cause("true-division", "t is divided without rounding down, so there are no steps"): (
            lambda t, h: h.drop ** (t / h.every)
        )},
    ),
    "multi_step": Schedule(
        (lambda t, h: h.drop ** sum(t >= each - EPSILON for each in h.milestones),),
        ("drop", "milestones"),
        {
            Cause("late-milestone", "each drop comes one step after its milestone"): (
                lambda t, h: h.drop ** sum(t - h.unit >= each - EPSILON for each in h.milestones)
            ),
        },
    ),
    "inverse_time": Schedule((lambda t, h: 1 / (1 + (1 / h.end - 1) * t),)),
    "polynomial_decay": Schedule((lambda t, h: h.end + (1 - h.end) * (1 - t) ** h.power,), ("power",)),
    "linear_warmup": Schedule((lambda t, h: min(1.0, t / h.warmup), *_both(lambda t, h: 1.0)), ("warmup",)),
    "warmup_linear": Schedule(
        (*_both(_rescaled(_line)), *_both(lambda t, h: 1 - t), *_both(lambda t, h: 1.0),
         lambda t, h: min(1.0, t / h.warmup) * (1 - t)),
        ("warmup",),
        {
            Cause("decay-not-rescaled", "the decay after the warmup is divided by the whole length, not by the rest of "
                  "it"): _warmed(lambda t, h: 1 - (t - h.warmup)),
        },
        "Devlin et al. 2019",
    ),
    "warmup_cosine": Schedule(
        (*_both(_rescaled(_cosine)),
         lambda t, h: min(1.0, t / h.warmup) * (h.end + (1 - h.end) * _cosine(t))),
        ("warmup",),
        {
            Cause("decay-not-rescaled", "the cosine runs over t instead of (t − warmup)/(1 − warmup), so it starts "
                  "below 1"): _warmed(lambda t, h: h.end + (1 - h.end) * _cosine(t)),
            Cause("decay-not-rescaled", "the cosine after the warmup is divided by the whole length, not by what is "
                  "left of it"): _warmed(lambda t, h: _cosine(t - h.warmup)),
        },
        "Loshchilov & Hutter 2017, after a linear warmup",
    ),
    "noam": Schedule((_noam,), ("warmup",), source="Vaswani et al. 2017, eq. 3"),
    "plateau": Schedule(
        (_plateau(0), _plateau(-1)),
        ("drop", "patience", "floor"),
        {
            Cause(code, "the count of epochs without a better loss does not start again after a better one"): (
                _plateau(extra, in_a_row=False)
            )
            for code, extra in (("counter-not-reset", 0), ("counter-not-reset-early", -1))
        },
        source="after `patience` epochs in a row without a better loss, or one more",
    ),
    "cosine_restarts": Schedule(
        (_restarts,),
        optional=CYCLES,
        mistakes={
            Cause("no-restart", "the cosine swings back up at the end of a cycle instead of starting again at 1"): (
                _swings
            ),
            Cause("first-cycle-length", "the phase is divided by the length of the first cycle, not of the current "
                  "one"): _of_first_length,
        },
        source="Loshchilov & Hutter 2017, eq. 5",
    ),
    **{
        name: Schedule(
            (_triangles(shrink),),
            optional=CYCLES,
            mistakes={Cause("cycle-not-doubled", "the number of the cycle is not doubled; a cycle has two half "
                            "cycles"): _half_cycles(shrink)},
            source=f"Smith 2017, Cyclical Learning Rates for Training Neural Networks, section {section}",
        )
        for name, shrink, section in (("triangular", 1.0, "3.1"), ("triangular2", 0.5, "3.2"))
    },
    "one_cycle": Schedule(  # in two phases or three, linear or cosine
        tuple(_one_cycle(ramp, phases) for ramp in (lambda s: (1 - cos(pi * s)) / 2, lambda s: s) for phases in (2, 3)),
        ("warmup",),
        source="Smith 2018",
    ),
}  # fmt: skip
