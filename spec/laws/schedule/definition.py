"""A schedule with a standard name is the textbook's curve; step, cosine and one_cycle fall by default."""

from __future__ import annotations

from itertools import product
from math import isclose
from types import SimpleNamespace

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.reference import SCHEDULES, textbook
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.subjects.hyperparameters import read_settings
from nnlaw.spec.violation import Inconclusive, NotApplicable, Violation

FALLING = ("step", "cosine", "one_cycle")  # schedules that are not flat where nothing was set


@law(
    "definition",
    kind="schedule",
    family="gradient",
    statement="A schedule with a standard name is the textbook's curve; step, cosine and one_cycle fall by default.",
    depends_on=("bounds", "pure", "jump"),
)
def definition(case: ScheduleCase) -> None:
    """A hundred values of t away from where a step falls; the value at t = 1 is taken as it is."""
    name, (factors, needed) = textbook(case.thing, case.name, SCHEDULES)
    ends = ("start", "end") if name == "one_cycle" else ("end",)
    told = read_settings(case.thing, case.settings, dict.fromkeys((*needed, *ends), 0.0))
    untold = [setting for setting in told.untold if setting in needed]
    start, end = float(case(0.0)), float(case(1.0))
    if untold or told.unknown:
        reason = f"settings that cannot be told: {', '.join((*untold, *told.unknown))}"
        raise NotApplicable(reason) if name == "one_cycle" else Inconclusive(reason)
    top = max(float(case(t)) for t in np.linspace(0, 1, 101))
    if name not in ("constant", "one_cycle") and start < top - 1e-6:
        raise Inconclusive("it climbs at first, which no setting tells")
    grid = [float(t) for t in (np.arange(100) + np.sqrt(0.5)) / 100]
    for choice, factor in product(told.choices(), factors):
        begins = start if "start" in told.untold else getattr(choice, "start", start)
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
        actual=f"{actual:.6g}" if off else f"{actual:.6g}, as at every other t, although nothing was set",
        expected=f"{expected:.6g}, that of {name} with {end:.4g} at the end" if off else "less than at first",
    )
