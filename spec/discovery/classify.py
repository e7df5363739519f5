"""Infer the kind of a class, function or instance from its methods and arguments.

    unit_of(Swish)        Unit("layer", "Swish", Swish)
"""

from __future__ import annotations

import inspect
from typing import Any

from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.subjects.unit import FUNCTIONS, METHODS, Unit
from nnlaw.spec.violation import BadInput

FIRST_ARGUMENT = {("rng", 4): "initializer", ("t", 1): "schedule", ("x", 4): "batches", ("probabilities", 2): "metric"}
"""The kind of a function by the name of its first argument and the number of arguments."""


def unit_of(thing: Any, kind: str | None = None, name: str | None = None, contract: str | None = None) -> Unit:
    """The unit of a class, function or instance that is not registered.

    Raises BadInput if `kind` is None and can't be inferred.
    """
    own_name = name or str(getattr(thing, "__name__", type(thing).__name__))
    return Unit(kind or _kind_of(thing, contract), own_name, thing, contract)


def _kind_of(thing: Any, contract: str | None) -> str:
    def has(*methods: str) -> bool:
        return all(callable(getattr(thing, method, None)) for method in methods)

    if has("loss_and_grads"):
        return "model"
    if has("step"):
        return "optimizer"
    if has("forward", "backward"):
        return "layer" if _arity(thing.backward, thing) else "loss"
    if inspect.isroutine(thing) and (contract or declaration_of(thing)):
        return "function"
    arguments = _arguments(thing) if inspect.isroutine(thing) else []
    found = FIRST_ARGUMENT.get((arguments[0], len(arguments))) if arguments else None
    if found is None:
        raise BadInput(
            f"{getattr(thing, '__name__', type(thing).__name__)}: can't infer its kind; "
            f"pass kind=, one of {', '.join((*METHODS, *FUNCTIONS))}, or contract= for a plain function"
        )
    return found


def _arguments(function: Any) -> list[str]:
    rows = inspect.signature(function).parameters.values()
    return [row.name for row in rows if row.kind in (row.POSITIONAL_ONLY, row.POSITIONAL_OR_KEYWORD)]


def _arity(method: Any, owner: Any) -> int:
    return len(_arguments(method)) - inspect.isclass(owner)
