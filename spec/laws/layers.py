"""What a layer owes before any gradient is asked for: its arrays are its own and in use, its draws are repeatable,
its modes are honest, and an answer depends on the numbers that went in alone."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.claims import claim, within
from nnlaw.spec.law import law
from nnlaw.spec.laws import _rng_checks as seeding
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Violation

CALLS = 8  # answers in a row that are compared where chance could hide a difference in one


@law(
    "registered",
    kind="layer",
    family="reproducibility",
    statement="What params holds is what forward reads and what grads grades, and belongs to this instance alone.",
)
def registered(case: LayerCase) -> None:
    """A parameter is replaced, and written over in place: forward must notice both, or neither."""
    probe = case.fresh()
    probe.backward(some_dy(case, probe.forward(case.x)))
    for holder in ("params", "grads", "state"):
        common = getattr(type(case.layer), holder, None)
        if isinstance(common, MutableMapping) and common and holder not in vars(probe):
            _accuse_holder(case, holder, "a dict of the class, which all instances share", "a dict of each instance")
    params = getattr(probe, "params", None) or {}
    for name in getattr(probe, "grads", None) or {}:
        if name not in params:
            _accuse_holder(case, f"grads[{name!r}]", "a gradient without a parameter", f"params[{name!r}], to be moved")
    for name in params:
        _in_use(case, name)


def _in_use(case: LayerCase, name: str) -> None:
    replaced, written = case.fresh(False), case.fresh(False)
    still = [np.array(layer.forward(case.x)) for layer in (replaced, written)]
    array = np.asarray(replaced.params[name])
    moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
    replaced.params[name] = moved
    written.params[name][...] = moved
    one, two = (
        not np.array_equal(layer.forward(case.x), y) for layer, y in zip((replaced, written), still, strict=True)
    )
    if one != two:
        found = "read from another array than this" if two else "copied, so that a step in place is not seen"
        _accuse_holder(case, f"params[{name!r}]", found, f"self.params[{name!r}] read at each use", "forward")


def _accuse_holder(case: LayerCase, array: str, actual: str, expected: str, method: str = "backward") -> None:
    raise Violation("registered", where=case.where(method), array=array, actual=actual, expected=expected)


@law(
    "seeded",
    kind="layer",
    family="reproducibility",
    statement="What a layer draws, when it is built and at each call, comes from the generator handed in.",
)
def seeded(case: LayerCase) -> None:
    """Built several times from one seed, and once from another: what is the same then may be meant, unless a generator
    was made for it. Then several calls of two copies in turn, in both modes."""
    make = case.make
    if make is not None and hasattr(type(case.layer), "build"):
        where, array = case.where("build"), "what build draws"

        def draw(rng: np.random.Generator) -> Array:
            return _drawn(make(rng))

        one, two = seeding.seeded(draw, case.seed, where=where, array=array)
        if np.array_equal(one, two) and seeding.makes_its_own(draw, case.seed):
            raise seeding.own_seed(array, where)
    cause = "randomness of its own, such as np.random.rand, or a memory on the class; use the generator handed in"
    for training in (True, False):
        first, second = case.fresh(training), case.fresh(training)
        for _ in range(CALLS):
            kept = np.array(first.forward(case.x))
            equal(case, "seeded", "forward", "the output of a copy", second.forward(case.x), kept, cause)


def _drawn(layer: Any) -> Array:
    """All that is in params and state, in one row."""
    held = [*(layer.params or {}).values(), *(layer.state or {}).values()]
    return np.concatenate([np.ravel(array) for array in held] or [np.zeros(0)])


@law(
    "train-eval",
    kind="layer",
    family="reproducibility",
    statement="In eval mode a layer draws nothing, changes no state, and uses the statistics that training kept.",
    rests_on=("seeded",),
)
def train_eval(case: LayerCase) -> None:
    """Other draws must not show in eval; state must stay; what couples samples to keep statistics must stop."""
    plain, other = case.fresh(False), case.fresh(False, other_draws=True)
    for _ in range(CALLS):
        kept = np.array(plain.forward(case.x))
        cause = "randomness that does not look at self.training"
        equal(case, "train-eval", "forward", "the output in eval mode", other.forward(case.x), kept, cause)
    layer = case.fresh(False)
    before = _state(layer)
    layer.backward(some_dy(case, layer.forward(case.other)))
    for name, array in _state(layer).items():
        cause = "running statistics that are updated in eval mode"
        equal(case, "train-eval", "forward", f"state[{name!r}] after eval", array, before[name], cause)
    if claim(case.layer, "couples_samples"):
        _uses_what_it_kept(case)


def _uses_what_it_kept(case: LayerCase) -> None:
    layer = case.fresh(True)
    before = _state(layer)
    layer.forward(case.x)
    if all(np.array_equal(array, before[name]) for name, array in _state(layer).items() if name in before):
        return  # it keeps no statistics, so it may go on coupling samples
    layer.training = False
    company: Array = np.concatenate([case.x[:1], case.other[:-1] * case.x.dtype.type(0.5)])
    company = within(case.layer, company, case.x)
    alone, mixed = layer.forward(case.x)[0].copy(), layer.forward(company)[0]
    cause = "batch statistics in eval mode, where the running ones are due"
    close(case, "train-eval", "forward", "the first row among other rows in eval mode", mixed, alone, cause)


def _state(layer: Any) -> dict[str, Array]:
    return {name: np.array(array) for name, array in (getattr(layer, "state", None) or {}).items()}


@law(
    "pure",
    kind="layer",
    family="reproducibility",
    statement="In eval mode the same input gives the same output, and a later call leaves an earlier output alone.",
    rests_on=("seeded", "train-eval"),
)
def pure(case: LayerCase) -> None:
    """Two calls on one instance with another in between."""
    layer = case.fresh(False)
    first = layer.forward(case.x)
    kept = first.copy()
    layer.forward(within(layer, -case.x, case.other))
    equal(case, "pure", "forward", "the earlier output", first, kept, "an output buffer that is used again")
    equal(case, "pure", "forward", "output", layer.forward(case.x), kept, "state that forward leaves behind")


@law(
    "layout",
    kind="layer",
    family="shape",
    statement="How x and dy lie in memory (Fortran order, strided, reversed, read-only) makes no difference.",
    rests_on=("pure",),
)
def layout(case: LayerCase) -> None:
    """The same numbers in other places, forward and backward, in eval mode."""
    plain = case.fresh(False)
    y = np.array(plain.forward(case.x))
    dy = some_dy(case, y)
    expected = answers(plain, dy)
    cause = "an operation that follows memory, not indices: order='A' or 'K', a buffer, strides"
    for (how, x), (_, slope) in zip(_arrangements(case.x), _arrangements(dy), strict=True):
        layer = case.fresh(False)
        close(case, "layout", "forward", f"the output for {how} x", layer.forward(x), y, cause)
        for name, found in answers(layer, slope).items():
            close(case, "layout", "backward", f"{name} for {how} dy", found, expected[name], cause)


def _arrangements(array: Array) -> Iterator[tuple[str, Array]]:
    yield "Fortran-ordered", np.asfortranarray(array)
    wide = np.repeat(array, 2, axis=-1)
    yield "strided", wide[..., ::2]
    yield "reversed", np.ascontiguousarray(array[::-1])[::-1]
    still = array.copy()
    still.setflags(write=False)
    yield "read-only", still


def some_dy(case: LayerCase, y: Array) -> Array:
    """A Gaussian incoming gradient, like y."""
    return case.rng.standard_normal(y.shape).astype(y.dtype)


def answers(layer: Any, dy: Array) -> dict[str, Array]:
    """dx and every parameter's gradient, copied so that the next call cannot change them."""
    found = {"dx": np.array(layer.backward(dy))}
    return found | {f"d{name}": np.array(g) for name, g in (getattr(layer, "grads", None) or {}).items()}


def modes(case: LayerCase) -> Iterator[bool]:
    """Eval mode, and training where nothing is drawn."""
    yield False
    if not case.draws:
        yield True


def equal(case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str) -> None:
    """Raise a Violation unless `found` has the bits of `wanted`."""
    if not np.array_equal(found, wanted, equal_nan=True):
        differ(case, code, method, name, found, wanted, cause, found != wanted if _alike(found, wanted) else None)


def close(
    case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str, tolerance: float = 1e-4
) -> None:
    """Raise a Violation unless `found` is `wanted` up to the order in which sums were taken."""
    near = tolerance / 10 * float(np.abs(wanted).max(initial=1e-30, where=np.isfinite(wanted)))
    same = np.isclose(found, wanted, rtol=tolerance, atol=near, equal_nan=True) if _alike(found, wanted) else None
    off = None if same is None else ~same
    if off is None or off.any():
        differ(case, code, method, name, found, wanted, cause, off)


def _alike(found: Array, wanted: Array) -> bool:
    return np.shape(found) == np.shape(wanted)


def differ(
    case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str, off: Array | None
) -> None:
    """Raise the Violation at the first entry of `off`, or about the shape where that is all that can be compared."""
    at = None if off is None else first_index(off)
    raise Violation(
        code,
        where=case.where(method),
        array=name,
        index=at,
        actual=f"of shape {np.shape(found)}" if at is None else f"{found[at]:.6g}",
        expected=str(np.shape(wanted)) if at is None else f"{wanted[at]:.6g}",
        cause=cause,
    )
