"""What a method computes before it returns classes or numbers that are rounded.

    last_computed(model.predict, (x,), 5)     the probabilities of 5 samples, of which predict returns the largest

It is what the last function that the method calls returned or, if this is one of its variables, the last variable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array


def last_computed(method: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any], samples: int) -> Array:
    """The last array of floats with these samples. Raises ValueError if there is none."""
    code = getattr(method, "__code__", None)
    returned: list[Array] = []
    variables: list[Array] = []

    def record(frame: FrameType, event: str, value: Any) -> None:
        if event == "return" and frame.f_code is code:
            own: list[Any] = [frame.f_locals.get(name) for name in frame.f_code.co_varnames]
            variables.extend(each for each in own if _is_output(each, samples) and not any(each is a for a in args))
        elif event == "return" and _is_output(value, samples):
            returned.append(value)

    before = sys.getprofile()
    sys.setprofile(record)
    try:
        method(*args, **named)
    finally:
        sys.setprofile(before)
    if variables and (not returned or any(returned[-1] is each for each in variables)):
        return variables[-1]
    if not returned:
        raise ValueError("it computes no array of floats")
    return returned[-1]


def _is_output(value: Any, samples: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0 and samples in value.shape
