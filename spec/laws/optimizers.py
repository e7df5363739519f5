"""The laws of an optimizer: it steps in place, against the gradient, gets there, and keeps its past to itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from itertools import pairwise
from numbers import Number
from typing import Any

import numpy as np

from spec.arrays import Array, first_index, is_finite
from spec.cases import OptimizerCase
from spec.claims import claim
from spec.law import law
from spec.told import read
from spec.violation import DoesNotApply, Violation

SIZE = 6  # weights in every probe, so that not even state on the class meets another shape
LR = 0.1
PATIENCE = 32  # steps after which something must have moved: gradients may be accumulated, or the rate warmed up
CLOSE = 1e-6  # two or three roundings of float32
ROUNDING = 1e-3  # how much longer than a longer gradient's a step may be by roundoff
RATES = (0.1, 0.01, 1.0, 0.001, 10.0)
FAINT = (1.0, 1e-3, 1e-5, 1e-7)  # gradients among which one is near any usual ε
THERE = 0.01  # of the first loss may be left at the end


def fresh(case: OptimizerCase) -> Any:
    """An optimizer without a past; all weights decay, where it decays any."""
    optimizer = case.make()
    optimizer.decays = np.ones(SIZE, np.float32)
    return optimizer


def draw(case: OptimizerCase, steps: int, scale: float = 1.0) -> Array:
    """Gaussian gradients (steps, SIZE)."""
    return (scale * case.rng.standard_normal((steps, SIZE))).astype(np.float32)


def walked(optimizer: Any, w: Array, gradients: Iterable[Array], lr: float = LR) -> Array:
    """The weights after each step from a copy of w, each gradient an array of its own: (steps, SIZE)."""
    w, path = w.copy(), []
    with np.errstate(all="ignore"):
        for g in gradients:
            optimizer.step(w, g.copy(), lr)
            path.append(w.copy())
    return np.array(path)


def first_move(optimizer: Any, w: Array, g: Array, lr: float = LR) -> Array:
    """Δw of the first step that moves anything under a constant gradient; zeros where none does."""
    path = [w, *walked(optimizer, w, [g] * PATIENCE, lr)]
    moves = (after.astype(np.float64) - before for before, after in pairwise(path))
    return next((move for move in moves if move.any()), np.zeros(SIZE))


@law(
    "step-in-place",
    kind="optimizer",
    family="shape",
    statement="step changes the array w itself, keeps its shape and dtype, and leaves the gradient alone.",
)
def step_in_place(case: OptimizerCase) -> None:
    """One array is stepped until it moves; the gradient is compared after each step."""
    optimizer, (w, g) = fresh(case), draw(case, 2)
    before, kept, where = w.copy(), g.copy(), case.where("step")
    with np.errstate(all="ignore"):
        for _ in range(PATIENCE):
            returned = optimizer.step(w, g, LR)
            if not np.array_equal(g, kept):
                at = first_index(g != kept)
                raise Violation(
                    "step-in-place",
                    where=where,
                    array="g",
                    index=at,
                    actual=f"{g[at]:.6g} after the step",
                    expected=f"{kept[at]:.6g}, as it was handed in",
                    cause="an in-place operation on the gradient, which belongs to the caller",
                )
            if w.shape != before.shape or w.dtype != before.dtype:
                raise Violation(
                    "step-in-place",
                    where=where,
                    array="w",
                    actual=f"{w.dtype} of shape {w.shape} after the step",
                    expected=f"{before.dtype} of shape {before.shape}, as before",
                )
            if not np.array_equal(w, before):
                return
    raise Violation(
        "step-in-place",
        where=where,
        array="w",
        actual=f"the same after {PATIENCE} steps of a nonzero gradient",
        expected="changed in place, as by w -= ...",
        cause="a new array that is returned, w[...] was not written"
        if returned is not None
        else "w = w - ..., which makes a new array and leaves the caller's alone",
    )


@law(
    "finite",
    kind="optimizer",
    family="output range",
    statement="Weights stay finite whatever finite gradient comes: none, a tiny or a huge one.",
    rests_on=("step-in-place",),
)
def finite(case: OptimizerCase) -> None:
    """Three steps each of gradients of size 0, 1e-30, 1 and 1e4, in float32."""
    w = draw(case, 1)[0]
    for scale in (1.0, 0.0, 1e-30, 1e4):
        path = walked(fresh(case), w, draw(case, 3, scale))
        if not is_finite(path):
            step, at = first_index(~np.isfinite(path))
            raise Violation(
                "finite",
                where=case.where("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]} after {step + 1} steps of a gradient of size {scale:g}",
                expected="a finite number",
                cause="a division by zero: t that counts from 0, so that 1 − βᵗ = 0"
                if scale == 1 and step == 0
                else "a division by zero: ε is missing"
                if scale < 1
                else "",
            )


@law(
    "state",
    kind="optimizer",
    family="reproducibility",
    statement="The past belongs to the instance, and `state` holds it all: saved and restored, it goes on bit for bit.",
    rests_on=("finite",),
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
            where=case.where("step"),
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
            where=case.where("step"),
            array="state",
            actual=f"a {type(saved).__name__}",
            expected="a dict of arrays and numbers",
        )
    for name, value in saved.items():
        if not isinstance(name, str):
            raise Violation("state", where=case.where("step"), array="a key of state", actual=repr(name),
                            expected="a word, under which it can be saved with the run")  # fmt: skip
        if not isinstance(value, np.ndarray | Number | None):
            raise Violation(
                "state",
                where=case.where("step"),
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


@law(
    "zero-gradient-still",
    kind="optimizer",
    family="convergence",
    statement="Without a gradient nothing moves from a fresh state, but for a decay, which only shrinks.",
    rests_on=("state",),
)
def zero_gradient_still(case: OptimizerCase) -> None:
    """Weights so large beside lr that no decay overshoots. The first step stays within lr·max(1, |w|)."""
    w = np.array([0.0, 0.0, 20.0, -20.0, 50.0, -50.0], np.float32)
    lr, zero = 0.01, np.zeros(SIZE, np.float32)
    path = walked(fresh(case), w, [zero] * 3, lr)
    told = read(case.make(), {"decay": 0.0})
    off = not told.untold and not any(told.candidates["decay"])
    size, moved = np.abs(w), np.abs(path - w)
    grown = (np.abs(path) > size * (1 + CLOSE)) & (w != 0)
    drift = "a decay that is said to be off" if off else "a memory that does not start at 0"
    for wrong, expected, cause in (
        (moved > CLOSE * size if off else moved > CLOSE * np.where(w == 0, 1, np.inf), "the same as before", drift),
        (grown, "no larger than before", "a weight decay of the wrong sign: w grows"),
        (
            moved[:1] > lr * np.maximum(1, size) * (1 + ROUNDING),
            f"changed by at most lr·max(1, |w|), lr = {lr:g}",
            "a weight decay that is not multiplied by lr",
        ),
    ):
        if wrong.any():
            step, at = first_index(wrong)
            raise Violation(
                "zero-gradient-still",
                where=case.where("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]:.6g} after {step + 1} steps of a zero gradient, from {w[at]:g}",
                expected=expected,
                cause=cause,
            )


@law(
    "first-step",
    kind="optimizer",
    family="convergence",
    statement="The first step goes against the gradient, no farther for a smaller one, nowhere at lr 0; as claimed.",
    rests_on=("zero-gradient-still",),
)
def first_step(case: OptimizerCase) -> None:
    """From w = 0, where nothing decays; what `first_step` claims of Δw = −lr·first_step(g) is judged there too."""
    w, g = draw(case, 2)
    g += np.sign(g) / 2  # no entry so small that ε hides what the step makes of its size
    still = first_move(fresh(case), w, g, 0.0)
    if (np.abs(still) > CLOSE * np.abs(w)).any():
        long = f"{np.linalg.norm(still):.4g} long at lr = 0"
        raise _first(case, long, "0", "an update that ignores the lr handed in")
    origin = np.zeros(SIZE, np.float32)
    for slope in (-g, g):
        move = first_move(fresh(case), origin, slope)
        if not move.any():
            raise DoesNotApply("it does not move from w = 0")
        if not move @ slope < 0:
            cause = "the sign: w += lr·g climbs" if move @ slope > 0 else ""
            raise _first(case, f"uphill: Δw·g = {move @ slope:.4g}", "Δw·g < 0, against the gradient", cause)
    for scale in FAINT:  # an ε beside which the gradient is next to nothing, and one that is nothing beside it
        shorter, longer = (first_move(fresh(case), origin, np.float32(k * scale) * g) for k in (1, 10))
        ratio = float(np.linalg.norm(shorter) / np.linalg.norm(longer)) if longer.any() else np.inf
        if shorter.any() and not ratio <= 1 + ROUNDING:
            missing, sign = "a square root that is missing in the denominator", "an ε of the wrong sign"
            cause = missing if np.isclose(ratio, 10, rtol=0.3) else "" if scale == 1 else sign
            raise _first(case, f"{ratio:.4g} times as long for a tenth of the gradient", "at most as long", cause)
    claimed = claim(type(fresh(case)), "first_step")
    if claimed is not None:
        wanted = -LR * np.asarray(claimed(g), np.float64)
        if not np.allclose(move, wanted, rtol=ROUNDING, atol=ROUNDING * np.abs(wanted).max()):
            at = int(np.argmax(np.abs(move - wanted)))
            raise _first(case, f"Δw[{at}] = {move[at]:.6g}", f"{wanted[at]:.6g}, −lr·first_step(g) as claimed", "")


def _first(case: OptimizerCase, actual: str, expected: str, cause: str) -> Violation:
    return Violation(
        "first-step",
        where=case.where("step"),
        array="the first step",
        actual=actual,
        expected=expected,
        cause=cause,
    )


@law(
    "converges",
    kind="optimizer",
    family="convergence",
    statement="On a quadratic bowl it goes downhill and gets there, at one learning rate of five.",
    rests_on=("first-step",),
)
def converges(case: OptimizerCase) -> None:
    """½ Σ aᵢwᵢ², a from ½ to 2, until the mean loss of a hundred steps is a hundredth of the first."""
    slope = np.linspace(0.5, 2, SIZE).astype(np.float32)
    start = np.where(case.rng.random(SIZE) < 0.5, 1, -1).astype(np.float32)
    best = np.inf
    for lr in RATES:
        optimizer, w = fresh(case), start.copy()
        for _ in range(10):
            left = _descend(optimizer, w, slope, lr, 100) / float(slope @ start**2)
            best = min(best, left)
            if left <= THERE:
                return
            if not np.isfinite(left):
                break
    raise Violation(
        "converges",
        where=case.where("step"),
        array="the loss on a quadratic bowl",
        actual=f"{best:.3g} of the first at best, after 1000 steps at each of five learning rates",
        expected=f"at most {THERE:g} of it",
        cause="a memory that never fades (momentum without β), or steps that shrink to nothing",
    )


def _descend(optimizer: Any, w: Array, slope: Array, lr: float, steps: int) -> float:
    total = 0.0
    with np.errstate(all="ignore"):
        for _ in range(steps):
            optimizer.step(w, slope * w, lr)
            total += float(slope @ w**2)
    return total / steps
