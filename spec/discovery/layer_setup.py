"""Set a layer up for the shape of an input: methods such as `build(shape)`, and attributes that are unset."""

from __future__ import annotations

import contextlib
import copy
import inspect
import re
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_layer import RATES
from nnlaw.spec.discovery.calls import FLAG_NAMES, AnyInitializer, Made
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.layer_inputs import count_of
from nnlaw.spec.discovery.layer_methods import OPTIMIZER, is_method, other_names
from nnlaw.spec.discovery.scope import arguments_of, required_of
from nnlaw.spec.discovery.slots import attributes_of, has_arrays
from nnlaw.spec.discovery.source_text import source_text

SETUP = ("set_input_shape", "set_input_size", "set_input_dim", "build", "initialize", "init_weights", "setup",
         "initialize_weights", "initialize_parameters", "init_params", "init_parameters", "prepare_layer",
         "_initialize", "_build", "_init_weights")  # fmt: skip
INPUT_SHAPE = re.compile(
    r"^_?(shape|batch_?size|n_in|fan_in|(n_|num_)?(in|input|prev|previous)_?(shape|size|dim|dims|features|units|n))s?$",
    re.I,
)
NEIGHBOR = re.compile(r"^_?(prev|previous|prior|preceding|last)(_?layer)?$|^_?(input|in)_?layer$", re.I)
UNUSED = re.compile(r"^_?next(_?layer)?$|^_?(nn|net|network|model)$", re.I)
STEPS = re.compile(r"update|step|apply|train|fit|learn|optimi[sz]e$|descent", re.I)


class Neighbor:
    """The layer before, which has a shape of its output, or a size, under any name."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not SIZE.search(name):
            raise AttributeError(name)
        return self._shape if "shape" in name.lower() else self._shape[-1]


SIZE = re.compile(r"shape|units|size|neurons|nodes|outputs?$|n_?out|dim|features|channels|width", re.I)


def prepared(made: Made, shape: tuple[int, ...], *, optimizer: bool = False, by_sizes: bool = False) -> Made:
    """The instance after the methods that set it up for an input of this shape, if it has any; else itself.

    With `optimizer` it also gets one that takes plain gradient steps. Methods that get sizes only are called if there
    are no arrays, or with `by_sizes`.
    """
    kind: Any = type(made.instance)
    methods = [name for name in SETUP if is_method(kind, name)]
    if by_sizes or (not methods and not has_arrays(made.instance)):
        methods += [name for name in other_names(kind) if is_method(kind, name) and name not in methods
                    and (rows := required_of(getattr(kind, name), bound=True)) and "predict" not in name
                    and any(map(is_set_up, rows)) and all(is_set_up(row) or UNUSED.match(row.name) for row in rows)]
    methods += [name for name in other_names(kind) if optimizer and name not in methods and is_method(kind, name)
                and not STEPS.search(name) and (rows := required_of(getattr(kind, name), bound=True))
                and all(OPTIMIZER.match(row.name) for row in rows)]  # fmt: skip
    unset = [name for name, value in attributes_of(made.instance).items()
             if value is None and (INPUT_SHAPE.match(name) or NEIGHBOR.match(name)
                                   or (optimizer and OPTIMIZER.match(name)))]  # fmt: skip
    outside = _set_from_outside(made.instance)
    if not methods and not unset and not outside:
        return made
    thing, called = copy.deepcopy(made.instance), bool(unset or outside)
    for name in outside:
        setattr(thing, name, True if FLAG_NAMES.match(name) else None)
    with np.errstate(all="ignore"):
        for name in unset:
            setattr(thing, name, _setup_value(name, shape))
        for name in methods:
            rows = required_of(getattr(kind, name), bound=True)
            optional = [row for row in arguments_of(getattr(kind, name), bound=True) if row not in rows]
            named = {row.name: Step(RATES[0], in_place=False) for row in optional if "optim" in row.name.lower()}
            with contextlib.suppress(Exception):
                _set_up(thing, name, [row.name for row in rows], shape, named)
                called = True
    return replace(made, instance=thing) if called else made


def _set_from_outside(thing: Any) -> list[str]:
    """Attributes that are missing because other code in the file sets them: setattr(layer, "seed", 1)."""
    kind = type(thing)
    if id(kind) not in _outside:
        _outside[id(kind)] = kind, _read_and_set_elsewhere(kind)
    return [name for name in _outside[id(kind)][1] if not hasattr(thing, name)]


_outside: dict[int, tuple[type, list[str]]] = {}
"""By identity, as in source_text."""


def _read_and_set_elsewhere(kind: type) -> list[str]:
    own = "".join(map(source_text, kind.__mro__[:-1]))
    text = source_text(sys.modules[kind.__module__])
    set_elsewhere = re.findall(r"setattr\([\w.]+, [\"'](\w+)[\"']|\b(?!self\b)\w+\.(\w+) = ", text)
    read = set(re.findall(r"\bself\.(\w+)\b(?!\s*\()", own))
    return sorted(read & {name for pair in set_elsewhere for name in pair})


def is_set_up(row: inspect.Parameter) -> bool:
    """Whether an argument is a shape or a size of the input, or the layer before."""
    return bool(INPUT_SHAPE.match(row.name) or NEIGHBOR.match(row.name))


def _set_up(thing: Any, method: str, names: list[str], shape: tuple[int, ...], named: dict[str, Any]) -> None:
    """Call a method that sets an instance up: with the size of a sample, its shape as the size, or that of a batch."""
    before = copy.deepcopy(attributes_of(thing))
    for whole in ("", "sample", "batch"):
        try:
            getattr(thing, method)(*(_setup_value(name, shape, whole) for name in names), **named)
            return
        except Exception as error:
            vars(thing).update(copy.deepcopy(before))
            failed = error
    raise failed


def _setup_value(name: str, shape: tuple[int, ...], whole: str = "") -> Any:
    """An argument of a method that sets an instance up: a shape, a size, an optimizer or a generator.

    With `whole`, shapes and sizes are the shape of a "sample" or of a "batch".
    """
    low = name.lower()
    if NEIGHBOR.match(name) or UNUSED.match(name):
        return Neighbor(shape) if NEIGHBOR.match(name) else None
    if "batch" in low and "shape" not in low:
        return count_of(shape)
    if whole == "batch":
        return (count_of(shape), *shape)
    if "optim" in low or low == "opt":
        return Step(RATES[0])
    if "init" in low:
        return AnyInitializer()
    if low in ("rng", "generator", "random_state"):
        return np.random.default_rng(0)
    return shape if whole or "shape" in low else shape[-1]
