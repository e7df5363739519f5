"""What the laws of this kind share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable, Violation

CALLS = 8  # answers in a row that are compared where chance could hide a difference in one
ROWS, DRAWS = 64, 50  # dropout is judged on so many samples, so many times


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
    if not case.is_random:
        yield True


def equal(case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str) -> None:
    """Raise a Violation unless `found` has the bits of `wanted`."""
    if not np.array_equal(found, wanted, equal_nan=True):
        differ(case, code, method, name, found, wanted, cause, found != wanted if alike(found, wanted) else None)


def close(
    case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str, tolerance: float = 1e-4
) -> None:
    """Raise a Violation unless `found` is `wanted` up to the order in which sums were taken."""
    near = tolerance / 10 * float(np.abs(wanted).max(initial=1e-30, where=np.isfinite(wanted)))
    same = np.isclose(found, wanted, rtol=tolerance, atol=near, equal_nan=True) if alike(found, wanted) else None
    off = None if same is None else ~same
    if off is None or off.any():
        differ(case, code, method, name, found, wanted, cause, off)


def alike(found: Array, wanted: Array) -> bool:
    return np.shape(found) == np.shape(wanted)


def differ(
    case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str, off: Array | None
) -> None:
    """Raise the Violation at the first entry of `off`, or about the shape where that is all that can be compared."""
    at = None if off is None else first_index(off)
    raise Violation(
        code,
        location=case.location(method),
        array=name,
        index=at,
        actual=f"of shape {np.shape(found)}" if at is None else f"{found[at]:.6g}",
        expected=str(np.shape(wanted)) if at is None else f"{wanted[at]:.6g}",
        cause=cause,
    )


def uncoupled(case: LayerCase) -> None:
    if declared_value(case.layer, "couples_samples"):
        raise NotApplicable("the layer claims couples_samples")
