"""A schedule with a standard name must be the textbook's curve.

It finds wrong frequencies, swapped ends, and defaults with which the learning rate stays constant.
"""

from __future__ import annotations

from itertools import product
from math import isclose
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.reference import SCHEDULES, find_reference
from nnlaw.spec.reference.schedules import Factor, cycle
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.subjects.hyperparameters import infer_from_settings
from nnlaw.spec.violation import NO_CAUSE, Inconclusive, NotApplicable, Violation

ENDS = {"one_cycle": ("start", "end"), "triangular": ("start",), "triangular2": ("start",)}
RISING = (
    "constant", "one_cycle", "linear_warmup", "warmup_linear", "warmup_cosine", "noam", "triangular", "triangular2"
)  # fmt: skip
"""Schedules that may rise at first."""
FALLING = ("step", "cosine", "one_cycle")  # schedules that fall with their default settings
MAX_CYCLES = 32  # that are tried if there is no setting for them
SOON = 1e-6  # a time at which every warmup is a line


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
    value at t = 1 is taken as it is found, since schedules may end anywhere; the length of a warmup without a setting
    for it is that of the first rise, and the lowest factor of cosine_restarts follows from that in the middle of the
    first cycle. step, cosine and one_cycle must not be constant with their defaults, nor code that is not registered.
    """
    name, row = find_reference(case.thing, case.name, SCHEDULES)
    ends = ENDS.get(name, ("end",))
    numbers = tuple(each for each in (*row.needed, *row.optional) if each != "milestones")
    lists = _milestones(case) if "milestones" in row.needed else {}
    settings = {key: value for key, value in case.settings.items() if not isinstance(value, tuple | list)}
    declared = infer_from_settings(case.thing, settings, dict.fromkeys((*numbers, *ends), 0.0))
    missing = [setting for setting in declared.missing if setting in row.needed]
    unknown = [setting for setting in declared.unknown if setting not in lists]
    start, end = float(case(0.0)), float(case(1.0))
    measured: dict[str, Any] = {"milestones": next(iter(lists.values()), ())}
    if missing == ["warmup"] and name != "one_cycle" and (warmup := _first_rise(case, start)):
        missing, measured = [], {"warmup": warmup}
    if "milestones" in row.needed and not lists:
        missing.append("milestones")
    if missing or unknown:
        reason = f"the meaning of these settings is unknown: {', '.join((*missing, *unknown))}"
        raise NotApplicable(reason) if name == "one_cycle" or row.optional else Inconclusive(reason)
    top = max(float(case(t)) for t in np.linspace(0, 1, 101))
    if name not in RISING and start < top - 1e-6:
        raise Inconclusive("the factor rises at first, without a setting for it")
    grid = [float(t) for t in (np.arange(100) + np.sqrt(0.5)) / 100]
    steps = int(case.thing.attribute("steps") or 0)  # of a schedule that is not registered and counts its steps
    if steps:
        grid = [t / steps for t in range(1, steps)]
    actual = [float(case(t)) for t in grid]

    def rows(factor: Factor, choice: Any) -> list[tuple[float, float, float]]:
        """The times at which the factor is another one."""
        begins = start if "start" in declared.missing else getattr(choice, "start", start)
        ends = getattr(choice, "end", end)
        if case.registered or "end" in declared.missing:
            ends = 2 * float(case(cycle(0.0, choice)[2] / 2)) - 1 if name == "cosine_restarts" else end
        found = {"start": begins if begins <= 1 else start, "end": ends, "unit": 1 / steps if steps else 0.0}
        h = SimpleNamespace(**vars(choice) | found | measured)
        expected = [(t, each, factor(t, h)) for t, each in zip(grid, actual, strict=True)]
        return [each for each in expected if not isclose(each[1], each[2], rel_tol=1e-6, abs_tol=1e-6)]

    choices = list(declared.combinations())
    is_counted = not row.optional or any(setting not in declared.missing for setting in ("cycles", "first", "half"))
    if not is_counted:
        choices = [SimpleNamespace(**vars(h) | {"cycles": n}) for n in range(1, MAX_CYCLES + 1) for h in choices]
    fits = any(not rows(factor, h) for h, factor in product(choices, row.variants))
    if not fits and not is_counted:
        raise NotApplicable("found no setting for the number or the length of its cycles")
    off = [] if fits else rows(row.variants[0], choices[0])
    must_change = name != "constant" if not case.registered else name in FALLING and not case.settings
    if not off and (not must_change or len(set(actual)) > 1):
        return
    likely = (cause for cause, curve in row.mistakes.items() if off and any(not rows(curve, h) for h in choices))
    cause = next(likely, NO_CAUSE)
    at, found, expected = off[0] if off else (1.0, end, np.nan)
    curve_name = name if row.optional else f"{name} that ends at {round(end, 9):.4g}"
    raise Violation(
        "definition",
        location=case.location,
        array=f"the factor at t = {at:.4g}",
        actual=f"{found:.6g}" if off else f"{found:.6g}, as at every t{' with the default settings' * case.registered}",
        expected=f"{expected:.6g}, as {curve_name}" if off else f"a factor that changes, as {name}",
        cause=cause.text,
        cause_code=cause.code,
    )


def _milestones(case: ScheduleCase) -> dict[str, tuple[float, ...]]:
    """The settings that are lists of times."""
    rows = {row.name: row.default for row in case.thing.settings() if row.kind == "keyword" and not row.required}
    lists = {name: value for name, value in (rows | case.settings).items() if isinstance(value, tuple | list)}
    return {name: tuple(map(float, value)) for name, value in lists.items() if value}


def _first_rise(case: ScheduleCase, start: float) -> float:
    """The time at which a line through the first factors reaches 1, if it is inside the training; else 0."""
    times = (SOON, 1000 * SOON)
    rises = [(float(case(t)) - start) / t for t in times]
    if min(rises) <= 0 or not isclose(*rises, rel_tol=2e-3):
        return 0.0
    warmup = round((1 - start) / rises[0], 7)
    return warmup if times[1] < warmup < 1 else 0.0
