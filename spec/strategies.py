"""Hypothesis strategies: shapes, batches, inputs that fit a contract, and extreme floats.

    @given(inputs(MyLayer()))                x (N, ...) float32 that fits its contract and its declared domain
    @given(batches(n_in=784, classes=10))    (x, labels)
    @given(hostile())                        nan, ±inf, 1e±38, denormals, −0.0, and ordinary numbers

Importing this module registers the profiles nn-dev, nn-ci and nn-thorough: `pytest --hypothesis-profile=nn-ci`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.contracts.obeys import declaration_of
from nnlaw.spec.contracts.shapes import concrete, parse, resolve
from nnlaw.spec.subjects.sampling import FAR, clipped_bounds
from nnlaw.spec.violation import BadInput

settings.register_profile("nn-dev", max_examples=20, deadline=None)
settings.register_profile("nn-ci", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile("nn-thorough", max_examples=2000, deadline=None)

HOSTILE = {
    16: (np.nan, np.inf, -np.inf, 6e4, -6e4, 6e-8, -6e-8, -0.0),
    32: (np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-38, -1e-38, 1e-45, -0.0),
    64: (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-308, -1e-308, 5e-324, -0.0),
}
"""By width: not a number, overflow when squared, denormal, and negative zero."""


def shapes(*, min_dims: int = 1, max_dims: int = 4, min_side: int = 1, max_side: int = 6) -> Any:
    """Shapes of arrays, (N, ...), small enough for hundreds of examples."""
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


def numbers(low: float = -1e4, high: float = 1e4, width: Any = 32) -> Any:
    """Finite floats of `width` bits within [low, high]."""
    dtype = np.dtype(f"float{width}").type
    bottom, top = dtype(low), dtype(high)
    bottom = np.nextafter(bottom, dtype(np.inf)) if bottom < low else bottom  # rounding may have left the interval
    top = np.nextafter(top, dtype(-np.inf)) if top > high else top
    return st.floats(float(bottom), float(top), width=width, allow_nan=False, allow_infinity=False)


def arrays(shape: Any, *, low: float = -1e4, high: float = 1e4, width: Any = 32) -> Any:
    """Arrays of finite floats."""
    return hnp.arrays(np.dtype(f"float{width}"), shape, elements=numbers(low, high, width))


def hostile(shape: Any = None, *, width: Any = 32) -> Any:
    """Floats, or arrays of `shape`, that mix extreme and ordinary values."""
    dtype = np.dtype(f"float{width}")
    values = st.sampled_from([float(dtype.type(v)) for v in HOSTILE[width]]) | numbers(-10, 10, width)
    return values if shape is None else hnp.arrays(dtype, shape, elements=values)


@st.composite
def batches(draw: Any, *, n_in: int, classes: int, max_size: int = 8) -> tuple[Array, Array]:
    """A batch (x, labels): float32 (N, n_in) and integers (N,) in [0, classes), with N ≥ 1."""
    size = draw(st.integers(1, max_size))
    x = draw(arrays((size, n_in), low=-10, high=10))
    labels = draw(hnp.arrays(np.int64, size, elements=st.integers(0, classes - 1)))
    return x, labels


@st.composite
def inputs(draw: Any, layer: Any, *, contract: str | None = None, max_side: int = 6, max_size: int = 8) -> Array:
    """Float32 inputs of `layer` that fit its contract and its declared domain; open dimensions go up to `max_side`.

    Raises BadInput if there is no contract.
    """
    declaration = declaration_of(layer)
    if contract is not None:
        parsed = parse(contract)
    elif declaration is not None:
        parsed = declaration.contract
    else:
        raise BadInput(f"{type(layer).__name__} has no contract: put @obeys above its class, or pass contract=")
    side, dims = parsed.inputs[0], resolve(parsed, layer)
    if "..." in side:
        dims["..."] = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=max_side))
    for i, name in enumerate(side):
        if name.isidentifier() and name not in dims:
            dims[name] = draw(st.integers(1, max_side if i else max_size))
    low, high = clipped_bounds(*(domain_of(layer) or (-FAR, FAR)))
    found: Array = draw(arrays(concrete(side, dims), low=low, high=high))
    return found
