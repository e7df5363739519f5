"""A traced pass in words and numbers: the equation of each layer, the numbers put into it, shapes, the chain rule.

    page = lesson(trace(network, x, target))
    page.plain(), page.markdown()
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.nn.core.document import Page
from nnlaw.nn.trace.number_format import number, show, size
from nnlaw.nn.trace.trace import Gradient, Step, Trace
from nnlaw.nn.trace.walkthrough_layers import told_of
from nnlaw.nn.trace.walkthrough_losses import long_route, loss_backward, loss_forward
from nnlaw.spec.violation import entry

ROWS = 24  # of one table of gradients


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
        told_of(s.kind)[0](page, s)
    page.heading(f"{len(t.stages) + 1}. {t.network.loss_name}: {t.output_name} → L", 3)
    loss_forward(page, t)
    page.heading("Backward: from the loss to every weight")
    page.text(
        "The chain rule, read from the end: each layer gets the gradient of its output, turns it into the gradients of "
        "its parameters and of its input, and hands the latter down. The finite difference beside each one knows "
        "nothing of the chain rule: it moves that one number by ±h, h = 1e-5, runs the forward pass again, and "
        "divides: (L(v+h) - L(v-h)) / 2h."
    )
    page.heading(f"{len(t.stages) + 1}. {t.network.loss_name}: d{t.output_name}", 3)
    loss_backward(page, t)
    _beside(page, {f"d{t.output_name}": t.output})
    for i, s in reversed(list(enumerate(t.stages, 1))):
        page.heading(f"{i}. {s.kind}: d{s.y_name} → {', '.join(s.gradients)}", 3)
        told_of(s.kind)[1](page, s)
        _beside(page, s.gradients)
    page.text("Training needs no dx: nothing lies below the input, so the first layer skips that product.")
    if step is not None:
        _tell_step(page, t, step)
    return page


def _beside(page: Page, gradients: dict[str, Gradient]) -> None:
    """The table: each gradient beside its finite difference."""
    rows = []
    for name, g in gradients.items():
        for i, at in enumerate(np.ndindex(g.analytic.shape)):
            a, n = float(g.analytic[at]), float(g.numeric[at])
            verdict = "WRONG" if i in g.wrong else "same"
            if i < ROWS or i in g.wrong:
                rows.append([entry(name, at), f"{a + 0.0:.6f}", f"{n + 0.0:.6f}", verdict])
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
