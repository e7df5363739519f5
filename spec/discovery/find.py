"""Find what there is to check in a module that was not written for it.

    for found in find(module): print(found)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from nnlaw.spec.discovery.adapters import (
    activations,
    cached_pairs,
    functional_networks,
    functions,
    layers,
    losses,
    networks,
    optimizers,
)
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.nothing import explain_nothing
from nnlaw.spec.discovery.partners import with_partners
from nnlaw.spec.discovery.scope import Scope, scope_of

ADAPTERS: tuple[Callable[[Scope], Iterator[Found]], ...] = (
    optimizers.adapt,
    losses.adapt,
    networks.adapt,
    layers.adapt,
    activations.adapt,
    cached_pairs.adapt,
    functional_networks.adapt,
    functions.adapt,
)


def find(module: ModuleType, names: Iterable[str] | None = None) -> list[Found]:
    """The units of `module`, or of those of its `names`, and what no law checks, in the order of the source.

    Classes and functions are recognized by their signatures and by calling them; names are hints.
    """
    scope = scope_of(module, names)
    found: list[Found] = []
    for adapt in ADAPTERS:
        for unit in adapt(scope):
            scope.take(*(unit.names or (unit.name,)))
            found.append(unit)
    found = [*with_partners(found), *explain_nothing(scope)]
    return sorted(found, key=lambda unit: (unit.location.path, unit.location.line))
