"""A traced pass in words and numbers: the equation of each layer, the numbers put into it, shapes, the chain rule.

    page = lesson(trace(network, x, target))
    page.plain(), page.markdown()
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nn.page import Page
from nn.trace import Gradient, Stage, Step, Trace
from spec.arrays import Array

LINES = 12  # of numbers put into one equation
ROWS = 24  # of one table of gradients


def number(value: Any) -> str:
    """Four significant digits; a negative zero is a zero."""
    return f"{float(value) + 0.0:.4g}"


def signed(value: Any) -> str:
    """A number as a factor: in brackets where it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def show(array: Array) -> str:
    """An array as nested brackets, a batch of one without its outer pair."""
    if array.ndim == 0:
        return number(array)
    return f"[{', '.join(show(part) for part in array)}]"


def size(array: Array) -> str:
    """The shape as it is written on the page."""
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def _cells(name: str, array: Array, term: Callable[[tuple[int, ...]], str]) -> list[str]:
    """`name[n, j] = <term> = value` for the first entries."""
    places = list(np.ndindex(array.shape))
    lines = [f"{name}[{', '.join(map(str, at))}] = {term(at)} = {number(array[at])}" for at in places[:LINES]]
    return lines + ([f"... and {len(places) - LINES} more"] if len(places) > LINES else [])


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

    page.code([f"W{k} = {show(w)}", f"b{k} = {show(b)}", *_cells(y, s.y, term)])
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
    lines = _cells(
        f"dW{k}",
        dw,
        lambda at: " + ".join(f"{signed(a)}·{signed(d)}" for a, d in zip(s.x[:, at[0]], s.dy[:, at[1]], strict=True)),
    )
    lines += [f"db{k} = {show(db)}"]
    lines += _cells(
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
    page.code(_cells(s.y_name, s.y, lambda at: f"{s.kind}({number(s.x[at])})"))


def _elementwise_backward(page: Page, s: Stage) -> None:
    _, rule, slope = ELEMENTWISE[s.kind]
    local = slope(s.layer, s.x, s.y)
    x, y = s.x_name, s.y_name
    page.text(f"d{x} = d{y} · d{y}/d{x}, entry by entry; the slope of {s.kind} is {rule}.")
    page.code(
        [f"d{y}/d{x} = {show(local)}", *_cells(f"d{x}", s.dx, lambda at: f"{signed(s.dy[at])}·{signed(local[at])}")]
    )


def _words(thing: Any) -> str:
    """The first sentence of a docstring: where its author wrote the equation."""
    found = inspect.getdoc(type(thing)) or ""
    return " ".join(found.split("\n\n")[0].split())


def _other_forward(page: Page, s: Stage) -> None:
    page.text(f"{s.y_name} = {s.kind}({s.x_name}). {_words(s.layer)} Shapes: {size(s.x)} → {size(s.y)}.")
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


def _binary(page: Page, t: Trace) -> None:
    z, k = t.output_name, t.stages[-1].number
    a, y = 1 / (1 + np.exp(-t.prediction)), t.target
    page.text(
        f"The loss takes the logits {z}. a{k} = σ({z}) = 1/(1 + e^-{z}) is the probability of a 1, and "
        f"L = mean over the batch of -y log a{k} - (1 - y) log(1 - a{k})."
    )
    costs = np.maximum(t.prediction, 0) - t.prediction * y + np.log1p(np.exp(-np.abs(t.prediction)))

    def cost(at: tuple[int, ...]) -> str:
        return f"-{number(y[at])}·log {number(a[at])} - {number(1 - y[at])}·log {number(1 - a[at])}"

    page.code(
        [
            *_cells(f"a{k}", a, lambda at: f"1/(1 + e^-{signed(t.prediction[at])})"),
            *_cells("cost", costs, cost),
            f"L = {number(t.loss)}",
        ]
    )


def long_route(t: Trace) -> dict[str, Array]:
    """The gradient of the logits by way of the probabilities, as textbooks derive it; {} for other losses.

    sigmoid:  dL/da = -y/a + (1 - y)/(1 - a),  da/dz = a(1 - a).   softmax:  dL/dp = -y/p,  dp/dz = diag(p) - p pᵀ.
    """
    k, z, n = t.stages[-1].number, t.prediction, len(t.x)
    if t.network.loss_name == "binary_cross_entropy":
        a = 1 / (1 + np.exp(-z))
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


def _softmax(page: Page, t: Trace) -> None:
    z, k = t.output_name, t.stages[-1].number
    p = t.network.loss.probabilities(t.prediction)
    page.text(
        f"The loss takes the logits {z}. p{k} = softmax({z}): p[i] = e^z[i] / Σ e^z[j], so that each row sums to 1, "
        f"and L = mean over the batch of -log p[y], y the right class; computed as log Σ e^(z - max z) - (z[y] - max "
        "z), which neither overflows nor takes the logarithm of 0."
    )
    costs = -np.log(p[np.arange(len(p)), t.target])
    page.code([f"p{k} = {show(p)}", f"y = {show(t.target)}", f"costs = {show(costs)}", f"L = {number(t.loss)}"])


def _other_loss(page: Page, t: Trace) -> None:
    page.text(f"{_words(t.network.loss)}")
    page.code([f"{t.output_name} = {show(t.prediction)}", f"target = {show(t.target)}", f"L = {number(t.loss)}"])


LOSSES: dict[str, Callable[[Page, Trace], None]] = {
    "binary_cross_entropy": _binary,
    "softmax_cross_entropy": _softmax,
}


def _loss_backward(page: Page, t: Trace) -> None:
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
        )
    else:
        page.text(f"The loss hands its slope to the last layer: d{z} = dL/d{z}.")
    page.code([f"d{z} = {_difference(t) if route else ''}{show(t.output.analytic)}"])
    _beside(page, {f"d{z}": t.output})


def _difference(t: Trace) -> str:
    """`([0.754] - [1])/1 = `, probabilities minus target; a class number is shown as its one-hot row."""
    binary = t.network.loss_name == "binary_cross_entropy"
    p = 1 / (1 + np.exp(-t.prediction)) if binary else t.network.loss.probabilities(t.prediction)
    y = t.target if binary else np.eye(t.prediction.shape[1])[t.target]
    return f"({show(p)} - {show(y)})/{len(t.x)} = "


def _beside(page: Page, gradients: dict[str, Gradient]) -> None:
    """The table: each gradient beside its finite difference."""
    rows = []
    for name, g in gradients.items():
        for i, at in enumerate(np.ndindex(g.analytic.shape)):
            a, n = float(g.analytic[at]), float(g.numeric[at])
            verdict = "WRONG" if i in g.wrong else "same"
            if i < ROWS or i in g.wrong:
                rows.append([f"{name}[{', '.join(map(str, at))}]", f"{a + 0.0:.6f}", f"{n + 0.0:.6f}", verdict])
        if g.analytic.size > ROWS:
            rest = g.analytic.size - ROWS
            rows.append([f"{name}: {rest} more", "", "", f"{sum(i >= ROWS for i in g.wrong)} wrong"])
    page.table(["gradient", "backpropagation", "finite difference", ""], rows)
    for name, g in gradients.items():
        if g.kinks:
            page.text(
                f"{g.kinks} of {g.analytic.size} entries of {name} sit on a kink, where the slope jumps: any value "
                "between the slopes on its two sides is right, and the table shows their middle."
            )


def lesson(t: Trace, step: Step | None = None, note: str = "") -> Page:
    """The page: the network, forward, backward, and an update where one was taken."""
    names = " → ".join(f"[{s.kind}] → {s.y_name} {size(s.y)}" for s in t.stages)
    page = Page().heading("Backpropagation, every number shown", 1)
    page.text(note)
    page.code([f"x {size(t.x)} → {names} → [{t.network.loss_name}] → L", f"x = {show(t.x)}", f"y = {show(t.target)}"])
    page.text(
        "dv stands for dL/dv: how much the loss L changes for a small change of v. It has the shape of v. Indices "
        "start at 0; the first index of x, of each layer's output and of their gradients counts the samples."
    )
    page.heading("Forward: from the input to the loss")
    for i, s in enumerate(t.stages, 1):
        page.heading(f"{i}. {s.kind}: {s.x_name} → {s.y_name}", 3)
        LAYERS.get(s.kind, (_other_forward, _other_backward))[0](page, s)
    page.heading(f"{len(t.stages) + 1}. {t.network.loss_name}: {t.output_name} → L", 3)
    tell = LOSSES.get(t.network.loss_name, _other_loss) if long_route(t) else _other_loss
    tell(page, t)
    page.heading("Backward: from the loss to every weight")
    page.text(
        "The chain rule, read from the end: each layer gets the gradient of its output, turns it into the gradients of "
        "its parameters and of its input, and hands the latter down. The finite difference beside each one knows "
        "nothing of the chain rule: it moves that one number by ±h, h = 1e-5, runs the forward pass again, and "
        "divides: (L(v+h) - L(v-h)) / 2h."
    )
    page.heading(f"{len(t.stages) + 1}. {t.network.loss_name}: d{t.output_name}", 3)
    _loss_backward(page, t)
    for i, s in reversed(list(enumerate(t.stages, 1))):
        page.heading(f"{i}. {s.kind}: d{s.y_name} → {', '.join(s.gradients)}", 3)
        LAYERS.get(s.kind, (_other_forward, _other_backward))[1](page, s)
        _beside(page, s.gradients)
    page.text("Training needs no dx: nothing lies below the input, so the first layer skips that product.")
    if step is not None:
        _tell_step(page, t, step)
    return page


def _tell_step(page: Page, t: Trace, step: Step) -> None:
    page.heading("Update: one step downhill")
    page.text(f"Every parameter moves against its gradient: w ← w - lr·dw, lr = {number(step.lr)}.")
    lines = []
    for s in t.stages:
        for name, array in s.params.items():
            g = s.gradients[f"d{name}"].analytic
            lines += [f"{name} = {show(array)} - {number(step.lr)}·{show(g)} = {show(step.params[name])}"]
    page.code(lines)
    change = step.after - step.before
    moved = "fell" if change < 0 else "rose" if change > 0 else "stayed"
    verdict = f"The loss {moved} from {number(step.before)} to {number(step.after)}, by {number(abs(change))}."
    plane = f"lr·‖g‖² = {number(step.expected_fall)}"
    verdict += f" Were the loss a plane it would fall by {plane}; the rest is its curvature."
    if change > 0:
        verdict += " A step that is too long overshoots: try a smaller one."
    page.text(verdict)


def as_dict(t: Trace, step: Step | None = None) -> dict[str, Any]:
    """Every number of the page, for scripts."""
    gradients = {f"d{t.output_name}": t.output}
    for s in reversed(t.stages):
        gradients |= s.gradients
    found: dict[str, Any] = {
        "layers": [s.path for s in t.stages],
        "loss_name": t.network.loss_name,
        "values": {"x": t.x.tolist()} | {s.y_name: s.y.tolist() for s in t.stages},
        "target": t.target.tolist(),
        "params": {name: array.tolist() for s in t.stages for name, array in s.params.items()},
        "loss": t.loss,
        "long_route": {name: array.tolist() for name, array in long_route(t).items()},
        "gradients": {
            name: {"backpropagation": g.analytic.tolist(), "finite_difference": g.numeric.tolist(), "wrong": g.wrong}
            for name, g in gradients.items()
        },
        "violation": t.violation.to_dict() if t.violation else None,
    }
    if step is not None:
        found["step"] = {
            "lr": step.lr,
            "loss_before": step.before,
            "loss_after": step.after,
            "expected_fall": step.expected_fall,
            "params": {name: array.tolist() for name, array in step.params.items()},
        }
    return found
