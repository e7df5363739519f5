"""Layers without state: forward takes the weights as arguments, and backward takes the same ones.

    Affine().forward(x, w, b) -> y      Affine().backward(dy, x, w, b) -> dx, dw, db

The two methods are called as a pair of functions is.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnlaw.spec.discovery.adapters.cached_pairs import WEIGHTS, pair_of
from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_methods import layer_methods
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of


def adapt(scope: Scope) -> Iterator[Found]:
    """The classes of the module whose forward and backward take the same weights."""
    for name, kind in list(scope.classes.items()):
        methods = None if is_base_class(kind) else layer_methods(kind)
        if methods is None:
            continue
        given, taken_back = ([row.name for row in required_of(getattr(kind, each), bound=True)] for each in methods)
        if not set(given) <= set(taken_back) or not any(map(WEIGHTS.match, given[1:])):
            continue
        for made in constructions(kind, scope, limit=1):
            front, back = (getattr(made.instance, each) for each in methods)
            names = f"{made.call(name)}.{methods[0]}", methods[1]
            found = pair_of(name, names, (front, back), scope)
            if found is not None and not any(reading.missing for reading in found.readings):
                yield Found("layer", name, "class whose methods take the weights", found.location, kind, found.readings)
                break


__all__ = ["adapt"]
