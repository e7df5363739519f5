"""An optimizer with a standard name goes the textbook's way, on a constant and on a random gradient."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import LR, SIZE, draw, fresh, walked
from nnlaw.spec.reference import OPTIMIZERS, Optimizer, Rule, textbook, walk
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.hyperparameters import ALIASES, PLAINLY_DECAY, Hyperparameters, attributes, defaults, read
from nnlaw.spec.violation import Inconclusive, Violation

STEPS = 10
STEEP = 100.0  # the size of the gradients, beside which the usual ε is nothing
BLUNT = 0.1  # an ε larger than this by default is none
CLOSE = 1e-4  # of the way gone: what float32 may lose


@law(
    "definition",
    kind="optimizer",
    family="gradient",
    statement="An optimizer with a standard name goes the textbook's way, on a constant and on a random gradient.",
    depends_on=("converges",),
)
def definition(case: OptimizerCase) -> None:
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
    off = np.abs(paths[odd] - right[odd])
    t, i = first_index(~(off < off.max() / 2))
    raise Violation(
        "definition",
        location=case.location("step"),
        array=f"the way of w[{i}] in {t + 1} steps of {LR:g} on a {('constant', 'random')[odd]} gradient",
        actual=f"{paths[odd][t, i] - w[i]:.4g}",
        expected=f"{right[odd][t, i] - w[i]:.4g}, that of {name} ({row.source})",
        cause=cause,
    )


def _defaults(case: OptimizerCase, kind: type, row: Optimizer) -> None:
    """Nothing was set: ε is next to nothing beside a gradient of 1, and what the signature says is what is kept."""
    for name, default in defaults(kind).items():
        if "eps" in row.usual and name in ALIASES["eps"] and default > BLUNT:
            reason = "an ε that is large beside usual gradients, which no longer are divided by their size"
            raise _odd_default(case, name, f"{default:g}", f"at most {BLUNT:g}, next to nothing", reason)
    try:
        kept = attributes(kind())
    except Exception:  # it wants settings, and what it makes of them is told by them alone
        return
    for name, default in defaults(kind).items():
        if name in row.usual and name != "eps" and kept.get(name, default) != default:
            actual, expected = f"kept as {kept[name]:g}", f"kept as it was handed in, {default:g}"
            reason = "arguments that are handed on in another order, or not at all"
            raise _odd_default(case, name, actual, expected, reason)


def _odd_default(case: OptimizerCase, name: str, actual: str, expected: str, cause: str) -> Violation:
    location, array = case.location("step"), f"the setting {name}, by default"
    return Violation("definition", location=location, array=array, actual=actual, expected=expected, cause=cause)


def _with_decay(case: OptimizerCase, instance: object, name: str, row: Optimizer) -> Hyperparameters:
    """What is told; an attribute `decay` may mean something else, unless the name says that weights decay."""
    told = read(instance, {"decay": 0.0} | dict(row.usual))
    plainly = name == "adamw" or any(alias in PLAINLY_DECAY for alias in attributes(instance))
    decays = told.candidates["decay"]
    candidates = told.candidates | {"decay": decays if plainly else tuple(dict.fromkeys((*decays, 0.0)))}
    spared = {"decay"} if name == "adadelta" else {"decay", "eps"}  # beside such gradients any ε will do
    needed = set(told.untold) - spared - ({"beta"} if name == "sgd" else set())
    if (name == "adamw" and "decay" in told.untold) or (not plainly and _decays(case)):
        needed.add("decay")
    return Hyperparameters(candidates, tuple(sorted(needed)), told.unknown)


def _decays(case: OptimizerCase) -> bool:
    """Whether weights move without a gradient."""
    w = np.full(SIZE, 50, np.float32)
    return not np.array_equal(walked(fresh(case), w, [np.zeros_like(w)] * 3)[-1], w)


def _near(expected: Array, path: Array, w: Array) -> bool:
    way = np.abs(expected - w).max()
    return bool(np.abs(path - expected).max() <= CLOSE * way + 1e-6 * np.abs(w).max())


def _mistake(name: str, row: Optimizer, told: Hyperparameters, goes: Callable[[Rule, Any, str], list[bool]]) -> str:
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
