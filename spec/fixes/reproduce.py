"""A script of a few lines that shows a wrong gradient by itself: setup, forward, backward, finite differences.

    text = script(violation, case)          "" if the unit is called in a way that a few lines can't show

It imports NumPy and the author's file, and ends with an assertion that fails with the numbers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.finite_differences import Evaluate
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase
from nnlaw.spec.subjects.recipe import Recipe
from nnlaw.spec.subjects.subject import Point, Subject, Target
from nnlaw.spec.violation import Violation

MAX_NUMBERS = 64  # of one array; a larger one is drawn
MIN_DIFFERENCE = 1e-3  # relative; less would not show in the numbers

Parts = tuple[dict[str, Array], dict[str, Array], tuple[int, ...]]
"""Inputs and parameters by name, and the entry of the gradient to compare."""


def script(violation: Violation, case: Case) -> str:
    """The script for a wrong entry of a gradient of a layer or a loss."""
    if violation.law != "gradient" or violation.index is None or not isinstance(case, LayerCase | LossCase):
        return ""
    recipe, path = case.recipe, violation.location.path
    name = violation.parameter or "x"
    if recipe is None or not path.endswith(".py") or name not in recipe.gradients:
        return ""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):  # the code under test raises at other numbers
        parts = _layer_parts(violation, case) if isinstance(case, LayerCase) else _loss_parts(violation, case)
        if parts is not None:
            return "\n".join(_lines(violation, recipe, name, *parts)) + "\n"
    return ""


def _layer_parts(violation: Violation, case: LayerCase) -> Parts | None:
    """Inputs and parameters, and the entry of the gradient that differs most with them."""
    layer = case.layer.copy(values={"needs_dx": True, "training": True}, float64=True)
    x = _shown(np.array((violation.input or {}).get("x", case.x), np.float64))
    params = {name: _shown(np.array(array, np.float64)) for name, array in layer.params.items()}
    for name, array in params.items():
        layer.params[name] = array.copy()
    probe, before = layer.copy(), layer.generator_states()
    y = np.array(probe.forward(x.copy()))
    if probe.generator_states() != before:
        return None  # random numbers would differ between two calls
    dy = np.random.default_rng(0).standard_normal(y.shape).round(2)
    run, name = layer.run([("forward", [x]), ("backward", [dy])]), violation.parameter

    def values(points: Sequence[Point]) -> list[float]:
        target: Target = ("params", name) if name else 0
        outputs = layer.sweep("forward", [x.copy()], [(target, each) for each in points], fresh=True)
        return [float(np.vdot(dy, each)) for each in outputs]

    index = _worst(run.grads[name], params[name], values) if name else _worst(run.results[1], x, values)
    return None if index is None else ({"x": x, "dy": dy}, params, index)


def _loss_parts(violation: Violation, case: LossCase) -> Parts | None:
    given = violation.input or {}
    x = _shown(np.array(given.get("prediction", case.prediction), np.float64))
    target = np.array(given.get("target", case.target), case.target.dtype)
    loss: Subject = case.fresh()
    found = loss.run([("forward", [x, target]), ("backward", [])]).results[1]

    def values(points: Sequence[Point]) -> list[float]:
        return list(map(float, loss.sweep("forward", [x.copy(), target], [(0, each) for each in points], fresh=True)))

    index = _worst(found, x, values)
    return None if index is None else ({"x": x, "target": target}, {}, index)


def _worst(found: Array, array: Array, evaluate: Evaluate) -> tuple[int, ...] | None:
    """The entry of a gradient that differs most from finite differences; None if the script would not fail."""
    h = 1e-5
    values = evaluate([(i, old + step) for i, old in enumerate(array.reshape(-1).tolist()) for step in (h, -h)])
    sides = np.reshape(values, (*array.shape, 2))
    slopes = (sides[..., 0] - sides[..., 1]) / (2 * h)
    off = np.abs(found - slopes)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    return worst if off[worst] > MIN_DIFFERENCE * max(1e-6, float(np.abs(slopes).max())) else None


def _lines(
    violation: Violation, recipe: Recipe, name: str, inputs: dict[str, Array], params: dict[str, Array],
    index: tuple[int, ...],
) -> Iterator[str]:  # fmt: skip
    """The script. What changes in it is `point`: the input or a parameter."""
    if recipe.columns:
        inputs = {key: np.moveaxis(array, 0, -1) for key, array in inputs.items()}
        index = (*index[1:], index[0]) if name == "x" else index
    file = Path(violation.location.path)
    subject = violation.location.subject.replace("\\", "")
    array = f"d{name}"
    entry = f"{array}[{', '.join(map(str, index))}]"
    yield f'"""{entry} of {subject} differs from finite differences; this script fails until {file.name} is fixed."""'
    yield ""
    yield "import sys"
    yield "from importlib import import_module"
    yield ""
    yield "import numpy as np"
    yield ""
    root, module = _module(file)
    yield f"sys.path.insert(0, {json.dumps(str(root))})"
    yield f"module = import_module({json.dumps(module)})"
    for imported in sorted({each.partition(".")[0] for each in recipe.imports}):
        yield f"{imported} = module.{imported}"
    yield ""
    if recipe.make:
        yield f"unit = {recipe.make}"
        yield from recipe.prepare
    for key, place in recipe.parameters.items():
        yield f"{place} = {_literal(params[key])}"
    for key, value in inputs.items():
        yield f"{key} = {_literal(value)}"
    yield ""
    yield ""
    yield "def value():"
    if recipe.cached:
        yield f"    return np.sum(dy * {recipe.forward}[0])"
    elif "dy" in inputs:
        yield f"    return np.sum(dy * {recipe.forward})"
    else:
        yield f"    return {recipe.forward}"
    yield ""
    yield ""
    yield f"{'y, cache' if recipe.cached else 'y'} = {recipe.forward}"
    yield f"returned = {recipe.backward}"
    at = f"[{', '.join(map(str, index))}]"
    yield f"found = float({recipe.gradients[name]}{at})"
    yield f"point, h = {'x' if name == 'x' else recipe.parameters[name]}, 1e-5"
    yield f"point{at} += h"
    yield "above = value()"
    yield f"point{at} -= 2 * h"
    yield "below = value()"
    yield "expected = (above - below) / (2 * h)"
    yield f'message = f"{entry} = {{found:.6g}}, finite differences give {{expected:.6g}}"'
    yield "print(message)"
    yield "assert abs(found - expected) <= 1e-4 * max(1e-3, abs(expected)), message"


def _module(file: Path) -> tuple[Path, str]:
    """The folder to import from, and the name of the module: of its package, if it is in one."""
    folder, parts = file.resolve().parent, [file.stem]
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


def _shown(array: Array) -> Array:
    """The array as the script has it: rounded, or drawn anew if it has many numbers."""
    return np.random.default_rng(0).normal(size=array.shape) if array.size > MAX_NUMBERS else array.round(3)


def _literal(array: Array) -> str:
    """The array as source; one with many numbers is drawn anew."""
    if array.size > MAX_NUMBERS and array.dtype.kind == "f":
        return f"np.random.default_rng(0).normal(size={array.shape})"
    kind = ", dtype=float" if array.dtype.kind == "f" else ""
    return f"np.array({json.dumps(array.tolist())}{kind})"
