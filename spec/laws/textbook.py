"""The law of definition, for optimizers, initializers, schedules and metrics: who bears a standard name computes it.

It catches what is consistent with itself and still wrong. Hyperparameters are read from what is judged; where they
cannot be told and no known mistake accounts for all that was found, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import isclose
from types import SimpleNamespace
from typing import Any

import numpy as np

from spec.arrays import Array, first_index
from spec.cases import InitializerCase, MetricCase, OptimizerCase, ScheduleCase
from spec.definitions import INITIALIZERS, OPTIMIZERS, SCHEDULES, Optimizer, Rule, textbook, walk
from spec.law import law
from spec.laws.initializers import SHAPES, drawn, judge_variance
from spec.laws.metrics import predictions, standard
from spec.laws.optimizers import LR, SIZE, draw, fresh, walked
from spec.told import ALIASES, PLAINLY_DECAY, Told, attributes, defaults, read, read_settings
from spec.violation import DoesNotApply, Inconclusive, Violation

STEPS = 10
STEEP = 100.0  # the size of the gradients, beside which the usual ε is nothing
FALLING = ("step", "cosine", "one_cycle")  # schedules that are not flat where nothing was set
BLUNT = 0.1  # an ε larger than this by default is none
CLOSE = 1e-4  # of the way gone: what float32 may lose


@law(
    "definition",
    kind="optimizer",
    family="convergence",
    statement="An optimizer with a standard name goes the textbook's way, on a constant and on a random gradient.",
    rests_on=("converges",),
)
def optimizer(case: OptimizerCase) -> None:
    """Ten steps in every accepted variant; then the usual mistakes, and the other names, for a cause."""
    instance = case.make()
    name, row = textbook(instance, case.name, OPTIMIZERS)
    _defaults(case, type(instance), row)
    told = _with_decay(case, instance, name, row)
    w = draw(case, STEPS + 1)[STEPS]
    ways = (np.full((STEPS, SIZE), STEEP, np.float32), draw(case, STEPS, STEEP))
    paths = [walked(fresh(case), w, gradients) for gradients in ways]

    def goes(rule: Rule, h: Any, decay: str) -> list[bool]:
        pairs = zip(ways, paths, strict=True)
        return [_near(walk(rule, h, w, gradients, LR, decay), path, w) for gradients, path in pairs]

    forms = ("before", "after", "coupled") if row.coupled else ("before", "after")
    if any(all(goes(rule, h, decay)) for h in told.choices() for rule in row.variants for decay in forms):
        return
    cause = _mistake(name, row, told, goes)
    if told.unknown or (told.untold and not cause):
        why = f"settings that {name} does not have" if told.unknown else "hyperparameters under unusual names"
        raise Inconclusive(f"{why}: {', '.join(told.unknown or told.untold)}")
    h = next(told.choices())
    right = [walk(row.variants[0], h, w, gradients, LR) for gradients in ways]
    odd = next(i for i, path in enumerate(paths) if not _near(right[i], path, w))
    raise Violation(
        "definition",
        where=case.where("step"),
        array=f"the way of w[0] in {STEPS} steps of {LR:g} on a {('constant', 'random')[odd]} gradient",
        actual=f"{paths[odd][-1, 0] - w[0]:.4g}",
        expected=f"{right[odd][-1, 0] - w[0]:.4g}, that of {name} ({row.source})",
        cause=cause,
    )


def _defaults(case: OptimizerCase, kind: type, row: Optimizer) -> None:
    """Nothing was set: ε is next to nothing beside a gradient of 1, and what the signature says is what is kept."""
    for name, default in defaults(kind).items():
        if "eps" in row.usual and name in ALIASES["eps"] and default > BLUNT:
            because = "an ε that is large beside usual gradients, which no longer are divided by their size"
            raise _odd_default(case, name, f"{default:g}", f"at most {BLUNT:g}, next to nothing", because)
    try:
        kept = attributes(kind())
    except Exception:  # it wants settings, and what it makes of them is told by them alone
        return
    for name, default in defaults(kind).items():
        if name in row.usual and name != "eps" and kept.get(name, default) != default:
            actual, expected = f"kept as {kept[name]:g}", f"kept as it was handed in, {default:g}"
            because = "arguments that are handed on in another order, or not at all"
            raise _odd_default(case, name, actual, expected, because)


def _odd_default(case: OptimizerCase, name: str, actual: str, expected: str, cause: str) -> Violation:
    where, array = case.where("step"), f"the setting {name}, by default"
    return Violation("definition", where=where, array=array, actual=actual, expected=expected, cause=cause)


def _with_decay(case: OptimizerCase, instance: object, name: str, row: Optimizer) -> Told:
    """What is told; an attribute `decay` may mean something else, unless the name says that weights decay."""
    told = read(instance, {"decay": 0.0} | dict(row.usual))
    plainly = name == "adamw" or any(alias in PLAINLY_DECAY for alias in attributes(instance))
    decays = told.candidates["decay"]
    candidates = told.candidates | {"decay": decays if plainly else tuple(dict.fromkeys((*decays, 0.0)))}
    spared = {"decay"} if name == "adadelta" else {"decay", "eps"}  # beside such gradients any ε will do
    needed = set(told.untold) - spared - ({"beta"} if name == "sgd" else set())
    if (name == "adamw" and "decay" in told.untold) or (not plainly and _decays(case)):
        needed.add("decay")
    return Told(candidates, tuple(sorted(needed)), told.unknown)


def _decays(case: OptimizerCase) -> bool:
    """Whether weights move without a gradient."""
    w = np.full(SIZE, 50, np.float32)
    return not np.array_equal(walked(fresh(case), w, [np.zeros_like(w)] * 3)[-1], w)


def _near(expected: Array, path: Array, w: Array) -> bool:
    way = np.abs(expected - w).max()
    return bool(np.abs(path - expected).max() <= CLOSE * way + 1e-6 * np.abs(w).max())


def _mistake(name: str, row: Optimizer, told: Told, goes: Callable[[Rule, Any, str], list[bool]]) -> str:
    """The first mistake that goes all of the way, or the other name that does."""
    usual = {key: value for other in OPTIMIZERS.values() for key, value in other.usual.items()} | {"beta": 0.9}
    for choice in told.choices():
        h = SimpleNamespace(**(usual | {"decay": 0.0} | vars(choice)))
        for words, rule in row.mistakes.items():
            if all(goes(rule, h, "before")):
                return words
        if h.decay:
            if any(all(goes(rule, h, "coupled")) for rule in row.variants):
                return "the decay is added to the gradient, which is L2 regularization"
            still = SimpleNamespace(**vars(h) | {"decay": 0.0})
            if any(all(goes(rule, still, "before")) for rule in row.variants):
                return "the weights never decay"
        for other, of in OPTIMIZERS.items():
            if other != name and all(goes(of.variants[0], h, "before")):
                return f"what it computes is {other}"
    return ""


@law(
    "definition",
    kind="initializer",
    family="output range",
    statement="An initializer with a standard name has the textbook's variance, or orthonormal rows or columns.",
    rests_on=("seeded", "symmetry", "variance"),
)
def initializer(case: InitializerCase) -> None:
    """Each accepted variance is tried; a name that says uniform bounds its weights by √(3v)."""
    name, variances = textbook(case.thing, case.name, INITIALIZERS)
    found = []
    for accepted in variances:
        try:
            for wanted in SHAPES:
                judge_variance("definition", case, wanted, accepted)
        except Violation as violation:
            found.append(violation)
    unknown = read_settings(case.thing, case.settings, {}).unknown
    if len(found) == len(variances):
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}") if unknown else found[0]
    for wanted in SHAPES:
        weights = drawn(case, wanted).astype(np.float64)
        if name == "orthogonal":
            gram = weights @ weights.T if wanted[0] < wanted[1] else weights.T @ weights
            if not np.allclose(gram, np.eye(len(gram)), atol=1e-4):
                at = first_index(~np.isclose(gram, np.eye(len(gram)), atol=1e-4))
                raise Violation(
                    "definition",
                    where=case.where,
                    array=f"W Wᵀ or Wᵀ W for weights {wanted}",
                    index=at,
                    actual=f"{gram[at]:.4g}",
                    expected=f"{float(at[0] == at[1]):g}, of orthonormal rows or columns",
                )
        if name.endswith("uniform") and np.abs(weights).max() > (limit := np.sqrt(3 * weights.var())) * 1.1:
            raise Violation(
                "definition",
                where=case.where,
                array=f"the largest of weights {wanted}",
                actual=f"{np.abs(weights).max():.4g}",
                expected=f"at most {limit:.4g}, √3 deviations, as of a uniform draw",
                cause="a normal draw",
            )


@law(
    "definition",
    kind="schedule",
    family="convergence",
    statement="A schedule with a standard name is the textbook's curve; step, cosine and one_cycle fall by default.",
    rests_on=("bounds", "pure", "jump"),
)
def schedule(case: ScheduleCase) -> None:
    """A hundred values of t away from where a step falls; the value at t = 1 is taken as it is."""
    name, (factors, needed) = textbook(case.thing, case.name, SCHEDULES)
    ends = ("start", "end") if name == "one_cycle" else ("end",)
    told = read_settings(case.thing, case.settings, dict.fromkeys((*needed, *ends), 0.0))
    untold = [setting for setting in told.untold if setting in needed]
    start, end = float(case(0.0)), float(case(1.0))
    if untold or told.unknown:
        because = f"settings that cannot be told: {', '.join((*untold, *told.unknown))}"
        raise DoesNotApply(because) if name == "one_cycle" else Inconclusive(because)
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
        where=case.where,
        array=f"the factor at t = {at:.4g}",
        actual=f"{actual:.6g}" if off else f"{actual:.6g}, as at every other t, although nothing was set",
        expected=f"{expected:.6g}, that of {name} with {end:.4g} at the end" if off else "less than at first",
    )


@law(
    "definition",
    kind="metric",
    family="output range",
    statement="A metric with a standard name has the textbook's value.",
    rests_on=("metric-known",),
)
def metric(case: MetricCase) -> None:
    """Five batches; one accepted variant must account for all of them."""
    name, row = standard(case)
    unknown = read_settings(case.thing, case.settings, {}).unknown
    rng = case.rng
    batches = [predictions(rng, samples) for samples in (10, 21, 40, 41, 7)]
    found = [float(case(p, y)) for p, y in batches]
    for variant in row.variants:
        right = [variant(p.astype(np.float64), y) for p, y in batches]
        if np.allclose(found, right, rtol=1e-4, atol=1e-6):
            return
    if unknown:
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}")
    right = [row.variants[0](p.astype(np.float64), y) for p, y in batches]
    at = int(np.argmax(~np.isclose(found, right, rtol=1e-4, atol=1e-6)))
    raise Violation(
        "definition",
        where=case.where,
        array=f"{name} of {len(batches[at][1])} samples",
        actual=f"{found[at]:.6g}",
        expected=f"{right[at]:.6g}",
        cause="a sum where the mean over the samples is due"
        if np.allclose(found, [len(y) * value for (_, y), value in zip(batches, right, strict=True)])
        else "",
    )
