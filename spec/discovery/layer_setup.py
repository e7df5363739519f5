"""Set a layer up for the shape of an input: methods such as `build(shape)`, and attributes that are unset."""

from __future__ import annotations

import contextlib
import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_layer import RATES
from nnlaw.spec.discovery.calls import Made, N
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.layer_inputs import count_of
from nnlaw.spec.discovery.layer_methods import OPTIMIZER, is_method, other_names
from nnlaw.spec.discovery.scope import arguments_of, required_of
from nnlaw.spec.discovery.slots import array_slots, attributes_of

SETUP = ("set_input_shape", "set_input_size", "set_input_dim", "build", "initialize", "init_weights", "setup",
         "initialize_weights", "initialize_parameters", "init_params", "init_parameters", "prepare_layer",
         "_initialize", "_build", "_init_weights")  # fmt: skip
INPUT_SHAPE = re.compile(
    r"^_?(shape|batch_?size|n_in|fan_in|(n_|num_)?(in|input|prev|previous)_?(shape|size|dim|dims|features|units|n))s?$",
    re.I,
)
STEPS = re.compile(r"update|step|apply|train|fit|learn|optimi[sz]e$|descent", re.I)


def prepared(made: Made, shape: tuple[int, ...], *, optimizer: bool = False) -> Made:
    """The instance after the methods that set it up for an input of this shape, if it has any; else itself.

    With `optimizer` it also gets one that takes plain gradient steps.
    """
    kind = type(made.instance)
    methods = [name for name in SETUP if is_method(kind, name)]
    if not methods and not array_slots(made.instance):
        methods = [name for name in other_names(kind) if is_method(kind, name)
                   and (rows := required_of(getattr(kind, name), bound=True)) and "predict" not in name
                   and all(INPUT_SHAPE.match(row.name) for row in rows)]  # fmt: skip
    methods += [name for name in other_names(kind) if optimizer and name not in methods and is_method(kind, name)
                and not STEPS.search(name) and (rows := required_of(getattr(kind, name), bound=True))
                and all(OPTIMIZER.match(row.name) for row in rows)]  # fmt: skip
    unset = [name for name, value in attributes_of(made.instance).items()
             if value is None and (INPUT_SHAPE.match(name) or (optimizer and OPTIMIZER.match(name)))]  # fmt: skip
    if not methods and not unset:
        return made
    thing, called = copy.deepcopy(made.instance), bool(unset)
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


def _set_up(thing: Any, method: str, names: list[str], shape: tuple[int, ...], named: dict[str, Any]) -> None:
    """Call a method that sets an instance up; if it fails for the shape of a sample, with that of a batch."""
    before = copy.deepcopy(attributes_of(thing))
    try:
        getattr(thing, method)(*(_setup_value(name, shape) for name in names), **named)
    except Exception:
        vars(thing).update(before)
        getattr(thing, method)(*(_setup_value(name, shape, batch=True) for name in names), **named)


def _setup_value(name: str, shape: tuple[int, ...], *, batch: bool = False) -> Any:
    """An argument of a method that sets an instance up: a shape, with `batch` that of a batch, a size, an optimizer or
    a generator.
    """
    low = name.lower()
    if "batch" in low and "shape" not in low:
        return N
    if batch:
        return (count_of(shape), *shape)
    if "optim" in low or low == "opt":
        return Step(RATES[0])
    if low in ("rng", "generator", "random_state"):
        return np.random.default_rng(0)
    return shape if "shape" in low else shape[-1]
