"""What a lesson tells of each layer: its equation, the numbers put into it, and the chain rule through it.

    forward, backward = told_of("dense")
    forward(page, stage)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.nn.core.document import Page
from nnlaw.nn.trace.number_format import cells, number, show, signed, size, words
from nnlaw.nn.trace.trace import Stage
from nnlaw.spec.arrays import Array


def _dense_forward(page: Page, s: Stage) -> None:
    w, b = s.layer.params["W"], s.layer.params["b"]
    x, y, k = s.x_name, s.y_name, s.number
    page.text(
        f"{y} = {x} W{k} + b{k}: each unit adds up its inputs, each times a weight, and its bias. "
        f"Shapes: {size(s.x)} · {size(w)} + {size(b)} → {size(s.y)}; row n of {x} is sample n, column j of W{k} is "
        "unit j."
    )

    def term(at: tuple[int, ...]) -> str:
        n, j = at
        products = [f"{signed(a)}·{signed(c)}" for a, c in zip(s.x[n], w[:, j], strict=True)]
        return " + ".join([*products, signed(b[j])])

    page.code([f"W{k} = {show(w)}", f"b{k} = {show(b)}", *cells(y, s.y, term)])
    column = (
        f"Many books write W @ x, with x a column: their W is our W{k} transposed, {show(w.T)}, and row j is unit j."
    )
    if w.shape[0] == w.shape[1] and w.shape[0] > 1:
        wrong = s.x @ w.T + b
        column += (
            f" Here W{k} is square, so the wrong one of the two raises nothing: x @ (book's W) + b would give "
            f"{show(wrong)} instead of {show(s.y)}. Shapes cannot tell; the numbers do."
        )
    page.text(column)


def _dense_backward(page: Page, s: Stage) -> None:
    w, k, x, y = s.layer.params["W"], s.number, s.x_name, s.y_name
    dw, db = s.gradients[f"dW{k}"].analytic, s.gradients[f"db{k}"].analytic
    page.text(
        f"d{y} {size(s.dy)} came from above. dW{k} = {x}ᵀ d{y}: {size(s.x.T)} · {size(s.dy)} → {size(dw)}, since "
        f"W{k}[i, j] enters {y}[n, j] with the factor {x}[n, i]. db{k} = the sum of d{y} over the batch. "
        f"d{x} = d{y} W{k}ᵀ: {size(s.dy)} · {size(w.T)} → {size(s.dx)}: each input collects blame from every unit that "
        "it fed."
    )
    lines = cells(
        f"dW{k}",
        dw,
        lambda at: " + ".join(f"{signed(a)}·{signed(d)}" for a, d in zip(s.x[:, at[0]], s.dy[:, at[1]], strict=True)),
    )
    lines += [f"db{k} = {show(db)}"]
    lines += cells(
        f"d{x}",
        s.dx,
        lambda at: " + ".join(f"{signed(d)}·{signed(c)}" for d, c in zip(s.dy[at[0]], w[at[1]], strict=True)),
    )
    if len(s.x) == 1:
        lines += [f"in the book's orientation: dW{k} = outer(d{y}, {x}) = {show(dw.T)}"]
    page.code(lines)


Slope = Callable[[Any, Array, Array], Array]
ELEMENTWISE: dict[str, tuple[str, str, Slope]] = {
    "relu": ("max(0, x)", "1 where x > 0, else 0", lambda layer, x, y: (x > 0) * 1.0),
    "leaky_relu": ("x where x > 0, else slope·x", "1 or slope", lambda layer, x, y: np.where(x > 0, 1.0, layer.slope)),
    "sigmoid": ("1/(1 + e^-x)", "y(1 - y)", lambda layer, x, y: y * (1 - y)),
    "tanh": ("tanh(x)", "1 - y²", lambda layer, x, y: 1 - y * y),
}


def _elementwise_forward(page: Page, s: Stage) -> None:
    rule, _, _ = ELEMENTWISE[s.kind]
    page.text(f"{s.y_name} = {s.kind}({s.x_name}), entry by entry: y = {rule}. The shape stays {size(s.y)}.")
    page.code(cells(s.y_name, s.y, lambda at: f"{s.kind}({number(s.x[at])})"))


def _elementwise_backward(page: Page, s: Stage) -> None:
    _, rule, slope = ELEMENTWISE[s.kind]
    local = slope(s.layer, s.x, s.y)
    x, y = s.x_name, s.y_name
    page.text(f"d{x} = d{y} · d{y}/d{x}, entry by entry; the slope of {s.kind} is {rule}.")
    page.code(
        [f"d{y}/d{x} = {show(local)}", *cells(f"d{x}", s.dx, lambda at: f"{signed(s.dy[at])}·{signed(local[at])}")]
    )


def _other_forward(page: Page, s: Stage) -> None:
    page.text(f"{s.y_name} = {s.kind}({s.x_name}). {words(s.layer)} Shapes: {size(s.x)} → {size(s.y)}.")
    page.code([*(f"{name} = {show(array)}" for name, array in s.params.items()), f"{s.y_name} = {show(s.y)}"])


def _other_backward(page: Page, s: Stage) -> None:
    page.text(f"{s.kind}.backward turns d{s.y_name} {size(s.dy)} into d{s.x_name} {size(s.dx)}.")
    page.code(
        [f"d{s.y_name} = {show(s.dy)}", *(f"{name} = {show(g.analytic)}" for name, g in reversed(s.gradients.items()))]
    )


Tell = Callable[[Page, Stage], None]
LAYERS: dict[str, tuple[Tell, Tell]] = {
    "dense": (_dense_forward, _dense_backward),
    **dict.fromkeys(ELEMENTWISE, (_elementwise_forward, _elementwise_backward)),
}


def told_of(kind: str) -> tuple[Tell, Tell]:
    """How a layer of this name is told of, forward and backward."""
    return LAYERS.get(kind, (_other_forward, _other_backward))
