"""Instances of a network to try, also those that get inputs and targets or make their weights in training."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import roles_of
from nnlaw.spec.discovery.calls import N_IN, N_OUT, Made, N, standard_input
from nnlaw.spec.discovery.fitted_models import TRAINS, fitted
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.discovery.slots import Slot, array_slots
from nnlaw.spec.discovery.stacks import built
from nnlaw.spec.subjects.one_epoch import one_epoch


def has_weights(instance: Any) -> bool:
    """Whether an instance holds an array of floats."""
    return any(array.dtype.kind == "f" and array.ndim for _, array in array_slots(instance))


@dataclass(frozen=True)
class Instance:
    """An instance, with the attributes with the inputs and targets that its constructor got."""

    made: Made
    data: tuple[tuple[Slot, str], ...] = ()


def instances_of(kind: type, scope: Scope) -> Iterator[Instance]:
    """Instances to try, which train for one epoch where the number of epochs is written in the code."""
    kind = with_one_epoch(kind)
    for made in built(kind, scope, limit=5):
        if not has_weights(made.instance):
            yield from (Instance(replace(made, instance=thing)) for thing in fitted(made.instance))
        yield Instance(made)
    roles = roles_of(kind, training=True) or ()
    if {"x", "t"} <= {role for role, _ in roles}:
        x, t = standard_input((N, N_IN), 0), np.eye(N_OUT)[np.arange(N) % N_OUT]
        values = {"x": x, "t": t, "rate": 0.5, "epochs": 1, "count": N, "zero": 0.0, "false": False, "true": True}
        if all(role in values for role, _ in roles):
            try:
                named = [row.name for row in inspect.signature(kind).parameters.values() if row.default is row.empty]
                given = dict(zip(named, [values[role] for role, key in roles if not key], strict=False))
                instance = kind(**given, **{key: values[role] for role, key in roles if key})
            except Exception:
                return
            slots = [(slot, role) for slot, array in array_slots(instance) for role, value in (("x", x), ("t", t))
                     if array.shape == value.shape and np.array_equal(array, value)]  # fmt: skip
            yield Instance(Made(instance, {"x": x, "y": t}), tuple(slots))


def with_one_epoch(kind: type) -> type:
    """The class, or one like it with other methods, if a method trains for a number of epochs written in its code."""
    methods = {name: value for name, value in vars(kind).items() if TRAINS.match(name)}
    made = {name: twin for name, value in methods.items()
            if isinstance(value, FunctionType) and (twin := one_epoch(value)) is not None}  # fmt: skip
    own = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), own | made) if made else kind


def network_data(count: int, sample: tuple[int, ...], seed: int) -> tuple[Array, Array]:
    return standard_input((count, *sample), seed), np.random.default_rng((seed, 3)).permutation(np.arange(count) % 6)
