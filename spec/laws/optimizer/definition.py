"""An optimizer with a standard name must take the textbook's steps.

It finds a step count that is off by one, missing bias correction, swapped betas, weight decay of the wrong kind, and
code that computes another optimizer than its name promises.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.laws.optimizer._shared import SIZE, fresh, random_gradients, walked
from nnlaw.spec.reference import OPTIMIZERS, Optimizer, Rule, find_reference, trajectory
from nnlaw.spec.reference.optimizers import RATES, compounding
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.hyperparameters import (
    ALIASES,
    DECAY_NAMES,
    IGNORED,
    Hyperparameters,
    infer_hyperparameters,
    numeric_attributes,
    numeric_defaults,
)
from nnlaw.spec.subjects.settings import CLIPS, PENALTIES
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Inconclusive, Violation, counted

STEPS = 10
STEEP = 100.0  # the size of the gradients; the usual ε is negligible beside it
LARGE_EPSILON = 0.1  # a larger default of ε is not negligible
CLOSE = 1e-4  # of the distance covered: what float32 may lose
TOO_LARGE = Cause("large-epsilon", "ε is large compared with usual gradients, so they are not divided by their size")
NOT_STORED = Cause("setting-not-stored", "often arguments that are passed on in another order, or not at all")
L2 = Cause("l2-instead-of-decay", "weight decay is added to the gradient (L2 regularization)")
CLIMBS = Cause("wrong-sign-of-step", "the sign of the step is wrong: the weights move along the gradient")
COUNTS_ARRAYS = Cause("counts-arrays", "t is counted on for each array, not once per step")
NEVER_DECAYS = Cause("never-decays", "the weights never decay")
NO_MOMENTUM = Cause(
    "velocity-not-kept", "the momentum has no effect: often the velocity is not kept from one step to the next"
)
COMPOUNDING = Cause("compounding-decay", "the next learning rate is computed from the last one instead of the first")
RATE_DECAY = re.compile(r"^(lr|learningrate|rate)?decay(rate)?$")
Rate: TypeAlias = Callable[[int], float]


@law(
    "definition",
    kind="optimizer",
    family="numerics",
    statement="An optimizer with a standard name takes the textbook's steps, for a constant and for random gradients.",
    why="Adam without bias correction, or with L2 instead of decoupled weight decay, still trains, but worse, and "
    "settings from papers don't carry over.",
    depends_on=("converges",),
)
def definition(case: OptimizerCase) -> None:
    """Take ten steps with a constant and with random gradients of size 100, and compare the weights with the
    textbook's, with the hyperparameters read from the instance. One accepted variant must match both within 1e-4 of
    the distance covered. Also, ε must be at most 0.1 by default, and the instance must store the signature's defaults.
    """
    instance = case.make()
    name, row = find_reference(instance, case.name, OPTIMIZERS)
    without = row.without_momentum if instance.attribute("uses_momentum") else ()
    row = replace(row, variants=tuple(rule for rule in row.variants if rule not in without))
    _check_defaults(case, instance, row)
    declared = _hyperparameters(case, instance, name, row)
    w = random_gradients(case, STEPS + 1)[STEPS]
    own = {} if case.registered else numeric_attributes(instance)  # registered code declares what it is
    limits = [value for name, value in own.items() if CLIPS.search(name) and value > 0]
    sizes = [STEEP, *(0.1 * limit for limit in limits)]  # of gradients that are clipped, and of some that are not
    numbers = instance.attribute("array_numbers")
    numbers = numbers if isinstance(numbers, np.ndarray) else None
    settings = [*declared.combinations(), *_of_weights_only(declared, numbers)]
    runs = [np.full((STEPS, SIZE), STEEP, np.float32), *(random_gradients(case, STEPS, size) for size in sizes)]
    paths = [walked(fresh(case), w, gradients, case.lr) for gradients in runs]
    if clipped := [[clip(gradients) for gradients in runs] for clip in _clips(limits)]:
        runs = min(clipped, key=lambda each: min(_distance(row, h, w, each, paths, case.lr) for h in settings))

    def matches(rule: Rule, h: Any, decay: str, rate: Rate = _constant, early: bool = False) -> bool:
        pairs = zip(runs, paths, strict=True)
        return all(
            _near(trajectory(rule, h, w, gradients, case.lr, decay, rate, early=early), path, w)
            for gradients, path in pairs
        )

    forms: tuple[str, ...] = ("before", "after", "coupled") if row.coupled else ("before", "after")
    forms = ("inside",) if name == "lamb" else forms
    if any(matches(rule, h, decay) for h in settings for rule in row.variants for decay in forms):
        return
    decays = [] if case.registered else _rate_decays(instance)
    shrinking = [_decayed(rate, k) for k in decays for rate in RATES]
    choices = product(row.variants, settings, forms, shrinking, (False, True))
    if any(matches(*choice) for choice in choices):
        return
    cause = _likely_cause(name, row, declared, matches, numbers)
    if any(matches(rule, h, decay) for h in declared.combinations() for rule in without for decay in forms):
        cause = NO_MOMENTUM
    twice = product(row.variants, declared.combinations(), forms, [_decayed(compounding, k) for k in decays])
    if any(matches(*choice) for choice in twice):
        cause = COMPOUNDING
    missing = [each for each in declared.missing if each != "decay" or _decays(case)]
    if declared.unknown or (missing and cause is NO_CAUSE):
        why = f"settings that {name} does not have" if declared.unknown else "hyperparameters under unusual names"
        raise Inconclusive(f"{why}: {', '.join(declared.unknown or missing)}")
    h = min(settings, key=lambda h: _distance(row, h, w, runs, paths, case.lr))
    right = [trajectory(row.variants[0], h, w, gradients, case.lr) for gradients in runs]
    odd = next(i for i, path in enumerate(paths) if not _near(right[i], path, w))
    off = np.abs(paths[odd] - right[odd])
    t, i = first_index(~(off < off.max() / 2))
    gradients = "random gradients" if odd else "a constant gradient"
    raise Violation(
        "definition",
        location=case.location("step"),
        array=f"the change of w[{i}] in {counted(t + 1, 'step')} with {gradients} and lr = {case.lr:g}",
        actual=f"{paths[odd][t, i] - w[i]:.4g}",
        expected=f"{right[odd][t, i] - w[i]:.4g}, as {name} is defined ({row.source})",
        cause=cause.text,
        cause_code=cause.code,
        note=why_compared(case, instance, name),
    )


def _clips(limits: list[float]) -> list[Callable[[Array], Array]]:
    """How an optimizer may clip the gradient of each step to a limit among its settings: by its norm, or by value."""
    return [partial(clip, limit=limit) for limit in limits for clip in (_clipped_by_norm, _clipped_by_value)]


def _clipped_by_norm(gradients: Array, limit: float) -> Array:
    return np.asarray(gradients * np.minimum(1, limit / np.linalg.norm(gradients, axis=1, keepdims=True)))


def _clipped_by_value(gradients: Array, limit: float) -> Array:
    return np.clip(gradients, -limit, limit)


def _distance(
    row: Optimizer, h: Any, w: Array, runs: Sequence[Array], paths: Sequence[Array], lr: float
) -> float:
    """How far the steps are from those of the first variant."""
    pairs = zip(runs, paths, strict=True)
    return max(float(np.abs(trajectory(row.variants[0], h, w, g, lr) - path).max()) for g, path in pairs)


def _check_defaults(case: OptimizerCase, instance: Subject, row: Optimizer) -> None:
    """Raise Violation if the default of ε is large, or if the instance does not store the signature's defaults."""
    for name, default in numeric_defaults(instance).items():
        if "eps" in row.defaults and name in ALIASES["eps"] and default > LARGE_EPSILON:
            raise _wrong_default(case, name, f"{default:g}", f"at most {LARGE_EPSILON:g}", TOO_LARGE)
    try:
        kept = numeric_attributes(instance.create({}))
    except Exception:  # it needs arguments, and what it stores depends on them
        return
    for name, default in numeric_defaults(instance).items():
        if name in row.defaults and name != "eps" and kept.get(name, default) != default:
            raise _wrong_default(case, name, f"stored as {kept[name]:g}", f"{default:g}, as passed", NOT_STORED)


def _wrong_default(case: OptimizerCase, name: str, actual: str, expected: str, cause: Cause) -> Violation:
    return Violation(
        "definition",
        location=case.location("step"),
        array=f"the default of {name}",
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )


def _hyperparameters(case: OptimizerCase, instance: Subject, name: str, row: Optimizer) -> Hyperparameters:
    """The declared values; an attribute `decay` may mean something else, unless the name shows that weights decay."""
    declared = infer_hyperparameters(instance, {"decay": 0.0} | dict(row.defaults))
    numbers = numeric_attributes(instance)
    plainly = name == "adamw" or any(alias in DECAY_NAMES for alias in numbers)
    aliases = {alias for each in row.defaults for alias in ALIASES.get(each, ())}
    alone = "decay" in numbers.keys() - aliases and not any(map(PENALTIES.search, numbers.keys() - {"decay"}))
    plainly = plainly or (alone and _decays(case))
    decays = declared.candidates["decay"]
    candidates = declared.candidates | {"decay": decays if plainly else tuple(dict.fromkeys((*decays, 0.0)))}
    for own in row.defaults if not case.registered else ():  # such as a misspelled beta
        candidates[own] = tuple(dict.fromkeys((*candidates[own], *_strangers(instance))))
    optional = {"decay"} if name == "adadelta" else {"decay", "eps"}  # any ε is negligible beside such gradients
    needed = set(declared.missing) - optional - {own for own, usual in row.defaults.items() if not usual}
    if (name == "adamw" and "decay" in declared.missing) or (not plainly and _decays(case)):
        needed.add("decay")
    return Hyperparameters(candidates, tuple(sorted(needed)), declared.unknown)


def _of_weights_only(declared: Hyperparameters, numbers: Array | None) -> list[SimpleNamespace]:
    """The settings with a decay of the weights alone: of several arrays each second one is a bias, which need not."""
    if numbers is None or not numbers.any():
        return []
    return [SimpleNamespace(**vars(h) | {"decay": h.decay * (numbers % 2 == 0)})
            for h in declared.combinations() if h.decay]  # fmt: skip


def _strangers(instance: Subject) -> list[float]:
    """The fractions among the attributes whose names are those of no hyperparameter."""
    known = {alias for names in ALIASES.values() for alias in names} | IGNORED
    return [value for name, value in numeric_attributes(instance).items() if name not in known and 0 < value < 1]


def _constant(t: int) -> float:
    return 1.0


def _decayed(rate: Callable[[int, float], float], k: float) -> Rate:
    return lambda t: rate(t, k)


def _rate_decays(instance: Subject) -> list[float]:
    """The numbers that may be a decay of the learning rate."""
    return [value for name, value in numeric_attributes(instance).items() if RATE_DECAY.match(name) and value]


def _decays(case: OptimizerCase) -> bool:
    """Whether weights move without a gradient, to other numbers."""
    w = np.full(SIZE, 50, np.float32)
    path = walked(fresh(case), w, [np.zeros_like(w)] * 3)[-1]
    return is_finite(path) and not np.array_equal(path, w)


def _near(expected: Array, path: Array, w: Array) -> bool:
    distance = np.abs(expected - w).max()
    return bool(np.abs(path - expected).max() <= CLOSE * distance + 1e-6 * np.abs(w).max())


def _climbing(rule: Rule) -> Rule:
    """The step with the other sign."""
    return lambda g, t, s, h: -rule(g, t, s, h)


def _counting_arrays(rule: Rule, numbers: Array, first: int) -> Rule:
    """The step with a count that continues from array to array."""
    arrays = int(numbers.max()) + 1
    return lambda g, t, s, h: rule(g, arrays * (t - 1) + numbers + first, s, h)


def _likely_cause(
    name: str,
    row: Optimizer,
    declared: Hyperparameters,
    matches: Callable[[Rule, Any, str], bool],
    numbers: Array | None,
) -> Cause:
    """The first usual mistake, or other optimizer, that takes exactly these steps.

    `numbers` has the number of the array to which each weight belongs, if there are several.
    """
    usual = {key: value for other in OPTIMIZERS.values() for key, value in other.defaults.items()} | {"beta": 0.9}
    for choice in declared.combinations():
        h = SimpleNamespace(**(usual | {"decay": 0.0} | vars(choice)))
        for mistake, rule in row.mistakes.items():
            if matches(rule, h, "before"):
                return mistake
        for rule in row.variants:
            if matches(_climbing(rule), h, "before"):
                return CLIMBS
            with contextlib.suppress(ValueError):  # a rule that depends on whether t is 1 takes one t for all arrays
                counted = [] if numbers is None else [_counting_arrays(rule, numbers, first) for first in (1, 2)]
                if any(matches(each, h, "before") for each in counted):
                    return COUNTS_ARRAYS
        if h.decay:
            if any(matches(rule, h, "coupled") for rule in row.variants):
                return L2
            still = SimpleNamespace(**vars(h) | {"decay": 0.0})
            if any(matches(rule, still, "before") for rule in row.variants):
                return NEVER_DECAYS
        for other, of in OPTIMIZERS.items():
            if other != name and matches(of.variants[0], h, "before"):
                return Cause("other-optimizer", f"it computes {other}")
    return NO_CAUSE
