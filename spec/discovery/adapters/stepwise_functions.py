"""Networks of functions that keep everything in one structure, such as a list of layers of dicts for neurons.

    forward(network, row) -> output, backward(network, expected), update(network, row, l_rate)

Backward leaves its results in the structure, and update takes the step. The three are put behind one object, and are
then compared like a network written as a class.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import role_of
from nnlaw.spec.discovery.adapters.functional_networks import CONTAINER, FORWARD, INIT
from nnlaw.spec.discovery.calls import Made, Randomness, guesses
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.network_instances import Instance
from nnlaw.spec.discovery.network_trials import found_of
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.slots import number_leaves
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.violation import Location

BACKWARD = re.compile(r"back|bprop|delta|grad", re.I)
UPDATE = re.compile(r"update|step|adjust|apply", re.I)
MAX_CALLS = 12
Function = Callable[..., Any]


def adapt(scope: Scope) -> Iterator[Found]:
    """The network of the module, if it has one of each of these functions."""
    functions = {name: f for name, f in scope.functions.items() if "." not in name and inspect.isfunction(f)}
    roles = {name: _roles_behind_network(f) for name, f in functions.items()}
    forwards = [name for name, row in roles.items() if row == ["x"] and FORWARD.search(name)]
    backwards = [name for name, row in roles.items() if row == ["t"] and BACKWARD.search(name)]
    updates = [name for name, row in roles.items() if row in (["x", "rate"], ["rate"]) and UPDATE.search(name)]
    if not (forwards and backwards and updates):
        return
    names = forwards[0], backwards[0], updates[0]
    own = tuple(functions[name] for name in names)
    made = list(_structures(functions, scope))
    if not made:
        return
    instances = [Instance(Made(StepwiseNetwork(network, own), {})) for _, network in made]
    style, location = f"functions: {', '.join(names)}", Location.of(own[1])
    randomness = Randomness.of(scope.module)
    found = found_of(instances, ["train"], names[1], style, location, own[1], randomness, (*names, made[0][0]))
    if found is not None:
        yield found


def _roles_behind_network(function: Function) -> list[str] | None:
    """The roles of the arguments behind the structure, if the first argument is called like one."""
    rows = required_of(function)
    if not rows or not CONTAINER.match(rows[0].name):
        return None
    found: list[str] = []
    for row in rows[1:]:
        found.append(role_of(row.name, found))
    return found


def _structures(functions: Mapping[str, Function], scope: Scope) -> Iterator[tuple[str, Any]]:
    """What functions such as initialize_network(n_inputs, n_hidden, n_outputs) return, if it has lists of numbers."""
    for name, function in functions.items():
        choices = [guesses(row, scope) for row in required_of(function)] if INIT.search(name) else []
        for values in itertools.islice(itertools.product(*choices), MAX_CALLS) if choices else ():
            try:
                made = function(*copy.deepcopy(values))
            except Exception:
                continue
            if isinstance(made, list | dict) and any(array.ndim for _, array in number_leaves(made)):
                yield name, made
                break


class StepwiseNetwork:
    """The structure with the three functions. A row has a label behind the features if the last is left out."""

    def __init__(self, network: Any, functions: tuple[Function, ...]) -> None:
        self.network, self._fixed = network, functions
        rows = [(f, row.name) for f in functions for row in required_of(f)[1:]]
        self._has_label = any(re.search(rf"\b{name}\[:-1\]", source_text(f)) for f, name in rows)

    @property
    def functions(self) -> list[Function]:
        """The functions that are called."""
        return list(self._fixed)

    def own_functions(self) -> list[Any]:
        """The author's functions, the one that computes gradients first."""
        forward, backward, update = self._fixed
        return [backward, update, forward]

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        self._fixed = tuple(made.get(f.__name__, f) for f in self._fixed)

    def source_of(self, method: str) -> Any:
        """The author's function behind a method."""
        return self._fixed[method == "train"]

    def describe_functions(self) -> str:
        """The functions that are called, with their arguments."""
        return ", ".join(f"{f.__name__}({', '.join(row.name for row in arguments_of(f))})" for f in self._fixed)

    def forward(self, x: Array) -> Any:
        """The output for one row."""
        return np.asarray(self._fixed[0](self.network, self._row(x)), np.float64)

    def train(self, x: Array, targets: Array, learning_rate: float) -> None:
        """One step for one row."""
        _, backward, update = self._fixed
        self.forward(x)
        backward(self.network, list(targets))
        rows = [self._row(x)] if len(required_of(update)) > 2 else []
        update(self.network, *rows, learning_rate)

    def _row(self, x: Array) -> list[float]:
        return [*x.tolist(), *[0] * self._has_label]
