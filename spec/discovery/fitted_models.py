"""Classes whose fit makes the weights and trains them, such as a regression, as networks whose next step can be seen.

    for thing in fitted(instance): thing       an instance with weights, whose fit continues from them for one iteration
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.discovery.adapted_network import ROLES, AdaptedNetwork, Call, Continuing, NetworkPlan
from nnlaw.spec.discovery.calls import N_IN, N_OUT, Randomness, standard_input
from nnlaw.spec.discovery.layouts import LAYOUTS
from nnlaw.spec.discovery.network_methods import roles_of_method
from nnlaw.spec.discovery.slots import array_slots, number_slots

TRAINS = re.compile("_*(train|fit|learn)")
SAMPLES = 7  # different from every other size, also with a column more
TARGETS = (("labels", N_OUT), ("one-hot", N_OUT), ("binary vector", 1), ("binary", 1))


def fitted(instance: Any) -> Iterator[Any]:
    """The instance after one iteration of a method that trains it and makes its weights."""
    kind = type(instance)
    methods = [name for name in dir(kind) if TRAINS.match(name) and roles_of_method(getattr(kind, name))]
    for method, layout, (targets, outputs) in itertools.product(methods, ("rows", "columns"), TARGETS):
        roles = roles_of_method(getattr(kind, method)) or ()
        plan = NetworkPlan(LAYOUTS[layout], (N_IN,), outputs, targets, Call(method, roles))
        try:
            with np.errstate(all="ignore"):
                thing = _after_one_iteration(instance, plan)
        except Exception:
            continue
        if thing is not None:
            yield thing


def _after_one_iteration(instance: Any, plan: NetworkPlan) -> Any:
    """The instance with weights; None if a second iteration does not continue the first one."""
    one, two = (_trained(instance, plan, count) for count in (1, 2))
    arrays = [(slot, {*array.shape}) for slot, array in array_slots(one) if array.dtype.kind == "f"]
    sides = {N_IN, N_IN + 1}  # a column of ones may be added to inputs
    weights = [slot for slot, sizes in arrays if sizes & sides and SAMPLES not in sizes]
    if not weights:
        return None
    later = _trained(one, plan, 1)
    if not all(np.array_equal(slot.get(later), slot.get(one)) for slot in weights):
        return one  # it makes no new weights
    for name in [name for name, value in vars(one).items() if isinstance(value, np.ndarray) and SAMPLES in value.shape]:
        delattr(one, name)  # made from the inputs
    kind = type(instance)
    made = frozenset(name for name, value in vars(one).items() if _has_weights(value))
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "_made_first": made,
             "_made_by": plan.gradient.method}  # fmt: skip
    one.__class__ = type(kind.__name__, (Continuing, kind), names)
    later = _trained(one, plan, 1)
    moved = any(not np.array_equal(slot.get(later), slot.get(one)) for slot in weights)
    return one if moved and all(np.allclose(slot.get(later), slot.get(two)) for slot in weights) else None


def _trained(instance: Any, plan: NetworkPlan, iterations: int) -> Any:
    """A copy of the instance after these iterations."""
    x = standard_input((SAMPLES, N_IN), 0)
    run = AdaptedNetwork(instance, plan, Randomness([])).first_run(x, np.arange(SAMPLES), 0.5)
    run.context["epochs"] = iterations
    vars(run.thing).update({name: False for name, value in vars(run.thing).items()
                            if value is True and ROLES["false"].match(name.strip("_"))})  # such as shuffle
    for slot in number_slots(run.thing):
        if ROLES["epochs"].match(slot.key.strip("_")):
            slot.set(run.thing, iterations)
    run.compute()
    return run.thing


def _has_weights(value: Any) -> bool:
    """Whether a value is a number or an array of floats without an axis of samples, or has one among its parts."""
    if isinstance(value, dict | list):
        return any(map(_has_weights, value.values() if isinstance(value, dict) else value))
    return isinstance(value, np.ndarray | np.floating) and value.dtype.kind == "f" and SAMPLES not in value.shape
