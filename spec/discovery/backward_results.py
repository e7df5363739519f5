"""The ways in which a hand-written backward answers: dx alone, gradients after it, or kept on the object.

    dx, grads = answered(layer, layer.backward(dy), params)
"""

from __future__ import annotations

from typing import Any

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, counted


def answered(probe: Any, answer: Any, params: dict[str, Array]) -> tuple[Any, dict[str, Any]]:
    """dx, and the gradients by name, in whatever way a backward gives them; those that it does not give are absent."""
    if not isinstance(answer, tuple | list):
        return answer, {name: g for name in params if (g := _kept(probe, name)) is not None}
    dx, *rest = answer
    if len(rest) == 1 and isinstance(rest[0], dict):
        grads = rest[0]
        return dx, {name: g for name in params if (g := _spelled(grads, name)) is not None}
    if len(rest) != len(params):
        raise BadInput(
            f"{type(probe).__name__}.backward gave {counted(len(rest), 'gradient')} after dx, "
            f"expected {len(params)}: {', '.join('d' + name for name in params)}"
        )
    return dx, dict(zip(params, rest, strict=True))


def _spellings(name: str) -> tuple[str, ...]:
    return name, f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}"


def _kept(probe: Any, name: str) -> Any:
    for holder in (getattr(probe, "grads", None), vars(probe)):
        if isinstance(holder, dict) and (found := _spelled(holder, name, holder is vars(probe))) is not None:
            return found
    return None


def _spelled(holder: dict[str, Any], name: str, skip: int = 0) -> Any:
    """What `holder` has under the first spelling of a gradient's name that it knows, `skip` spellings left out."""
    return next((holder[known] for known in _spellings(name)[skip:] if holder.get(known) is not None), None)


def is_gradient(name: str) -> bool:
    return name.startswith(("grad_", "d_")) or name.endswith("_grad") or (name[:1] == "d" and name[1:2].isupper())
