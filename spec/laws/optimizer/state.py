"""An optimizer's memory must belong to the instance, and must be complete in its attribute `state`.

It finds state on the class or in a module, a gradient or weight array that is kept without a copy, and memory that is
lost when a run is saved and resumed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import LR, SIZE, fresh, random_gradients, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation, counted

SHARED = Cause(
    "shared-state",
    "often state that all instances share, on the class, in the module or in a mutable default argument; or numbers "
    "from a global generator",
)
KEPT_GRADIENT = Cause("kept-gradient", "often a gradient array that is kept for later without a copy")
KEPT_WEIGHTS = Cause("kept-weights", "often the array w of an earlier step, kept and changed instead of the new one")


@law(
    "state",
    kind="optimizer",
    family="state",
    statement="State belongs to the instance, and restoring `state` continues bit for bit.",
    why="A resumed run must continue as if it had not been interrupted. State on the class also couples two networks "
    "that are trained in one process.",
    depends_on=("finite",),
)
def state(case: OptimizerCase) -> None:
    """Take eight steps with random gradients. The weights must be the same bit for bit if another instance steps in
    between, if the gradient's buffer is overwritten after each step, if w is a new array at each step, if a new
    instance continues after four steps with a copy of `state`, and if the instance itself is set back to it. `state`
    must be a dict of arrays and numbers with names as keys.
    """
    gradients, w = random_gradients(case, 8), random_gradients(case, 9)[8]
    alone = walked(fresh(case), w, gradients)
    variations: tuple[tuple[Callable[..., Array], str, Cause], ...] = (
        (_beside_another, "while another instance steps in between", SHARED),
        (_reusing_the_gradient, "if g is overwritten after each step", KEPT_GRADIENT),
        (_in_new_arrays, "if w is a new array at each step", KEPT_WEIGHTS),
    )
    for walk, when, cause in variations:
        _compare(case, walk(case, w, gradients), alone, when, cause)
    half = fresh(case)
    walked(half, w, gradients[:4])
    saved = copy.deepcopy(half.attribute("state", {}))
    _check_savable(case, saved)
    outside = _kept_outside(case, half)
    cause = Cause("state-not-saved", f"{outside} changes, but is not in state") if outside else NO_CAUSE
    for successor, when in ((fresh(case), "in a new instance with the saved state"), (half, "after resetting state")):
        if successor is half:
            walked(half, alone[3], gradients[4:6])
        if half.attribute("state") is not None:
            successor.set("state", copy.deepcopy(saved))
        continued = np.concatenate([alone[:4], walked(successor, alone[3], gradients[4:])])
        _compare(case, continued, alone, when, cause)


def _beside_another(case: OptimizerCase, w: Array, gradients: Array) -> Array:
    one, other, w, path = fresh(case), fresh(case), w.copy(), []
    for g in gradients:
        one.step(w, g.copy(), LR)
        path.append(w.copy())
        walked(other, w, [1 - 3 * g])
    return np.array(path)


def _reusing_the_gradient(case: OptimizerCase, w: Array, gradients: Array) -> Array:
    optimizer, w, buffer = fresh(case), w.copy(), np.empty(SIZE, np.float32)
    path = []
    for g in gradients:
        buffer[...] = g
        optimizer.step(w, buffer, LR)
        buffer[...] = 7.0
        path.append(w.copy())
    return np.array(path)


def _in_new_arrays(case: OptimizerCase, w: Array, gradients: Array) -> Array:
    optimizer, path = fresh(case), [w]
    for g in gradients:
        path.append(walked(optimizer, path[-1], [g])[0])
    return np.array(path[1:])


def _compare(case: OptimizerCase, found: Array, expected: Array, when: str, cause: Cause) -> None:
    if not np.array_equal(found, expected):
        step, at = first_index(found != expected)
        raise Violation(
            "state",
            location=case.location("step"),
            array="w",
            index=(at,),
            actual=f"{found[step, at]:.7g} after {counted(step + 1, 'step')} {when}",
            expected=f"{expected[step, at]:.7g}, the same bit for bit",
            cause=cause.text,
            cause_code=cause.code,
        )


def _check_savable(case: OptimizerCase, saved: Any) -> None:
    if not isinstance(saved, dict):
        raise _not_savable(case, "state", f"a {type(saved).__name__}", "a dict of arrays and numbers")
    for name, value in saved.items():
        if not isinstance(name, str):
            raise _not_savable(case, "a key of state", repr(name), "a string, so that it can be saved with the run")
        if not isinstance(value, np.ndarray | Number | None):
            found = f"a {type(value).__name__}"
            raise _not_savable(case, f"state[{name!r}]", found, "an array or a number, so that it can be saved")


def _not_savable(case: OptimizerCase, array: str, actual: str, expected: str) -> Violation:
    return Violation("state", location=case.location("step"), array=array, actual=actual, expected=expected)


def _kept_outside(case: OptimizerCase, used: Subject) -> str:
    """The attributes other than `state` in which a used instance differs from a new one."""
    before = fresh(case).attributes(own=True)
    changed = [
        name
        for name, value in used.attributes(own=True).items()
        if name not in ("state", "decays")
        and not (name in before and np.array_equal(np.asarray(value, object), np.asarray(before[name], object)))
    ]
    return ", ".join(f"self.{name}" for name in changed)
