"""Find what there is to check in a module that was not written for it.

    for found in find(module): print(found)
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from nnlaw.spec.discovery.adapters import (
    activations,
    batch_iterators,
    cached_pairs,
    dict_layers,
    functional_networks,
    graph_nodes,
    initializers,
    joint_losses,
    layers,
    losses,
    losses_of_arguments,
    metrics,
    networks,
    optimizers,
    schedules,
    softmax_gradients,
    stateless,
    stepwise_functions,
    tensor_modules,
    tensors,
    utilities,
    values_only,
    wired,
)
from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.closures import class_of_closures
from nnlaw.spec.discovery.failing_shapes import with_failing_shapes
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_methods import layer_methods
from nnlaw.spec.discovery.lone_derivatives import lone_derivative
from nnlaw.spec.discovery.nothing import explain_nothing
from nnlaw.spec.discovery.partners import with_partners
from nnlaw.spec.discovery.scope import Scope, scope_of
from nnlaw.spec.discovery.text_arguments import give_texts, with_given_texts

ADAPTERS: tuple[Callable[[Scope], Iterator[Found | None]], ...] = (
    stepwise_functions.adapt,
    optimizers.adapt,
    tensors.adapt,
    tensor_modules.adapt,
    joint_losses.adapt,
    losses.adapt,
    softmax_gradients.adapt,
    wired.adapt,
    graph_nodes.adapt,
    stateless.adapt,
    dict_layers.adapt,
    networks.adapt,
    functional_networks.adapt,
    layers.adapt,
    activations.adapt,
    cached_pairs.adapt,
    losses_of_arguments.adapt,
    initializers.adapt,
    schedules.adapt,
    metrics.adapt,
    batch_iterators.adapt,
    values_only.adapt,
    utilities.adapt,
)


def find_in(
    thing: Any, inputs: Sequence[Any] = (), passes: Callable[[Found], bool] | None = None
) -> list[Found]:
    """What there is to check in a module, a class, an instance or a function, whose derivative may follow as an input.

    An instance of a layer is called with `inputs`, if there are any. The list is empty if nothing is recognized.
    `passes` is as for find().
    """
    if isinstance(thing, ModuleType):
        return find(thing, None, passes)
    is_code = inspect.isclass(thing) or inspect.isroutine(thing)
    kind = thing if is_code else type(thing)
    module = sys.modules.get(kind.__module__, ModuleType(kind.__module__))
    if not is_code and layer_methods(kind) is not None:
        return [layers.layer_of(thing, inputs, scope_of(module, ()))]
    own = {thing.__name__ if is_code else kind.__name__: thing if is_code else kind}
    own |= {each.__name__: each for each in inputs if inspect.isroutine(each)}
    classes = {name: each for name, each in own.items() if inspect.isclass(each)}
    functions = {name: each for name, each in own.items() if not inspect.isclass(each)}
    return [unit for unit in _find(Scope(module, classes, functions, dict(own)), passes) if unit.is_unit]


def find(
    module: ModuleType, names: Iterable[str] | None = None, passes: Callable[[Found], bool] | None = None,
    seconds: float | None = None,
) -> list[Found]:  # fmt: skip
    """The units of `module`, or of those of its `names`, and what no law checks, in the order of the source.

    Classes and functions are recognized by their signatures and by calling them; names are hints. With `passes`, which
    checks a unit against all laws, the way to call a unit is also searched for with one other transpose in it. With
    `seconds`, classes that take too long are not checked, so that the others are.
    """
    scope = scope_of(module, names)
    scope.deadline = None if seconds is None else time.monotonic() + seconds
    return _find(scope, passes)


def _find(scope: Scope, passes: Callable[[Found], bool] | None) -> list[Found]:
    before = replace(scope, classes=dict(scope.classes), functions=dict(scope.functions))
    found = find_in_scope(scope)
    is_late = scope.deadline is not None and time.monotonic() > scope.deadline - LEFT
    return with_failing_shapes(found, before, find_in_scope, passes) if passes is not None and not is_late else found


LEFT = 15.0  # seconds that the search with another transpose needs


def find_in_scope(scope: Scope) -> list[Found]:
    """The units among the definitions of a scope, and what no law checks."""
    found: list[Found] = []
    given = give_texts(scope)
    for name, function in list(scope.functions.items()):
        kind = class_of_closures(function, lambda each: (one.instance for one in constructions(each, scope, limit=3)))
        if kind is not None:
            scope.take(name)
            scope.classes[name] = scope.everything[name] = kind
    for adapt in ADAPTERS:
        for unit in filter(None, adapt(scope)):
            scope.take(*(unit.names or (unit.name,)))
            found.append(with_given_texts(unit, given))
    found = with_partners(found, scope)
    found += [lone_derivative(unit, scope) or unit for unit in explain_nothing(scope, found)]
    return sorted(found, key=lambda unit: (unit.location.path, unit.location.line))
