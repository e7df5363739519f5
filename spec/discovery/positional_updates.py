"""Functions that take a step with every array as an argument of its own: update_params(W1, b1, dW1, db1, alpha).

    for each in positional_updates(update_params): each(w, g, lr)      the new W1, then the new b1

Each is the step of one array as a function of the array, its gradient and the learning rate; the other arrays get
another gradient, so an array that moves along the gradient of another one is seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_optimizer import RATE
from nnlaw.spec.discovery.function_unit import point_to
from nnlaw.spec.discovery.scope import required_of
from nnlaw.spec.discovery.source_text import returned_names

OTHER_GRADIENT = 3.0  # times that of the array in question


def positional_updates(function: Any) -> list[Callable[[Array, Array, float], Array]]:
    """The step of each array; an empty list if the arguments are not at least two arrays with gradients, and a rate."""
    names = [row.name for row in required_of(function)]
    pairs = {name: gradient for name in names for gradient in names if _is_gradient_of(gradient, name)}
    rest = [name for name in names if name not in pairs and name not in pairs.values()]
    if len(pairs) < 2 or len(rest) != 1 or not (RATE.match(rest[0]) or rest[0] in ("alpha", "a")):
        return []
    return [_update(name, partial(_step, function, pairs, rest[0], name), function) for name in pairs]


def _update(name: str, step: Callable[..., Array], author: Any) -> Callable[[Array, Array, float], Array]:
    """The step as a function with the name of the array, whose place in the source is that of the author's."""

    def update(w: Array, g: Array, lr: float) -> Array:
        return step(w, g, lr)

    point_to(update, author)
    update.__name__ = name
    return update


def _is_gradient_of(gradient: str, name: str) -> bool:
    """Whether an argument is named as the gradient of another one: dW1, grad_W1, W1_grad."""
    return bool(re.fullmatch(rf"(d|grad|delta)_?{name}|{name}_?(grad|gradient)", gradient, re.I))


def _step(function: Any, pairs: dict[str, str], rate: str, name: str, w: Array, g: Array, lr: float) -> Array:
    """The new array of this name."""
    arrays = {each: w.copy() for each in pairs}
    slopes = {gradient: g.copy() if each == name else OTHER_GRADIENT * g for each, gradient in pairs.items()}
    returned = function(**arrays, **slopes, **{rate: lr})
    if returned is None:
        return arrays[name]
    if isinstance(returned, dict):
        return np.asarray(returned[name])
    order = returned_names(function)
    order = order if set(order) == set(pairs) else list(pairs)
    return np.asarray(returned[order.index(name)])
