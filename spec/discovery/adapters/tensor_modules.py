"""Modules and losses whose forward takes and returns tensors that record their own graph.

    class Linear(Module): weight, bias = Tensor(...)        y = Linear(4, 3)(x), then y.backward(dy)
    class MSELoss(Module)                                   loss = MSELoss()(prediction, target), then loss.backward()

The parameters are tensors among the attributes of a module; backward fills their gradients.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapters import losses
from nnlaw.spec.discovery.adapters.tensors import TensorFunction, loss_of_tensors, tensor_class
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_methods import layer_methods
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.stacks import built

MAX_INSTANCES = 3


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The modules and losses of the module that take tensors."""
    kind = tensor_class(scope)
    for name, owner in list(scope.classes.items()) if kind is not None else ():
        if kind is None or issubclass(owner, kind) or is_base_class(owner) or layer_methods(owner) is not None:
            continue
        forward = getattr(owner, "forward", None) or vars(owner).get("__call__")
        count = len(required_of(forward, bound=True)) if hasattr(forward, "__code__") else 0
        with contextlib.suppress(Exception):
            yield (_module if count == 1 else _loss)(name, owner, kind, scope) if count in (1, 2) else None


def _module(name: str, owner: type, kind: type, scope: Scope) -> Found | None:
    for made in built(owner, scope, limit=MAX_INSTANCES):
        best = best_attempt([Made(TensorModule(made.instance, kind))], ("forward", "backward"), scope)
        if best is not None and best.perfect:
            found = found_of(best, name, "module of tensors", TensorModule)
            calls = f"{made.call(name)}(x), then backward(dy); {best.plan.layout.describe}"
            readings = tuple(replace(reading, calls=calls) for reading in found.readings[:1])
            return replace(found, location=class_location(owner), thing=owner, readings=readings)
    return None


def _loss(name: str, owner: type, kind: type, scope: Scope) -> Found | None:
    """A class whose instances are losses, as functions are; one with a backward computes the gradient itself."""
    if callable(getattr(owner, "backward", None)) and not hasattr(owner, "forward"):
        return None
    for made in built(owner, scope, limit=MAX_INSTANCES) if losses.LOSS_WORDS.search(name) else ():
        found = loss_of_tensors(name, _call_of(made.instance), kind, scope)
        if found is not None:
            return replace(found, location=class_location(owner), thing=owner)
    return None


def _forward_of(module: Any) -> Callable[..., Any]:
    return getattr(module, "forward", None) or _call_of(module)


def _call_of(module: Any) -> Callable[..., Any]:
    """What is called: the bound method, in which no arrays are looked for."""
    call: Callable[..., Any] = type(module).__call__.__get__(module) if callable(module) else module.forward
    return call


class TensorModule(TensorFunction):
    """forward(x) and backward(dy) of a module, whose parameters are tensors of its own."""

    def __init__(self, module: Any, kind: type) -> None:
        super().__init__(_call_of(module), _forward_of(module), kind, {})
        self.module = module

    def source_of(self, method: str) -> Any:
        """The author's forward."""
        return _forward_of(self.module)

    def forward(self, x: Array) -> Array:
        """The array of the tensor that the module returns."""
        self._fixed = _call_of(self.module), *self._fixed[1:]
        return super().forward(x)
