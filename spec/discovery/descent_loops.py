"""Functions that run a whole descent: sgd(f, x0, step, iterations), gradient_descent(f, init_x, lr=0.1, step_num=100).

    step = descent_step(gradient_descent)        step(w, g, lr) -> the new w, by a few iterations with a part of lr each

f may return the loss and its gradient, the gradient alone, or the value, of which the code takes differences.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_optimizer import RATE
from nnlaw.spec.discovery.function_unit import point_to
from nnlaw.spec.discovery.scope import arguments_of, required_of

ROLES = (
    re.compile(r"^_?(f|fn|func|fun|function|objective|loss_?fn|cost_?fn|grad|gradient|df|grad_?f|f_and_grad)$", re.I),
    re.compile(r"^(x_?0|x|init_?x|x_?init|x_?start|start|initial_?x|w_?0|theta_?0|theta|w)$", re.I),
    re.compile(rf"{RATE.pattern}|^(step|alpha)$", re.I),
    re.compile(r"^(n|n_?steps|num_?steps|step_?num|(n_?|num_?|max_?)?iter(ation)?s?|max_?iterations?|epochs)$", re.I),
)
"""The function, the start, the learning rate and the number of iterations, by their names."""
OTHERS = re.compile(r"momentum|beta|gamma|mu|decay|rho", re.I)
COUNT = 3
FUNCTIONS: tuple[Callable[[Array, Array], Any], ...] = (
    lambda g, x: (0.0, g.copy()),
    lambda g, x: g.copy(),
    lambda g, x: float(np.sum(g * x)),
)
"""What f returns at x, if its gradient is g everywhere."""


def descent_step(function: Any) -> Callable[[Array, Array, float], Array] | None:
    """The step of a descent; None if the arguments are not those of one, or no f that it takes moves every entry."""
    names = [row.name for row in arguments_of(function)]
    own = [next((name for name in names if role.match(name)), "") for role in ROLES]
    required = {row.name for row in required_of(function)}
    if not all(own) or len({*own}) < 4 or not required <= {*own} or any(map(OTHERS.search, names)):
        return None
    w, g = np.linspace(1, 2, 6), np.linspace(-1, -2, 6)
    for of in FUNCTIONS:
        step = _step(function, own, of)
        try:
            moved = step(w, g, 0.1)
        except Exception:  # it takes another function
            continue
        if np.isfinite(moved).all() and (moved != w).all():
            one_off = any(np.allclose(w - moved, 0.1 * g * count / COUNT) for count in (COUNT - 1, COUNT + 1))
            return None if one_off else step  # it counts its iterations in another way
    return None


def _step(
    function: Any, names: list[str], of: Callable[[Array, Array], Any]
) -> Callable[[Array, Array, float], Array]:
    def step(w: Array, g: Array, lr: float) -> Array:
        values = (lambda x: of(g, x), w.copy(), lr / COUNT, COUNT)
        found = function(**dict(zip(names, values, strict=True)))
        rows = found if isinstance(found, tuple | list) else (found,)
        return next(np.asarray(row) for row in rows if np.shape(row) == w.shape)

    point_to(step, function)
    step.__name__ = function.__name__
    return step
