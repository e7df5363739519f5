"""How a script calls what was found, as far as a few lines can: see spec/subjects/recipe.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_layer import Given, Plan
from nnlaw.spec.discovery.adapted_loss import AdaptedLoss
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.function_pair import CachedPair
from nnlaw.spec.discovery.match_gradients import Kept
from nnlaw.spec.discovery.slots import Slot
from nnlaw.spec.subjects.recipe import Recipe

LAYOUTS = {"rows": False, "as given": False, "columns": True}
"""The layouts that a script has, and whether samples are columns."""


def recipe_of_class(made: Made, plan: Plan, name: str) -> Recipe | None:
    """A class with forward and backward."""
    forward = [_argument(given) for given in plan.forward_arguments]
    backward = [_argument(given) for given in plan.backward_arguments]
    if not _is_simple(plan) or None in forward + backward or not _are_constants(made.settings):
        return None
    make = f"{name}({', '.join(f'{key}={value!r}' for key, value in made.settings.items())})"
    places = {key: f"unit{_steps(slots[0])}" for key, slots in plan.aliases.items()}
    return Recipe(
        (name,), make, f"unit.{plan.forward}({', '.join(map(str, forward))}){_steps(plan.output.slot)}",
        f"unit.{plan.backward}({', '.join(map(str, backward))})", _gradients(plan), places, LAYOUTS[plan.layout.name],
    )  # fmt: skip


def recipe_of_pair(pair: CachedPair, plan: Plan) -> Recipe | None:
    """f(x, w, b) -> (out, cache) or out, and g(dout, cache)."""
    if not _is_simple(plan) or pair.outputs > 1 or pair.functions[0] is pair.functions[1]:
        return None
    names = [function.__name__ for function in pair.functions]
    arrays = [name for name, value in pair.arguments.items() if isinstance(value, np.ndarray)]
    rest = {name: value for name, value in pair.arguments.items() if name not in arrays}
    if not _are_constants(rest) or set(plan.aliases) != set(arrays):
        return None
    written = {name: name if name in arrays else repr(value) for name, value in pair.arguments.items()}
    known = {"cache": "cache", "input": "x", "output": "y"} | written
    beside, incoming = pair.second
    if not known.keys() >= {*beside}:
        return None
    second = [known[what] for what in beside]
    second.insert(incoming, "dy")
    first = list(written.values())
    first.insert(pair.place, "x")
    return Recipe(
        tuple(names), "", f"{names[0]}({', '.join(first)})", f"{names[1]}({', '.join(second)})",
        _gradients(plan), {name: name for name in arrays}, LAYOUTS[plan.layout.name], cached=pair.has_cache,
    )  # fmt: skip


def recipe_of_activation(calls: tuple[str, str], of: str, plan: Plan) -> Recipe | None:
    """f(x) and its derivative."""
    if not _is_simple(plan) or not all(call.endswith(")") and "(x" in call for call in calls):
        return None
    derivative = calls[1] if of == "input" else calls[1].replace("(x", "(y")
    names = tuple(call.partition("(")[0].partition(".")[0] for call in calls)
    return Recipe(names, "", calls[0], f"dy * {derivative}", {"x": "returned"}, {}, LAYOUTS[plan.layout.name])


def recipe_of_loss(loss: AdaptedLoss, name: str) -> Recipe | None:
    """A loss with its gradient."""
    code, words = loss.code, {"p": "x", "t": "target"}
    if loss.total or loss.link or code.gradient is None or loss.layout.name not in LAYOUTS:
        return None
    if not {*code.value_roles, *code.gradient_roles} <= set(words):
        return None
    calls = []
    for function, roles in ((code.value, code.value_roles), (code.gradient, code.gradient_roles)):
        start = f"unit.{function}" if isinstance(function, str) else function.__name__
        calls.append(f"{start}({', '.join(words[role] for role in roles)})")
    of_class = isinstance(code.value, str)
    functions = () if of_class else (calls[0].partition("(")[0], calls[1].partition("(")[0])
    return Recipe(
        (name,) if of_class else functions, f"{name}()" if of_class else "", calls[0], calls[1], {"x": "returned"},
        {}, LAYOUTS[loss.layout.name],
    )  # fmt: skip


def _is_simple(plan: Plan) -> bool:
    """Whether one call with one array is all, and it returns the output."""
    one = len(plan.inputs) == 1 and not (plan.more or plan.integers or plan.preset or plan.multiplies)
    return one and plan.entry is None and plan.layout.name in LAYOUTS and plan.output.where == "returned"


def _argument(given: Given) -> str | None:
    """An argument as it is written; None if a script can't write it."""
    known = {"x": "x", "dy": "dy", "y": "y", "rate": "1.0"}
    text = known.get(given.what)
    if given.what in ("mode", "value") and _are_constants({"": given.value}):
        text = repr(given.value)
    if given.what == "slot":
        text = f"unit{_steps(given.value)}"
    return text and (f"{given.keyword}={text}" if given.keyword else text)


def _steps(slot: Slot) -> str:
    return "".join(f".{key}" if kind == "." else f"[{key!r}]" for kind, key in slot.steps)


def _gradients(plan: Plan) -> dict[str, str]:
    """The places of the gradients, except of those that are found in a step."""
    places: dict[str, Kept | None] = {"x": plan.dx[0] if plan.dx else None, **plan.grads}
    roots = {"returned": "returned", "object": "unit"}
    return {
        name: f"{roots[kept.where]}{_steps(kept.slot)}"
        for name, kept in places.items()
        if kept is not None and kept.where in roots
    }


def _are_constants(settings: Mapping[str, Any]) -> bool:
    """Whether all values are numbers, texts, None, or lists and tuples of these."""
    if not all(isinstance(value, int | float | str | list | tuple | None) for value in settings.values()):
        return False
    parts = [value for value in settings.values() if isinstance(value, list | tuple)]
    return all(_are_constants(dict(enumerate(part))) for part in parts)  # type: ignore[arg-type]  # the keys are not read
