"""Tests of spec/discovery/argument_shapes.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlaw.spec.discovery.argument_shapes import is_used_as_array, shape_symbols, written_shapes


def conv(x: Any, w: Any, b: Any) -> Any:
    """x: (N, H, W, C), w: (k, k, C, F), b: (F,)."""
    return x, w, b


def attention(q: Any, k: Any, v: Any) -> Any:
    """Means of values, for q, k of shape (N, T, d) and v of shape (N, T, dv)."""
    return q @ k, v


def unpacked(x: Any, weights: Any) -> Any:
    n, d = x.shape
    _, m = weights.shape
    return np.zeros((n, m)) + d


def columns(X: Any, W: Any) -> Any:
    """X -- inputs of shape (n_x, m); W -- weights of shape (n_h, n_x)."""
    return W @ X


@pytest.mark.parametrize(
    ("function", "symbols"),
    [
        (conv, {"x": ("N", "H", "W", "C"), "w": ("k", "k", "C", "F"), "b": ("F",)}),
        (attention, {"q": ("N", "T", "d"), "k": ("N", "T", "d"), "v": ("N", "T", "dv")}),
        (unpacked, {"x": ("n", "d"), "weights": ("_weights0", "m")}),
        (columns, {"X": ("n_x", "m"), "W": ("n_h", "n_x")}),
    ],
)
def test_shapes_are_read_from_texts_and_from_shape(function: Any, symbols: dict[str, tuple[str, ...]]) -> None:
    """Each argument has the symbols that its author wrote."""
    assert shape_symbols(function) == symbols


def test_each_symbol_has_a_size_of_its_own() -> None:
    """Equal symbols have one size, different ones differ, and a kernel fits into the image."""
    shapes, layout = next(written_shapes(conv, "x"))
    (n, h, w, c), (k, _, depth, f) = shapes["x"], shapes["w"]
    assert (depth, shapes["b"], layout) == (c, (f,), "rows")
    assert len({h, w, c, k, f}) == 5 and k < min(h, w) and n > 1


def test_samples_are_columns_if_weights_multiply_the_first_axis() -> None:
    """The axis of x whose symbol weights have is that of the features."""
    shapes, layout = next(written_shapes(columns, "X"))
    assert layout == "columns" and shapes["X"][0] == shapes["W"][1]


def test_an_operand_of_a_product_is_an_array() -> None:
    """The sides of @ and what has a .shape are arrays; other arguments may be numbers."""
    assert is_used_as_array(columns, "W") and is_used_as_array(unpacked, "weights")
    assert not is_used_as_array(conv, "b")
