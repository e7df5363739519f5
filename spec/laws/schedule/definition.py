"""A schedule with a standard name must be the textbook's curve.

It finds wrong frequencies, swapped ends, and defaults with which the learning rate stays constant.
"""

from __future__ import annotations

from itertools import product
from math import isclose
from types import SimpleNamespace

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.reference import SCHEDULES, find_reference
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.subjects.hyperparameters import infer_from_settings
from nnlaw.spec.violation import Inconclusive, NotApplicable, Violation

RISING = ("constant", "one_cycle", "linear_warmup", "warmup_cosine")  # schedules that may rise at first
FALLING = ("step", "cosine", "one_cycle")  # schedules that fall with their default settings


@law(
    "definition",
    kind="schedule",
    family="numerics",
    statement="A schedule with a standard name is the textbook's curve; step, cosine and one_cycle fall by default.",
    why="A cosine that covers only a quarter of the wave is still smooth and falling, and ends with another learning "
    "rate than it should.",
    depends_on=("bounds", "pure", "jump"),
)
def definition(case: ScheduleCase) -> None:
    """Compare the factor with the definition at 100 times, within 1e-6, with the settings read from the signature. The
    value at t = 1 is taken as it is found, since schedules may end anywhere. step, cosine and one_cycle must not be
    constant with their defaults.
    """
    name, (factors, needed) = find_reference(case.thing, case.name, SCHEDULES)
    ends = ("start", "end") if name == "one_cycle" else ("end",)
    declared = infer_from_settings(case.thing, case.settings, dict.fromkeys((*needed, *ends), 0.0))
    missing = [setting for setting in declared.missing if setting in needed]
    start, end = float(case(0.0)), float(case(1.0))
    if missing or declared.unknown:
        reason = f"the meaning of these settings is unknown: {', '.join((*missing, *declared.unknown))}"
        raise NotApplicable(reason) if name == "one_cycle" else Inconclusive(reason)
    top = max(float(case(t)) for t in np.linspace(0, 1, 101))
    if name not in RISING and start < top - 1e-6:
        raise Inconclusive("the factor rises at first, without a setting for it")
    grid = [float(t) for t in (np.arange(100) + np.sqrt(0.5)) / 100]
    if steps := case.thing.attribute("steps"):  # of a schedule that is not registered and counts its steps
        grid = [t / int(steps) for t in range(1, int(steps))]
    for choice, factor in product(declared.combinations(), factors):
        begins = start if "start" in declared.missing else getattr(choice, "start", start)
        h = SimpleNamespace(**vars(choice) | {"start": begins if begins <= 1 else start, "end": end})
        found = [(t, float(case(t)), factor(t, h)) for t in grid]
        off = [row for row in found if not isclose(row[1], row[2], rel_tol=1e-6, abs_tol=1e-6)]
        if not off:
            break
    if not off and (name not in FALLING or case.settings or len({row[1] for row in found}) > 1):
        return
    at, actual, expected = off[0] if off else (1.0, end, np.nan)
    raise Violation(
        "definition",
        location=case.location,
        array=f"the factor at t = {at:.4g}",
        actual=f"{actual:.6g}" if off else f"{actual:.6g}, as at every t with the default settings",
        expected=f"{expected:.6g}, as {name} that ends at {round(end, 9):.4g}" if off else "less than at t = 0",
    )
