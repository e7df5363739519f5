"""Initializers: functions of fan_in and fan_out or of a shape, with a standard name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope, required_of

INITIALIZER = re.compile(r"(^|_)(he|kaiming|xavier|glorot|lecun|orthogonal)(?=$|_|init|normal|uniform)", re.I)
TRUNCATED = re.compile(r"(^|_)trunc(ated)?_normal")
DEVIATION = re.compile(r"^(std|stddev|sigma|scale|sd)$", re.I)
SHAPE = re.compile(r"^(shape|size|dims?)$", re.I)
FANS = re.compile(r"^(fan_?(in|out)|n_?(in|out|x|y|h)|in(put)?_?\w*|out(put)?_?\w*|rows|cols)$", re.I)


def adapt(scope: Scope) -> Iterator[Found]:
    """The initializers of the module."""
    yield from found_functions(scope, _read)


def _read(name: str, thing: Any) -> FunctionUnit | None:
    """A function of fan_in and fan_out, or of a shape; also a class whose instances are such functions."""
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    if TRUNCATED.search(low) and not inspect.isclass(thing):
        return _truncated(thing)
    match = INITIALIZER.search(low)
    if match is None:
        return None
    if inspect.isclass(thing):
        if required_of(thing) or not hasattr(thing, "__call__") or "__call__" not in vars(thing):  # noqa: B004  # of its class, not of type
            return None
        author: Any = thing()
    else:
        author = thing
    names = [row.name for row in signature_of(author)]
    by_shape = len(names) == 1 and bool(SHAPE.match(names[0]))
    if not by_shape and not (len(names) == 2 and all(FANS.match(one) for one in names)):
        return None

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        found = np.asarray(author(shape) if by_shape else author(fan_in, fan_out))
        return found.T if found.shape == shape[::-1] and not by_shape else found

    def of_columns(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        return np.asarray(author(shape[::-1])).T

    for function in (initialize, of_columns):
        point_to(function, author)
    standard = {"kaiming": "he", "glorot": "xavier"}.get(match[2], match[2])
    standard += "_uniform" if "uniform" in low and standard != "orthogonal" else ""
    if initialize(np.random.default_rng(0), (30, 4), 30, 4).shape != (30, 4):
        return None
    readings = [[initialize], *([[of_columns]] if by_shape else [])]
    return FunctionUnit("initializer", standard, readings, f"({', '.join(names)})")


def _truncated(author: Any) -> FunctionUnit | None:
    """A function of a shape and a standard deviation, which is 1 in the check."""
    rows = list(inspect.signature(author).parameters.values())
    deviation = next((row.name for row in rows if DEVIATION.match(row.name)), "")
    needed = [row.name for row in rows if row.default is row.empty and row.name != deviation]
    if not deviation or len(needed) != 1 or not SHAPE.match(needed[0]):
        return None

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        return np.asarray(author(**{needed[0]: shape, deviation: 1.0}))

    point_to(initialize, author)
    return FunctionUnit("initializer", "truncated_normal", [[initialize]], f"({needed[0]}, {deviation}=1.0)")
