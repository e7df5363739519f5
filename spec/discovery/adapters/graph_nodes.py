"""Layers as nodes of a graph: constructed with other nodes, whose values forward() reads; backward() fills a dict.

    x, w, b = Input(), Input(), Input(); node = Linear(x, w, b); node.forward(); node.backward(); node.gradients[x]

The gradient of the output is the one that nodes behind have in their dict; a node in place of these has it.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapters.cached_pairs import argument_values
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.adapters.wired import wired_methods
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.slots import attributes_of

VALUE = re.compile(r"^(value|val|data|output|out|result)$", re.I)
GRADIENTS = re.compile(r"grad", re.I)
BEHIND = re.compile(r"outbound|consumer|children|next|successor|parents?_of|outputs?$", re.I)
MAX_ARGUMENTS = 12


def adapt(scope: Scope) -> Iterator[Found]:
    """The nodes of the module that compute gradients, except of losses."""
    sources = [kind for kind in scope.classes.values() if not required_of(kind) and _places(kind) is not None]
    for name, kind in list(scope.classes.items()):
        rows = required_of(kind)
        methods = wired_methods(kind)
        if not sources or not rows or methods is None or is_base_class(kind):
            continue
        if any(is_target(row.name) for row in rows):
            continue
        for source, arrays in itertools.product(
            sources, itertools.islice(argument_values(rows[1:], scope, getattr(kind, methods[0])), MAX_ARGUMENTS)
        ):
            node = GraphNode(kind, source, methods, arrays)
            best = best_attempt([Made(node, {row.name: source for row in rows})], ("forward", "backward"), scope)
            if best is not None and best.perfect:
                style = f"class with {methods[0]}() and {methods[1]}() on nodes"
                yield found_of(best, name, style, kind)
                break


def _places(kind: type) -> tuple[str, str, str] | None:
    """The attributes of a node: its value, its dict of gradients and the list of nodes behind it; None if one lacks."""
    try:
        own = attributes_of(kind())
    except Exception:
        return None
    value = next((name for name, each in own.items() if VALUE.match(name) and (each is None or np.ndim(each) == 0)), "")
    gradients = next((name for name, each in own.items() if GRADIENTS.search(name) and isinstance(each, dict)), "")
    behind = next((name for name, each in own.items() if BEHIND.search(name) and isinstance(each, list)), "")
    return (value, gradients, behind) if value and gradients and behind else None


class _Behind:
    """A node behind another one, with a gradient for it."""


class GraphNode:
    """forward(x) and backward(dy) of a node, built anew for each call; the other arrays are attributes."""

    def __init__(self, kind: type, source: type, methods: tuple[str, str], arrays: dict[str, Any]) -> None:
        places = _places(source)
        assert places is not None
        self._fixed = kind, source, methods, places
        self._names = tuple(arrays)
        for name, array in arrays.items():
            setattr(self, name, array)

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphNode:
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, value if name == "_fixed" else copy.deepcopy(value, memo))
        return twin

    def source_of(self, method: str) -> Any:
        """The author's method."""
        kind, _, methods, _ = self._fixed
        return getattr(kind, methods[method != "forward"])

    def forward(self, x: Array) -> Any:
        """The value of the node after those of the nodes before it are set."""
        kind, source, methods, (value, _, _) = self._fixed
        self._sources = [source() for _ in range(1 + len(self._names))]
        for node, array in zip(self._sources, (x, *(getattr(self, name) for name in self._names)), strict=True):
            setattr(node, value, array)
        self._node = kind(*self._sources)
        getattr(self._node, methods[0])()
        return getattr(self._node, value)

    def backward(self, dy: Array) -> tuple[Any, ...]:
        """The gradients of all nodes before it."""
        _, _, methods, (_, gradients, behind) = self._fixed
        after = _Behind()
        setattr(after, gradients, {self._node: dy})
        setattr(self._node, behind, [after])
        getattr(self._node, methods[1])()
        found = getattr(self._node, gradients)
        return tuple(found[node] for node in self._sources)
