"""A page that explains a traced pass: the equation of each layer with its numbers, shapes and the chain rule.

    page = walkthrough(trace(network, x, target))
    page.markdown()
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.nn.core.markdown_page import MarkdownPage
from nnlaw.nn.trace.number_format import array_text, equations, factor, number, shape_text
from nnlaw.nn.trace.trace import Gradient, LayerTrace, Step, Trace, gradient_through_probabilities, sigmoid
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import entry

MAX_ROWS = 24  # of one array in a table of gradients


def walkthrough(t: Trace, step: Step | None = None, note: str = "") -> MarkdownPage:
    """The page: the network, the forward pass, the backward pass, and the update if `step` is given."""
    path = " → ".join(f"[{s.kind}] → {s.y_name} {shape_text(s.y)}" for s in t.layers)
    page = MarkdownPage().heading("Backpropagation, every number shown", 1)
    page.text(note)
    page.code(
        [
            f"x {shape_text(t.x)} → {path} → [{t.network.loss_name}] → L",
            f"x = {array_text(t.x)}",
            f"y = {array_text(t.target)}",
        ]
    )
    page.text(
        "dv is short for dL/dv: how much the loss L changes for a small change of v. It has the shape of v. Indices "
        "start at 0; the first index of x, of each layer's output and of their gradients counts the samples."
    )
    page.heading("Forward: from the input to the loss")
    for i, s in enumerate(t.layers, 1):
        page.heading(f"{i}. {s.kind}: {s.x_name} → {s.y_name}", 3)
        _layer_writers(s.kind)[0](page, s)
    page.heading(f"{len(t.layers) + 1}. {t.network.loss_name}: {t.output_name} → L", 3)
    _loss_forward(page, t)
    page.heading("Backward: from the loss to every weight")
    page.text(
        "The chain rule, from the end to the start: each layer receives the gradient of its output, computes the "
        "gradients of its parameters and of its input, and passes the latter to the layer below. The finite difference "
        "beside each gradient does not use the chain rule: it moves this one number by ±h, h = 1e-5, repeats the "
        "forward pass, and divides: (L(v+h) - L(v-h)) / 2h."
    )
    page.heading(f"{len(t.layers) + 1}. {t.network.loss_name}: d{t.output_name}", 3)
    _loss_backward(page, t)
    _gradient_table(page, {f"d{t.output_name}": t.output})
    for i, s in reversed(list(enumerate(t.layers, 1))):
        page.heading(f"{i}. {s.kind}: d{s.y_name} → {', '.join(s.gradients)}", 3)
        _layer_writers(s.kind)[1](page, s)
        _gradient_table(page, s.gradients)
    page.text("Training does not need dx, because the input has no parameters; the first layer skips this product.")
    if step is not None:
        _update(page, t, step)
    return page


def _gradient_table(page: MarkdownPage, gradients: dict[str, Gradient]) -> None:
    """Each gradient beside its finite difference."""
    rows = []
    for name, g in gradients.items():
        for i, at in enumerate(np.ndindex(g.analytic.shape)):
            a, n = float(g.analytic[at]), float(g.numeric[at])
            result = "WRONG" if i in g.wrong else "same"
            if i < MAX_ROWS or i in g.wrong:
                rows.append([entry(name, at), f"{a + 0.0:.6f}", f"{n + 0.0:.6f}", result])
        if g.analytic.size > MAX_ROWS:
            rest = g.analytic.size - MAX_ROWS
            rows.append([f"{name}: {rest} more", "", "", f"{sum(i >= MAX_ROWS for i in g.wrong)} wrong"])
    page.table(["gradient", "backpropagation", "finite difference", ""], rows)
    for name, g in gradients.items():
        if g.kinks:
            page.text(
                f"{g.kinks} of {g.analytic.size} entries of {name} are on a kink, where the slope jumps: any value "
                "between the slopes on its two sides is correct. The table shows their mean."
            )


def _update(page: MarkdownPage, t: Trace, step: Step) -> None:
    page.heading("Update: one step downhill")
    page.text(f"Every parameter moves against its gradient: w ← w - lr·dw, lr = {number(step.lr)}.")
    lines = []
    for s in t.layers:
        for name, array in s.params.items():
            move = f"{number(step.lr)}·{array_text(s.gradients[f'd{name}'].analytic)}"
            lines += [f"{name} = {array_text(array)} - {move} = {array_text(step.params[name])}"]
    page.code(lines)
    change = step.after - step.before
    verb = "fell" if change < 0 else "rose" if change > 0 else "stayed"
    text = f"The loss {verb} from {number(step.before)} to {number(step.after)}, by {number(abs(change))}."
    text += f" A linear loss would fall by lr·‖g‖² = {number(step.expected_decrease)}; the rest is curvature."
    if change > 0:
        text += " The step overshoots: try a smaller one."
    page.text(text)


# Layers


def _dense_forward(page: MarkdownPage, s: LayerTrace) -> None:
    w, b = s.layer.params["W"], s.layer.params["b"]
    x, y, k = s.x_name, s.y_name, s.number
    page.text(
        f"{y} = {x} W{k} + b{k}: each unit sums its inputs, each times a weight, and adds its bias. "
        f"Shapes: {shape_text(s.x)} · {shape_text(w)} + {shape_text(b)} → {shape_text(s.y)}; row n of {x} is sample n, "
        f"column j of W{k} is unit j."
    )

    def term(at: tuple[int, ...]) -> str:
        n, j = at
        products = [f"{factor(a)}·{factor(c)}" for a, c in zip(s.x[n], w[:, j], strict=True)]
        return " + ".join([*products, factor(b[j])])

    page.code([f"W{k} = {array_text(w)}", f"b{k} = {array_text(b)}", *equations(y, s.y, term)])
    convention = (
        f"With samples as columns, the layer is W{k} @ {x} and W{k} is transposed, {array_text(w.T)}, with unit j in "
        "row j."
    )
    if w.shape[0] == w.shape[1] and w.shape[0] > 1:
        convention += (
            f" W{k} is square here, so a mix of the two conventions raises no error: {x} @ W{k}ᵀ + b{k} is "
            f"{array_text(s.x @ w.T + b)} instead of {array_text(s.y)}."
        )
    page.text(convention)


def _dense_backward(page: MarkdownPage, s: LayerTrace) -> None:
    w, k, x, y = s.layer.params["W"], s.number, s.x_name, s.y_name
    dw, db = s.gradients[f"dW{k}"].analytic, s.gradients[f"db{k}"].analytic
    page.text(
        f"d{y} {shape_text(s.dy)} comes from the layer above. dW{k} = {x}ᵀ d{y}: "
        f"{shape_text(s.x.T)} · {shape_text(s.dy)} → {shape_text(dw)}, because W{k}[i, j] enters {y}[n, j] with the "
        f"factor {x}[n, i]. db{k} is the sum of d{y} over the batch. d{x} = d{y} W{k}ᵀ: "
        f"{shape_text(s.dy)} · {shape_text(w.T)} → {shape_text(s.dx)}: each input affects every unit, and these "
        "contributions add up."
    )
    lines = equations(
        f"dW{k}",
        dw,
        lambda at: " + ".join(f"{factor(a)}·{factor(d)}" for a, d in zip(s.x[:, at[0]], s.dy[:, at[1]], strict=True)),
    )
    lines += [f"db{k} = {array_text(db)}"]
    lines += equations(
        f"d{x}",
        s.dx,
        lambda at: " + ".join(f"{factor(d)}·{factor(c)}" for d, c in zip(s.dy[at[0]], w[at[1]], strict=True)),
    )
    if len(s.x) == 1:
        lines += [f"with samples as columns: dW{k} = outer(d{y}, {x}) = {array_text(dw.T)}"]
    page.code(lines)


Slope = Callable[[Any, Array, Array], Array]
ELEMENTWISE: dict[str, tuple[str, str, Slope]] = {
    "relu": ("max(0, x)", "1 where x > 0, else 0", lambda layer, x, y: (x > 0) * 1.0),
    "leaky_relu": ("x where x > 0, else slope·x", "1 or slope", lambda layer, x, y: np.where(x > 0, 1.0, layer.slope)),
    "sigmoid": ("1/(1 + e^-x)", "y(1 - y)", lambda layer, x, y: y * (1 - y)),
    "tanh": ("tanh(x)", "1 - y²", lambda layer, x, y: 1 - y * y),
}


def _elementwise_forward(page: MarkdownPage, s: LayerTrace) -> None:
    rule, _, _ = ELEMENTWISE[s.kind]
    page.text(f"{s.y_name} = {s.kind}({s.x_name}), entry by entry: y = {rule}. The shape stays {shape_text(s.y)}.")
    page.code(equations(s.y_name, s.y, lambda at: f"{s.kind}({number(s.x[at])})"))


def _elementwise_backward(page: MarkdownPage, s: LayerTrace) -> None:
    _, rule, slope = ELEMENTWISE[s.kind]
    local = slope(s.layer, s.x, s.y)
    x, y = s.x_name, s.y_name
    page.text(f"d{x} = d{y} · d{y}/d{x}, entry by entry; the slope of {s.kind} is {rule}.")
    products = equations(f"d{x}", s.dx, lambda at: f"{factor(s.dy[at])}·{factor(local[at])}")
    page.code([f"d{y}/d{x} = {array_text(local)}", *products])


def _other_forward(page: MarkdownPage, s: LayerTrace) -> None:
    shapes = f"{shape_text(s.x)} → {shape_text(s.y)}"
    page.text(f"{s.y_name} = {s.kind}({s.x_name}). {_first_sentence(s.layer)} Shapes: {shapes}.")
    params = [f"{name} = {array_text(array)}" for name, array in s.params.items()]
    page.code([*params, f"{s.y_name} = {array_text(s.y)}"])


def _other_backward(page: MarkdownPage, s: LayerTrace) -> None:
    page.text(f"{s.kind}.backward turns d{s.y_name} {shape_text(s.dy)} into d{s.x_name} {shape_text(s.dx)}.")
    gradients = [f"{name} = {array_text(g.analytic)}" for name, g in reversed(s.gradients.items())]
    page.code([f"d{s.y_name} = {array_text(s.dy)}", *gradients])


LayerWriter = Callable[[MarkdownPage, LayerTrace], None]
LAYERS: dict[str, tuple[LayerWriter, LayerWriter]] = {
    "dense": (_dense_forward, _dense_backward),
    **dict.fromkeys(ELEMENTWISE, (_elementwise_forward, _elementwise_backward)),
}


def _layer_writers(kind: str) -> tuple[LayerWriter, LayerWriter]:
    """The functions that write the forward and the backward section of a kind of layer."""
    return LAYERS.get(kind, (_other_forward, _other_backward))


def _first_sentence(thing: Any) -> str:
    """The first paragraph of a docstring, which usually has the equation."""
    docstring = inspect.getdoc(type(thing)) or ""
    return " ".join(docstring.split("\n\n")[0].split())


# Losses


def _binary_cross_entropy(page: MarkdownPage, t: Trace) -> None:
    z, k = t.output_name, t.layers[-1].number
    a, y = sigmoid(t.prediction), t.target
    page.text(
        f"The loss takes the logits {z}. a{k} = σ({z}) = 1/(1 + e^-{z}) is the probability of a 1, and "
        f"L = mean over the batch of -y log a{k} - (1 - y) log(1 - a{k})."
    )
    costs = np.maximum(t.prediction, 0) - t.prediction * y + np.log1p(np.exp(-np.abs(t.prediction)))

    def cost(at: tuple[int, ...]) -> str:
        return f"-{number(y[at])}·log {number(a[at])} - {number(1 - y[at])}·log {number(1 - a[at])}"

    page.code(
        [
            *equations(f"a{k}", a, lambda at: f"1/(1 + e^-{factor(t.prediction[at])})"),
            *equations("cost", costs, cost),
            f"L = {number(t.loss)}",
        ]
    )


def _softmax_cross_entropy(page: MarkdownPage, t: Trace) -> None:
    z, k = t.output_name, t.layers[-1].number
    p = t.network.loss.probabilities(t.prediction)
    page.text(
        f"The loss takes the logits {z}. p{k} = softmax({z}): p[i] = e^z[i] / Σ e^z[j], so that each row sums to 1, "
        f"and L = mean over the batch of -log p[y], y the correct class. It is computed as log Σ e^(z - max z) - (z[y] "
        "- max z), which does not overflow and never takes the logarithm of 0."
    )
    z_max = t.prediction - t.prediction.max(axis=1, keepdims=True)
    costs = np.log(np.exp(z_max).sum(axis=1)) - z_max[np.arange(len(p)), t.target]
    page.code(
        [
            f"p{k} = {array_text(p)}",
            f"y = {array_text(t.target)}",
            f"costs = {array_text(costs)}",
            f"L = {number(t.loss)}",
        ]
    )


def _other_loss(page: MarkdownPage, t: Trace) -> None:
    page.text(_first_sentence(t.network.loss))
    prediction = f"{t.output_name} = {array_text(t.prediction)}"
    page.code([prediction, f"target = {array_text(t.target)}", f"L = {number(t.loss)}"])


LOSSES: dict[str, Callable[[MarkdownPage, Trace], None]] = {
    "binary_cross_entropy": _binary_cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}


def _loss_forward(page: MarkdownPage, t: Trace) -> None:
    write = LOSSES.get(t.network.loss_name, _other_loss) if gradient_through_probabilities(t) else _other_loss
    write(page, t)


def _loss_backward(page: MarkdownPage, t: Trace) -> None:
    """The gradient of the logits, in two factors if these are known, and by the simplified formula."""
    z = t.output_name
    parts = gradient_through_probabilities(t)
    if not parts:
        page.text(f"The loss passes its gradient to the last layer: d{z} = dL/d{z}.")
        page.code([f"d{z} = {array_text(t.output.analytic)}"])
        return
    (outer, d_outer), (local, d_local), (product, d_product) = parts.items()
    p = outer.split("/d")[1]
    binary = d_local.shape == d_outer.shape
    how = "entry by entry." if binary else "row by row, vector times matrix: every logit changes every probability."
    page.text(f"In two factors, through {p}: {product} = {outer} · {local}, {how}")
    outer_formula = f"-y/{p} + (1 - y)/(1 - {p})" if binary else f"-y/{p}, y one-hot"
    local_formula = f"{p}(1 - {p})" if binary else f"diag({p}) - {p}ᵀ {p}"
    divided = f", divided by N = {len(t.x)}" if len(t.x) > 1 else ""
    page.code(
        [
            f"{outer} = {outer_formula}{divided} = {array_text(d_outer)}",
            f"{local} = {local_formula} = {array_text(d_local)}",
            f"{product} = {array_text(d_outer)} · {array_text(d_local)} = {array_text(d_product)}",
        ]
    )
    page.text(
        f"Simplified: the division and the multiplication cancel, which leaves d{z} = ({p} - y)/N, with the batch size "
        f"N = {len(t.x)}. This is exact even if the other formula divides by a probability that has become 0."
        + ("" if np.isfinite(d_product).all() else " Here it does: ∞ · 0 is not a number.")
    )
    probabilities = sigmoid(t.prediction) if binary else t.network.loss.probabilities(t.prediction)
    y = t.target if binary else np.eye(t.prediction.shape[1])[t.target]
    difference = f"({array_text(probabilities)} - {array_text(y)})/{len(t.x)}"
    page.code([f"d{z} = {difference} = {array_text(t.output.analytic)}"])


def as_dict(t: Trace, step: Step | None = None) -> dict[str, Any]:
    """Every number of the page, for JSON."""
    gradients = {f"d{t.output_name}": t.output}
    for s in reversed(t.layers):
        gradients |= s.gradients
    found: dict[str, Any] = {
        "layers": [s.path for s in t.layers],
        "loss_name": t.network.loss_name,
        "values": {"x": t.x.tolist()} | {s.y_name: s.y.tolist() for s in t.layers},
        "target": t.target.tolist(),
        "params": {name: array.tolist() for s in t.layers for name, array in s.params.items()},
        "loss": t.loss,
        "long_route": {name: array.tolist() for name, array in gradient_through_probabilities(t).items()},
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
            "expected_fall": step.expected_decrease,
            "params": {name: array.tolist() for name, array in step.params.items()},
        }
    return found
