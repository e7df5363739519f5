"""Functions with an argument that chooses among texts, such as activate(z, "tanh").

They are called with one of the texts as the default of that argument; the others are second values of a setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.calls import SMOOTH
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.second_settings import defaults_of

CHOICE = re.compile(r"activ|^act|kind|type|mode|method|nonlin|func|^fn?$|name|which", re.I)


def give_texts(scope: Scope) -> dict[str, str]:
    """Give the functions of a scope whose last required argument is such a choice a default for it.

    Returns what was given, such as "kind='tanh'", by the name of the function.
    """
    given = {}
    for name, function in list(scope.functions.items()):
        found = with_text(function)
        if found is not None:
            argument = required_of(function)[-1].name
            given[name] = f"{argument}={defaults_of(found)[argument]!r}"
            scope.functions[name] = scope.everything[name] = found
    return given


def with_given_texts(unit: Found, given: dict[str, str]) -> Found:
    """The unit whose calls show the texts that its functions were given."""
    texts = ", ".join(dict.fromkeys(given[name] for name in unit.names or (unit.name,) if name in given))
    if not texts:
        return unit
    readings = tuple(replace(reading, calls=f"{reading.calls}; with {texts}") for reading in unit.readings)
    return replace(unit, readings=readings)


def with_text(function: Any) -> Callable[..., Any] | None:
    """The function with a text as the default of its last required argument; None if that is not a choice of texts."""
    rows = required_of(function)
    if not isinstance(function, FunctionType) or len(rows) < 2 or not CHOICE.search(rows[-1].name):
        return None
    texts = sorted(uses_of(function, rows[-1].name).texts, key=lambda text: (text.lower() not in SMOOTH, text))
    if not texts:
        return None
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__,
        (texts[0], *(function.__defaults__ or ())), function.__closure__,
    )  # fmt: skip
    twin.__kwdefaults__, twin.__module__, twin.__qualname__ = (
        function.__kwdefaults__, function.__module__, function.__qualname__
    )
    return twin
