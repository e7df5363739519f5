"""A function that returns functions, as a class: `def make_dense(W): ... return forward, backward`.

    Dense = class_of_closures(make_dense, make)      None if it does not return functions of its own
    Dense(W).forward(x)

The variables that the functions share are attributes of its objects, and are copied with them.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CellType, FunctionType
from typing import Any

import numpy as np

from nnlaw.spec.discovery.source_text import definition_of


class Closures:
    """What one call of the author's function returned; the subclasses have its functions as methods."""

    _factory: Callable[..., Any]
    _functions: dict[str, FunctionType]
    _cells: dict[str, CellType]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        functions = functions_in(type(self)._factory(*arguments, **named)) or {}
        cells: dict[str, CellType] = {}
        for function in functions.values():
            cells |= dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        vars(self).update(_functions=functions, _cells=cells)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not is_filled(vars(self).get("_cells", {}).get(name)):
            raise AttributeError(name)
        return self._cells[name].cell_contents

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._cells:
            self._cells[name].cell_contents = value
        else:
            vars(self)[name] = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Closures:
        twin = object.__new__(type(self))
        values = copy.deepcopy(self.variables(), memo)
        cells = {name: CellType(values[name]) if name in values else CellType() for name in self._cells}
        for name, value in values.items():  # functions that call each other
            if isinstance(value, FunctionType) and value in self._functions.values():
                cells[name].cell_contents = with_cells(value, cells)
        functions = {name: with_cells(function, cells) for name, function in self._functions.items()}
        vars(twin).update(_functions=functions, _cells=cells)
        return twin

    def variables(self) -> dict[str, Any]:
        """The variables that its functions share, by name."""
        return {name: cell.cell_contents for name, cell in self._cells.items() if is_filled(cell)}


def is_filled(cell: CellType | None) -> bool:
    """Whether there is a variable, and it has a value."""
    try:
        return cell is not None and cell.cell_contents is not cell
    except ValueError:
        return False


def with_cells(function: FunctionType, cells: Mapping[str, CellType]) -> FunctionType:
    """The function with other variables."""
    code = function.__code__
    closure = tuple(cells[name] for name in code.co_freevars)
    twin = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def functions_in(returned: Any) -> dict[str, FunctionType] | None:
    """The functions in a returned value, a function, a tuple or a dict, by name; None if there is anything else."""
    if isinstance(returned, FunctionType):
        name = returned.__name__
        return {"__call__" if name == "<lambda>" else name: returned} if returned.__closure__ else None
    values = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, tuple) else ()
    names = returned if isinstance(returned, dict) else [getattr(value, "__name__", "") for value in values]
    if not values or not all(isinstance(value, FunctionType) for value in values):
        return None
    return {str(name): value for name, value in zip(names, values, strict=True) if str(name).isidentifier()}


def returns_functions(factory: Any) -> bool:
    """Whether a function defines functions and returns some of them, by its source."""
    tree = definition_of(factory)
    last = tree.body[-1] if isinstance(tree, ast.FunctionDef) else None
    if not isinstance(tree, ast.FunctionDef) or not isinstance(last, ast.Return) or last.value is None:
        return False
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    parts = [last.value]
    if isinstance(last.value, ast.Tuple | ast.Dict):
        parts = last.value.elts if isinstance(last.value, ast.Tuple) else last.value.values
    return all(isinstance(part, ast.Lambda) or (isinstance(part, ast.Name) and part.id in own) for part in parts)


def class_of_closures(factory: Callable[..., Any], make: Callable[[Any], Iterator[Any]]) -> type | None:
    """A class that is constructed as the function is called; `make` yields results of calling it."""
    if not returns_functions(factory):
        return None
    with np.errstate(all="ignore"):
        functions = next((found for each in make(factory) if (found := functions_in(each))), None)
    if not functions:
        return None
    body = {name: _method(name, function) for name, function in functions.items()}
    kind: Any = type(factory.__name__, (Closures,), body | {"_factory": staticmethod(factory)})
    kind.__module__, kind.__signature__ = factory.__module__, inspect.signature(factory)
    made: type = kind
    return made


def _method(name: str, function: FunctionType) -> Callable[..., Any]:
    """A method that calls the function of this name, with its signature and its place in the source."""

    def method(self: Closures, *arguments: Any, **named: Any) -> Any:
        return self._functions[name](*arguments, **named)

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__name__ = name
    method.__signature__ = inspect.Signature([own, *inspect.signature(function).parameters.values()])  # type: ignore[attr-defined]  # of a function
    method.__code__ = method.__code__.replace(
        co_filename=function.__code__.co_filename, co_firstlineno=function.__code__.co_firstlineno
    )
    return method


def returns_pullback(function: Callable[..., Any]) -> bool:
    """Whether a function returns an output and a function of its own, which takes the gradient of the output."""
    tree = definition_of(function)
    body = tree.body if isinstance(tree, ast.FunctionDef) else []
    inner = [node.name for node in body if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1]
    values = [node.value.elts for node in body if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)]
    seconds = [row[1] for row in values if len(row) == 2]
    return any(isinstance(one, ast.Lambda) or (isinstance(one, ast.Name) and one.id in inner) for one in seconds)


def class_with_pullback(kind: Any, forward: str) -> type:
    """The class, whose forward returns the output alone, and whose pullback calls the function returned beside it."""
    author = getattr(kind, forward)

    def first(self: Any, *arguments: Any, **named: Any) -> Any:
        y, self._pulled = author(self, *arguments, **named)
        return y

    def pullback(self: Any, dy: Any) -> Any:
        return self._pulled(dy)

    for method in (first, pullback):
        method.__code__ = method.__code__.replace(
            co_filename=author.__code__.co_filename, co_firstlineno=author.__code__.co_firstlineno
        )
    vars(first)["__signature__"] = inspect.signature(author)
    made: type = type(kind.__name__, (kind,), {forward: first, "pullback": pullback, "__module__": kind.__module__})
    return made
