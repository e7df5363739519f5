"""The classes and functions of a module, from which adapters take what they recognize.

    scope = scope_of(module)
    for name, kind in scope.classes.items(): ...
    scope.take("relu", "relu_derivative")          no other adapter sees these
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

EXPECTED_ARGUMENTS = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

ONE, SHORTEST = 12.0, 1.0  # seconds


@dataclass
class Scope:
    """The definitions of one module that no adapter has taken yet.

    Static methods of a class are functions as well, called `Class.method`.
    """

    module: ModuleType
    classes: dict[str, type]
    functions: dict[str, Callable[..., Any]]
    everything: dict[str, Any] = field(default_factory=dict)
    """All definitions, those that were taken as well: the partners of a unit."""
    deadline: float | None = None
    """When the search for ways to call the units should be over, as time.monotonic(); None without a limit."""

    def take(self, *names: str) -> None:
        """Remove names, so that no other adapter sees them."""
        for name in names:
            self.classes.pop(name, None)
            self.functions.pop(name, None)
            for method in [other for other in self.functions if other.startswith(f"{name}.")]:
                self.functions.pop(method)

    def seconds_for_one(self) -> float | None:
        """The time for one class: at most half of what is left, so that a slow one leaves some to the others."""
        return None if self.deadline is None else min(ONE, max(SHORTEST, (self.deadline - time.monotonic()) / 2))

    @cached_property
    def namespace(self) -> dict[str, Any]:
        """The module's global names."""
        return vars(self.module)


def scope_of(module: ModuleType, names: Iterable[str] | None = None) -> Scope:
    """The classes and functions that `module` defines, or those in `names`."""
    own = vars(module)
    chosen = list(names) if names is not None else [
        name for name, value in own.items() if getattr(value, "__module__", None) == module.__name__
    ]
    classes: dict[str, type] = {}
    functions: dict[str, Callable[..., Any]] = {}
    for name in chosen:
        value = own.get(name)
        if inspect.isclass(value):
            classes[name] = value
            for method, raw in vars(value).items():
                if isinstance(raw, staticmethod):
                    functions[f"{name}.{method}"] = raw.__func__
        elif inspect.isfunction(value):
            functions[name] = value
        elif isinstance(value, np.ufunc) and value.nin == 1:  # tanh = np.tanh
            functions[name] = _function_of(value, name, module)
    return Scope(module, classes, functions, {**classes, **functions})


def _function_of(ufunc: np.ufunc, name: str, module: ModuleType) -> Callable[..., Any]:
    """A function of one argument that calls it, at the top of the module's file."""

    def function(x: Any) -> Any:
        return ufunc(x)

    function.__name__ = name
    function.__code__ = function.__code__.replace(co_filename=module.__file__ or "", co_firstlineno=1)
    return function


def arguments_of(function: Any, *, bound: bool = False) -> list[inspect.Parameter]:
    """The positional arguments of a function; without `self` if it is a method of a class and `bound`."""
    is_bare = isinstance(function, FunctionType) and not function.__closure__
    return list((_read_once if is_bare else _positional)(function)[bound:])


def parameters_of_call(function: Any) -> list[inspect.Parameter]:
    """The arguments of a function or a constructor; an empty list if they are not known."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def _positional(function: Any) -> tuple[inspect.Parameter, ...]:
    return tuple(row for row in parameters_of_call(decorated(function)) if row.kind in EXPECTED_ARGUMENTS)


_read_once = cache(_positional)  # discovery looks at the same functions in every attempt to call them


def decorated(function: Any) -> Any:
    """The function that a decorator's wrapper with the arguments (*args, **kwargs) calls; else the function itself."""
    cells = getattr(function, "__closure__", None) or ()
    inner = [cell.cell_contents for cell in cells if inspect.isfunction(cell.cell_contents)]
    inner = [each for each in inner if each is not function]
    if len(inner) != 1:
        return function
    kinds = [row.kind for row in inspect.signature(function).parameters.values()]
    return inner[0] if kinds == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD] else function


def required_of(function: Any, *, bound: bool = False) -> list[inspect.Parameter]:
    """The positional arguments without a default."""
    return [row for row in arguments_of(function, bound=bound) if row.default is row.empty]
