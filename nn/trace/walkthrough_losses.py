"""What a lesson tells of the loss: its numbers, and two routes to its slope, the long one by the probabilities.

    long_route(trace)        {"dL/da2": ..., "da2/dz2": ..., "dL/dz2": ...}
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnlaw.nn.core.document import Page
from nnlaw.nn.trace.number_format import cells, number, show, signed, words
from nnlaw.nn.trace.trace import Trace
from nnlaw.spec.arrays import Array


def _binary(page: Page, t: Trace) -> None:
    z, k = t.output_name, t.stages[-1].number
    a, y = _sigmoid(t.prediction), t.target
    page.text(
        f"The loss takes the logits {z}. a{k} = σ({z}) = 1/(1 + e^-{z}) is the probability of a 1, and "
        f"L = mean over the batch of -y log a{k} - (1 - y) log(1 - a{k})."
    )
    costs = np.maximum(t.prediction, 0) - t.prediction * y + np.log1p(np.exp(-np.abs(t.prediction)))

    def cost(at: tuple[int, ...]) -> str:
        return f"-{number(y[at])}·log {number(a[at])} - {number(1 - y[at])}·log {number(1 - a[at])}"

    page.code(
        [
            *cells(f"a{k}", a, lambda at: f"1/(1 + e^-{signed(t.prediction[at])})"),
            *cells("cost", costs, cost),
            f"L = {number(t.loss)}",
        ]
    )


def _softmax(page: Page, t: Trace) -> None:
    z, k = t.output_name, t.stages[-1].number
    p = t.network.loss.probabilities(t.prediction)
    page.text(
        f"The loss takes the logits {z}. p{k} = softmax({z}): p[i] = e^z[i] / Σ e^z[j], so that each row sums to 1, "
        f"and L = mean over the batch of -log p[y], y the right class; computed as log Σ e^(z - max z) - (z[y] - max "
        "z), which neither overflows nor takes the logarithm of 0."
    )
    z_max = t.prediction - t.prediction.max(axis=1, keepdims=True)
    costs = np.log(np.exp(z_max).sum(axis=1)) - z_max[np.arange(len(p)), t.target]
    page.code([f"p{k} = {show(p)}", f"y = {show(t.target)}", f"costs = {show(costs)}", f"L = {number(t.loss)}"])


def _other_loss(page: Page, t: Trace) -> None:
    page.text(f"{words(t.network.loss)}")
    page.code([f"{t.output_name} = {show(t.prediction)}", f"target = {show(t.target)}", f"L = {number(t.loss)}"])


LOSSES: dict[str, Callable[[Page, Trace], None]] = {
    "binary_cross_entropy": _binary,
    "softmax_cross_entropy": _softmax,
}


def _sigmoid(z: Array) -> Array:
    """1/(1 + e^−z), which overflows nowhere."""
    found: Array = 0.5 * (1 + np.tanh(0.5 * z))
    return found


@np.errstate(all="ignore")  # that it divides by 0 where a probability is 0 is part of the lesson
def long_route(t: Trace) -> dict[str, Array]:
    """The gradient of the logits by way of the probabilities, as textbooks derive it; {} for other losses.

    sigmoid:  dL/da = -y/a + (1 - y)/(1 - a),  da/dz = a(1 - a).   softmax:  dL/dp = -y/p,  dp/dz = diag(p) - p pᵀ.
    """
    k, z, n = t.stages[-1].number, t.prediction, len(t.x)
    if t.network.loss_name == "binary_cross_entropy":
        a = _sigmoid(z)
        first, local = ((1 - t.target) / (1 - a) - t.target / a) / n, a * (1 - a)
        return {f"dL/da{k}": first, f"da{k}/dz{k}": local, f"dL/d{t.output_name}": first * local}
    if t.network.loss_name == "softmax_cross_entropy" and not t.network.loss.smoothing:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        first = -np.eye(z.shape[1])[t.target] / p / n
        local = np.eye(z.shape[1]) * p[:, None] - p[:, :, None] * p[:, None]
        both = np.einsum("ni,nij->nj", first, local)
        return {f"dL/dp{k}": first, f"dp{k}/dz{k}": local, f"dL/d{t.output_name}": both}
    return {}


def loss_forward(page: Page, t: Trace) -> None:
    """The loss in numbers, in words of its own where the long route is known."""
    tell = LOSSES.get(t.network.loss_name, _other_loss) if long_route(t) else _other_loss
    tell(page, t)


def loss_backward(page: Page, t: Trace) -> None:
    """The slope of the loss, by the long route where it is known, and by the fused one."""
    z = t.output_name
    route = long_route(t)
    if route:
        (first, dfirst), (local, slope), (last, product) = route.items()
        p = first.split("/d")[1]
        binary = slope.shape == dfirst.shape
        page.text(
            f"The long route goes by way of {p}: {last} = {first} · {local}, "
            + ("entry by entry." if binary else "row by row, vector times matrix: every logit moves every probability.")
        )
        one = f"-y/{p} + (1 - y)/(1 - {p})" if binary else f"-y/{p}, y one-hot"
        two = f"{p}(1 - {p})" if binary else f"diag({p}) - {p}ᵀ {p}"
        page.code(
            [
                f"{first} = {one}{f', divided by N = {len(t.x)}' if len(t.x) > 1 else ''} = {show(dfirst)}",
                f"{local} = {two} = {show(slope)}",
                f"{last} = {show(dfirst)} · {show(slope)} = {show(product)}",
            ]
        )
        page.text(
            f"The fused route: what divides and what multiplies cancel, and d{z} = ({p} - y)/N remains, with N = "
            f"{len(t.x)}, the batch. It is exact even where the long route divides by a probability that has become 0."
            + ("" if np.isfinite(product).all() else " Here it does: ∞ · 0 is not a number.")
        )
    else:
        page.text(f"The loss hands its slope to the last layer: d{z} = dL/d{z}.")
    page.code([f"d{z} = {_difference(t) if route else ''}{show(t.output.analytic)}"])


def _difference(t: Trace) -> str:
    """`([0.754] - [1])/1 = `, probabilities minus target; a class number is shown as its one-hot row."""
    binary = t.network.loss_name == "binary_cross_entropy"
    p = _sigmoid(t.prediction) if binary else t.network.loss.probabilities(t.prediction)
    y = t.target if binary else np.eye(t.prediction.shape[1])[t.target]
    return f"({show(p)} - {show(y)})/{len(t.x)} = "
