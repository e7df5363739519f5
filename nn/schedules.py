"""The learning rate over time: t = step/total steps in [0, 1] -> a factor in [0, 1] of the base rate.

Each raises ValueError for a setting outside the interval that it declares as `admits`.
"""

from __future__ import annotations

from math import cos, floor, pi

from nnlaw.nn.plugins.registry import schedule
from nnlaw.nn.plugins.validate import check_settings


@schedule("constant")
def constant(t: float) -> float:
    """Always 1."""
    return 1.0


@schedule("step", admits={"drop": "[0, 1]", "every": "(0, ∞)"})
def step(t: float, *, drop: float = 0.5, every: float = 0.25) -> float:
    """drop^⌊t/every⌋."""
    check_settings(step, drop=drop, every=every)
    return float(drop ** floor(t / every))


@schedule("cosine", admits={"floor": "[0, 1]"})
def cosine(t: float, *, floor: float = 0.0) -> float:
    """floor + (1 − floor)·(1 + cos πt)/2.  Source: I. Loshchilov, F. Hutter, ICLR 2017."""
    check_settings(cosine, floor=floor)
    return floor + (1 - floor) * (1 + cos(pi * t)) / 2


@schedule("one_cycle", admits={"warmup": "[0, 1)", "start": "[0, 1]", "end": "[0, 1]"})
def one_cycle(t: float, *, warmup: float = 0.3, start: float = 0.04, end: float = 0.001) -> float:
    """From `start` up to 1 at t = warmup, then down to `end`, both along a cosine.  Source: L. N. Smith, 2018."""
    check_settings(one_cycle, warmup=warmup, start=start, end=end)
    if t < warmup:
        return 1 + (start - 1) * (1 + cos(pi * t / warmup)) / 2
    return end + (1 - end) * (1 + cos(pi * (t - warmup) / (1 - warmup))) / 2
