"""Layers and losses as nodes of a graph: constructed with other nodes, whose values forward() reads.

    x, w, b = Input(), Input(), Input(); node = Linear(x, w, b); node.forward(); node.backward(); node.gradients[x]

backward() fills a dict of gradients, and the gradient of the output is the one that nodes behind have in their dict; or
each node keeps its own gradient, and backward() adds to those of the nodes before it.
"""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import LossCode
from nnlaw.spec.discovery.adapters.cached_pairs import argument_values
from nnlaw.spec.discovery.adapters.losses import found_of as loss_found_of
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.adapters.wired import wired_methods
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scenarios import SCENARIOS, with_outputs
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.slots import attributes_of
from nnlaw.spec.discovery.source_text import parsed
from nnlaw.spec.discovery.stacks import definitions

VALUE = re.compile(r"^(value|val|data|output|out|result)$", re.I)
GRADIENTS = re.compile(r"grad", re.I)
BEHIND = re.compile(
    r"outbound|outgoing|behind|^after|^users?$|consumer|children|next|successor|parents?_of|outputs?$", re.I
)
MAX_ARGUMENTS = 12
COLUMN = re.compile(r"\.reshape\(\(?-1, 1\)")
"""How code reads predictions of one output."""


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The nodes of the module that compute gradients."""
    own = [kind for _, kind in definitions(scope) if inspect.isclass(kind)]
    sources = [kind for kind in own if not required_of(kind) and _places(kind) is not None]
    for name, kind in list(scope.classes.items()):
        rows = required_of(kind)
        methods = wired_methods(kind)
        if not sources or methods is None or is_base_class(kind) or not (rows or _is_called(kind)):
            continue
        style = f"class with {methods[0]}() and {methods[1]}() on nodes"
        targets = [i for i, row in enumerate(rows) if is_target(row.name) and not _is_called(kind)]
        yield (_loss(name, kind, sources, methods, targets[0], style, scope) if targets and len(rows) == 2
               else None if targets else _layer(name, kind, sources, methods, style, scope))  # fmt: skip


def _layer(
    name: str, kind: type, sources: list[type], methods: tuple[str, str], style: str, scope: Scope
) -> Found | None:
    rows = required_of(kind)
    for source in sources:
        values = argument_values(rows[not _is_called(kind) :], scope, getattr(kind, methods[0]))
        arrays = [row for row in values if all(isinstance(each, np.ndarray) for each in row.values())]
        nodes: list[_Graph] = [GraphNode(kind, source, methods, row) for row in arrays[:MAX_ARGUMENTS]]
        nodes += [GraphPair(kind, source, methods)] if len(rows) == 2 and not _is_called(kind) else []
        for node in nodes:
            best = best_attempt([Made(node, {row.name: source for row in rows})], ("forward", "backward"), scope)
            if best is not None and best.perfect:
                return found_of(best, name, style, kind)
    return None


def _loss(
    name: str, kind: type, sources: list[type], methods: tuple[str, str], target: int, style: str, scope: Scope
) -> Found | None:
    losses = [GraphLoss(kind, source, methods, target) for source in sources]
    codes = [LossCode(loss, "value", ("p", "t"), "gradient", ()) for loss in losses]
    column = COLUMN.search(ast.unparse(parsed(getattr(kind, methods[0])) or ast.Module([], [])))
    scenarios = with_outputs(1) if column else SCENARIOS
    found = loss_found_of(
        name, style, class_location(kind), kind, codes, scope, [], named=True, scenarios=scenarios
    )
    if found is None or not found.readings:
        return None
    words = ", ".join("target" if i == target else "prediction" for i in range(2))
    rest = found.readings[0].calls.partition("; ")[2]
    calls = f"{name}({words}): {methods[0]}(), {methods[1]}(); {rest}"
    return replace(found, readings=tuple(replace(reading, calls=calls) for reading in found.readings))


def _is_called(kind: type) -> bool:
    """Whether a node is called with the node before it after it is constructed: Linear(w, b)(x)."""
    return inspect.isfunction(inspect.getattr_static(kind, "__call__", None))


@dataclass(frozen=True)
class Places:
    """The attributes of a node: its value, its gradient or dict of gradients, and the list of nodes behind it.

    Without a list, each node keeps its own gradient.
    """

    value: str
    gradient: str
    behind: str = ""


def _places(kind: type) -> Places | None:
    """The attributes of a node; None if it has no value or no gradient."""
    try:
        own = attributes_of(kind())
    except Exception:
        return None
    value = next((name for name, each in own.items() if VALUE.match(name) and isinstance(each, float | int | None)), "")
    gradients = next((name for name, each in own.items() if GRADIENTS.search(name) and isinstance(each, dict)), "")
    behind = next((name for name, each in own.items() if BEHIND.search(name) and isinstance(each, list)), "")
    if value and gradients and behind:
        return Places(value, gradients, behind)
    single = next(
        (name for name, each in own.items() if GRADIENTS.search(name) and isinstance(each, float | int | None)), ""
    )
    return Places(value, single) if value and single else None


class _Behind:
    """A node behind another one, with a gradient for it."""


class _Graph:
    """A node, built anew for each call with nodes before it."""

    def __init__(self, kind: type, source: type, methods: tuple[str, str]) -> None:
        places = _places(source)
        assert places is not None
        self._fixed = kind, source, methods, places

    def __deepcopy__(self, memo: dict[int, Any]) -> _Graph:
        twin = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, value if name == "_fixed" else copy.deepcopy(value, memo))
        return twin

    def source_of(self, method: str) -> Any:
        """The author's method."""
        kind, _, methods, _ = self._fixed
        return getattr(kind, methods[method != "forward"])

    def _run(self, arrays: Sequence[Any]) -> Any:
        """The value of the node after those of the nodes before it are set."""
        kind, source, methods, places = self._fixed
        self._sources = [source() for _ in arrays]
        for node, array in zip(self._sources, arrays, strict=True):
            setattr(node, places.value, array)
        if _is_called(kind):
            self._node = kind(*self._sources[1:])
            self._node(self._sources[0])
        else:
            self._node = kind(*self._sources)
        getattr(self._node, methods[0])()
        return getattr(self._node, places.value)

    def _slopes(self, dy: Any) -> tuple[Any, ...]:
        """The gradients of all nodes before it."""
        _, _, methods, places = self._fixed
        if not places.behind:
            setattr(self._node, places.gradient, dy)
            for node in self._sources:
                setattr(node, places.gradient, np.zeros_like(getattr(node, places.value), np.float64))
            getattr(self._node, methods[1])()
            return tuple(getattr(node, places.gradient) for node in self._sources)
        after = _Behind()
        setattr(after, places.gradient, {self._node: dy})
        setattr(self._node, places.behind, [after])
        getattr(self._node, methods[1])()
        found = getattr(self._node, places.gradient)
        return tuple(found[node] for node in self._sources)


class GraphNode(_Graph):
    """forward(x) and backward(dy) of a node; the other arrays are attributes."""

    def __init__(self, kind: type, source: type, methods: tuple[str, str], arrays: dict[str, Any]) -> None:
        super().__init__(kind, source, methods)
        self._names = tuple(arrays)
        for name, array in arrays.items():
            setattr(self, name, array)

    def forward(self, x: Array) -> Any:
        """The value of the node."""
        return self._run([x, *(getattr(self, name) for name in self._names)])

    def backward(self, dy: Array) -> tuple[Any, ...]:
        """The gradients of all nodes before it."""
        return self._slopes(dy)


class GraphPair(_Graph):
    """forward(x0, x1) and backward(dy) of a node with two inputs, such as a product."""

    def forward(self, x0: Array, x1: Array) -> Any:
        """The value of the node."""
        return self._run([x0, x1])

    def backward(self, dy: Array) -> tuple[Any, ...]:
        """The gradients of both inputs."""
        return self._slopes(dy)


class GraphLoss(_Graph):
    """The value and the gradient of a node that is constructed with predictions and targets."""

    def __init__(self, kind: type, source: type, methods: tuple[str, str], target: int) -> None:
        super().__init__(kind, source, methods)
        self._target = target

    def value(self, prediction: Array, target: Array) -> Any:
        """The loss."""
        return self._run([target, prediction] if self._target == 0 else [prediction, target])

    def gradient(self) -> Any:
        """The gradient of the prediction."""
        return self._slopes(1.0)[1 - self._target]
