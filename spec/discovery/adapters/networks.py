"""Whole networks in one class: forward, and a method that computes the gradients of all parameters or takes a step.

How the methods are called, what the targets are, and where parameters and gradients are kept is worked out by trying.
The loss is the network's own or, otherwise the usual ones are tried. The code may leave a factor to its learning
rate, such as 1/N: it must be common to all gradients, and is printed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from nnlaw.spec.discovery.adapters.activations import among_methods
from nnlaw.spec.discovery.adapters.functional_networks import takes_parameters
from nnlaw.spec.discovery.calls import Randomness
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_methods import layer_methods, takes_next_weights
from nnlaw.spec.discovery.network_instances import instances_of
from nnlaw.spec.discovery.network_methods import (
    LOSS,
    gradient_methods,
    has_loss_of_state,
    losses_before,
    roles_of_method,
)
from nnlaw.spec.discovery.network_trials import found_of
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit


def adapt(scope: Scope) -> Iterator[Found]:
    """The networks of the module."""
    for name, kind in list(scope.classes.items()):
        if is_base_class(kind) or takes_next_weights(kind):
            continue
        if layer_methods(kind) is None or _takes_both(kind):
            try:
                with time_limit(scope.seconds_for_one()):
                    found = network_in(kind, name, scope)
            except OutOfTime as error:
                reason = f"the search for a call {error}"
                found = Found("model", name, "network", class_location(kind), kind, reason=reason)
            if found is not None and (found.readings or not takes_parameters(kind)):
                yield found
                if not found.readings:
                    yield from among_methods(kind, name, scope)


def _takes_both(kind: type) -> bool:
    """Whether backward takes inputs and targets and there is a loss, or follows one that takes both or nothing.

    Else it is that of a layer.
    """
    methods = layer_methods(kind)
    roles = roles_of_method(getattr(kind, methods[1])) if methods else None
    has_loss = any(LOSS.search(name) and hasattr(getattr(kind, name), "__code__") for name in dir(kind))
    if roles == ():
        return bool(losses_before(kind)) or has_loss_of_state(kind)
    taken = {role for role, _ in roles or ()}
    return {"x", "t", "o"} <= taken or (has_loss and ({"x", "t"} <= taken or {"t", "sample weights"} <= taken))


def network_in(kind: type, name: str, scope: Scope) -> Found | None:
    """The class as a network; None if none of its methods takes inputs and targets."""
    methods = gradient_methods(kind)
    if not methods:
        return None
    instances = list(instances_of(kind, scope))
    style = f"network with {methods[0]}"
    location = class_location(kind)
    if not instances:
        try:
            signature = str(inspect.signature(kind))
        except (TypeError, ValueError):
            signature = ""  # such as of `def __init__():`
        reason = f"can't construct {name}{signature}; pass an instance: check({name}(...), x)"
        return Found("model", name, style, location, kind, reason=reason)
    return found_of(instances, methods, name, style, location, kind, Randomness.of(scope.module))
