"""Classes and functions with changed sources, compiled where the code under test runs.

    variant_of(layer, [tree])        a subclass of its class in which the function of this name is that of the tree
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from nnlaw.spec.subjects.one_epoch import to_one_epoch
from nnlaw.spec.subjects.tracer import NAME, Tracer
from nnlaw.spec.syntax import parse

LIKELY_METHODS = ("backward", "step", "loss_and_grads")  # first
SKIPPED_METHODS = {"__init__", "build", "predict"}


def functions_of(thing: Any) -> list[FunctionType]:
    """The functions of a function, or of the classes of an instance that its file defines."""
    if isinstance(thing, FunctionType):
        own = [thing]
    else:
        owner = type(thing)
        own = [f for kind in owner.__mro__ if kind.__module__ == owner.__module__ for f in _methods(kind)]
    first: dict[str, FunctionType] = {}
    for f in own:
        if f.__closure__ is None:
            first.setdefault(f.__name__, f)  # an overridden method is never called by its name
    return list(first.values())


def helpers_of(own: Sequence[FunctionType]) -> list[FunctionType]:
    """The functions of the same file that these functions use."""
    names = {name for f in own for name in f.__code__.co_names}
    module = own[0].__globals__ if own else {}
    found = [f for name in sorted(names) if isinstance(f := module.get(name), FunctionType)]
    return [f for f in found if f.__globals__ is module and f.__closure__ is None and f not in own]


def _methods(kind: type) -> list[FunctionType]:
    found = [f for name, f in vars(kind).items() if isinstance(f, FunctionType) and name not in SKIPPED_METHODS]
    return sorted(found, key=lambda f: f.__name__ not in LIKELY_METHODS)


def variant_of(thing: Any, changed: Sequence[ast.FunctionDef], tracer: Tracer | None) -> Any:
    """A subclass of the class of `thing` in which functions are replaced; of a function, another function.

    A changed function keeps the defaults of the original.
    """
    own = functions_of(thing)
    known = {f.__name__: f for f in [*helpers_of(own), *own]}
    namespace = dict(own[0].__globals__) | ({} if tracer is None else {NAME: tracer})
    made: dict[str, Any] = {}
    for f in own:
        made[f.__name__] = FunctionType(f.__code__, namespace, f.__name__, f.__defaults__)
        made[f.__name__].__kwdefaults__ = f.__kwdefaults__
    for tree in changed:
        original = known[tree.name]
        new = namespace[tree.name] = _compiled(tree, original, namespace)
        if original in own:
            made[tree.name] = new
    if isinstance(thing, FunctionType):
        (name,) = made
        made[name].__dict__.update(thing.__dict__)
        return made[name]
    return type(type(thing).__name__, (type(thing),), made)


def _compiled(tree: ast.FunctionDef, original: FunctionType, namespace: dict[str, Any]) -> Any:
    """The function of the tree, with the defaults of the original, the private names of its class and its epochs."""
    if vars(original).get("one_epoch"):
        tree = copy.deepcopy(tree)
        to_one_epoch(tree)
    owner = original.__qualname__.rpartition(".")[0].rpartition(".")[2]
    filename, local = original.__code__.co_filename, dict[str, Any]()
    module = parse(f"class {owner}: pass" if owner.isidentifier() else "")
    if module.body and isinstance(module.body[0], ast.ClassDef):
        module.body[0].body = [tree]
        exec(compile(module, filename, "exec"), namespace, local)
        local = dict(vars(local[owner]))
    else:
        exec(compile(ast.Module([tree], []), filename, "exec"), namespace, local)
    new = local[tree.name]
    new.__defaults__, new.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    return new


@dataclass(frozen=True)
class ChangedFunctions:
    """Functions by name, some of them changed, for an adapter of functions."""

    by_name: dict[str, FunctionType]

    def with_defaults_of(self, own: Sequence[Any]) -> dict[str, FunctionType]:
        """The functions with the defaults of those that they replace, which may be second values of settings."""
        found = {}
        for name, function in self.by_name.items():
            before = next((each for each in own if each.__name__ == name), function)
            found[name] = FunctionType(function.__code__, function.__globals__, name, before.__defaults__)
            found[name].__kwdefaults__ = before.__kwdefaults__
        return found


def bare_function(function: Any) -> Any:
    """The function behind a method of an instance, or behind one with some arguments given."""
    while isinstance(function, partial):
        function = function.func
    return function.__func__ if isinstance(function, MethodType) else function


def with_another(function: Any, made: Mapping[str, Any]) -> Any:
    """A function, a method or a partial with the function of its name in `made`, if there is one."""
    if isinstance(function, partial):
        found: Any = partial(with_another(function.func, made), *function.args, **function.keywords)
        found.__dict__.update(function.__dict__)
        return found
    new = made.get(getattr(function, "__name__", ""))
    if new is None:
        return function
    return MethodType(new, function.__self__) if isinstance(function, MethodType) else new


def functions_called_by(caller: Any) -> list[FunctionType]:
    """The author's functions that a function of this package calls, as it keeps them in its closure."""
    found: list[FunctionType] = []
    for kept in _kept_by(caller):
        if not _is_ours(kept):
            found.append(kept)
        elif kept is not caller:
            found += functions_called_by(kept)
    return list(dict.fromkeys(found))


def calling_others(caller: Any, made: Mapping[str, Any]) -> Any:
    """The function of this package, so that it calls other functions of the author, by their names."""
    cells = []
    for cell in caller.__closure__ or ():
        kept = cell.cell_contents
        if isinstance(kept, FunctionType):
            kept = calling_others(kept, made) if _is_ours(kept) else made.get(kept.__name__, kept)
        cells.append(CellType(kept))
    new = FunctionType(caller.__code__, caller.__globals__, caller.__name__, caller.__defaults__, tuple(cells))
    new.__kwdefaults__ = caller.__kwdefaults__
    new.__dict__.update(caller.__dict__)
    return new


def _kept_by(caller: Any) -> list[FunctionType]:
    cells = getattr(caller, "__closure__", None) or ()
    return [cell.cell_contents for cell in cells if isinstance(cell.cell_contents, FunctionType)]


def _is_ours(function: FunctionType) -> bool:
    return str(function.__globals__.get("__name__", "")).startswith("nnlaw.spec.")


def functions_behind(adapter: Any) -> list[FunctionType]:
    """The author's functions that an adapter calls; empty if they can't be replaced."""
    own = adapter.own_functions() if hasattr(type(adapter), "own_functions") else functions_called_by(adapter)
    if not all(isinstance(f, FunctionType) and f.__closure__ is None for f in own):
        return []
    return own if len({id(f.__globals__) for f in own}) == 1 else []


def changed_functions(
    own: Sequence[FunctionType], changed: Sequence[ast.FunctionDef], tracer: Tracer | None
) -> ChangedFunctions:
    """These functions and those of their file that they use, some of them replaced."""
    known = {f.__name__: f for f in [*helpers_of(own), *own]}
    namespace = dict(own[0].__globals__) | ({} if tracer is None else {NAME: tracer})
    for name, f in known.items():
        namespace[name] = FunctionType(f.__code__, namespace, name, f.__defaults__)
        namespace[name].__kwdefaults__ = f.__kwdefaults__
    for tree in changed:
        namespace[tree.name] = _compiled(tree, known[tree.name], namespace)
    return ChangedFunctions({f.__name__: namespace[f.__name__] for f in own})
