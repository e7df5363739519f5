"""The past belongs to the instance, and `state` holds it all: saved and restored, it goes on bit for bit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import LR, SIZE, draw, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation


@law(
    "state",
    kind="optimizer",
    family="state",
    statement="The past belongs to the instance, and `state` holds it all: saved and restored, it goes on bit for bit.",
    depends_on=("finite",),
)
def state(case: OptimizerCase) -> None:
    """One trajectory, told in five ways: alone, beside another instance, with reused buffers, restored, rewound."""
    gradients, w = draw(case, 8), draw(case, 9)[8]
    alone = walked(fresh(case), w, gradients)
    tellings: tuple[tuple[Callable[..., Array], str, str], ...] = (
        (
            _beside_another,
            "beside a second instance that steps in between",
            "state on the class or module, or in a mutable default argument, which all instances share",
        ),
        (
            _reusing_the_gradient,
            "when g is written over after each step",
            "the gradient array itself kept for later: copy it, its owner reuses the buffer",
        ),
        (
            _in_new_arrays,
            "when the same weights come in another array at each step",
            "the array w of an earlier step kept and changed: step must change the one handed in",
        ),
    )
    for tell, when, cause in tellings:
        _compare(case, tell(case, w, gradients), alone, when, cause)
    half = fresh(case)
    walked(half, w, gradients[:4])
    saved = copy.deepcopy(getattr(half, "state", {}))
    _savable(case, saved)
    outside = _kept_outside(case, half)
    for successor, when in ((fresh(case), "in a fresh instance given the saved state"), (half, "after a rewind")):
        if successor is half:
            walked(half, alone[3], gradients[4:6])
        if hasattr(half, "state"):
            successor.state = copy.deepcopy(saved)
        continued = np.concatenate([alone[:4], walked(successor, alone[3], gradients[4:])])
        _compare(case, continued, alone, when, f"{outside}, which is not in state" if outside else "")


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


def _compare(case: OptimizerCase, found: Array, expected: Array, when: str, cause: str) -> None:
    if not np.array_equal(found, expected):
        step, at = first_index(found != expected)
        raise Violation(
            "state",
            location=case.location("step"),
            array="w",
            index=(at,),
            actual=f"{found[step, at]:.7g} after step {step + 1} {when}",
            expected=f"{expected[step, at]:.7g}, bit for bit, as without",
            cause=cause,
        )


def _savable(case: OptimizerCase, saved: Any) -> None:
    if not isinstance(saved, dict):
        raise Violation(
            "state",
            location=case.location("step"),
            array="state",
            actual=f"a {type(saved).__name__}",
            expected="a dict of arrays and numbers",
        )
    for name, value in saved.items():
        if not isinstance(name, str):
            raise Violation("state", location=case.location("step"), array="a key of state", actual=repr(name),
                            expected="a word, under which it can be saved with the run")  # fmt: skip
        if not isinstance(value, np.ndarray | Number | None):
            raise Violation(
                "state",
                location=case.location("step"),
                array=f"state[{name!r}]",
                actual=f"a {type(value).__name__}",
                expected="an array or a number, which can be saved with the run",
            )


def _kept_outside(case: OptimizerCase, used: Any) -> str:
    """The attributes but `state` by which a used instance differs from a fresh one."""
    before = getattr(fresh(case), "__dict__", {})
    changed = [
        name
        for name, value in getattr(used, "__dict__", {}).items()
        if name not in ("state", "decays")
        and not (name in before and np.array_equal(np.asarray(value, object), np.asarray(before[name], object)))
    ]
    return ", ".join(f"self.{name}" for name in changed)
