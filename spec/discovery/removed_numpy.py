"""What NumPy removed, supplied to the files under check.

    numpy_for(report)              a module like numpy that also has np.float, np.mat, np.Inf, np.product, ...
    removed_names(tree)            [(12, "np.float", "float")]: where a file uses them, and what to write instead

Only the files under check see this module; the laws and installed packages use numpy itself. Its functions also accept
what NumPy 2 rejects, and report it: ragged lists, None as a shape, copy=False although a copy is needed, and iterators
of arrays to stack. Its default_rng() without a seed gets one from np.random, which is set back before each call, so
outcomes can be repeated.
"""

from __future__ import annotations

import ast
import builtins
import functools
import math
import operator
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nnlaw.spec.discovery.notebook import place
from nnlaw.spec.discovery.shared_module import SharedModule
from nnlaw.spec.violation import relative_to_cwd

_RENAMED = {
    "float": "float", "int": "int", "bool": "bool", "object": "object", "complex": "complex", "str": "str",
    "unicode": "str", "long": "int",
    "float_": "np.float64", "complex_": "np.complex128", "int0": "np.intp", "uint0": "np.uintp", "unicode_": "np.str_",
    "string_": "np.bytes_", "cfloat": "np.complex128", "singlecomplex": "np.complex64", "longfloat": "np.longdouble",
    "longcomplex": "np.clongdouble", "clongfloat": "np.clongdouble", "bool8": "np.bool_", "object0": "np.object_",
    "mat": "np.asmatrix", "product": "np.prod", "cumproduct": "np.cumprod", "in1d": "np.isin", "row_stack": "np.vstack",
    "trapz": "np.trapezoid", "alltrue": "np.all", "sometrue": "np.any", "round_": "np.round",
    "Inf": "np.inf", "Infinity": "np.inf", "infty": "np.inf", "PINF": "np.inf", "NINF": "-np.inf", "NaN": "np.nan",
    "PZERO": "0.0", "NZERO": "-0.0", "math": "math", "find_common_type": "np.result_type",
    "asfarray": "np.asarray(a, dtype=float)", "asscalar": "a.item()", "msort": "np.sort(a, axis=0)", "rank": "np.ndim",
    "AxisError": "np.exceptions.AxisError", "ComplexWarning": "np.exceptions.ComplexWarning",
    "RankWarning": "np.exceptions.RankWarning", "VisibleDeprecationWarning": "np.exceptions.VisibleDeprecationWarning",
}  # fmt: skip
"""Removed names of numpy, and what to write instead; most are expressions that give the same value."""

_CONSTANTS: dict[str, Any] = {"-np.inf": -np.inf, "0.0": 0.0, "-0.0": -0.0, "math": math}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype=dtype),
    "asscalar": lambda a: a.item(),
    "msort": lambda a: np.sort(a, axis=0),
    "find_common_type": lambda array_types, scalar_types=(): np.result_type(*array_types, *scalar_types),
}  # those whose replacement is not an expression

@dataclass(frozen=True)
class Finding:
    """What a file uses that the installed NumPy or Python no longer has: where, and what to write instead."""

    path: Path
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        where = f"{relative_to_cwd(str(self.path))}: {place(self.path, self.line)}"
        return f"{where}: {self.found} no longer works; write {self.instead}"


Report = Callable[[str, str], None]
"""Called with what was found and what to write instead."""


def is_removed(name: str) -> bool:
    """Whether numpy had this name once and has it no longer."""
    return name in _RENAMED and not _in_numpy(name)


def removed_names(tree: ast.Module) -> list[tuple[int, str, str]]:
    """The line of each use of a removed name, the name as written, and what to write instead, by line."""
    found: list[tuple[int, int, str, str]] = []
    nodes = list(ast.walk(tree))
    supplied = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    aliases = {
        alias.asname or alias.name
        for node in imports
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in ("numpy", "cupy")
    }
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            if is_removed(node.attr) and node.attr not in supplied:  # not `np.float = float`
                found.append((node.lineno, node.col_offset, f"{node.value.id}.{node.attr}", _RENAMED[node.attr]))
        elif isinstance(node, ast.ImportFrom) and node.module == "numpy":
            for alias in node.names:
                if is_removed(alias.name):
                    found.append((node.lineno, node.col_offset, f"numpy.{alias.name}", _RENAMED[alias.name]))
    return [(line, name, instead) for line, _, name, instead in sorted(found)]


def numpy_for(report: Report) -> ModuleType:
    """A module like numpy that also has the removed names; `report` is called for each ragged array."""
    module = _NumPy("numpy")
    module.__dict__.update(vars(np))
    module.__dict__.update({name: _with_ragged_rows(getattr(np, name), report) for name in ("array", "asarray")})
    module.__dict__.update(
        {name: _with_shape_none(getattr(np, name), report) for name in ("zeros", "ones", "empty", "full")}
    )
    module.__dict__.update({name: _with_iterators(getattr(np, name), report) for name in STACKS})
    module.__dict__["random"] = _RANDOM
    return module


STACKS = ("stack", "vstack", "hstack", "dstack", "column_stack")


@functools.wraps(np.random.default_rng)
def _default_rng(seed: Any = None) -> np.random.Generator:
    return np.random.default_rng(np.random.randint(2**31) if seed is None else seed)


_RANDOM = ModuleType("numpy.random")
_RANDOM.__dict__.update(vars(np.random), default_rng=_default_rng)


class _NumPy(SharedModule):
    def __getattr__(self, name: str) -> Any:
        if _in_numpy(name):  # a submodule imported later, or a name that numpy itself makes on demand
            return getattr(np, name)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name]
        if name in _RENAMED:
            return _value_of(_RENAMED[name])
        raise AttributeError(f"module 'numpy' has no attribute {name!r}")


def _value_of(expression: str) -> Any:
    """The value of an expression of _RENAMED: a constant, a name of NumPy or a built-in type."""
    if expression in _CONSTANTS:
        return _CONSTANTS[expression]
    package, _, name = expression.partition(".")
    return operator.attrgetter(name)(np) if package == "np" else getattr(builtins, expression)


def _in_numpy(name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hasattr(np, name)


def _with_ragged_rows(function: Callable[..., Any], report: Report) -> Callable[..., Any]:
    """np.array or np.asarray that accepts ragged lists and copy=False, as NumPy 1.23 did."""

    @functools.wraps(function)
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(a, *args, **kwargs)
        except ValueError as error:
            if "copy" in str(error) and kwargs.get("copy") is False:
                report(f"np.{function.__name__}(..., copy=False) of what must be copied", "np.asarray(...)")
                return function(a, *args, **{**kwargs, "copy": None})
            dtype = args[0] if args else kwargs.get("dtype")
            if ("inhomogeneous" not in str(error) and "broadcast" not in str(error)) or dtype not in (None, object):
                raise
            if dtype is None:
                name = f"np.{function.__name__}"
                report(f"{name} of rows of different sizes", f"a list, or {name}(..., dtype=object)")
            try:
                return function(a, dtype=object)
            except ValueError:  # arrays whose first sizes agree
                rows = np.empty(len(a), dtype=object)
                rows[:] = [np.asarray(row, dtype=object) if isinstance(row, list | tuple) else row for row in a]
                return rows

    return call


def _with_iterators(function: Callable[..., Any], report: Report) -> Callable[..., Any]:
    """np.stack or another function that once took an iterator of arrays, such as map(...)."""

    @functools.wraps(function)
    def call(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(arrays, Iterator):
            report(f"np.{function.__name__} of an iterator", f"np.{function.__name__}(list(...))")
            arrays = list(arrays)
        return function(arrays, *args, **kwargs)

    return call


def _with_shape_none(function: Callable[..., Any], report: Report) -> Callable[..., Any]:
    """np.zeros or another function for which None was once the shape ()."""

    @functools.wraps(function)
    def call(shape: Any, *args: Any, **kwargs: Any) -> Any:
        if shape is None:
            report(f"np.{function.__name__}(None)", f"np.{function.__name__}(())")
        return function(() if shape is None else shape, *args, **kwargs)

    return call
